import type { Code } from '../../lib/codes.ts'
import { SluiceError, type Where } from '../../lib/error.ts'

/** What is known of a failure: the fields that the server, the driver or Node put on their error. */
interface Fault {
  readonly message: string
  /** An SQLSTATE, or an errno such as `ECONNREFUSED`. */
  readonly code: string | undefined
  readonly detail: string | undefined
  readonly hint: string | undefined
  readonly schema: string | undefined
  readonly table: string | undefined
  readonly column: string | undefined
  /** The server's CONTEXT: for COPY it names table, line and column, and then the value. */
  readonly context: string | undefined
}

export interface ErrorContext {
  /** The store's name in the config. */
  readonly store: string
  /** `host:port/database`: never user or password. */
  readonly server?: string
  readonly table?: string
}

interface Verdict {
  readonly code: Code
  readonly summary: string
  readonly fix: string
}

const unreachable = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
  'EACCES',
  'EADDRNOTAVAIL',
  '57P03',
])

/** The driver's own texts: it has no codes for these. */
const unreachableText = /timeout expired|connection timeout|establishing an SSL connection|before secure TLS/i
const lostText = /Connection terminated|not queryable|Client was closed|socket hang up|Connection ended/i
const busyText = /timeout exceeded when trying to connect/i
const deniedText = /SASL|client password must be|does not support SSL|self.signed certificate|certificate|altnames/i

/**
 * Any error of the driver, the server or Node as Sluice's own: pure. `why` carries the server's message with detail and hint;
 * it never carries the connection string, and of COPY's context only table, line and column, never the value.
 */
export function asStoreError(thrown: unknown, context: ErrorContext): SluiceError {
  if (thrown instanceof SluiceError) return thrown.at({ store: context.store })
  const fault = faultOf(thrown)
  const { code, summary, fix } = verdictOf(fault, context)
  const copy = copyContext(fault.context)
  const table = fault.table ?? copy.table ?? context.table
  const column = fault.column ?? copy.column
  const where: Where = {
    store: context.store,
    ...(table === undefined ? {} : { table: fault.schema === undefined ? table : `${fault.schema}.${table}` }),
    ...(column === undefined ? {} : { column }),
  }
  return new SluiceError(code, summary, { why: whyOf(fault, copy.line), fix, where, cause: thrown })
}

/** The SQLSTATE behind an error of `asStoreError`, for the few places that decide by it. */
export function sqlState(error: unknown): string | undefined {
  const cause = error instanceof SluiceError ? error.cause : error
  const code = faultOf(cause).code
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}

function verdictOf(fault: Fault, { store, server }: ErrorContext): Verdict {
  const at = server === undefined ? '' : ` at ${server}`
  const state = fault.code ?? ''
  const text = fault.message
  if (state === '55P03') {
    return {
      code: 'PUBLISH_LOCKED',
      summary: `${store}: a lock was not to be had in time`,
      fix: 'wait: it is tried again by itself',
    }
  }
  if (state === '53300' || busyText.test(text)) {
    return {
      code: 'STORE_BUSY',
      summary: `${store}${at} has no connection left`,
      fix: 'close other connections, raise max_connections on the server, or lower `max` of this store',
    }
  }
  if (state === '40001' || state === '40P01') {
    return {
      code: 'STORE_BUSY',
      summary: `${store}: another transaction was in the way`,
      fix: 'run again: nothing was changed',
    }
  }
  if (state.startsWith('28') || state === '42501' || (!/^[0-9A-Z]{5}$/.test(state) && deniedText.test(text))) {
    return { code: 'STORE_DENIED', summary: `${store}${at} refused access`, fix: deniedFix(state, text) }
  }
  if (state === '3D000') {
    return {
      code: 'STORE_QUERY',
      summary: `${store}${at}: there is no such database`,
      fix: 'create it (`create database …`), or name another at the end of the url',
    }
  }
  if (unreachable.has(state) || unreachableText.test(text) || (state === 'ETIMEDOUT' && /connect/.test(text))) {
    return {
      code: 'STORE_UNREACHABLE',
      summary: `${store}${at} does not answer`,
      fix: 'start the server, or correct host and port in the url of this store; `sluice doctor` tries again',
    }
  }
  if (lost(state) || lostText.test(text)) {
    return {
      code: 'STORE_LOST',
      summary: `the connection to ${store}${at} broke`,
      fix: "run again: what was not committed was rolled back; see the server's log if it happens again",
    }
  }
  return { code: 'STORE_QUERY', summary: `${store} refused a statement`, fix: queryFix(state, fault.hint) }
}

function lost(state: string): boolean {
  return (
    // 08P01, a breach of the protocol, is about what was sent: sent again, it is refused again.
    (state.startsWith('08') && state !== '08P01') ||
    [
      '57P01',
      '57P02',
      '57P04',
      '57P05',
      '25P03',
      'ECONNRESET',
      'EPIPE',
      'ETIMEDOUT',
      'ECONNABORTED',
      'ERR_STREAM_DESTROYED',
    ].includes(state)
  )
}

function deniedFix(state: string, text: string): string {
  if (state === '42501') return "grant the role of this store's url the right that `why` names"
  if (/no encryption|SSL off/i.test(text)) return 'add `?sslmode=require` to the url of this store'
  if (/does not support SSL/i.test(text))
    return 'leave `sslmode` out of the url of this store: the server speaks no TLS'
  if (/certificate|altnames/i.test(text))
    return "name the server's authority with `sslrootcert=…` in the url, or use `sslmode=require`"
  if (/client password must be/i.test(text))
    return 'put the password into the url of this store: `postgres://user:password@host/database`'
  return 'correct user and password in the url of this store'
}

function queryFix(state: string, hint: string | undefined): string {
  if (state === '42P01') return 'check the name and its schema; `sluice ddl` prints what Sluice expects'
  if (state === '42703') return 'check the column names of the config against the table'
  if (state === '53100') return 'free disk space on the server, then run again'
  if (state === '57014') return 'run again; if a timeout cancelled it, raise `statement_timeout` for this role'
  if (state === '25006') return 'the server accepts no writes: connect to the primary'
  return hint === undefined ? 'correct what the server names, then run again' : `the server suggests: ${hint}`
}

function whyOf(fault: Fault, line: string | undefined): string {
  // "Failing row contains (…)" is the row itself.
  const detail = fault.detail?.startsWith('Failing row contains') ? undefined : fault.detail
  return [fault.message, detail, line === undefined ? undefined : `row ${line} of the stream`, fault.hint]
    .filter((part) => part !== undefined && part !== '')
    .join('; ')
}

function copyContext(context: string | undefined): { table?: string; line?: string; column?: string } {
  const match = /^COPY ("(?:[^"]|"")+"|[^,]+), line (\d+)(?:, column ([^:]+))?/m.exec(context ?? '')
  if (match === null) return {}
  const [, table, line, column] = match
  return { ...(table && { table }), ...(line && { line }), ...(column && { column }) }
}

function faultOf(thrown: unknown): Fault {
  if (typeof thrown !== 'object' || thrown === null) {
    return { ...nothing, message: String(thrown) }
  }
  const field = (name: string): string | undefined => {
    const value: unknown = Reflect.get(thrown, name)
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  // Happy eyeballs: one error an address, with an empty message of its own.
  const inner: unknown = thrown instanceof AggregateError ? thrown.errors[0] : undefined
  const innerMessage = inner instanceof Error ? inner.message : undefined
  return {
    message: field('message') ?? innerMessage ?? field('code') ?? 'no message',
    code: field('code'),
    detail: field('detail'),
    hint: field('hint'),
    schema: field('schema'),
    table: field('table'),
    column: field('column'),
    context: field('where'),
  }
}

const nothing: Fault = {
  message: '',
  code: undefined,
  detail: undefined,
  hint: undefined,
  schema: undefined,
  table: undefined,
  column: undefined,
  context: undefined,
}
