/** Secrets that we hand out: 32 random bytes behind a prefix that says what they are. Only their SHA-256 is kept. */
import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Json } from '../lib/json.ts'

export type SecretKind = keyof typeof prefixes

const prefixes = { token: 'slc_', session: 'sls_', link: 'sll_' } as const
const body = '[A-Za-z0-9_-]{43}'
const anywhere = new RegExp(`sl[csl]_${body}`)

export interface Secret {
  readonly secret: string
  readonly hash: Buffer
}

export function newSecret(kind: SecretKind): Secret {
  const secret = `${prefixes[kind]}${randomBytes(32).toString('base64url')}`
  return { secret, hash: sha256(secret) }
}

/** The hash that a secret is kept by; null: it is none of that kind, so nothing needs to be asked. */
export function hashOf(kind: SecretKind, secret: string): Buffer | null {
  const begins = secret.startsWith(prefixes[kind]) && secret.length === prefixes[kind].length + 43
  return begins && anywhere.test(secret) ? sha256(secret) : null
}

/** Whether a text begins as a token of ours does. */
export function isToken(text: string): boolean {
  return text.startsWith(prefixes.token)
}

/** Takes the same time wherever they differ. */
export function sameHash(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}

/** What tokens are told apart by: 36 of the secret's 256 bits. */
export function shown(secret: string): string {
  return secret.slice(0, prefixes.token.length + 6)
}

/** Follows from the cookie, so that nothing of it is kept; the cookie does not follow from it. */
export function csrfOf(cookie: string): string {
  return createHmac('sha256', cookie).update('sluice csrf').digest('base64url')
}

/**
 * What may be stored of an answer or a change: text that holds a secret of ours becomes null, what PostgreSQL cannot hold is
 * replaced. Pure.
 */
export function storable(value: Json): Json {
  if (typeof value === 'string') return anywhere.test(value) ? null : storableText(value)
  if (typeof value !== 'object' || value === null) return value
  if (isList(value)) return value.map(storable)
  return Object.fromEntries(
    Object.entries(value).map(([key, below]) => [anywhere.test(key) ? '' : storableText(key), storable(below)]),
  )
}

/** PostgreSQL holds neither NUL nor half a surrogate pair. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\u{fffd}')
}

export function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}

// Array.isArray does not narrow a readonly list.
const isList = (value: object): value is readonly Json[] => Array.isArray(value)
