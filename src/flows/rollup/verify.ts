/**
 * Every bucket against the events: a slice is compared as of one snapshot, the events counted once more beside the rows that are there.
 * Buckets that are marked as out of date are left out (their events have changed since, which is no finding), and so are those that were
 * counted further than the rest, and those whose events are no longer kept.
 */
import { ident, join, literal, raw, sql, type Session } from '../../lib/sql.ts'
import { bucketAt, bucketsBetween, type Bucket } from '../../lib/calendar.ts'
import type { Grain } from '../../lib/grain.ts'
import { SluiceError } from '../../lib/error.ts'
import { readMarks } from '../../state/dirty.ts'
import { readPosition } from '../../state/position.ts'
import {
  whateverIsDue,
  type Difference,
  type Flow,
  type LookContext,
  type SliceKey,
  type SliceRecord,
  type Verification,
  type VerifyRequest,
} from '../flow.ts'
import type { RollupOptions } from './config.ts'
import { isCounted, lookRollup, stateOf, throughOf, type Position, type RollupFacts } from './facts.ts'
import { timesAlone } from './marks.ts'
import { stretchOfKey, bucketsOf, stretchAt, type Stretch } from './slices.ts'
import { instants } from './sql/buckets.ts'
import { differencesOf } from './sql/compare.ts'
import { columnNames, tableOf } from './sql/count.ts'
import { readStrays, type Stray } from './sql/strays.ts'
import { bucketsOfTouched, touchedBy, type Buckets } from './work.ts'

const examplesShown = 10

export async function verifyRollup(
  flow: Flow<RollupOptions>,
  request: VerifyRequest,
  context: LookContext,
): Promise<readonly Verification[]> {
  const { options } = flow
  const state = stateOf(context)
  const facts = await lookRollup(flow, { ...whateverIsDue, slices: request.slices, backfill: true }, context)
  return await context.state.transaction(
    async (tx) => {
      const position = (await readPosition(tx, state, flow.name)) as Position | undefined // only `run.ts` writes it
      if (position === undefined || !facts.standing) throw neverCounted(flow)
      if (position.hash !== flow.definitionHash) throw changedSince(flow)
      const through = Date.parse(position.through)
      const found = await readMarks(tx, state, flow.name)
      const marks = facts.untracked === null ? await facts.events.times(tx, found) : timesAlone(found)
      const dirty = bucketsOfTouched(options, touchedBy(options, marks), through)
      const everything = marks.some(({ at }) => at === null)
      if (everything) return []
      const asked = stretchesFor(flow, request, facts, context, through)
      const since = options.keepRaw === null ? -Infinity : context.now.getTime() - options.keepRaw
      const spans = request.slices === null ? null : spansOf(asked)
      const strayed = await readStrays(tx, options, { through, since, spans })
      const newest = stretchAt(
        bucketAt(through - 1, options.grains[0] ?? 'day', options.calendar).from,
        options.grains[0] ?? 'day',
        options.calendar,
      )
      // A part that was asked for may be counted further than the rest; whether it is right is told when that has followed.
      const ahead = (key: SliceKey): number => {
        const asOf = context.slices.get(key)?.asOf ?? null
        return asOf === null ? through : Math.max(through, throughOf(options, asOf))
      }
      const home = strayed.homeless.length === 0 ? [] : [newest]
      const compared = request.slices === null ? inOrder([...asked, ...strayed.stretches, ...home]) : asked
      const strays = (key: SliceKey): readonly Stray[] => [
        ...(strayed.of.get(key) ?? []).filter(({ bucket }) => !isBetween(bucket, through, ahead(key))),
        // They lie in none; the newest slice says so, and takes them away.
        ...(key === newest.slice.key ? strayed.homeless : []),
      ]
      return await compareAll({ flow, facts, tx, context, through, ahead, dirty, strays }, compared)
    },
    { isolation: 'repeatable read' },
  )
}

function isBetween(bucket: string | null, from: number, to: number): boolean {
  const at = bucket === null ? Number.NaN : Date.parse(bucket)
  return at >= from && at < to
}

/** Those that were asked for; else every one that is recorded, and those of events that none is recorded for. */
function stretchesFor(
  { options }: Flow<RollupOptions>,
  { slices }: VerifyRequest,
  facts: RollupFacts,
  context: LookContext,
  through: number,
): readonly Stretch[] {
  const { calendar, grains } = options
  const recorded = [...context.slices.values()]
    .filter(({ state }) => state !== 'missing')
    .flatMap(({ key }) => stretchOfKey(key, calendar, grains) ?? [])
  const missed = facts.extent === null ? [] : grains.flatMap((grain) => spanning(options, grain, facts.extent, through))
  const wanted =
    slices === null ? [...recorded, ...missed] : slices.flatMap((key) => stretchOfKey(key, calendar, grains) ?? [])
  return inOrder(wanted)
}

function inOrder(stretches: readonly Stretch[]): readonly Stretch[] {
  return [...new Map(stretches.map((one) => [one.slice.key, one])).values()].toSorted(
    (a, b) => b.slice.ordinal - a.slice.ordinal,
  )
}

/** From the first to the last, by grain. */
function spansOf(stretches: readonly Stretch[]): ReadonlyMap<Grain, Bucket> {
  const spans = new Map<Grain, Bucket>()
  for (const { grain, from, to } of stretches) {
    const span = spans.get(grain) ?? { from, to }
    spans.set(grain, { from: Math.min(span.from, from), to: Math.max(span.to, to) })
  }
  return spans
}

/** So many days are looked at whether a slice is recorded of them or not. */
const daysAtMost = 40_000

function spanning(
  { calendar }: RollupOptions,
  grain: Grain,
  extent: Bucket | null,
  through: number,
): readonly Stretch[] {
  if (extent === null || (through - extent.from) / 86_400_000 > daysAtMost) return []
  const to = Math.min(extent.to, through)
  const found = new Map<string, Stretch>()
  for (const { from } of bucketsBetween(extent.from, Math.max(to, extent.from), 'day', calendar)) {
    const stretch = stretchAt(bucketAt(from, grain, calendar).from, grain, calendar)
    found.set(stretch.slice.key, stretch)
  }
  return [...found.values()]
}

interface Sides {
  readonly flow: Flow<RollupOptions>
  readonly facts: RollupFacts
  readonly tx: Session
  readonly context: LookContext
  readonly through: number
  /** How far a slice was counted, which is `through` or more. */
  readonly ahead: (key: SliceKey) => number
  readonly dirty: Buckets
  /** Rows that belong to no bucket of the slice. */
  readonly strays: (key: SliceKey) => readonly Stray[]
}

/** Grain by grain, in groups of slices: each group is one pass over its events. */
async function compareAll(sides: Sides, stretches: readonly Stretch[]): Promise<readonly Verification[]> {
  const { options } = sides.flow
  const found: Verification[] = []
  for (const grain of options.grains) {
    const own = stretches.filter((one) => one.grain === grain)
    // Where each group would read all events, one group is all.
    const size = sides.facts.events.indexed ? 64 : Math.max(1, own.length)
    for (let at = 0; at < own.length; at += size) found.push(...(await compare(sides, grain, own.slice(at, at + size))))
  }
  sides.context.log('info', `compared ${found.length} slices with the events`)
  return found
}

interface FoundRow {
  readonly [column: string]: unknown
  readonly bucket: Date
  readonly level: string
  readonly key: Readonly<Record<string, string | null>>
  readonly side: 'missing' | 'extra' | 'changed'
  readonly columns: readonly string[]
}

async function compare(sides: Sides, grain: Grain, stretches: readonly Stretch[]): Promise<readonly Verification[]> {
  const { flow, facts, tx, context, through, ahead, dirty, strays } = sides
  const moved = facts.events.mark?.known === true && !isCounted(facts)
  const { options } = flow
  const boundary = options.keepRaw === null ? -Infinity : context.now.getTime() - options.keepRaw
  const kept = options.keep[grain] === undefined ? -Infinity : context.now.getTime() - options.keep[grain]
  const marked = new Set((dirty.get(grain) ?? []).map(({ from }) => from))
  const of = new Map<number, Stretch>()
  const buckets: Bucket[] = []
  const changedSince = new Set<string>()
  for (const stretch of stretches) {
    const counted = ahead(stretch.slice.key)
    for (const bucket of bucketsOf(stretch, options.calendar)) {
      const changed = marked.has(bucket.from) || (counted > through && bucket.from < counted && bucket.to > through)
      if (changed) changedSince.add(stretch.slice.key)
      if (bucket.from >= through || bucket.from < boundary || bucket.to <= kept || changed) continue
      of.set(bucket.from, stretch)
      buckets.push(bucket)
    }
  }
  buckets.sort((a, b) => a.from - b.from)
  const { rows, counts } = await differences(buckets)
  const tally = (list: readonly FoundRow[], side: FoundRow['side']): number =>
    list.filter((row) => row.side === side).length
  return stretches.map((stretch): Verification => {
    const key = stretch.slice.key
    const own = rows.filter((row) => of.get(row.bucket.getTime())?.slice.key === key)
    const record: SliceRecord | undefined = context.slices.get(key)
    const compared = [...counts].reduce((sum, [from, count]) => sum + (of.get(from)?.slice.key === key ? count : 0), 0)
    const stray = strays(key)
    const examples = [
      ...own.map((row): Difference => ({
        key: { bucket: row.bucket.toISOString(), level: row.level, ...row.key },
        count: 1,
        difference: row.side,
        columns: row.columns,
      })),
      ...stray.map(({ rows: count, ...key }): Difference => ({ key, count, difference: 'extra', columns: [] })),
    ]
    return {
      slice: key,
      verdict: own.length + stray.length === 0 ? 'identical' : 'differs',
      compared,
      missing: tally(own, 'missing'),
      extra: stray.reduce((sum, one) => sum + one.rows, tally(own, 'extra')),
      changed: tally(own, 'changed'),
      asOf: record?.asOf ?? null,
      sourceAsOf: null,
      sourceChanged: moved || changedSince.has(key),
      examples: examples.slice(0, examplesShown),
    }
  })
  async function differences(
    list: readonly Bucket[],
  ): Promise<{ readonly rows: readonly FoundRow[]; readonly counts: ReadonlyMap<number, number> }> {
    if (list.length === 0) return { rows: [], counts: new Map() }
    const counted = await facts.events.count(tx, { grain, buckets: list, through })
    const names = columnNames(options)
    const starts = instants(list.map(({ from }) => from))
    const differing = options.measures.flatMap(differencesOf)
    const keys = options.dimensions.map(({ name }) => name)
    const by = join([raw('bucket'), raw('level'), ...keys.map((name) => ident(name))], ', ')
    await tx.run(sql`create temporary table if not exists sluice_compared on commit drop as
      select 'events'::text as sluice_side, c.* from (select ${join(
        names.map((name) => sql`t.${ident(name)}`),
        ', ',
      )} from ${tableOf(options)} as t limit 0) as c`)
    await tx.run(sql`truncate pg_temp.sluice_compared`)
    await tx.run(sql`insert into pg_temp.sluice_compared select 'events', c.* from (${counted}) as c`)
    await tx.run(sql`insert into pg_temp.sluice_compared select 'table', ${join(
      names.map((name) => sql`t.${ident(name)}`),
      ', ',
    )} from ${tableOf(options)} as t
      where t.grain = ${literal(grain)} and t.bucket = any(${starts})`)
    const totals = await tx.all<{ bucket: Date; rows: string }>(
      sql`select bucket, count(*) as "rows" from pg_temp.sluice_compared where sluice_side = 'events' group by bucket`,
    )
    const rows = await tx.all<FoundRow>(sql`
      select bucket, level, ${
        keys.length === 0
          ? sql`'{}'::jsonb`
          : sql`jsonb_build_object(${join(
              keys.map((name) => sql`${literal(name)}::text, ${ident(name)}::text`),
              ', ',
            )})`
      } as "key",
        case when count(*) filter (where sluice_side = 'table') = 0 then 'missing' when count(*) filter (where sluice_side = 'events') = 0 then 'extra' else 'changed' end as "side",
        array_remove(array[${join(
          differing.map(({ name, differs }) => sql`case when ${differs} then ${literal(name)} end`),
          ', ',
        )}], null) as "columns"
      from pg_temp.sluice_compared
      group by ${by}
      having count(*) <> 2 or count(distinct sluice_side) <> 2 or ${join(
        differing.map(({ differs }) => differs),
        ' or ',
      )}
      order by bucket, level`)
    return { rows, counts: new Map(totals.map(({ bucket, rows: count }) => [bucket.getTime(), Number(count)])) }
  }
}

export function neverCounted({ name, options }: Flow<RollupOptions>): SluiceError {
  return new SluiceError('TARGET_MISSING', `${options.to.schema}.${options.to.table} was never counted`, {
    why: `${name} has not run yet, or its table is gone`,
    fix: `sluice run ${name}`,
    where: { flow: name },
  })
}

function changedSince({ name, options }: Flow<RollupOptions>): SluiceError {
  const table = `${options.to.schema}.${options.to.table}`
  return new SluiceError('TARGET_MISSING', `${table} was not counted since the definition was changed`, {
    why: `it holds what ${name} was before; there is nothing yet that the events could be compared with`,
    fix: `sluice run ${name}, which counts everything anew, and verify then`,
    where: { flow: name, table },
  })
}
