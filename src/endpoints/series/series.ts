/**
 * A rollup as a series: every bucket of a range, whether anything happened in it or not. What is out of date in the table, and what is
 * too new for it, is counted from the events while it is read, so that an answer equals the events as of one snapshot.
 */
import { SluiceError } from '../../lib/error.ts'
import type { Grain } from '../../lib/grain.ts'
import { sql, type Database, type Session } from '../../lib/sql.ts'
import { sqlState } from '../../stores/postgres/errors.ts'
import { measuresOf, understand, type SeriesRequest } from './ask.ts'
import { dimensionsOf, readFields } from './fields.ts'
import { pointsOf, type SeriesOfKey } from './points.ts'
import { readSeries, type Answered } from './read.ts'
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
  try {
    return await database.transaction(async (session) => await answerIn(session, rollup, request, shape), {
      isolation: 'repeatable read',
      readOnly: true,
    })
  } catch (error) {
    if (sqlState(error) !== '57014') throw error
    throw new SluiceError('READ_TIMEOUT', `the read of ${rollup.name} was given up`, {
      why: `it took longer than ${timeoutMs / 1000} s, or somebody cancelled it: what is not in the table by this zone, grain and dimensions is counted from the events`,
      fix: "ask for a shorter range, in the rollup's own zone, or run it",
      where: { flow: rollup.name },
      cause: error,
    })
  }
}

async function answerIn(
  session: Session,
  rollup: SeriesRollup,
  request: SeriesRequest,
  shape: 'buckets' | 'whole',
): Promise<SeriesAnswer> {
  await session.run(sql`select set_config('statement_timeout', ${String(timeoutMs)}, true)`)
  const { now } = await session.one<{ now: Date }>(sql`select now() as "now"`)
  const fields = await readFields(session, rollup, (request.filter ?? '').trim() !== '')
  const dimensions = dimensionsOf(rollup, fields)
  const asked = understand(rollup, request, dimensions, now.getTime(), shape)
  const position = await rollup.position(session)
  const counted = position !== null && position.hash === rollup.hash ? position : null
  const wanted = { grain: asked.grain, calendar: asked.calendar, buckets: asked.buckets }
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
          { wanted, by: asked.by, filter: asked.filter },
          {
            through: counted.through.getTime(),
            now: now.getTime(),
            marks: await rollup.marks(session),
            since: counted.since,
          },
        )
  return {
    rollup: rollup.name,
    grain: asked.grain,
    zone: asked.calendar.zone,
    from: new Date(asked.buckets[0]?.from ?? asked.from),
    to: new Date(asked.buckets.at(-1)?.to ?? asked.to),
    by: asked.by,
    measures: rollup.measures.map(({ name, fn, approximate }) => ({ name, fn, approximate })),
    asOf: now,
    through: counted?.through ?? null,
    series: pointsOf(rollup, asked, answered, fields, now.getTime()),
  }
}
