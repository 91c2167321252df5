/** Rollups: how far each has come, the buckets of a slice, and a bucket beside the events that it counts. */
import { z } from 'zod'
import { flowPath, noFlow } from './flows.ts'
import { looking } from './look.ts'
import { approximate, measureFn, standardError } from './measures.ts'
import { problemAnswer, type Resource } from './route.ts'
import { id, time, timeParameter } from './schemas.ts'

const periods = ['quarter-hour', 'hour', 'day', 'week', 'month', 'quarter', 'year'] as const
const grainName = z.enum(periods).meta({ id: 'Grain', description: 'a period that a rollup counts by' })

const grain = z
  .object({
    grain: grainName,
    madeOf: grainName.nullable().meta({ description: 'the finer one that it is made of; null: the events themselves' }),
    slice: z.enum(['day', 'month', 'year']).meta({ description: 'how long a slice of it is' }),
    keep: z.number().nullable().meta({ description: 'milliseconds; null: for ever' }),
    slices: z.number(),
    rows: z.number().meta({ description: 'of its slices, as they were published' }),
    dirty: z.number().meta({ description: 'buckets whose events have changed since they were counted' }),
    dirtySlices: z
      .array(z.string())
      .meta({ description: 'keys of the slices that those lie in, the newest first; at most 1,000' }),
  })
  .meta({ id: 'RollupGrain' })

const rollup = z
  .object({
    flow: z.string(),
    source: z
      .object({
        table: z.string().meta({ description: 'the table, path or query that has them' }),
        store: z.string().nullable().meta({ description: 'that has them; null: the application database' }),
        joined: z.array(z.string()),
        at: z.string().meta({ description: 'the column that says when an event was' }),
      })
      .meta({ description: 'the events' }),
    target: z.string().meta({ description: 'the table that the counts are in' }),
    zone: z.string(),
    weekStart: z.string(),
    grains: z.array(grain).meta({ description: 'fine to coarse' }),
    levels: z
      .array(z.object({ name: z.string(), dimensions: z.array(z.string()) }))
      .meta({ description: 'by which dimensions together there are counts' }),
    dimensions: z.array(z.object({ name: z.string(), from: z.string() })),
    measures: z.array(
      z.object({
        name: z.string(),
        fn: measureFn,
        of: z.string().nullable().meta({ description: 'null: the events themselves' }),
        approximate,
      }),
    ),
    keepRaw: z.number().nullable().meta({ description: 'how long events are there, in milliseconds; null: for ever' }),
    lookback: z.number().nullable().meta({
      description:
        'milliseconds that every run counts anew; null: triggers mark what changes, or all is counted anew whenever the store has changed',
    }),
    through: time.nullable().describe('all that happened before is counted, but for what is dirty; null: nothing is'),
    anew: z.string().nullable().meta({ description: 'why the next run counts everything anew; null: it does not' }),
    verified: z
      .object({ run: id, at: time, slices: z.number(), differs: z.number(), failed: z.number() })
      .nullable()
      .meta({ description: 'the last comparison with the events: how many slices, and how many of them differ' }),
  })
  .meta({ id: 'Rollup', description: 'what a rollup counts, and how far it has come' })

const bucketState = z.enum(['missing', 'waiting', 'partial', 'done', 'dirty', 'frozen', 'expired']).meta({
  id: 'BucketState',
  description:
    '`missing`: nothing was counted yet; `waiting`: it begins after all that is counted; `partial`: it is not over, and counted as far as it is; `dirty`: its events have changed; `frozen`: its events are no longer kept; `expired`: it is not kept itself',
})

const bucket = z
  .object({ from: time, to: time.describe('not in it'), rows: z.number(), state: bucketState })
  .meta({ id: 'Bucket', description: 'one period of a grain' })

const values = z.record(z.string(), z.string().nullable())

const comparison = z
  .object({
    grain: grainName,
    from: time,
    to: time.describe('not in it'),
    state: bucketState,
    level: z.string().nullable(),
    dimensions: z.array(z.string()),
    measures: z.array(z.string()),
    approximate: z.record(z.string(), standardError).meta({
      description: 'those of the measures that are approximate, by name; the others are exact',
    }),
    counts: z
      .object({
        events: z.number().meta({ description: 'rows that the events make' }),
        table: z.number().meta({ description: 'rows that the table has' }),
        missing: z.number(),
        extra: z.number(),
        changed: z.number(),
      })
      .meta({ description: 'of all rows, whether they are shown or not' }),
    rows: z
      .array(
        z.object({
          level: z.string(),
          key: values.meta({ description: 'the dimensions, as text' }),
          difference: z
            .enum(['missing', 'extra', 'changed'])
            .nullable()
            .meta({ description: '`missing`: the table lacks it; `extra`: no event makes it; null: both sides agree' }),
          columns: z.array(z.string()).meta({
            description: 'the measures that differ; of an approximate one also its `…_sketch`, which is not shown',
          }),
          events: values.nullable().meta({ description: 'the measures as the events say, as text' }),
          table: values.nullable().meta({ description: 'the measures as they stand in the table, as text' }),
        }),
      )
      .meta({ description: 'those that differ first' }),
  })
  .meta({ id: 'BucketComparison', description: 'the rows of a bucket beside what its events say' })

export const rollups: Resource = (app, { rollups: all }) => {
  app.route({
    method: 'GET',
    url: '/api/flows/:flow/rollup',
    config: { role: 'viewer' },
    schema: {
      operationId: 'getRollup',
      summary: 'What a rollup counts, and how far it has come',
      tags: ['Rollups'],
      params: flowPath,
      response: { 200: rollup, 404: problemAnswer('no such flow, or it is no rollup') },
    },
    async handler({ params }) {
      const { source, levels, ...rest } = await all.get(params.flow)
      return {
        ...rest,
        source: { ...source, joined: [...source.joined] },
        grains: rest.grains.map(({ dirtySlices, ...of }) => ({ ...of, dirtySlices: [...dirtySlices] })),
        levels: levels.map(({ name, dimensions }) => ({ name, dimensions: [...dimensions] })),
        dimensions: [...rest.dimensions],
        measures: [...rest.measures],
      }
    },
  })

  app.route({
    method: 'GET',
    url: '/api/flows/:flow/slices/:slice/buckets',
    config: { role: 'viewer' },
    schema: {
      operationId: 'listBuckets',
      summary: 'The buckets of a slice of a rollup, in order',
      tags: ['Rollups'],
      params: flowPath.extend({ slice: z.string().min(1).max(200).describe("the slice's key") }),
      response: {
        200: z.object({ grain: grainName, items: z.array(bucket) }).meta({ id: 'BucketList' }),
        404: problemAnswer('no such rollup, or no such slice'),
        502: problemAnswer('the database refused'),
      },
    },
    async handler({ params }) {
      const { grain: of, buckets } = await looking(502, () => all.buckets(params.flow, params.slice))
      return { grain: of, items: [...buckets] }
    },
  })

  app.route({
    method: 'GET',
    url: '/api/flows/:flow/buckets',
    config: { role: 'viewer' },
    schema: {
      operationId: 'compareBucket',
      summary: 'The rows of a bucket beside what its events say',
      description: 'Counts the events of the bucket now, and changes nothing.',
      tags: ['Rollups'],
      params: flowPath,
      querystring: z.strictObject({
        grain: z.enum(periods).describe('a period that it counts by'),
        bucket: timeParameter.describe('a moment in the bucket, as its beginning'),
        level: z.string().min(1).max(1_000).optional().describe('only this level; left out: all'),
        limit: z.coerce.number().int().min(1).max(1_000).default(200).describe('how many rows at most'),
      }),
      response: { 200: comparison, 404: noFlow, 502: problemAnswer('the database refused') },
    },
    async handler({ params, query: { grain: by, bucket: at, level = null, limit } }) {
      const {
        shown,
        counts,
        dimensions,
        measures,
        approximate: marked,
        ...rest
      } = await looking(502, () => all.compare(params.flow, { grain: by, at, level, limit }))
      return {
        ...rest,
        counts,
        dimensions: [...dimensions],
        measures: [...measures],
        approximate: { ...marked },
        rows: shown.map((row) => ({ ...row, columns: [...row.columns] })),
      }
    },
  })
}
