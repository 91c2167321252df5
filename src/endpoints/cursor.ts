/**
 * A cursor names a place in the rows of one request, and the publication that those rows were of. It is opaque and sealed: what was not
 * given out by this project for the same endpoint, parameters and caller is refused, and what was given out for rows that have been
 * replaced since has expired.
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto'
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

const sealed = z.tuple([
  z.string(),
  z.string(),
  z.string().nullable(),
  z.array(z.string().nullable()),
  z.int().min(0),
  z.int().min(0),
])
const sealBytes = 12

export function cursorOf(place: Place, secret: string): string {
  const { identity, version, publication, values, skip, total } = place
  const content = Buffer.from(JSON.stringify([fingerprint(identity), version, publication, values, skip, total]))
  return Buffer.concat([seal(content, secret), content]).toString('base64url')
}

/** `CURSOR_INVALID`: it was not given out for this request. `CURSOR_EXPIRED`: the endpoint is another since. */
export function placeOf(cursor: string, secret: string, identity: string, version: string): Place {
  const bytes = Buffer.from(cursor, 'base64url')
  const content = bytes.subarray(sealBytes)
  if (bytes.length <= sealBytes || bytes.toString('base64url') !== cursor)
    throw unknown('it is none that was given out')
  if (!timingSafeEqual(bytes.subarray(0, sealBytes), seal(content, secret)))
    throw unknown('it is none that was given out')
  const parsed = sealed.safeParse(JSON.parse(content.toString()))
  if (!parsed.success) throw unknown('another version gave it out')
  const [made, its, publication, values, skip, total] = parsed.data
  if (made !== fingerprint(identity))
    throw unknown('it was given out for other parameters, or to a caller who sees other rows')
  if (its !== version) throw expired()
  return { identity, version, publication, values, skip, total }
}

const fingerprint = (identity: string): string => hash('sha256', identity, 'base64url').slice(0, 22)

function seal(content: Buffer, secret: string): Buffer {
  return createHmac('sha256', secret).update(content).digest().subarray(0, sealBytes)
}

function unknown(why: string): SluiceError {
  return new SluiceError('CURSOR_INVALID', 'the cursor does not belong to this request', {
    why,
    fix: 'give `next` of the last page as it is, with the same parameters; or begin again without a cursor',
  })
}

export function expired(): SluiceError {
  return new SluiceError('CURSOR_EXPIRED', 'the rows were published anew since that page', {
    why: 'pages of one cursor are of one publication',
    fix: 'begin again without a cursor',
  })
}
