/** Which server each store of the config is, and why. Never a secret. */
import { z } from 'zod'
import type { Resource } from './route.ts'

const store = z
  .object({
    name: z.string(),
    kind: z.string().describe('`postgres`, `duckdb`, `files`, …'),
    what: z.string().describe('`PostgreSQL 18.4 on 127.0.0.1:5432/app`, the path of a file'),
    why: z.string().describe('what in the config says so'),
  })
  .meta({ id: 'Store', description: 'an outside system' })

export const stores: Resource = (app, sluice) => {
  app.route({
    method: 'GET',
    url: '/api/stores',
    config: { role: 'viewer' },
    schema: {
      operationId: 'listStores',
      summary: 'The stores of the config',
      tags: ['Operation'],
      querystring: z.strictObject({}),
      response: { 200: z.object({ items: z.array(store), total: z.int() }).meta({ id: 'Stores' }) },
    },
    handler() {
      const items = sluice.stores.map((one) => ({ ...one }))
      return { items, total: items.length }
    },
  })
}
