/**
 * What one team's performance page asks, in its own words: views by period, by author or country, and the ten with most. Read from two
 * rollups that the config names, so that ranges, filters and growth mean here what they mean everywhere.
 */
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { SluiceError } from '../lib/error.ts'
import type { SeriesRequest } from '../endpoints/series/ask.ts'
import type { SeriesAnswer } from '../endpoints/series/series.ts'
import type { Sluice } from '../sluice.ts'
import { type Api, problemAnswer, type Resource } from './route.ts'

/** Its fields → the dimensions of both rollups. */
const fields: Readonly<Record<string, string>> = {
  'blog.id': 'blog',
  'blog.author.id': 'author',
  'blog.author': 'author',
  'blog.country.code': 'country',
}

const row = z
  .object({
    x: z.string(),
    y: z.number().nullable().describe('null: it cannot be known, because events are not kept for so long'),
    z: z.number().nullable(),
  })
  .meta({ id: 'AnalyticsRow', description: 'a bar of a chart' })

const rows = z
  .object({ count: z.number(), page: z.int(), page_size: z.int(), results: z.array(row) })
  .meta({ id: 'AnalyticsPage' })

const day = z.iso.date('has to be a day as 2025-01-31')
const range = {
  start: day.optional().describe('the first day; default: 30 days before `end`'),
  end: day.optional().describe('the last day, which is in the range; default: today'),
  filters: z
    .string()
    .max(10_000)
    .optional()
    .describe(`a tree as JSON, of the fields ${Object.keys(fields).join(', ')}`),
}
const paging = {
  page: z.coerce.number().int().min(1).default(1),
  page_size: z.coerce.number().int().min(1).max(1000).default(100),
}

export const analytics: Resource = (app, sluice) => {
  const { analytics: names } = app.settings
  if (names === null) return
  performance(app, sluice, names)
  grouped(app, sluice, names)
  top(app, sluice, names)
}

type Names = NonNullable<Api['settings']['analytics']>
const refused = { 404: problemAnswer('a rollup was never counted') }
/** With the slash that their addresses end with, and without it. */
const paths = (path: string) => [
  { url: `${path}/`, hide: false },
  { url: path, hide: true },
]

function performance(app: Api, sluice: Sluice, names: Names): void {
  for (const { url, hide } of paths('/analytics/performance'))
    app.route({
      method: 'GET',
      url,
      config: { role: 'viewer' },
      schema: {
        hide,
        operationId: 'readPerformance',
        summary: 'Views by period, with how many blogs were new, and growth',
        description:
          'Of each period `x` is its label and the number of new blogs, `y` the views, `z` their growth in percent: null for the first and from 0 to 0, 100 from 0. Periods are whole, and each is there.',
        tags: ['Analytics'],
        querystring: z.strictObject({
          compare: z
            .enum(['day', 'week', 'month', 'year'])
            .optional()
            .describe(
              'default: month; if there is a `start`, by the range: up to 7 days day, 30 week, 365 month, else year',
            ),
          user_id: z.coerce.number().int().min(1).optional().describe("the blogs' author"),
          ...range,
          ...paging,
        }),
        response: { 200: rows, ...refused },
      },
      async handler({ query }, reply) {
        const { compare, user_id: author, page, page_size: size } = query
        const asked = {
          ...rangeOf(query),
          ...filterOf(query.filters, author),
          grain: compare ?? (query.start === undefined ? 'month' : undefined),
        }
        const [views, posts] = await inWords(query, async () => {
          const first = counted(await sluice.series.read(names.views, { ...asked, measures: names.viewCount }))
          const { grain } = first
          const measures = names.postCount
          return [first, counted(await sluice.series.read(names.posts, { ...asked, grain, measures }))]
        })
        const made = new Map(
          (posts.series[0]?.points ?? []).map(({ label, values }) => [label, values[names.postCount] ?? null]),
        )
        const all = (views.series[0]?.points ?? []).map(({ label, values, growth }) => ({
          x: `${label} (${made.get(label) ?? '?'} blogs)`,
          y: numberOf(values[names.viewCount]),
          z: growth[names.viewCount] ?? null,
        }))
        const results = all.slice((page - 1) * size, page * size)
        return pageOf(reply, views, { count: all.length, page, page_size: size, results })
      },
    })
}

function grouped(app: Api, sluice: Sluice, names: Names): void {
  for (const { url, hide } of paths('/analytics/blog-views'))
    app.route({
      method: 'GET',
      url,
      config: { role: 'viewer' },
      schema: {
        hide,
        operationId: 'readBlogViews',
        summary: 'Views of a range, by author or country',
        description:
          '`x` is the author or country, `y` how many of their blogs were viewed, `z` the views. Those with most come first.',
        tags: ['Analytics'],
        querystring: z.strictObject({
          group: z.enum(['user', 'country']).default('user').describe("`user`: the blogs' author"),
          ...range,
          ...paging,
        }),
        response: { 200: rows, ...refused },
      },
      async handler({ query }, reply) {
        const { page, page_size: size } = query
        const by = query.group === 'user' ? 'author' : 'country'
        const { answer, count, results } = await ranked(sluice, names, { ...query, by }, { page, size })
        return pageOf(reply, answer, { count, page, page_size: size, results: [...results] })
      },
    })
}

function top(app: Api, sluice: Sluice, names: Names): void {
  for (const { url, hide } of paths('/analytics/top'))
    app.route({
      method: 'GET',
      url,
      config: { role: 'viewer' },
      schema: {
        hide,
        operationId: 'readTop',
        summary: 'The ten with most views',
        description: '`x` is the author, country or blog, `y` how many blogs were viewed, `z` the views.',
        tags: ['Analytics'],
        querystring: z.strictObject({ top: z.enum(['user', 'country', 'blog']).default('blog'), ...range }),
        response: { 200: rows, ...refused },
      },
      async handler({ query }, reply) {
        const by = { user: 'author', country: 'country', blog: 'blog' }[query.top]
        const { answer, results } = await ranked(sluice, names, { ...query, by }, { page: 1, size: 10 })
        return pageOf(reply, answer, { count: results.length, page: 1, page_size: 10, results: [...results] })
      },
    })
}

interface RangeQuery {
  readonly start?: string | undefined
  readonly end?: string | undefined
  readonly filters?: string | undefined
}
type Row = z.output<typeof row>

/** Views of a range by a dimension, and of how many blogs: those with most first, however many blogs there are. */
async function ranked(
  sluice: Sluice,
  names: Names,
  query: RangeQuery & { readonly by: string },
  { page, size }: { readonly page: number; readonly size: number },
): Promise<{ readonly answer: Answer; readonly count: number; readonly results: readonly Row[] }> {
  const { by } = query
  const asked = { ...rangeOf(query), ...filterOf(query.filters), by, measures: names.viewCount }
  const ranking = { of: 'blog', limit: size, offset: (page - 1) * size }
  const answer = counted(await inWords(query, async () => await sluice.series.ranked(names.views, asked, ranking)))
  const results = answer.ranked.map(({ key, of, value }) => ({ x: nameOf(key), y: of, z: numberOf(value) }))
  return { answer, count: answer.count, results }
}

type Answer = Pick<SeriesAnswer, 'asOf' | 'measures'>

/** What the page calls the parameters of a series. */
const words: Readonly<Record<string, { readonly name: string; readonly fix: string | null }>> = {
  from: { name: 'start', fix: 'ask for a shorter range' },
  to: { name: 'end', fix: 'ask for another range' },
  grain: { name: 'compare', fix: 'ask for a shorter range, or compare longer periods' },
  filter: { name: 'filters', fix: null },
}

/** Refusals name the parameters that there are. */
async function inWords<T>({ start, end }: RangeQuery, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'FILTER_INVALID') throw error
    const path = error.problems?.[0]?.path ?? ''
    if (path === 'to' && start !== undefined && end === undefined)
      throw wrong(
        'start',
        `${start} has not begun yet, and without an end the range ends now`,
        'name an earlier day',
        error,
      )
    const word = words[path]
    if (word === undefined) throw error
    throw wrong(word.name, error.why, word.fix ?? error.fix, error)
  }
}

const wrong = (name: string, why: string, fix: string, cause?: unknown): SluiceError =>
  new SluiceError('FILTER_INVALID', `the parameter ${name} is wrong`, {
    why,
    fix,
    problems: [{ path: name, fault: why }],
    ...(cause === undefined ? {} : { cause }),
  })

const nameOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === null || value === undefined ? 'unknown' : JSON.stringify(value)

const numberOf = (value: number | string | null | undefined): number | null =>
  value === null || value === undefined ? null : Number(value)

/** Zeros of what nobody has counted would be lies. */
function counted<T extends Pick<SeriesAnswer, 'rollup' | 'through'>>(answer: T): T {
  if (answer.through !== null) return answer
  throw new SluiceError('TARGET_MISSING', `${answer.rollup} was never counted`, {
    why: 'it has not run yet, or not since its definition was changed',
    fix: `sluice run ${answer.rollup}`,
    where: { flow: answer.rollup },
  })
}

function rangeOf({ start, end }: RangeQuery): SeriesRequest {
  if (start !== undefined && end !== undefined && start > end)
    throw wrong('end', `${end} is before start, ${start}`, 'swap start and end; both are in the range')
  return { from: start, to: end }
}

/** A tree of theirs, and what else is asked. */
function filterOf(text: string | undefined, author?: number): SeriesRequest {
  const given = text === undefined || text.trim() === '' ? [] : [parsed(text)]
  const own = author === undefined ? [] : [{ eq: { field: 'blog.author.id', value: String(author) } }]
  const parts = [...given, ...own]
  if (parts.length === 0) return {}
  return { filter: JSON.stringify(parts.length === 1 ? parts[0] : { and: parts }), fields }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw wrong(
      'filters',
      'it is no JSON',
      'write {"eq": {"field": "blog.author.id", "value": 7}}, or a tree of and, or, not',
    )
  }
}

function pageOf(reply: FastifyReply, { asOf, measures }: Answer, page: z.output<typeof rows>): z.output<typeof rows> {
  void reply.header('sluice-as-of', asOf.toISOString()).header('cache-control', 'private, no-cache')
  const marked = measures.flatMap(({ approximate }) => approximate ?? [])[0]
  // Their shape has no place for it.
  if (marked !== undefined) void reply.header('sluice-approximate', String(marked.error))
  return page
}
