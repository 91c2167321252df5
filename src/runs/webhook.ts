/**
 * One request to a webhook, in the form of Standard Webhooks: the receiver checks
 * `webhook-signature: v1,base64(HMAC-SHA-256(secret, id.timestamp.body))` and drops what it has seen by `webhook-id`, which stays the
 * same over all attempts.
 */
import { createHmac } from 'node:crypto'
import type { Webhook } from './engine.ts'

export interface Message {
  /** The same for every attempt to deliver this notification. */
  readonly id: string
  /** When this attempt is made. */
  readonly at: Date
  readonly body: string
}

export type Sent =
  | { readonly tag: 'accepted' }
  /** `error` names neither address nor answer: both may hold secrets. */
  | { readonly tag: 'failed'; readonly error: string; readonly retryAfterMs: number | null }
  /** The receiver wants no more of it (410). */
  | { readonly tag: 'gone'; readonly error: string }

/** Posts it; never rejects. `timeoutMs` is for the whole exchange. */
export async function post(
  webhook: Pick<Webhook, 'url' | 'secret'>,
  message: Message,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Sent> {
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    const { address, authorization } = addressOf(webhook.url)
    const response = await fetch(address, {
      method: 'POST',
      headers: { ...headersOf(webhook.secret, message), ...authorization },
      body: message.body,
      // Elsewhere is not where the config says: a redirect is a refusal.
      redirect: 'manual',
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    })
    await response.body?.cancel()
    if (response.ok) return { tag: 'accepted' }
    const error = `HTTP ${response.status}`
    if (response.status === 410) return { tag: 'gone', error }
    return { tag: 'failed', error, retryAfterMs: retryAfter(response.headers.get('retry-after'), message.at) }
  } catch (thrown) {
    if (signal?.aborted === true) return { tag: 'failed', error: 'interrupted', retryAfterMs: 0 }
    if (timeout.aborted) return { tag: 'failed', error: `no answer within ${timeoutMs} ms`, retryAfterMs: null }
    return { tag: 'failed', error: reasonOf(thrown), retryAfterMs: null }
  }
}

/** Name and password of an address travel as a header: `fetch` refuses an address that has them. */
function addressOf(written: string): {
  readonly address: URL
  readonly authorization: Readonly<Record<string, string>>
} {
  const address = new URL(written)
  const { username, password } = address
  if (username === '' && password === '') return { address, authorization: {} }
  address.username = ''
  address.password = ''
  const given = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  return { address, authorization: { authorization: `Basic ${given}` } }
}

export function headersOf(secret: string | null, { id, at, body }: Message): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(at.getTime() / 1_000))
  return {
    'content-type': 'application/json',
    'user-agent': 'sluice',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    ...(secret === null ? {} : { 'webhook-signature': `v1,${sign(secret, `${id}.${timestamp}.${body}`)}` }),
  }
}

/** A secret written `whsec_…` is base64 of the key, as Standard Webhooks has it; any other is the key itself. */
export function sign(secret: string, text: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret)
  return createHmac('sha256', key).update(text).digest('base64')
}

/** `Retry-After` as seconds or as a date → milliseconds from `now`. */
function retryAfter(header: string | null, now: Date): number | null {
  if (header === null) return null
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - now.getTime()
  return Number.isFinite(ms) && ms > 0 ? ms : null
}

/** The system's code for why there was no answer: `ECONNREFUSED`, `ENOTFOUND`, `CERT_HAS_EXPIRED`. */
function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : undefined
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' ? `no connection: ${code}` : 'no connection'
}

const firstMs = 5_000
const longestMs = 3_600_000

/** How long to wait after the n-th failed attempt: 5 s, doubled each time, at most an hour, ±20 %; the receiver's own wish if longer. */
export function backoff(attempts: number, retryAfterMs: number | null, random: number): number {
  const own = Math.min(firstMs * 2 ** Math.min(attempts - 1, 20), longestMs) * (0.8 + 0.4 * random)
  return Math.round(Math.max(own, Math.min(retryAfterMs ?? 0, longestMs)))
}
