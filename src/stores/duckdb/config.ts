import { z } from 'zod'
import { envReference } from '../../lib/reference.ts'

/** A DuckDB store as a config writes it. */
export const duckdbStore = z.strictObject({
  duckdb: z
    .union([z.string().min(1), envReference])
    .describe('the path of a DuckDB file, from the folder of the config; `:memory:` for none'),
  threads: z.int().min(1).max(64).default(2).describe('threads that a query uses, besides the one that encodes'),
  memory: z
    .string()
    .regex(/^\d+ ?(?:KB|MB|GB|KiB|MiB|GiB)$/u, 'a size such as 256MB or 4GB')
    .default('256MB')
    .describe('what DuckDB may hold in memory before it spills beside the file'),
  readOnly: z.boolean().default(false).describe('several processes may read the file at once, none may write it'),
})

export type DuckdbStore = z.output<typeof duckdbStore>
