import { z } from 'zod'

/** A DuckDB store as a config writes it: `warehouse: { duckdb: 'data.duckdb' }` or the object with all options. */
export const duckdbConfig = z.strictObject({
  /** The database file, relative to the config; created if missing unless `readOnly`. */
  path: z.string().min(1).default('.sluice/warehouse.duckdb'),
  /** Threads that a query uses besides the one that encodes. */
  threads: z.int().min(1).max(64).default(2),
  /** What DuckDB may hold in memory before it spills beside the file: `256MB`, `4GB`. */
  memory: z
    .string()
    .regex(/^\d+ ?(?:KB|MB|GB|KiB|MiB|GiB)$/u, 'a size like 256MB or 4GB')
    .default('256MB'),
  readOnly: z.boolean().default(false),
})

export type DuckdbConfig = z.infer<typeof duckdbConfig>
