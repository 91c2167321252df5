import { z } from 'zod'
import { parseDuration } from '../../lib/duration.ts'
import type { Json } from '../../lib/json.ts'
import type { Schedule } from '../../lib/schedule.ts'
import type { Calendar } from '../../lib/calendar.ts'
import { byLength, grains, weekdays, type Grain } from '../../lib/grain.ts'
import type { Files } from '../../lib/reference.ts'
import { sketchError } from '../../lib/sketch.ts'
import { isNamedZone, isZone } from '../../lib/zone.ts'
import type { SourceSpec } from '../flow.ts'
import { sourceOf, storeOf, writtenChanged, writtenSources, type WrittenSource } from '../source.ts'

const name = z.string().min(1).max(63)
const duration = z.string().refine((text) => parseDuration(text) !== undefined, 'not a duration such as 90d or 2 weeks')
const reference = z.string().min(1).describe('a column of the events, or `alias.column` of a joined table')

const events = z.strictObject({
  table: name.describe('a table of the application database, `schema.table` or just `table` (schema `public`)'),
  join: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'an alias has letters, digits and _ only'),
      z.strictObject({
        table: name,
        on: z
          .record(name, reference)
          .describe('its columns → the columns of the events, or of a table joined before it, that they equal'),
      }),
    )
    .default({})
    .describe('tables that say more of an event, by alias; one row of theirs at most fits an event'),
})

const measure = z.union([
  z.literal('count').describe('how many events'),
  z.strictObject({ count: reference.describe('how many events have a value there') }),
  z.strictObject({ sum: reference }),
  z.strictObject({ min: reference }),
  z.strictObject({ max: reference }),
  z.strictObject({ avg: reference }),
  z.strictObject({ distinct: reference.describe('how many different values; exact, hence never summed') }),
  z.strictObject({
    approximate: reference.describe(
      'about how many different values: up to 1,023 exactly, of more with a standard error of 3 %; coarser periods are made of finer ones',
    ),
  }),
])

const to = z.union([
  name.describe('a table of the application database, `schema.table` or just `table` (schema `public`)'),
  z.strictObject({ table: name, schema: name.default('public') }),
])

const from = z.union([
  name,
  events,
  writtenSources.query,
  // A table of which no store is named is one of the application's.
  writtenSources.table.required({ store: true }),
  writtenSources.file,
  writtenSources.parquet,
  writtenSources.csv,
  writtenSources.json,
])

/** What a user writes in `rollup({…})`, besides the timing that every kind has. */
export const rollupDefinition = z.strictObject({
  from: from.describe(
    'what has a row for each event: a table of the application database, or what a store has, which is then counted there',
  ),
  changed: writtenChanged,
  at: name.describe('the column that says when the event was; without a time zone of its own it is in `zone`'),
  to: to.describe('the table that the counts go to; created if missing'),
  zone: z.string().default('UTC').describe('whose clocks say when a period begins, as `Europe/Berlin`'),
  weekStart: z.enum(weekdays).default('monday').describe('the day that a week begins with'),
  grains: z.array(z.enum(grains)).min(1).describe('the periods to count by'),
  by: z
    .union([z.array(reference), z.record(name, reference)])
    .default([])
    .describe('the dimensions: columns, or name → column'),
  levels: z
    .array(z.array(name))
    .min(1)
    .optional()
    .describe('by which dimensions together there are counts; `[]` is the total; default: all of them, and the total'),
  measures: z.record(name, measure).describe('what is counted, by name'),
  keep: z
    .partialRecord(z.enum([...grains, 'raw']), duration)
    .default({})
    .describe(
      'how long buckets of a grain are kept; `raw`: how long the events are, older buckets are left as they are',
    ),
  track: z
    .union([z.literal('triggers'), z.strictObject({ lookback: duration })])
    .optional()
    .describe(
      'how changed events are noticed: by triggers on their table, whatever their age (default); or by redoing what is not older. Of events in a store, without a lookback: whenever their source has changed, all are counted anew',
    ),
})

export type RollupDefinition = z.input<typeof rollupDefinition>

export interface TableRef {
  readonly schema: string
  readonly table: string
}

/** A column: of the events (`of` null), or of a joined table. */
export interface ColumnRef {
  readonly of: string | null
  readonly column: string
}

export interface Join extends TableRef {
  readonly alias: string
  readonly on: readonly { readonly theirs: string; readonly ours: ColumnRef }[]
}

export interface Dimension {
  readonly name: string
  readonly from: ColumnRef
}

export type Measure =
  | { readonly name: string; readonly fn: 'count'; readonly of: ColumnRef | null }
  | {
      readonly name: string
      readonly fn: 'sum' | 'min' | 'max' | 'avg' | 'distinct' | 'approximate'
      readonly of: ColumnRef
    }

/** Events in a table of the application database. */
export interface TableEvents extends TableRef {
  readonly tag: 'table'
  readonly joins: readonly Join[]
}

/** Events that a store has: it counts them itself. */
export interface StoreEvents {
  readonly tag: 'store'
  readonly store: string
  readonly source: SourceSpec
}

/** A rollup as it runs. */
export interface RollupOptions<From = TableEvents | StoreEvents> {
  readonly from: From
  readonly at: string
  readonly to: TableRef
  readonly calendar: Calendar
  /** Fine to coarse. */
  readonly grains: readonly Grain[]
  readonly dimensions: readonly Dimension[]
  /** Names of dimensions, in the order of `dimensions`. */
  readonly levels: readonly (readonly string[])[]
  readonly measures: readonly Measure[]
  /** Milliseconds; a grain that is not named is kept for ever. */
  readonly keep: Partial<Readonly<Record<Grain, number>>>
  /** Milliseconds; null: the events are there for ever. */
  readonly keepRaw: number | null
  /** `source`: all is counted anew whenever the source is another one than it was. */
  readonly track:
    | { readonly tag: 'triggers' }
    | { readonly tag: 'lookback'; readonly ms: number }
    | { readonly tag: 'source' }
}

export type TableRollup = RollupOptions<TableEvents>
export type StoreRollup = RollupOptions<StoreEvents>

/** What the table calls a level: its dimensions, or `total`. */
export function levelName(level: readonly string[]): string {
  return level.length === 0 ? 'total' : level.join('+')
}

/** Columns that every rollup's table has, before dimensions and measures. */
export const fixedColumns = ['grain', 'level', 'bucket'] as const

/** The columns of the table that hold a measure: an average is kept as what it is made of, too, an approximate number as its sketch. */
export function columnsOf(measure: Measure): readonly string[] {
  if (measure.fn === 'avg') return [measure.name, `${measure.name}_sum`, `${measure.name}_count`]
  return measure.fn === 'approximate' ? [measure.name, sketchColumn(measure)] : [measure.name]
}

/** Those of them that are numbers for people. */
export function shownColumnsOf(measure: Measure): readonly string[] {
  return measure.fn === 'approximate' ? [measure.name] : columnsOf(measure)
}

/** The column that holds the hashes which an approximate number is told from (`lib/sketch.ts`). */
export const sketchColumn = ({ name: measure }: Pick<Measure, 'name'>): string => `${measure}_sketch`

/** What is said of those that are approximate wherever measures are named: null if none is. */
export function approximateWords(measures: readonly Measure[]): string | null {
  const names = measures.flatMap((measure) => (approximateOf(measure) === null ? [] : [measure.name]))
  if (names.length === 0) return null
  return `${names.join(', ')}: approximate from 1,024 different values on, with a standard error of ${(100 * sketchError).toFixed(1)} %`
}

/** How far a measure may be off; null: it is exact. */
export function approximateOf({ fn }: Pick<Measure, 'fn'>): { readonly error: number } | null {
  return fn === 'approximate' ? { error: sketchError } : null
}

/** Faults that the shape alone does not show: path below the flow → what is wrong. Pure. */
export function faultsOf(
  definition: z.output<typeof rollupDefinition>,
): readonly { readonly path: string; readonly fault: string }[] {
  const faults: { path: string; fault: string }[] = []
  const { zone, from, keep, measures, levels } = definition
  const target = typeof definition.to === 'string' ? tableOf(definition.to) : definition.to
  if (!isZone(zone)) faults.push({ path: 'zone', fault: `no time zone is called "${zone}"; write it as Europe/Berlin` })
  else if (!isNamedZone(zone))
    faults.push({
      path: 'zone',
      fault: `"${zone}" is an offset, which PostgreSQL reads with the opposite sign; name a zone, as UTC or Asia/Kolkata`,
    })
  const table = tableIn(from)
  const joined = table?.join ?? {}
  const aliases = Object.keys(joined)
  const dimensions = dimensionsOf(definition.by)
  const refer = (path: string, written: string): void => {
    const { of } = referenceOf(written)
    if (of !== null && table === null)
      faults.push({ path, fault: `"${written}" is of "${of}", and what a store has is joined in a query of its own` })
    else if (of !== null && !aliases.includes(of))
      faults.push({ path, fault: `"${written}" is of "${of}", which \`from.join\` does not have` })
  }
  for (const { name: dimension, written } of dimensions) refer(`by.${dimension}`, written)
  for (const [measured, what] of Object.entries(measures))
    if (typeof what !== 'string') refer(`measures.${measured}`, Object.values(what)[0] ?? '')
  for (const [alias, { on }] of Object.entries(joined)) {
    if (Object.keys(on).length === 0) faults.push({ path: `from.join.${alias}.on`, fault: 'names no column' })
    for (const ours of Object.values(on)) {
      const { of } = referenceOf(ours)
      if (of !== null && !aliases.slice(0, aliases.indexOf(alias)).includes(of))
        faults.push({
          path: `from.join.${alias}.on`,
          fault: `"${ours}" is of "${of}", which is not joined before it`,
        })
    }
  }
  faults.push(...(table === null ? storeFaults(definition) : tableFaults(definition)))
  const isTarget = ({ schema, table }: TableRef): boolean => schema === target.schema && table === target.table
  const read = table === null ? [] : [table.table, ...Object.values(joined).map((one) => one.table)]
  if (read.map(tableOf).some(isTarget))
    faults.push({ path: 'to', fault: `"${target.schema}.${target.table}" is what is counted; name a table of its own` })
  if (Object.keys(measures).length === 0) faults.push({ path: 'measures', fault: 'there is nothing to count' })
  for (const { name: dimension } of dimensions)
    if (dimension === 'total' || dimension.includes('+'))
      faults.push({
        path: `by.${dimension}`,
        fault:
          dimension === 'total'
            ? 'total is what the level of no dimension is called; give the dimension another name: { …: column }'
            : `"${dimension}" has a +, which stands between the dimensions of a level; give it another name: { …: column }`,
      })
  const named = [
    ...fixedColumns.map((column) => ({ path: 'to', column })),
    ...dimensions.map(({ name: dimension }) => ({ path: `by.${dimension}`, column: dimension })),
    ...measuresOf(measures).flatMap((one) =>
      columnsOf(one).map((column) => ({ path: `measures.${one.name}`, column })),
    ),
  ]
  const columns = named.map(({ column }) => column)
  for (const column of columns)
    if (column.startsWith('sluice_'))
      faults.push({ path: 'measures', fault: `"${column}" begins with sluice_, as names of our own do` })
  for (const { path, column } of named)
    if (tooLong(column))
      faults.push({ path, fault: `"${column}" is too long for the name of a column, which has 63 bytes` })
  for (const { path, ref } of [
    ...(table === null ? [] : [{ path: 'from', ref: tableOf(table.table) }]),
    { path: 'to', ref: target },
    ...Object.entries(joined).map(([alias, one]) => ({ path: `from.join.${alias}`, ref: tableOf(one.table) })),
  ])
    for (const part of [ref.schema, ref.table])
      if (tooLong(part))
        faults.push({ path, fault: `"${part}" is too long for a name in PostgreSQL, which has 63 bytes` })
  for (const alias of aliases)
    if (tooLong(alias))
      faults.push({ path: `from.join.${alias}`, fault: `"${alias}" is too long for an alias, which has 63 bytes` })
  if (aliases.includes('t'))
    faults.push({ path: 'from.join.t', fault: 't is what the events are called; choose another alias' })
  for (const column of new Set(columns.filter((one, at) => columns.indexOf(one) !== at)))
    faults.push({ path: 'measures', fault: `two columns of the table would be called "${column}"` })
  for (const [at, level] of (levels ?? []).entries())
    for (const one of level)
      if (!dimensions.some(({ name: dimension }) => dimension === one))
        faults.push({ path: `levels.${at}`, fault: `"${one}" is none of the dimensions in \`by\`` })
  for (const grain of Object.keys(keep))
    if (grain !== 'raw' && !definition.grains.some((one) => one === grain))
      faults.push({ path: `keep.${grain}`, fault: `${grain} is none of \`grains\`` })
  faults.push(...keepFaults(definition))
  return faults
}

type Written = z.output<typeof rollupDefinition>

/** The table of the application database that has the events; null: a store has them. */
function tableIn(from: Written['from']): z.output<typeof events> | null {
  if (typeof from === 'string') return { table: from, join: {} }
  return 'join' in from ? from : null
}

/** What a rollup over a store reads; null: its events are in the application database. */
export function storeSourceOf({ from }: Pick<Written, 'from'>): WrittenSource | null {
  return typeof from === 'string' || 'join' in from ? null : from
}

type Fault = { readonly path: string; readonly fault: string }

function tableFaults({ changed }: Written): readonly Fault[] {
  if (changed === undefined) return []
  return [
    { path: 'changed', fault: 'of a table of the application database, triggers or a lookback tell what changed' },
  ]
}

function storeFaults({ track, measures }: Written): readonly Fault[] {
  const faults: Fault[] = []
  if (track === 'triggers')
    faults.push({
      path: 'track',
      fault: "a store has no triggers; leave it out, or set { lookback: '3d' } where older events do not change",
    })
  for (const one of measuresOf(measures))
    if (one.fn === 'approximate')
      faults.push({
        path: `measures.${one.name}`,
        fault: 'is told from hashes that PostgreSQL makes; of what a store has, count { distinct: … }',
      })
  return faults
}

/** The longest that a bucket of a grain can be. */
const longest: Readonly<Record<Grain, number>> = {
  'quarter-hour': 900_000,
  hour: 3_600_000,
  day: 90_000_000,
  week: 7 * 86_400_000 + 3_600_000,
  month: 31 * 86_400_000 + 3_600_000,
  quarter: 92 * 86_400_000 + 3_600_000,
  year: 366 * 86_400_000 + 3_600_000,
}

/** Different values of a year cannot be counted when the events of January are gone in March. */
function keepFaults(definition: z.output<typeof rollupDefinition>): { path: string; fault: string }[] {
  const raw = definition.keep.raw === undefined ? null : (parseDuration(definition.keep.raw) ?? 0)
  const distinct = measuresOf(definition.measures).find(({ fn }) => fn === 'distinct')
  if (raw === null || distinct === undefined) return []
  const grain = definition.grains.toSorted(byLength).at(-1)
  if (grain === undefined || raw >= longest[grain]) return []
  return [
    {
      path: 'keep.raw',
      fault: `different values of ${distinct.name} by ${grain} are counted from the events of all of it, which have to be kept as long; leave ${grain} out of \`grains\`, keep the events longer, or count { approximate: … }`,
    },
  ]
}

/** PostgreSQL cuts what is longer, and then two names may be one. */
const tooLong = (written: string): boolean => Buffer.byteLength(written) > 63

function referenceOf(written: string): ColumnRef {
  const dot = written.indexOf('.')
  return dot < 0 ? { of: null, column: written } : { of: written.slice(0, dot), column: written.slice(dot + 1) }
}

/** `['blog', 'blog.country']` are called blog and country. */
function dimensionsOf(
  by: readonly string[] | Readonly<Record<string, string>>,
): readonly { readonly name: string; readonly written: string }[] {
  // An array is no record; TypeScript does not narrow readonly arrays by isArray.
  if (Array.isArray(by))
    return (by as readonly string[]).map((written) => ({ name: referenceOf(written).column, written }))
  return Object.entries(by as Readonly<Record<string, string>>).map(([name, written]) => ({ name, written }))
}

function measuresOf(measures: z.output<typeof rollupDefinition>['measures']): readonly Measure[] {
  return Object.entries(measures).map(([name, what]): Measure => {
    if (what === 'count') return { name, fn: 'count', of: null }
    if ('count' in what) return { name, fn: 'count', of: referenceOf(what.count) }
    if ('sum' in what) return { name, fn: 'sum', of: referenceOf(what.sum) }
    if ('min' in what) return { name, fn: 'min', of: referenceOf(what.min) }
    if ('max' in what) return { name, fn: 'max', of: referenceOf(what.max) }
    if ('avg' in what) return { name, fn: 'avg', of: referenceOf(what.avg) }
    if ('distinct' in what) return { name, fn: 'distinct', of: referenceOf(what.distinct) }
    return { name, fn: 'approximate', of: referenceOf(what.approximate) }
  })
}

function tableOf(written: string): TableRef {
  const dot = written.indexOf('.')
  return dot < 0
    ? { schema: 'public', table: written }
    : { schema: written.slice(0, dot), table: written.slice(dot + 1) }
}

/** What dimensions and measures are called. */
export function namesIn({ by, measures }: Pick<Written, 'by' | 'measures'>): {
  readonly dimensions: readonly string[]
  readonly measures: readonly string[]
} {
  return { dimensions: dimensionsOf(by).map((one) => one.name), measures: Object.keys(measures) }
}

/** Turns what a user wrote into what runs. Reads the files that it names. */
export function resolveRollup(definition: Written, files: Files): RollupOptions {
  const { at, to: target, zone, weekStart, keep } = definition
  const dimensions = dimensionsOf(definition.by).map(({ name, written }) => ({ name, from: referenceOf(written) }))
  const order = dimensions.map(({ name }) => name)
  const written = definition.levels ?? (order.length === 0 ? [[]] : [order, []])
  const levels = new Map(
    written.map((level) => {
      const sorted = order.filter((name) => level.includes(name))
      return [levelName(sorted), sorted] as const
    }),
  )
  const kept = Object.entries(keep).flatMap(([grain, text]) =>
    grain === 'raw' || text === undefined ? [] : [[grain, parseDuration(text) ?? 0] as const],
  )
  return {
    from: eventsOf(definition, files),
    at,
    to: typeof target === 'string' ? tableOf(target) : target,
    calendar: { zone, weekStart },
    grains: [...new Set(definition.grains)].toSorted(byLength),
    dimensions,
    levels: [...levels.values()],
    measures: measuresOf(definition.measures),
    keep: Object.fromEntries(kept),
    keepRaw: keep.raw === undefined ? null : (parseDuration(keep.raw) ?? 0),
    track: trackOf(definition),
  }
}

function eventsOf({ from, changed }: Pick<Written, 'from' | 'changed'>, files: Files): TableEvents | StoreEvents {
  const source = storeSourceOf({ from })
  if (source !== null) return { tag: 'store', store: storeOf(source), source: sourceOf(source, changed, files) }
  const table = tableIn(from)
  return {
    tag: 'table',
    ...tableOf(table?.table ?? ''),
    joins: Object.entries(table?.join ?? {}).map(([alias, { table: joined, on }]) => ({
      alias,
      ...tableOf(joined),
      on: Object.entries(on).map(([theirs, ours]) => ({ theirs, ours: referenceOf(ours) })),
    })),
  }
}

function trackOf({ from, track }: Pick<Written, 'from' | 'track'>): RollupOptions['track'] {
  if (typeof track === 'object') return { tag: 'lookback', ms: parseDuration(track.lookback) ?? 0 }
  return storeSourceOf({ from }) === null ? { tag: 'triggers' } : { tag: 'source' }
}

/** What decides the content of the table, for `definition_hash`: not how long it is kept. */
export function contentOf(options: RollupOptions): Json {
  const { from, at, to: target, calendar, grains: all, dimensions, levels, measures } = options
  return JSON.parse(
    JSON.stringify({ from, at, to: target, calendar, grains: all, dimensions, levels, measures }),
  ) as Json // what was serialized is JSON
}

const minute = 60_000

/**
 * When it is due if nobody says: when a period of its finest grain is over, and a grace for what is written late. Coarser periods
 * end with one of these, and are done by the same run.
 */
export function defaultSchedule({ grains: all, calendar }: RollupOptions): Schedule {
  const [finest = 'day'] = all
  const { zone, weekStart } = calendar
  switch (finest) {
    case 'quarter-hour':
      return { tag: 'every', every: 15 * minute, offset: 2 * minute }
    case 'hour':
      return { tag: 'every', every: 60 * minute, offset: 5 * minute }
    case 'day':
      return { tag: 'cron', cron: '15 0 * * *', zone }
    case 'week':
      return { tag: 'cron', cron: `30 0 * * ${(weekdays.indexOf(weekStart) + 1) % 7}`, zone }
    case 'month':
      return { tag: 'cron', cron: '45 0 1 * *', zone }
    case 'quarter':
      return { tag: 'cron', cron: '50 0 1 1,4,7,10 *', zone }
    case 'year':
      return { tag: 'cron', cron: '0 1 1 1 *', zone }
  }
}
