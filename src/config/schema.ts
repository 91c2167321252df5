import { z } from 'zod'
import { jwtDefinition } from '../access/config.ts'
import { apiDefinition } from '../api/config.ts'
import { endpointDefinition } from '../endpoints/config.ts'
import { rollupDefinition } from '../flows/rollup/config.ts'
import { syncDefinition } from '../flows/sync/config.ts'
import { envReference, secretReference } from '../lib/reference.ts'
import { duckdbStore } from '../stores/duckdb/config.ts'
import { postgresStore } from '../stores/postgres/config.ts'
import { duration, timingDefinition } from './timing.ts'

/** Text that may be named instead of written: a connection string, an address, a key. */
export const address = z.union([z.string().min(1), envReference, secretReference])
/** A path or name that is no secret. */
const plain = z.union([z.string().min(1), envReference])

export const flowDefinition = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('sync'), ...syncDefinition.shape, ...timingDefinition.shape }),
  // Of a rollup, `zone` is also that of its buckets.
  z.strictObject({ kind: z.literal('rollup'), ...timingDefinition.shape, ...rollupDefinition.shape }),
])

export const webhookEvent = z.enum(['failed', 'late', 'recovered', 'guard'])

const notifyDefinition = z.strictObject({
  webhook: address.describe('where to POST, https://…'),
  secret: z
    .union([secretReference, envReference])
    .optional()
    .describe('signs the body with HMAC-SHA-256; default: unsigned'),
  on: z.array(webhookEvent).min(1).default(['failed', 'late', 'recovered', 'guard']).describe('which changes are sent'),
})

/** What a user may write. Strict: a key that is not listed is a fault, not a silence. */
export const configDefinition = z.strictObject({
  project: z
    .string()
    .min(1)
    .max(63)
    .optional()
    .describe("part of every key of Sluice's own tables; default: the name in package.json"),
  database: z
    .union([address, postgresStore])
    .optional()
    .describe("the application's PostgreSQL, which also holds Sluice's own tables; default: embedded, in `.sluice/`"),
  warehouse: duckdbStore
    .optional()
    .describe(
      'where flows read from unless they name another store; default: the DuckDB file `.sluice/warehouse.duckdb`',
    ),
  objects: plain.optional().describe('where files are kept; default: the folder `.sluice/objects`'),
  stores: z
    .record(z.string(), z.union([postgresStore, duckdbStore]))
    .default({})
    .describe('more stores by name'),
  state: z
    .strictObject({ schema: z.string().min(1).max(63).default('sluice').describe("the schema of Sluice's own tables") })
    .prefault({})
    .describe('where Sluice keeps its own tables'),
  notify: z.array(notifyDefinition).default([]).describe('webhooks that are told of changes of state, once each'),
  api: z
    .strictObject({
      ...apiDefinition.shape,
      jwt: jwtDefinition.optional().describe("tokens of the application's own issuer; default: only tokens of Sluice"),
    })
    .prefault({})
    .describe('the HTTP API and the console: where they listen, and who may call'),
  params: z
    .record(z.string(), z.union([envReference, z.json()]))
    .default({})
    .describe('what every SQL template may name; `params` of a flow add to them and win'),
  concurrency: z
    .record(z.string(), z.int().min(1).max(1000))
    .default({})
    .describe('by store: how many runs may use it at once; default: 4, and 1 for a DuckDB file'),
  retention: z
    .strictObject({
      runs: duration.default('90d').describe('finished runs, with attempts, log and verifications'),
      occurrences: duration.default('90d').describe('due times and what became of them'),
      audit: duration.default('365d').describe('who changed what'),
      notifications: duration.default('30d').describe('notifications that were sent or given up'),
    })
    .prefault({})
    .describe('how long history is kept; the last run of a flow always is'),
  flows: z.record(z.string(), flowDefinition).default({}).describe('what Sluice keeps true, by name'),
  endpoints: z
    .record(z.string(), endpointDefinition)
    .default({})
    .describe('addresses that serve the rows of tables, by name'),
})

export type ConfigDefinition = z.input<typeof configDefinition>
/** A config that fits its schema, defaults in place, references unresolved. */
export type Config = z.output<typeof configDefinition>
export type FlowDefinition = z.output<typeof flowDefinition>
