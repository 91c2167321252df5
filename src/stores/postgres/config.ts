import { z } from 'zod'
import { envReference, secretReference } from '../../lib/reference.ts'

/** A PostgreSQL store as a config writes it; references are resolved when it is first used. */
export const postgresStore = z.strictObject({
  postgres: z
    .union([z.string().min(1), envReference, secretReference])
    .describe("a connection string `postgres://…`, or `embedded` for Sluice's own server"),
  connections: z
    .int()
    .min(4)
    .max(500)
    .default(20)
    .describe('connections at most, for each process; endpoints read by half as many more'),
})

export type PostgresStore = z.output<typeof postgresStore>
