/** What there is to see of a rollup without a run: how far it has come, the buckets of a slice, a bucket beside its events. */
import { bucketAt, type Bucket } from '../../lib/calendar.ts'
import { SluiceError } from '../../lib/error.ts'
import { madeOf, stretchOf, type Grain, type Weekday } from '../../lib/grain.ts'
import { sql, type Session } from '../../lib/sql.ts'
import { sqlState } from '../../stores/postgres/errors.ts'
import { readMarks, type Mark } from '../../state/dirty.ts'
import { readPosition } from '../../state/position.ts'
import { whateverIsDue, type Flow } from '../flow.ts'
import { endOf } from '../source.ts'
import { approximateOf, levelName, shownColumnsOf, type ColumnRef, type Measure, type RollupOptions } from './config.ts'
import { findEvents, type Events } from './events/events.ts'
import { distrusted, lookCounted, lookRollup, stateOf, wholeBecause, type Position } from './facts.ts'
import { timesAlone } from './marks.ts'
import { stretchesOf } from './plan.ts'
import { bucketsOf, stretchOfKey } from './slices.ts'
import { bothSides } from './sql/compare.ts'
import { lastVerification, rowsByBucket, rowsByGrain } from './sql/recorded.ts'
import { readStanding } from './sql/table.ts'
import { neverCounted } from './verify.ts'
import { bucketsOfTouched, touchedBy, wayOf } from './work.ts'

/** What it takes: a signal that ends the reading of what a store has. */
export type LookedAt = Parameters<typeof lookRollup>[2]

export interface RollupGrain {
  readonly grain: Grain
  /** Null: of the events themselves. */
  readonly madeOf: Grain | null
  /** How long a slice of it is. */
  readonly slice: 'day' | 'month' | 'year'
  /** Milliseconds; null: for ever. */
  readonly keep: number | null
  readonly slices: number
  readonly rows: number
  readonly dirty: number
  /** Keys of the slices that those lie in, the newest first, so many at most. */
  readonly dirtySlices: readonly string[]
}

const dirtySlicesShown = 1_000

export interface RollupLook {
  readonly flow: string
  /** `store`: the one that has the events; null: the application database has. */
  readonly source: {
    readonly table: string
    readonly store: string | null
    readonly joined: readonly string[]
    readonly at: string
  }
  readonly target: string
  readonly zone: string
  readonly weekStart: Weekday
  /** Fine to coarse. */
  readonly grains: readonly RollupGrain[]
  readonly levels: readonly { readonly name: string; readonly dimensions: readonly string[] }[]
  readonly dimensions: readonly { readonly name: string; readonly from: string }[]
  readonly measures: readonly {
    readonly name: string
    readonly fn: Measure['fn']
    readonly of: string | null
    /** Its standard error, relative; null: it is exact. */
    readonly approximate: { readonly error: number } | null
  }[]
  /** How long events are there, in milliseconds; null: for ever. */
  readonly keepRaw: number | null
  /** Milliseconds that are redone by every run; null: triggers mark what changes, or everything is redone when a store has changed. */
  readonly lookback: number | null
  /** All that happened before is counted, but for what is dirty; null: nothing is. */
  readonly through: Date | null
  /** Why the next run counts everything anew; null: it does not. */
  readonly anew: string | null
  readonly verified: {
    readonly run: string
    readonly at: Date
    readonly slices: number
    readonly differs: number
    readonly failed: number
  } | null
}

/**
 *     missing ──▶ waiting ──▶ partial ──▶ done ──▶ frozen | expired
 *                                │          ▲
 *                                └─▶ dirty ─┘
 * `missing`: nothing was counted yet; `waiting`: it begins after all that is counted; `partial`: it is not over, what is counted of it is
 * there; `frozen`: its events are no longer kept; `expired`: it is not kept itself.
 */
export type BucketState = 'missing' | 'waiting' | 'partial' | 'done' | 'dirty' | 'frozen' | 'expired'

export interface LookedBucket {
  readonly from: Date
  readonly to: Date
  readonly rows: number
  readonly state: BucketState
}

export interface BucketRow {
  readonly level: string
  /** The dimensions, as text; those that the level lacks are null. */
  readonly key: Readonly<Record<string, string | null>>
  /** `missing`: the table lacks it; `extra`: the events do not have it; null: they agree. */
  readonly difference: 'missing' | 'extra' | 'changed' | null
  /** The measures that differ; of one that is approximate also its `…_sketch`, which is not shown. */
  readonly columns: readonly string[]
  readonly events: Readonly<Record<string, string | null>> | null
  readonly table: Readonly<Record<string, string | null>> | null
}

export interface ComparedBucket extends LookedBucket {
  readonly grain: Grain
  readonly level: string | null
  readonly dimensions: readonly string[]
  readonly measures: readonly string[]
  /** Those of them that are not exact, with their relative standard error. */
  readonly approximate: Readonly<Record<string, { readonly error: number }>>
  /** Of all rows, shown or not. */
  readonly counts: {
    readonly events: number
    readonly table: number
    readonly missing: number
    readonly extra: number
    readonly changed: number
  }
  readonly shown: readonly BucketRow[]
}

const tableName = ({ schema, table }: { readonly schema: string; readonly table: string }): string =>
  `${schema}.${table}`
const written = ({ of, column }: ColumnRef): string => (of === null ? column : `${of}.${column}`)

function sourceOf({ from, at }: RollupOptions): RollupLook['source'] {
  if (from.tag === 'table') return { table: tableName(from), store: null, joined: from.joins.map(tableName), at }
  const { store, name } = endOf(from.store, from.source)
  return { table: name, store, joined: [], at }
}

interface Standing {
  readonly position: Position | undefined
  readonly through: number | null
  readonly marks: readonly Mark[]
  /** Why the next run counts everything anew, or cannot count. */
  readonly anew: string | null
}

async function standingOf(flow: Flow<RollupOptions>, context: LookedAt): Promise<Standing> {
  const state = stateOf(context)
  const position = (await readPosition(context.state, state, flow.name)) as Position | undefined // only `run.ts` writes it
  const through = position === undefined ? null : Date.parse(position.through)
  try {
    // Whether a store has other events by now the next run asks it.
    if (flow.options.from.tag === 'store') {
      const counted = await lookCounted(flow, context)
      return { position, through, marks: counted.marks, anew: distrusted(flow, counted) }
    }
    const facts = await lookRollup(flow, whateverIsDue, context)
    return { position, through, marks: facts.marks, anew: wholeBecause(flow, whateverIsDue, facts) }
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    const marks = timesAlone(await readMarks(context.state, state, flow.name))
    return { position, through, marks, anew: error.summary }
  }
}

export async function lookAt(flow: Flow<RollupOptions>, context: LookedAt): Promise<RollupLook> {
  const { options } = flow
  const state = stateOf(context)
  const { through, marks, anew } = await standingOf(flow, context)
  const rows = await context.state.all<{ grain: string; slices: number; rows: number }>(rowsByGrain(state, flow.name))
  const verified = await context.state.maybe<NonNullable<RollupLook['verified']> & Record<string, unknown>>(
    lastVerification(state, flow.name),
  )
  const dirty = through === null ? null : bucketsOfTouched(options, touchedBy(options, marks), through)
  const slices = dirty === null ? [] : stretchesOf(options, dirty)
  const distinct = options.measures.some(({ fn }) => fn === 'distinct')
  return {
    flow: flow.name,
    source: sourceOf(options),
    target: tableName(options.to),
    zone: options.calendar.zone,
    weekStart: options.calendar.weekStart,
    grains: options.grains.map((grain) => {
      const recorded = rows.find((row) => row.grain === grain)
      return {
        grain,
        // Different values are counted from the events alone.
        madeOf: distinct ? null : madeOf(grain, options.grains),
        slice: stretchOf(grain),
        keep: options.keep[grain] ?? null,
        slices: recorded?.slices ?? 0,
        rows: recorded?.rows ?? 0,
        dirty: dirty?.get(grain)?.length ?? 0,
        dirtySlices: slices
          .filter((one) => one.grain === grain)
          .slice(-dirtySlicesShown)
          .map(({ slice }) => slice.key)
          .toReversed(),
      }
    }),
    levels: options.levels.map((level) => ({ name: levelName(level), dimensions: level })),
    dimensions: options.dimensions.map(({ name, from }) => ({ name, from: written(from) })),
    measures: options.measures.map(({ name, fn, of }) => ({
      name,
      fn,
      of: of === null ? null : written(of),
      approximate: approximateOf({ fn }),
    })),
    keepRaw: options.keepRaw,
    lookback: options.track.tag === 'lookback' ? options.track.ms : null,
    through: through === null ? null : new Date(through),
    anew,
    verified: verified ?? null,
  }
}

/** The buckets of a slice, in order. `SLICE_UNKNOWN` */
export async function bucketsIn(
  flow: Flow<RollupOptions>,
  key: string,
  context: LookedAt,
): Promise<{ readonly grain: Grain; readonly buckets: readonly LookedBucket[] }> {
  const { options } = flow
  const stretch = stretchOfKey(key, options.calendar, options.grains)
  if (stretch === null) {
    throw new SluiceError('SLICE_UNKNOWN', 'There is no slice of that key', {
      why: `${flow.name} counts by ${options.grains.join(', ')} in ${options.calendar.zone}, and none of its slices is called so`,
      fix: `GET /api/flows/${flow.name}/slices lists them`,
      where: { flow: flow.name },
    })
  }
  const buckets = bucketsOf(stretch, options.calendar)
  const standing = await readStanding(context.state, options.to)
  const found =
    standing === null
      ? []
      : await context.state.all<{ bucket: Date; rows: number }>(
          rowsByBucket(options, stretch.grain, new Date(stretch.from), new Date(stretch.to)),
        )
  const rows = new Map(found.map((row) => [row.bucket.getTime(), row.rows]))
  const stateOfBucket = await judge(flow, context, stretch.grain)
  return {
    grain: stretch.grain,
    buckets: buckets.map((bucket) => ({
      from: new Date(bucket.from),
      to: new Date(bucket.to),
      rows: rows.get(bucket.from) ?? 0,
      state: stateOfBucket(bucket),
    })),
  }
}

async function judge(
  flow: Flow<RollupOptions>,
  context: LookedAt,
  grain: Grain,
): Promise<(bucket: Bucket) => BucketState> {
  const { options } = flow
  const { through, marks, position, anew } = await standingOf(flow, context)
  const { now } = await context.state.one<{ now: Date }>(sql`select ${stateOf(context).now} as "now"`)
  const dirty =
    through === null
      ? new Set<number>()
      : new Set(
          bucketsOfTouched(options, touchedBy(options, marks), through)
            .get(grain)
            ?.map(({ from }) => from),
        )
  return (bucket) => {
    if (through === null) return 'missing'
    if (bucket.from >= through) return 'waiting'
    const way = wayOf(options, grain, bucket, { now: now.getTime(), clear: null, since: position?.since ?? {} })
    if (way.tag === 'expired' || way.tag === 'frozen') return way.tag
    if (anew !== null || dirty.has(bucket.from)) return 'dirty'
    return bucket.to > through ? 'partial' : 'done'
  }
}

/** The rows of a bucket beside what its events say, as of one moment. `USAGE`, `TARGET_MISSING` */
export async function compareBucket(
  flow: Flow<RollupOptions>,
  asked: { readonly grain: string; readonly at: Date; readonly level: string | null; readonly limit: number },
  context: LookedAt,
): Promise<ComparedBucket> {
  const { options } = flow
  const grain = options.grains.find((one) => one === asked.grain)
  if (grain === undefined) throw odd(flow, `it does not count by ${asked.grain}`, options.grains)
  const names = options.levels.map(levelName)
  const order = options.levels.toSorted((a, b) => a.length - b.length).map(levelName)
  if (asked.level !== null && !names.includes(asked.level))
    throw odd(
      flow,
      `it has no level ${asked.level}`,
      names.map((name) => `level ${name}`),
    )
  const bucket = bucketAt(asked.at.getTime(), grain, options.calendar)
  const standing = await readStanding(context.state, options.to)
  const { through } = await standingOf(flow, context)
  if (standing === null || through === null) throw neverCounted(flow)
  const start = new Date(bucket.from)
  const { level, limit } = asked
  const rows =
    bucket.from >= through
      ? []
      : await inTime(flow, context, async (events, tx) => {
          const counted = await events.count(tx, { grain, buckets: [bucket], through })
          return await tx.all<FoundRow>(bothSides(options, standing, { grain, start, level, order, counted, limit }))
        })
  const [first] = rows
  const state = (await judge(flow, context, grain))(bucket)
  return {
    grain,
    level,
    from: start,
    to: new Date(bucket.to),
    rows: first?.countTable ?? 0,
    state,
    dimensions: options.dimensions.map(({ name }) => name),
    measures: options.measures.flatMap(shownColumnsOf),
    approximate: approximateIn(options),
    counts: {
      events: first?.countEvents ?? 0,
      table: first?.countTable ?? 0,
      missing: first?.missing ?? 0,
      extra: first?.extra ?? 0,
      changed: first?.changed ?? 0,
    },
    shown: rows.map((row) => ({
      level: row.level,
      key: row.key,
      difference: row.difference,
      columns: row.columns,
      events: row.events,
      table: row.kept,
    })),
  }
}

const timeoutMs = 30_000

async function inTime(
  flow: Flow<RollupOptions>,
  { state, stores }: Pick<LookedAt, 'state' | 'stores'>,
  read: (events: Events, tx: Session) => Promise<readonly FoundRow[]>,
): Promise<readonly FoundRow[]> {
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const { events } = await findEvents(flow, { stores, signal }, state)
    return await state.transaction(
      async (tx) => {
        await tx.run(sql`select set_config('statement_timeout', ${String(timeoutMs)}, true)`)
        return await read(events, tx)
      },
      // What a store has counted lands in a table of the session's own.
      { readOnly: flow.options.from.tag === 'table' },
    )
  } catch (error) {
    if (sqlState(error) !== '57014' && !signal.aborted) throw error
    throw new SluiceError('READ_TIMEOUT', `the comparison of a bucket of ${flow.name} was given up`, {
      why: `it took longer than ${timeoutMs / 1000} s, or somebody cancelled it: all events of the bucket are counted once more`,
      fix: `compare a bucket of a finer grain, or all of them: sluice verify ${flow.name}`,
      where: { flow: flow.name },
      cause: error,
    })
  }
}

function approximateIn({ measures }: RollupOptions): ComparedBucket['approximate'] {
  return Object.fromEntries(
    measures.flatMap((measure) => {
      const found = approximateOf(measure)
      return found === null ? [] : [[measure.name, found]]
    }),
  )
}

interface FoundRow extends Omit<BucketRow, 'table'> {
  readonly [column: string]: unknown
  readonly kept: BucketRow['table']
  readonly countEvents: number
  readonly countTable: number
  readonly missing: number
  readonly extra: number
  readonly changed: number
}

function odd({ name }: Flow, why: string, there: readonly string[]): SluiceError {
  return new SluiceError('USAGE', `that cannot be asked of ${name}`, {
    why,
    fix: `it has ${there.join(', ')}`,
    where: { flow: name },
  })
}
