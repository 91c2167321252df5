import { z } from 'zod'
import { SluiceError } from '../../lib/error.ts'
import { envReference, secretReference } from '../../lib/reference.ts'
import { clientConfig } from './connection.ts'

/** A PostgreSQL store as a config writes it; references are resolved when it is first used. */
export const postgresStore = z.strictObject({
  postgres: z
    .union([z.string().min(1), envReference, secretReference])
    .describe(
      "a connection string `postgres://user:password@host:port/database`, or `embedded` for Sluice's own server",
    ),
  connections: z.int().min(2).max(500).default(10).describe('connections at most, for each process'),
  schema: z
    .string()
    .min(1)
    .max(63)
    .optional()
    .describe('where tables are that name no schema; default: as the server has it'),
})

export type PostgresDefinition = z.output<typeof postgresStore>

/** A PostgreSQL store with its references resolved. */
export type PostgresStore =
  | { readonly tag: 'embedded'; readonly connections: number; readonly schema: string | null }
  | { readonly tag: 'server'; readonly url: string; readonly connections: number; readonly schema: string | null }

/**
 * The store that a resolved connection string means.
 *
 * @param store its name in the config
 * @throws SluiceError `CONFIG_INVALID` if it is neither `embedded` nor the url of a PostgreSQL database
 */
export function parsePostgresStore(
  store: string,
  address: string,
  options: { readonly connections?: number | undefined; readonly schema?: string | undefined } = {},
): PostgresStore {
  const rest = { connections: options.connections ?? 10, schema: options.schema ?? null }
  if (address === 'embedded') return { tag: 'embedded', ...rest }
  if (address.trim() === '') {
    throw new SluiceError('CONFIG_INVALID', `${store}: the connection string is empty`, {
      why: 'a variable or secret that it comes from has no content',
      fix: 'set it to postgres://user:password@host:port/database, or write `embedded`',
      where: { store },
    })
  }
  // Raises what is wrong with it.
  clientConfig({ store, url: address })
  return { tag: 'server', url: address, ...rest }
}
