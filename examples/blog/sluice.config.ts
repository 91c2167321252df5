import { defineConfig, env, rollup } from 'sluice'

/** What the team would have wished: hours of a year, days of ten, months and years for ever. */
const keep = { hour: '400d', day: '3650d' } as const
const grains = ['hour', 'day', 'week', 'month', 'year'] as const

export default defineConfig({
  project: 'blog',
  database: env('DATABASE_URL', { or: 'embedded' }),
  flows: {
    blog_views: rollup({
      from: {
        table: 'blog_view',
        join: {
          blog: { table: 'blog', on: { id: 'blog' } },
          country: { table: 'country', on: { id: 'blog.country' } },
        },
      },
      at: 'viewed_at',
      to: 'blog_views',
      // The team's weeks begin on Sunday.
      weekStart: 'sunday',
      grains: [...grains],
      by: { blog: 'blog', author: 'blog.author', country: 'country.code' },
      levels: [['blog', 'author', 'country'], ['author'], ['country'], []],
      measures: {
        view_count: 'count',
        unique_users: { distinct: 'reader' },
        unique_blogs_viewed: { distinct: 'blog' },
      },
      keep,
    }),
    blog_creations: rollup({
      from: { table: 'blog', join: { country: { table: 'country', on: { id: 'country' } } } },
      at: 'created_at',
      to: 'blog_creations',
      weekStart: 'sunday',
      grains: [...grains],
      // No level has `blog`: it is there for the page's filters.
      by: { blog: 'id', author: 'author', country: 'country.code' },
      levels: [['author', 'country'], []],
      measures: { blog_count: 'count' },
    }),
  },
  api: { analytics: { views: 'blog_views', posts: 'blog_creations' } },
})
