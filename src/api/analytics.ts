/**
 * What one team's performance page asks, in its own words: views by period, by reader's group, and the ten with most. Read from two rollups
 * that the config names, so that ranges, filters and growth mean here what they mean everywhere.
 */
import { z } from 'zod'
import { SluiceError } from '../lib/error.ts'
import type { SeriesRequest } from '../endpoints/series/ask.ts'
import type { Sluice } from '../sluice.ts'
import { type Api, problemAnswer, type Resource } from './route.ts'

/** Its fields, as our dimensions are called. */
const fields: Readonly<Record<string, string>> = {
  'blog.id': 'blog',
  'blog.author.id': 'author',
  'blog.author': 'author',
  'blog.country.code': 'country',
}

const row = z
  .object({ x: z.string(), y: z.number(), z: z.number().nullable() })
  .meta({ id: 'AnalyticsRow', description: 'a bar of a chart' })

const rows = z
  .object({ count: z.number(), page: z.int(), page_size: z.int(), results: z.array(row) })
  .meta({ id: 'AnalyticsPage' })

const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'has to be a day as 2025-01-31')
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
const refused = { 404: problemAnswer('the rollup is gone') }

function performance(app: Api, sluice: Sluice, names: Names): void {
  app.route({
    method: 'GET',
    url: '/analytics/performance/',
    config: { role: 'viewer' },
    schema: {
      operationId: 'readPerformance',
      summary: 'Views by period, with how many blogs were new, and growth',
      description:
        'Of each period `x` is its label and the number of new blogs, `y` the views, `z` their growth in percent.',
      tags: ['Analytics'],
      querystring: z.strictObject({
        compare: z
          .enum(['day', 'week', 'month', 'year'])
          .optional()
          .describe('default: by the range; month without one'),
        user_id: z.coerce.number().int().optional().describe("the blogs' author"),
        ...range,
        ...paging,
      }),
      response: { 200: rows, ...refused },
    },
    async handler({ query }) {
      const { compare, user_id: author, page, page_size: size } = query
      const asked = { ...rangeOf(query), grain: compare ?? (query.start === undefined ? 'month' : undefined) }
      const own = author === undefined ? [] : [{ eq: { field: 'author', value: author } }]
      const filter = filterOf(query.filters, own)
      const views = await sluice.series.read(names.views, { ...asked, ...filter('all'), measures: names.viewCount })
      const posts = await sluice.series.read(names.posts, {
        ...asked,
        ...filter('posts'),
        grain: views.grain,
        measures: names.postCount,
      })
      const made = new Map(
        (posts.series[0]?.points ?? []).map(({ label, values }) => [label, Number(values[names.postCount] ?? 0)]),
      )
      const all = (views.series[0]?.points ?? []).map(({ label, values, growth }) => ({
        x: `${label} (${made.get(label) ?? 0} blogs)`,
        y: Number(values[names.viewCount] ?? 0),
        z: growth[names.viewCount] ?? null,
      }))
      return pageOf(all, page, size)
    },
  })
}

function grouped(app: Api, sluice: Sluice, names: Names): void {
  app.route({
    method: 'GET',
    url: '/analytics/blog-views/',
    config: { role: 'viewer' },
    schema: {
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
    async handler({ query }) {
      const found = await totals(sluice, names, query, query.group === 'user' ? 'author' : 'country')
      return pageOf(found, query.page, query.page_size)
    },
  })
}

function top(app: Api, sluice: Sluice, names: Names): void {
  app.route({
    method: 'GET',
    url: '/analytics/top/',
    config: { role: 'viewer' },
    schema: {
      operationId: 'readTop',
      summary: 'The ten with most views',
      description: '`x` is the author, country or blog, `y` how many blogs were viewed, `z` the views.',
      tags: ['Analytics'],
      querystring: z.strictObject({ top: z.enum(['user', 'country', 'blog']).default('blog'), ...range }),
      response: { 200: rows, ...refused },
    },
    async handler({ query }) {
      const by = { user: 'author', country: 'country', blog: 'blog' }[query.top]
      return pageOf((await totals(sluice, names, query, by)).slice(0, 10), 1, 10)
    },
  })
}

/** Views of a range by a dimension, and of how many blogs: those with most first. */
async function totals(
  sluice: Sluice,
  names: Names,
  query: {
    readonly start?: string | undefined
    readonly end?: string | undefined
    readonly filters?: string | undefined
  },
  by: string,
): Promise<readonly z.output<typeof row>[]> {
  const dimensions = by === 'blog' ? 'blog' : `blog,${by}`
  const asked: SeriesRequest = {
    ...rangeOf(query),
    ...filterOf(query.filters, [])('all'),
    by: dimensions,
    measures: names.viewCount,
  }
  const { series } = await sluice.series.total(names.views, asked)
  const found = new Map<string, { y: number; z: number }>()
  for (const { key, points } of series) {
    const views = Number(points[0]?.values[names.viewCount] ?? 0)
    if (views === 0) continue
    const name = key[by] === null || key[by] === undefined ? 'unknown' : JSON.stringify(key[by]).replaceAll('"', '')
    const sum = found.get(name) ?? { y: 0, z: 0 }
    found.set(name, { y: sum.y + 1, z: sum.z + views })
  }
  return [...found]
    .map(([x, { y, z: views }]) => ({ x, y, z: views }))
    .toSorted((a, b) => b.z - a.z || a.x.localeCompare(b.x))
}

function rangeOf({
  start,
  end,
}: {
  readonly start?: string | undefined
  readonly end?: string | undefined
}): SeriesRequest {
  return { ...(start === undefined ? {} : { from: start }), ...(end === undefined ? {} : { to: end }) }
}

/** A tree of theirs, with what else is asked; of new blogs, which no blog is a dimension of, a filter by blog says nothing. */
function filterOf(
  text: string | undefined,
  more: readonly unknown[],
): (of: 'all' | 'posts') => { readonly filter?: string } {
  const given = text === undefined || text.trim() === '' ? [] : [parsed(text)]
  return (of) => {
    const parts = [...given.map((tree) => renamed(tree)), ...more].filter(
      (tree) => of === 'all' || !JSON.stringify(tree).includes('"field":"blog"'),
    )
    const [only] = parts
    if (only === undefined) return {}
    return { filter: JSON.stringify(parts.length === 1 ? only : { and: parts }) }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new SluiceError('FILTER_INVALID', 'the parameter filters is wrong', {
      why: 'it is no JSON',
      fix: 'write {"eq": {"field": "blog.author.id", "value": 7}}, or a tree of and, or, not',
    })
  }
}

/** With our names of fields; what is none of theirs stays, and is refused by its own name. */
function renamed(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(renamed)
  if (typeof tree !== 'object' || tree === null) return tree
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => [
      key,
      key === 'field' && typeof value === 'string'
        ? (fields[value] ?? value)
        : key === 'value'
          ? (value as unknown)
          : renamed(value),
    ]),
  )
}

function pageOf(all: readonly z.output<typeof row>[], page: number, size: number): z.output<typeof rows> {
  return { count: all.length, page, page_size: size, results: all.slice((page - 1) * size, page * size) }
}
