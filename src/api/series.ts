/** A rollup as a series: every bucket of a range, growth, and what is too new for the table counted as it is read. */
import { z } from 'zod'
import { grains, weekdays } from '../lib/grain.ts'
import { approximate, measureFn } from './measures.ts'
import { problemAnswer, type Resource } from './route.ts'
import { time } from './schemas.ts'

const value = z.union([z.number(), z.string()]).nullable()

const point = z
  .object({
    bucket: time.meta({ description: 'when the bucket begins' }),
    to: time.meta({ description: 'when the next one begins' }),
    label: z.string().describe('the local time that it begins with'),
    values: z
      .record(z.string(), value)
      .meta({ description: 'by measure; null: not counted, and cannot be; text where a number would lose digits' }),
    growth: z
      .record(z.string(), z.number().nullable())
      .meta({ description: 'percent against the bucket before; null for the first and from 0 to 0, 100 from 0' }),
    partial: z.boolean().describe('the bucket is not over'),
    live: z.boolean().describe('counted from the events, in part at least, while it was read'),
  })
  .meta({ id: 'SeriesPoint' })

const series = z
  .object({
    rollup: z.string(),
    grain: z.enum(grains),
    zone: z.string(),
    from: time,
    to: time,
    by: z.array(z.string()),
    measures: z
      .array(z.object({ name: z.string(), fn: measureFn, approximate }))
      .meta({ description: 'those that were asked for' }),
    asOf: time,
    through: time.nullable().meta({ description: 'what was before is in the table; null: nothing was counted yet' }),
    series: z.array(z.object({ key: z.record(z.string(), z.unknown()), points: z.array(point) })),
  })
  .meta({
    id: 'Series',
    description: 'a rollup over time: every bucket of the range, whether anything happened or not',
  })

const bound = z.string().min(1).max(40)
const query = z.strictObject({
  grain: z
    .string()
    .max(20)
    .optional()
    .describe(`one of ${grains.join(', ')}; default by the range: up to 7 days day, 30 week, 365 month, else year`),
  from: bound
    .optional()
    .describe('2025-01-31, 2025-01 or 2025 in the zone, or an instant; default: 30 days before `to`'),
  to: bound.optional().describe('a day, month or year is in the range, an instant is not; default: now'),
  zone: z.string().min(1).max(60).optional().describe("default: the rollup's"),
  weekStart: z
    .string()
    .max(10)
    .optional()
    .describe(`one of ${weekdays.join(', ')}; default: the rollup's`),
  by: z.string().max(500).optional().describe('dimensions, with commas between: a series for each of their values'),
  measures: z
    .string()
    .max(500)
    .optional()
    .describe('measures, with commas between; default: all. What is not asked for costs nothing'),
  filter: z
    .string()
    .max(10_000)
    .optional()
    .describe(
      'a tree as JSON: {"and": […]}, {"or": […]}, {"not": …}, {"eq"|"lt"|"lte"|"gt"|"gte"|"contains"|"in": {"field": …, "value": …}}',
    ),
})

export const seriesOf: Resource = (app, sluice) => {
  app.route({
    method: 'GET',
    url: '/api/series/:rollup',
    config: { role: 'viewer' },
    schema: {
      operationId: 'readSeries',
      summary: 'A rollup over time',
      description:
        'The range is widened to whole buckets, and each of them is there. An unknown dimension, zone, grain or operator is a 400 that names it.',
      tags: ['Data'],
      params: z.object({ rollup: z.string().min(1).max(200).describe("the flow's name") }),
      querystring: query,
      response: { 200: series, 404: problemAnswer('no such rollup') },
    },
    async handler({ params, query: asked }, reply) {
      const answer = await sluice.series.read(params.rollup, asked)
      void reply.header('sluice-as-of', answer.asOf.toISOString()).header('cache-control', 'private, no-cache')
      return {
        ...answer,
        by: [...answer.by],
        measures: [...answer.measures],
        series: answer.series.map(({ key, points }) => ({
          key: { ...key },
          points: points.map((one) => ({ ...one })),
        })),
      }
    },
  })
}
