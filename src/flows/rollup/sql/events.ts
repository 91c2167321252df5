/** The events as a relation of their own: when, by what, and what is counted of each; whatever they are joined with. */
import { supported, writtenInstant } from '../../../lib/calendar.ts'
import { ident, join, literal, raw, sql, type Query } from '../../../lib/sql.ts'
import { hashOf } from '../../../lib/sketch.ts'
import type { ColumnRef, Join, Measure, RollupOptions, TableRollup } from '../config.ts'

/** What the events' time is in the table: with a zone of its own, or local time of the rollup's zone. */
export type AtType = 'instant' | 'local'

/** A column of the events (alias `t`) or of what is joined. */
export function column({ of, column: name }: ColumnRef): Query {
  return ident(of ?? 't', name)
}

/** The instant of an event, whatever type its column has. */
export function instant({ at, calendar }: Pick<RollupOptions, 'at' | 'calendar'>, type: AtType, of = 't'): Query {
  const written = ident(of, at)
  return type === 'instant' ? sql`${written}` : sql`(${written}::timestamp at time zone ${literal(calendar.zone)})`
}

/** `from "public"."blog_view" as t left join "public"."blog" as "blog" on …` */
export function fromEvents({ from }: TableRollup): Query {
  const { joins } = from
  const joined = joins.map(
    (one) => sql` left join ${ident(one.schema, one.table)} as ${ident(one.alias)} on ${onOf(one)}`,
  )
  return sql`from ${ident(from.schema, from.table)} as t${joined.length === 0 ? raw('') : join(joined, '')}`
}

/** The quarter of an hour that an instant lies in. */
export function quarter(at: Query): Query {
  return sql`date_bin('15 minutes', ${at}, '2000-01-01 00:00+00')`
}

/**
 * The quarters of an hour of the events that rows of one of the joined tables belong to: these rows instead of the table. What it is not
 * joined through is left out, since an event that finds nothing there is counted all the same.
 */
export function eventQuarters(
  options: TableRollup,
  type: AtType,
  {
    alias,
    rows,
    range,
  }: {
    readonly alias: string
    readonly rows: Query
    readonly range: { readonly from: Query; readonly to: Query } | null
  },
): Query {
  const { from } = options
  const { joins } = from
  const through = new Set<string | null>([alias])
  for (const one of joins.toReversed()) if (through.has(one.alias)) for (const { ours } of one.on) through.add(ours.of)
  const joined = joins
    .filter((one) => through.has(one.alias))
    .map((one) => {
      const table = one.alias === alias ? sql`(${rows})` : ident(one.schema, one.table)
      return sql` join ${table} as ${ident(one.alias)} on ${onOf(one)}`
    })
  const within = range === null ? isTime(ident('t', options.at)) : between(options, type, range.from, range.to)
  return sql`select distinct ${quarter(instant(options, type))} as "at" from ${ident(from.schema, from.table)} as t${join(joined, '')} where ${within}`
}

function onOf({ alias, on }: Join): Query {
  return join(
    on.map(({ theirs, ours }) => sql`${ident(alias, theirs)} = ${column(ours)}`),
    ' and ',
  )
}

function looked({ fn, of }: Measure): Query {
  if (of === null) return sql`true`
  return fn === 'approximate' ? hashOf(column(of)) : column(of)
}

/** Whether it is a time that buckets have, by the column itself; neither infinity is. */
export function isTime(at: Query): Query {
  return sql`${at} >= ${literal(writtenInstant(supported.from))} and ${at} < ${literal(writtenInstant(supported.to))}`
}

/** Of the events those in [from, to), by the column itself, so that an index on it serves; of local times a day more on either side. */
function between(options: TableRollup, type: AtType, from: Query, to: Query): Query {
  const at = ident('t', options.at)
  if (type === 'instant') return sql`${at} >= ${from} and ${at} < ${to}`
  const zone = literal(options.calendar.zone)
  return sql`${at} >= (${from} at time zone ${zone}) - interval '1 day' and ${at} < (${to} at time zone ${zone}) + interval '1 day'`
}

/**
 * `(select … as "at", … )`: an event a row, with the instant as `at`, its dimensions as `d0`, `d1`, … and what each measure looks at
 * as `m0`, `m1`, … (the events themselves: `true`; of what is approximate: its hash). Events without a time, or with one that no bucket has, are none. With a range: at least
 * those in it.
 */
export function eventsOf(
  options: TableRollup,
  type: AtType,
  range: { readonly from: Query; readonly to: Query } | null = null,
): Query {
  const columns = [
    sql`${instant(options, type)} as "at"`,
    ...options.dimensions.map(({ from }, index) => sql`${column(from)} as ${ident(`d${index}`)}`),
    ...options.measures.map((measure, index) => sql`${looked(measure)} as ${ident(`m${index}`)}`),
  ]
  const within = range === null ? isTime(ident('t', options.at)) : between(options, type, range.from, range.to)
  return sql`(select ${join(columns, ', ')} ${fromEvents(options)} where ${within})`
}
