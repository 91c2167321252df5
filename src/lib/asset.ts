import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Files that code refers to without importing them, named in one place because the compiler neither renames
 * `new URL('./x.ts')` nor copies SQL. `dist` mirrors `src`, so one path relative to `src/lib` serves both.
 */
const suffix = extname(import.meta.url)

/** The module of a worker thread, as `.ts` in a clone and as `.js` in the package. */
const worker = (path: string): URL => new URL(`../${path}${suffix}`, import.meta.url)
const folder = (path: string): string => fileURLToPath(new URL(`../${path}/`, import.meta.url))

export const asset = {
  duckdbThread: worker('stores/duckdb/thread'),
  migrations: folder('state/migrations'),
  /** Where the built console may be: in the package beside the code, in a clone in its own folder. */
  consoles: [folder('console'), fileURLToPath(new URL('../../console/dist/', import.meta.url))],
} as const
