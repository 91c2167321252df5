/**
 * A rollup as a series: every bucket of a range, whether anything happened in it or not. What is out of date in the table, and what is
 * too new for it, is counted from the events while it is read, so that an answer equals the events as of one snapshot.
 */
import { SluiceError } from '../../lib/error.ts'
import type { Grain } from '../../lib/grain.ts'
import { sql, type Database, type Session } from '../../lib/sql.ts'
import { sqlState } from '../../stores/postgres/errors.ts'
import { measuresOf, understand, type Asked, type SeriesRequest } from './ask.ts'
import { dimensionsOf, readFields } from './fields.ts'
import { keyValue, pointsOf, type SeriesOfKey } from './points.ts'
import { readRanked, readSeries, type Answered, type Question, type Ranking } from './read.ts'
import type { Standing } from './plan.ts'
import type { SeriesMeasure, SeriesRollup } from './rollup.ts'

export interface SeriesAnswer {
  readonly rollup: string
  readonly grain: Grain
  readonly zone: string
  readonly from: Date
  readonly to: Date
  readonly by: readonly string[]
  /** Those that were asked for. */
  readonly measures: readonly Pick<SeriesMeasure, 'name' | 'fn' | 'approximate'>[]
  readonly asOf: Date
  /** Everything before is in the table; null: nothing was counted yet. */
  readonly through: Date | null
  readonly series: readonly SeriesOfKey[]
}

const timeoutMs = 30_000

/** `shape`: bucket by bucket, or the whole range as one. */
export async function answerSeries(
  database: Database,
  described: SeriesRollup,
  request: SeriesRequest,
  shape: 'buckets' | 'whole' = 'buckets',
): Promise<SeriesAnswer> {
  const rollup = { ...described, measures: measuresOf(described, request.measures) }
  return await within(database, rollup, async (session) => await answerIn(session, rollup, request, shape))
}

export interface RankedAnswer extends Omit<SeriesAnswer, 'series' | 'grain'> {
  /** Of all keys that have anything. */
  readonly count: number
  readonly ranked: readonly { readonly key: unknown; readonly of: number; readonly value: string | null }[]
}

/** The keys of one dimension with most of a measure in the whole range; `of`: of how many values of another dimension. */
export async function answerRanked(
  database: Database,
  described: SeriesRollup,
  request: SeriesRequest & { readonly by: string; readonly measures: string },
  ranking: Ranking,
): Promise<RankedAnswer> {
  const rollup = { ...described, measures: measuresOf(described, request.measures) }
  return await within(database, rollup, async (session) => {
    const { asked, fields, dimensions, now, counted } = await begin(session, rollup, request, 'whole')
    const found =
      counted === null
        ? { count: 0, rows: [] }
        : await readRanked(
            session,
            rollup,
            dimensions,
            questionOf(asked),
            await standingOf(session, rollup, asked, counted, now),
            ranking,
          )
    const kind = fields.get(request.by)
    return {
      ...said(rollup, asked, counted, now),
      count: found.count,
      ranked: found.rows.map(({ key, of, value }) => ({ key: keyValue(key, kind), of, value })),
    }
  })
}

/** In one snapshot, and for so long. */
async function within<T>(
  database: Database,
  { name }: Pick<SeriesRollup, 'name'>,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  try {
    return await database.transaction(work, { isolation: 'repeatable read', readOnly: true })
  } catch (error) {
    if (sqlState(error) !== '57014') throw error
    throw new SluiceError('READ_TIMEOUT', `the read of ${name} was given up`, {
      why: `it took longer than ${timeoutMs / 1000} s, or somebody cancelled it: what is not in the table by this zone, grain and dimensions is counted from the events`,
      fix: "ask for a shorter range, in the rollup's own zone, or run it",
      where: { flow: name },
      cause: error,
    })
  }
}

type Position = NonNullable<Awaited<ReturnType<SeriesRollup['position']>>>

/** What is asked, what there is, and how far it is counted; null: not at all by this definition. */
async function begin(session: Session, rollup: SeriesRollup, request: SeriesRequest, shape: 'buckets' | 'whole') {
  await session.run(sql`select set_config('statement_timeout', ${String(timeoutMs)}, true)`)
  const { now } = await session.one<{ now: Date }>(sql`select now() as "now"`)
  const fields = await readFields(session, rollup, (request.filter ?? '').trim() !== '')
  const dimensions = dimensionsOf(rollup, fields)
  const asked = understand(rollup, request, dimensions, now.getTime(), shape)
  const position = await rollup.position(session)
  return { now, fields, dimensions, asked, counted: position?.hash === rollup.hash ? position : null }
}

const questionOf = ({ grain, calendar, buckets, by, filter }: Asked): Question => ({
  wanted: { grain, calendar, buckets },
  by,
  filter,
})

const standingOf = async (
  session: Session,
  rollup: SeriesRollup,
  asked: Asked,
  { through, since }: Position,
  now: Date,
): Promise<Standing> => {
  const range = { from: asked.buckets[0]?.from ?? asked.from, to: asked.buckets.at(-1)?.to ?? asked.to }
  return { through: through.getTime(), now: now.getTime(), marks: await rollup.marks(session, range), since }
}

/** Events are read with the answer; what a store has, when it was counted. */
const asOf = ({ events }: SeriesRollup, counted: Position | null, now: Date): Date =>
  events === null ? (counted?.through ?? now) : now

const said = (rollup: SeriesRollup, asked: Asked, counted: Position | null, now: Date) => ({
  rollup: rollup.name,
  zone: asked.calendar.zone,
  from: new Date(asked.buckets[0]?.from ?? asked.from),
  to: new Date(asked.buckets.at(-1)?.to ?? asked.to),
  by: asked.by,
  measures: rollup.measures.map(({ name, fn, approximate }) => ({ name, fn, approximate })),
  asOf: asOf(rollup, counted, now),
  through: counted?.through ?? null,
})

async function answerIn(
  session: Session,
  rollup: SeriesRollup,
  request: SeriesRequest,
  shape: 'buckets' | 'whole',
): Promise<SeriesAnswer> {
  const { now, fields, dimensions, asked, counted } = await begin(session, rollup, request, shape)
  const answered: Answered =
    counted === null
      ? {
          rows: [],
          live: new Set(),
          unknown: new Map(rollup.measures.map(({ name }) => [name, new Set(asked.buckets.keys())])),
        }
      : await readSeries(
          session,
          rollup,
          dimensions,
          questionOf(asked),
          await standingOf(session, rollup, asked, counted, now),
        )
  return {
    ...said(rollup, asked, counted, now),
    grain: asked.grain,
    series: pointsOf(rollup, asked, answered, fields, asOf(rollup, counted, now).getTime()),
  }
}
