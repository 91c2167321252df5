/** Both sides of a bucket: what its events say, and the rows that the table has. */
import { ident, join, literal, raw, sql, type Query } from '../../../lib/sql.ts'
import { columnsOf, shownColumnsOf, type Measure, type RollupOptions } from '../config.ts'
import { instant } from './buckets.ts'
import { columnNames, tableOf } from './count.ts'
import type { StandingColumn } from './table.ts'

type Side = 'events' | 'table'

/** A measure of one side, as text: numbers without the zeros that their way of being counted added. */
function measureText(name: string, side: Side): Query {
  return sql`min(case when pg_typeof(${ident(name)}) = 'numeric'::regtype then trim_scale(round(${ident(name)}::text::numeric, 12))::text
    when pg_typeof(${ident(name)}) in ('double precision'::regtype, 'real'::regtype) then to_char(${ident(name)}::text::float8, '9.99999999999EEEE')
    else ${ident(name)}::text end) filter (where sluice_side = ${literal(side)})`
}

/**
 * How far sums of `real` and `double precision` may be apart, of the larger: what they add up to depends on the order, which is another
 * one whenever events are read. What cancels out may be farther apart than that; `numeric` never is.
 */
const tolerance = { real: '0.0001', 'double precision': '0.000000001' } as const

/** By column of a measure, whether its sides differ. */
export function differencesOf(measure: Measure): readonly { readonly name: string; readonly differs: Query }[] {
  const added = measure.fn === 'sum' ? measure.name : measure.fn === 'avg' ? `${measure.name}_sum` : null
  return columnsOf(measure).map((name) => {
    const differs = sql`${measureText(name, 'events')} is distinct from ${measureText(name, 'table')}`
    if (added === null) return { name, differs }
    const type = sql`min(pg_typeof(${ident(added)})::text)`
    const [events, table] = [number(name, 'events'), number(name, 'table')]
    const near = Object.entries(tolerance).map(
      ([of, most]) => sql`when ${type} = ${literal(of)} then ${events} is distinct from ${table} and coalesce(
        ${infinite(events)} or ${infinite(table)} or abs(${events} - ${table}) > ${raw(most)} * greatest(abs(${events}), abs(${table})), true)`,
    )
    return { name, differs: sql`(case ${join(near, ' ')} else ${differs} end)` }
  })
}

/** As `numeric`, which no difference overflows. */
const number = (name: string, side: Side): Query =>
  sql`(min(${ident(name)}::text) filter (where sluice_side = ${literal(side)}))::numeric`
const infinite = (value: Query): Query => sql`${value} in ('NaN', 'Infinity', '-Infinity')`

/**
 * Rows of both sides beside each other, those that differ first: `counted` selects what the events say, in the order of
 * `columnNames`. Counts are of all rows, whatever the limit.
 */
export function bothSides(
  options: RollupOptions,
  standing: readonly StandingColumn[],
  what: {
    readonly grain: string
    readonly start: Date
    readonly level: string | null
    /** How levels follow one another. */
    readonly order: readonly string[]
    readonly counted: Query
    readonly limit: number
  },
): Query {
  const types = new Map(standing.map(({ name, type }) => [name, type]))
  const names = columnNames(options)
  const dimensions = options.dimensions.map(({ name }) => name)
  const list = (parts: readonly Query[]): Query => join(parts, ', ')
  // A column that the table lacks as yet is added by the next run.
  const ofEvents = names.map((name) => sql`e.${ident(name)}::${raw(types.get(name) ?? 'text')}`)
  const ofTable = names.map((name) => (types.has(name) ? sql`t.${ident(name)}` : sql`null`))
  const only = (side: Query): Query => (what.level === null ? sql`true` : sql`${side}.level = ${what.level}`)
  const differs = options.measures
    .flatMap(differencesOf)
    .map((one) => sql`case when ${one.differs} then ${literal(one.name)} end`)
  const values = (side: Side): Query =>
    object(
      options.measures
        .flatMap(shownColumnsOf)
        .map((name) => [name, sql`min(${ident(name)}::text) filter (where sluice_side = ${literal(side)})`] as const),
    )
  const by = list([raw('level'), ...dimensions.map((name) => ident(name))])
  return sql`
    with both_sides as (
      select 'events'::text as sluice_side, ${list(ofEvents)} from (${what.counted}) as e (${list(names.map((name) => ident(name)))})
      where ${only(raw('e'))}
      union all
      select 'table', ${list(ofTable)} from ${tableOf(options)} as t
      where t.grain = ${what.grain} and t.bucket = ${instant(what.start.getTime())} and ${only(raw('t'))}
    ), paired as (
      select ${by}, count(*) filter (where sluice_side = 'events') as sluice_counted, count(*) filter (where sluice_side = 'table') as sluice_stored,
        array_remove(array[${list(differs)}]::text[], null) as sluice_columns, ${values('events')} as sluice_events, ${values('table')} as sluice_kept
      from both_sides group by ${by}
    ), judged as (
      select ${by}, sluice_counted, sluice_stored, sluice_events, sluice_kept,
        case when sluice_counted = 0 or sluice_stored = 0 then '{}'::text[] else sluice_columns end as sluice_columns,
        case when sluice_stored = 0 then 'missing' when sluice_counted = 0 then 'extra' when sluice_stored > 1 or cardinality(sluice_columns) > 0 then 'changed' end as sluice_difference
      from paired
    )
    select level, ${object(dimensions.map((name) => [name, sql`${ident(name)}::text`] as const))} as key, sluice_difference as difference, sluice_columns as columns,
      case when sluice_counted > 0 then sluice_events end as events, case when sluice_stored > 0 then sluice_kept end as kept,
      (sum(sluice_counted) over ())::float8 as "countEvents", (sum(sluice_stored) over ())::float8 as "countTable",
      (count(*) filter (where sluice_difference = 'missing') over ())::float8 as "missing",
      (count(*) filter (where sluice_difference = 'extra') over ())::float8 as "extra",
      (count(*) filter (where sluice_difference = 'changed') over ())::float8 as "changed"
    from judged
    order by sluice_difference is null, array_position(${what.order}::text[], level), level, ${list([...dimensions.map((name) => sql`${ident(name)}::text nulls last`), raw('sluice_difference')])}
    limit ${what.limit}`
}

/** `jsonb_build_object` takes a hundred arguments at most. */
function object(pairs: readonly (readonly [string, Query])[]): Query {
  if (pairs.length === 0) return sql`'{}'::jsonb`
  const parts: Query[] = []
  for (let at = 0; at < pairs.length; at += 50)
    parts.push(
      sql`jsonb_build_object(${join(
        pairs.slice(at, at + 50).map(([name, value]) => sql`${literal(name)}::text, ${value}`),
        ', ',
      )})`,
    )
  return parts.length === 1 ? join(parts) : sql`(${join(parts, ' || ')})`
}
