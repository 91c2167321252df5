import { SluiceError } from '../../lib/error.ts'
import { bucketAt, bucketsBetween, type Bucket } from '../../lib/calendar.ts'
import type { Grain } from '../../lib/grain.ts'
import { ident, join, literal, raw, sql, type Query, type Session } from '../../lib/sql.ts'
import { addMarks, takeMarks } from '../../state/dirty.ts'
import { writePosition } from '../../state/position.ts'
import type { Flow, Plan, PublishedSlice, WorkContext } from '../flow.ts'
import type { RollupOptions } from './config.ts'
import { tally, type Bulk } from './events/bulk.ts'
import { stateOf, type Position } from './facts.ts'
import { changedBuckets, dueStretches, stretchesOf, type RollupDetail } from './plan.ts'
import { bucketsOf, stretchAt, stretchesBetween, type Stretch } from './slices.ts'
import { instant, instants, ranges, within } from './sql/buckets.ts'
import { countFiner, tableOf } from './sql/count.ts'
import { dropHomeless, dropStrays } from './sql/strays.ts'
import { growTable, indexTable, insertInto, readStanding, refuseForeign } from './sql/table.ts'
import type { Extent } from './sql/whole.ts'
import { track } from './track.ts'
import { sortBuckets, type Buckets, type Since } from './work.ts'

/**
 * Counts what is to be counted, in the transaction in which readers see it: marks are taken away first, then events are read, so that
 * whatever is written meanwhile leaves its own mark for the next run.
 */
export async function runRollup(
  flow: Flow<RollupOptions>,
  plan: Plan<RollupDetail>,
  context: WorkContext,
): Promise<void> {
  const { detail } = plan
  const facts = { ...detail.facts, triggers: await track(flow, detail, context) }
  await context.publishAll(async (tx) => {
    await roomToCount(tx)
    return await new Counting(flow, { ...detail, facts }, context, tx).count()
  })
}

/** Memory to group in, and workers where the server has them; for this transaction. */
async function roomToCount(tx: Session): Promise<void> {
  await tx.run(sql`
    select set_config('maintenance_work_mem', greatest(pg_size_bytes(current_setting('maintenance_work_mem')) / 1024, 524288)::text, true),
      set_config('work_mem', greatest(pg_size_bytes(current_setting('work_mem')) / 1024, 131072)::text, true),
      set_config('max_parallel_workers_per_gather', greatest(current_setting('max_parallel_workers_per_gather')::int, 2)::text, true)`)
}

class Counting {
  readonly #flow: Flow<RollupOptions>
  readonly #detail: RollupDetail
  readonly #context: WorkContext
  readonly #tx: Session
  readonly #done = new Map<string, Stretch>()
  #since: Since
  /** Rows by stretch of the finest grain, of how many finest rows each was made (`tally`); null: they have to be counted. */
  #tallied: Query | null = null

  constructor(flow: Flow<RollupOptions>, detail: RollupDetail, context: WorkContext, tx: Session) {
    this.#flow = flow
    this.#detail = detail
    this.#context = context
    this.#tx = tx
    this.#since = detail.facts.position?.since ?? {}
  }

  async count(): Promise<readonly PublishedSlice[]> {
    const { options } = this.#flow
    const { work } = this.#detail
    for (const stretch of this.#planned()) this.#done.set(stretch.slice.key, stretch)
    switch (work.tag) {
      case 'whole':
        await this.#whole()
        break
      case 'changed': {
        const { facts, through } = this.#detail
        // Taken by one statement and looked up by another, which sees no less.
        const marks = await facts.events.times(this.#tx, await this.#take(null, through, 'keys'))
        await this.#redo(changedBuckets(options, { ...facts, marks }, this.#context.now, through))
        break
      }
      case 'range': {
        const { from, to, grains } = work
        // The finest one counts everything that lies in the range anew.
        if (grains[0] === options.grains[0]) await this.#take(from, to)
        const touched = new Map<Grain, readonly Bucket[]>()
        for (const grain of options.grains) {
          const within = grains.includes(grain) || isAbove(grain, grains, options.grains)
          touched.set(grain, within ? this.#begun([...bucketsBetween(from, to, grain, options.calendar)]) : [])
        }
        await this.#redo(touched)
        break
      }
      case 'stretches':
        for (const stretch of work.stretches) await this.#stretch(stretch, work.from, work.to)
        break
    }
    await this.#expire()
    this.#context.phase('publish')
    return await this.#published()
  }

  #planned(): readonly Stretch[] {
    const { work } = this.#detail
    return work.tag === 'whole' || work.tag === 'changed' ? dueStretches(this.#flow, this.#context.now) : []
  }

  #begun(buckets: readonly Bucket[]): readonly Bucket[] {
    return buckets.filter(({ from }) => from < this.#detail.through)
  }

  /** Takes the marks of all grains in [from, to). Those of keys are left to who does not count a range. */
  async #take(
    from: number | null,
    to: number,
    timeless: 'none' | 'keys' | 'all' = 'none',
  ): ReturnType<typeof takeMarks> {
    const bounds = { from: from === null ? null : new Date(from), to: new Date(to) }
    return await takeMarks(this.#tx, stateOf(this.#context), this.#flow.name, { grains: null, ...bounds, timeless })
  }

  /** One slice: its own buckets, as far as they lie in the range. What is made of them is left to its own slice, and marked. */
  async #stretch(stretch: Stretch, from: number, to: number): Promise<void> {
    const { options } = this.#flow
    const { grain } = stretch
    const buckets = this.#begun(bucketsOf(stretch, options.calendar)).filter((one) => one.to > from && one.from < to)
    this.#done.set(stretch.slice.key, stretch)
    const [first, last] = [buckets[0], buckets.at(-1)]
    if (first === undefined || last === undefined) {
      if (this.#detail.facts.standing) await this.#clean(stretch, from, to)
      return
    }
    const state = stateOf(this.#context)
    const until = Math.min(last.to, this.#detail.through)
    const finest = grain === options.grains[0]
    await takeMarks(this.#tx, state, this.#flow.name, {
      grains: finest ? [null, grain] : [grain],
      from: new Date(first.from),
      to: new Date(until),
      timeless: 'none',
    })
    await this.#ready()
    await this.#replace(grain, buckets)
    await this.#clean(stretch, from, to)
    for (const above of options.grains) {
      if (!isAbove(above, [grain], options.grains)) continue
      const starts = new Set(
        buckets.flatMap(({ from, to }) =>
          [...bucketsBetween(from, to, above, options.calendar)].map((one) => one.from),
        ),
      )
      await addMarks(
        this.#tx,
        state,
        this.#flow.name,
        above,
        [...starts].map((one) => new Date(one)),
      )
    }
  }

  /** What lies in no bucket of a slice that is redone as a whole goes, but what is older than the events that are kept. */
  async #clean(stretch: Stretch, from: number, to: number): Promise<void> {
    if (from > stretch.from || to < stretch.to) return
    const { options } = this.#flow
    const since = options.keepRaw === null ? stretch.from : this.#context.now.getTime() - options.keepRaw
    const buckets = bucketsOf(stretch, options.calendar)
    const { through } = this.#detail
    await this.#tx.run(dropStrays(options, stretch, { buckets, through, since }))
    const finest = options.grains[0] ?? 'day'
    // Verify tells it of the newest slice, which may be the one before by now.
    const newest = stretchAt(bucketAt(through - 1, finest, options.calendar).from, finest, options.calendar)
    if (stretch.grain === finest && stretch.to >= newest.from && stretch.from < through)
      await this.#tx.run(dropHomeless(options))
  }

  /** Fine to coarse, so that what is made of something is made after it. */
  async #redo(buckets: Buckets): Promise<void> {
    await this.#ready()
    for (const [grain, list] of buckets) if (list.length > 0) await this.#replace(grain, list)
    for (const stretch of stretchesOf(this.#flow.options, buckets)) this.#done.set(stretch.slice.key, stretch)
    await this.#moveOn()
  }

  /** Everything up to here is counted. */
  async #moveOn(): Promise<void> {
    const { facts, through } = this.#detail
    const position: Position = {
      through: new Date(through).toISOString(),
      hash: this.#flow.definitionHash,
      source: facts.events.identity,
      ...(facts.events.mark?.known === true ? { mark: facts.events.mark.mark } : {}),
      tracking: facts.tracking,
      triggers: facts.triggers,
      since: this.#since,
      parts: Object.fromEntries(facts.parts.all.map(({ part, tracking }) => [part.oid, tracking.name])),
    }
    // A range says nothing of what lies outside of it.
    if (this.#detail.work.tag === 'range') return
    await writePosition(this.#tx, stateOf(this.#context), this.#flow.name, position)
  }

  async #ready(): Promise<void> {
    const { options } = this.#flow
    const standing = await readStanding(this.#tx, options.to)
    if (standing === null) {
      await this.#tx.run(sql`create table ${tableOf(options)} as ${this.#shape()} with no data`)
      await this.#index()
    } else {
      refuseForeign(options, standing)
      await growTable(this.#tx, options, standing, this.#shape())
    }
  }

  #shape(): Query {
    return this.#detail.facts.events.shape()
  }

  async #index(): Promise<void> {
    await indexTable(this.#tx, this.#flow.options, await this.#context.state.version())
  }

  /** Deletes these buckets and counts them anew, whole; those that are frozen stay. */
  async #replace(grain: Grain, buckets: readonly Bucket[]): Promise<void> {
    const { options } = this.#flow
    const { facts, through } = this.#detail
    const how = { now: this.#context.now.getTime(), clear: this.#cleared(), since: this.#since }
    const sorted = sortBuckets(options, grain, buckets, how)
    if (sorted.frozen.length > 0)
      this.#context.log(
        'info',
        `${sorted.frozen.length} buckets by ${grain} are older than the events that are kept, and stay as they are`,
      )
    this.#context.phase(grain)
    const statements: Query[] = []
    if (sorted.events.length > 0) {
      statements.push(await facts.events.count(this.#tx, { grain, buckets: sorted.events, through }))
    }
    for (const [finer, list] of sorted.finer) {
      const query = countFiner(options, { grain, finer, buckets: list, from: tableOf(options) })
      if (query === null) throw new Error('a measure that does not add up is counted from events')
      statements.push(query)
    }
    await this.#drop(grain, [...sorted.events, ...[...sorted.finer.values()].flat()])
    for (const query of statements) this.#context.progress({ rows: await this.#tx.run(insertInto(options, query)) })
  }

  /** The range that is cleared away; null: none is. */
  #cleared(): Bucket | null {
    const { clear, work } = this.#detail
    return clear && (work.tag === 'range' || work.tag === 'stretches') ? { from: work.from, to: work.to } : null
  }

  async #drop(grain: Grain, buckets: readonly Bucket[]): Promise<void> {
    if (buckets.length === 0) return
    await this.#tx.run(sql`
      delete from ${tableOf(this.#flow.options)} where grain = ${literal(grain)} and bucket = any(${instants(buckets.map(({ from }) => from))})`)
  }

  async #whole(): Promise<void> {
    const { options } = this.#flow
    const { facts, work, through } = this.#detail
    if (work.tag === 'whole') this.#context.log('info', `counting everything: ${work.why}`)
    await this.#take(null, through, 'all')
    const standing = await readStanding(this.#tx, options.to)
    const extent = options.from.tag === 'store' ? facts.extent : await facts.events.extent(this.#tx)
    if ((facts.untracked !== null || facts.switched) && extent !== null && extent.to > through) {
      // Events of buckets that are not over yet, which came before the triggers or past them: nobody else has marked them.
      const later = await facts.events.quartersFrom(this.#tx, through)
      await addMarks(this.#tx, stateOf(this.#context), this.#flow.name, null, later)
    }
    if (extent === null || extent.from >= through) {
      refuseForeign(options, standing)
      if (standing !== null && options.keepRaw === null) await this.#tx.run(sql`delete from ${tableOf(options)}`)
      await this.#ready()
      return await this.#moveOn()
    }
    const fresh = standing === null
    const kept = options.keepRaw === null ? -Infinity : this.#context.now.getTime() - options.keepRaw
    // Where nothing was counted before and no event is older, nothing has gone.
    const boundary = fresh && extent.from >= kept ? -Infinity : kept
    const first = firstWhole(extent.from, boundary, options)
    const whole: Extent = { from: first, through: Math.min(through, extent.to) }
    this.#since = Object.fromEntries(
      options.grains.map((grain) => {
        const before = fresh || facts.position === null ? {} : (facts.position.since ?? { [grain]: null })
        return [
          grain,
          boundary === -Infinity ? null : (before[grain] ?? (grain in before ? null : new Date(first).toISOString())),
        ]
      }),
    )
    refuseTooMany(this.#flow, facts.events.name, whole)
    const listed = new Map<Grain, readonly Bucket[]>()
    const buckets = (grain: Grain): readonly Bucket[] => {
      const known = listed.get(grain)
      if (known !== undefined) return known
      const list = [
        ...bucketsBetween(whole.from, Math.max(whole.through, whole.from + 1), grain, options.calendar),
      ].filter(({ from }) => from >= boundary)
      listed.set(grain, list)
      return list
    }
    if (!fresh) {
      refuseForeign(options, standing)
      // Where events are kept, so is nothing that they do not tell: not by a period either that is counted no more.
      const where =
        options.keepRaw === null
          ? raw('')
          : sql` where grain = any(${options.grains}::text[]) and bucket >= ${instant(boundary)}`
      await this.#tx.run(sql`delete from ${tableOf(options)}${where}`)
      // Rows that are gone have no values that would not fit.
      await growTable(this.#tx, options, standing, this.#shape())
    }
    const bulk: Bulk = { extent: whole, buckets, through, fresh, tx: this.#tx, context: this.#context }
    const { tallied } = await facts.events.countAll(bulk)
    this.#tallied = tallied
    this.#context.phase('index')
    await this.#index()
    const added = options.measures.every(({ fn }) => fn !== 'distinct')
    // What is added up has been analyzed on the way.
    if (!fresh || !added) await this.#tx.run(sql`analyze ${tableOf(options)}`)
    // What began before is made of what is left of it, and of what is new.
    if (boundary !== -Infinity)
      for (const grain of options.grains.slice(1)) {
        const across = bucketAt(boundary, grain, options.calendar)
        if (across.from < boundary && across.from < through) await this.#replace(grain, [across])
      }
    for (const grain of options.grains)
      for (const stretch of stretchesBetween(whole.from, whole.through, grain, options.calendar))
        this.#done.set(stretch.slice.key, stretch)
    await this.#moveOn()
  }

  /** Drops what is not kept any more. */
  async #expire(): Promise<void> {
    const { options } = this.#flow
    for (const grain of options.grains) {
      const keep = options.keep[grain]
      if (keep === undefined) continue
      const bound = bucketAt(this.#context.now.getTime() - keep, grain, options.calendar).from
      const rows = await this.#tx.run(sql`
        delete from ${tableOf(options)} where grain = ${grain} and bucket < ${instant(bound)}`)
      if (rows > 0) this.#context.log('info', `dropped ${rows} rows by ${grain} that are not kept any more`)
    }
  }

  /** Of each bucket; of a day long ago and the newest one, nothing in between is read. */
  #rowsIn(grain: Grain, stretches: readonly Stretch[]): Query {
    const apart = ranges(stretches)
    const [first, last] = [apart[0], apart.at(-1)]
    const read = apart.length > rangesAtMost && first && last ? [{ from: first.from, to: last.to }] : apart
    const counted = read.map(
      ({ from, to }) => sql`
        select bucket, count(*) as rows from ${tableOf(this.#flow.options)} as t
        where t.grain = ${literal(grain)} and t.bucket >= ${instant(from)} and t.bucket < ${instant(to)} group by bucket`,
    )
    return join(counted, ' union all ')
  }

  /** How many rows each slice has now. */
  async #published(): Promise<readonly PublishedSlice[]> {
    const { options } = this.#flow
    const { mark } = this.#detail.facts.events
    // What was there when the reading began; of what a store has rebuilt, since when it is so.
    const asOf = mark?.known === true ? (mark.asOf ?? this.#context.now) : this.#context.now
    const found: PublishedSlice[] = []
    for (const grain of options.grains) {
      const stretches = [...this.#done.values()]
        .filter((one) => one.grain === grain)
        .toSorted((a, b) => a.from - b.from)
      if (stretches.length === 0) continue
      const starts = instants(stretches.map(({ from }) => from))
      const whole = grain === options.grains[0] && options.keepRaw === null && options.keep[grain] === undefined
      const counted =
        whole && this.#tallied !== null
          ? sql`select bucket, sum(${ident(tally)}) as rows from ${this.#tallied} group by bucket`
          : this.#rowsIn(grain, stretches)
      const rows = await this.#tx.all<{ i: number; rows: string }>(sql`
        select b.sluice_i::int as "i", sum(t.rows)::bigint as "rows"
        from (${counted}) as t
          cross join lateral (select width_bucket(t.bucket, ${starts}) as sluice_i) as b
        where ${within(raw('t.bucket'), stretches)} group by b.sluice_i`)
      const counts = new Map(rows.map((row) => [row.i, Number(row.rows)]))
      for (const [index, { slice }] of stretches.entries())
        found.push({
          slice,
          result: { rows: counts.get(index + 1) ?? 0, sourceMark: null, asOf, changes: null },
        })
    }
    return found
  }
}

/** Of more it takes longer to plan them than to read what lies between. */
const rangesAtMost = 100

const finestAtMost = 5_000_000

/** One event of the year 1 would have buckets counted for two thousand years. */
function refuseTooMany({ name, options }: Flow<RollupOptions>, events: string, { from, through }: Extent): void {
  const finest = options.grains[0] ?? 'day'
  const hour = 3_600_000
  const length = finest === 'quarter-hour' ? hour / 4 : finest === 'hour' ? hour : 24 * hour
  if ((through - from) / length <= finestAtMost) return
  throw new SluiceError('SOURCE_UNSUITABLE', `the events of ${name} lie too far apart to be counted by ${finest}`, {
    why: `the first is of ${new Date(from).toISOString()}, which makes more than ${finestAtMost.toLocaleString('en-US')} buckets`,
    fix: `correct events with such a time, or leave ${finest} out of \`grains\``,
    where: { flow: name, table: events, column: options.at },
  })
}

/**
 * Whether buckets of this grain are out of date where those of the others were: no other is made of weeks, but the finest grain's marks
 * stand for the events.
 */
function isAbove(grain: Grain, of: readonly Grain[], all: readonly Grain[]): boolean {
  return of.some((finer) => all.indexOf(grain) > all.indexOf(finer) && (finer !== 'week' || all[0] === 'week'))
}

/** The beginning of the first bucket of the finest grain of which all events are kept. */
function firstWhole(first: number, boundary: number, { grains, calendar }: RollupOptions): number {
  const finest = grains[0] ?? 'day'
  const bucket = bucketAt(Math.max(first, boundary), finest, calendar)
  return bucket.from < boundary ? bucket.to : bucket.from
}
