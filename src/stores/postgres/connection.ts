import type pg from 'pg'
import { connect as connectSocket } from 'node:net'
import { parse } from 'pg-connection-string'
import { SluiceError } from '../../lib/error.ts'
import { types } from './values.ts'
import type { ConnectionOptions } from './options.ts'

/** How long a server may take to accept a connection, TLS and password included. */
export const connectTimeoutMs = 10_000

/** Where a url leads, for people: `host:port/database`. Never user or password. */
export function describeUrl(url: string): string {
  try {
    const { host, port, database } = parse(url, { useLibpqCompat: true })
    const name = host === null || host === '' ? 'localhost' : host
    return name.startsWith('/') ? `${name}/${database ?? ''}` : `${name}:${port || '5432'}/${database ?? ''}`
  } catch {
    return 'an unreadable url'
  }
}

/**
 * The driver's settings for a url. Nothing is taken from `PG*` variables or `~/.pgpass`: a store is what the config says it is.
 * Session settings travel with the start of the connection, so that `discard all` returns to them.
 */
export function clientConfig(options: ConnectionOptions): pg.ClientConfig {
  const parsed = parseUrl(options)
  const user = parsed.user === undefined || parsed.user === '' ? 'postgres' : parsed.user
  const password = parsed.password ?? ''
  return {
    host: parsed.host === null || parsed.host === '' ? 'localhost' : parsed.host,
    port: Number(parsed.port || 5432),
    user,
    // A function: the driver then looks nowhere else.
    password: () => password,
    database:
      parsed.database === null || parsed.database === undefined || parsed.database === '' ? user : parsed.database,
    // The driver's type has no `null` where the parser's has; both mean "not given".
    ssl: (parsed.ssl ?? false) as Exclude<pg.ClientConfig['ssl'], undefined>,
    sslnegotiation: parsed.sslnegotiation ?? 'postgres',
    application_name: options.applicationName ?? parsed.application_name ?? 'sluice',
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    options: [parsed.options, ...sessionSettings(options)].filter((part) => part !== undefined).join(' '),
    types,
  }
}

function parseUrl({ url, store }: ConnectionOptions): ReturnType<typeof parse> {
  const invalid = (why: string): SluiceError =>
    new SluiceError('CONFIG_INVALID', `${store}: not the url of a PostgreSQL database`, {
      why,
      fix: 'write it as postgres://user:password@host:port/database; escape special characters of the password (%40 for @)',
      where: { store },
    })
  if (!/^postgres(ql)?:\/\//.test(url)) throw invalid('it does not begin with postgres://')
  try {
    return parse(url, { useLibpqCompat: true })
  } catch (error) {
    // Only messages about files named by the url are shown: others may quote the url.
    throw invalid(error instanceof Error && 'path' in error ? error.message : 'it cannot be parsed')
  }
}

function sessionSettings(options: ConnectionOptions): string[] {
  const settings: Readonly<Record<string, string>> = {
    TimeZone: 'UTC',
    DateStyle: 'ISO,YMD',
    IntervalStyle: 'postgres',
    extra_float_digits: '1',
    bytea_output: 'hex',
    standard_conforming_strings: 'on',
    client_min_messages: 'warning',
    idle_in_transaction_session_timeout: String(options.idleInTransactionMs ?? 60_000),
    // So that the server notices when this machine has gone.
    tcp_keepalives_idle: '30',
    tcp_keepalives_interval: '10',
    tcp_keepalives_count: '3',
    ...(options.readOnly === true ? { default_transaction_read_only: 'on', statement_timeout: '600000' } : {}),
    ...(options.schema === undefined ? {} : { search_path: `"${options.schema.replaceAll('"', '""')}",public` }),
  }
  return Object.entries(settings).map(([name, value]) => `-c ${name}=${value.replaceAll(/[\\ ]/g, '\\$&')}`)
}

/**
 * Asks the server to cancel what this connection runs: over a connection of its own, so that it needs no free slot. Resolves
 * when the request was taken or cannot be made; never rejects.
 */
export function requestCancel(client: pg.Client): Promise<void> {
  const processId: unknown = Reflect.get(client, 'processID')
  const secretKey: unknown = Reflect.get(client, 'secretKey')
  if (typeof processId !== 'number' || typeof secretKey !== 'number') return Promise.resolve()
  const message = Buffer.alloc(16)
  message.writeInt32BE(16, 0)
  message.writeInt32BE(80877102, 4)
  message.writeInt32BE(processId, 8)
  message.writeInt32BE(secretKey, 12)
  return new Promise((resolve) => {
    const socket = client.host.startsWith('/')
      ? connectSocket(`${client.host}/.s.PGSQL.${client.port}`)
      : connectSocket(client.port, client.host)
    socket.setTimeout(5000, () => socket.destroy())
    socket.on('error', () => {})
    socket.once('connect', () => socket.end(message))
    socket.once('close', () => resolve())
    socket.resume()
  })
}
