/**
 * A cursor names a place in the rows of one request, and the publication that those rows were of. It is sealed: it cannot be read, since
 * the place is named by columns that the answer may not show; what was not given out by this project for the same endpoint, parameters
 * and caller is refused; and what was given out for rows that have been replaced since has expired.
 */
import { createCipheriv, createDecipheriv, createHmac, hash } from 'node:crypto'
import { z } from 'zod'
import { SluiceError } from '../lib/error.ts'

export interface Place {
  /** Of the request, `Asked`. */
  readonly identity: string
  /** Of the endpoint, `Compiled`, and of the rows; the latter null where nothing tells when they change. */
  readonly version: string
  readonly publication: string | null
  /** The keys of the order in the last row given. */
  readonly values: readonly (string | null)[]
  /** How many rows with those keys were given. */
  readonly skip: number
  readonly total: number
}

const content = z.tuple([
  z.string(),
  z.string(),
  z.string().nullable(),
  z.array(z.string().nullable()),
  z.int().min(0),
  z.int().min(0),
])

/** `secret`: 32 bytes. The same place has the same cursor. */
export function cursorOf(place: Place, secret: Buffer): string {
  const { identity, version, publication, values, skip, total } = place
  const text = JSON.stringify([fingerprint(identity), version, publication, values, skip, total])
  // Of the content, so that no two contents share one.
  const nonce = createHmac('sha256', secret).update(text).digest().subarray(0, nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', secret, nonce)
  const sealed = [cipher.update(text, 'utf8'), cipher.final()]
  return Buffer.concat([nonce, cipher.getAuthTag(), ...sealed]).toString('base64url')
}

/** `CURSOR_INVALID`: it was not given out for this request. `CURSOR_EXPIRED`: the endpoint is another since. */
export function placeOf(cursor: string, secret: Buffer, identity: string, version: string): Place {
  const bytes = Buffer.from(cursor, 'base64url')
  if (bytes.length <= nonceBytes + tagBytes || bytes.toString('base64url') !== cursor)
    throw unknown('it is none that was given out')
  const parsed = content.safeParse(JSON.parse(opened(bytes, secret)))
  if (!parsed.success) throw unknown('another version gave it out')
  const [made, its, publication, values, skip, total] = parsed.data
  if (made !== fingerprint(identity))
    throw unknown('it was given out for other parameters, or to a caller who sees other rows')
  if (its !== version) throw expired()
  return { identity, version, publication, values, skip, total }
}

const nonceBytes = 12
const tagBytes = 16

function opened(bytes: Buffer, secret: Buffer): string {
  const decipher = createDecipheriv('aes-256-gcm', secret, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
  decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
  try {
    return decipher.update(bytes.subarray(nonceBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8')
  } catch {
    throw unknown('it is none that was given out')
  }
}

const fingerprint = (identity: string): string => hash('sha256', identity, 'base64url').slice(0, 22)

function unknown(why: string): SluiceError {
  return new SluiceError('CURSOR_INVALID', 'the cursor does not belong to this request', {
    why,
    fix: 'give `next` of the last page as it is, with the same parameters; or begin again without a cursor',
    problems: [{ path: 'cursor', fault: why }],
  })
}

export function expired(): SluiceError {
  return new SluiceError('CURSOR_EXPIRED', 'the rows were published anew since that page', {
    why: 'pages of one cursor are of one publication',
    fix: 'begin again without a cursor',
  })
}
