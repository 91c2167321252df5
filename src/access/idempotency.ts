/**
 * Requests that may be repeated under a key:
 *
 *     begin ──▶ (in flight) ──complete──▶ answered ──24 h──▶ (forgotten)
 *                    │  └──abandon──▶ (forgotten)
 *                    └──2 min without an answer: the next one with the same request takes it over
 *
 * Who was taken over and comes back writes nothing: the key has another lease by then.
 */
import canonicalize from 'canonicalize'
import { v4 as uuid } from 'uuid'
import { SluiceError } from '../lib/error.ts'
import { answerIdempotency, claimIdempotency, readIdempotency, releaseIdempotency } from '../state/idempotency.ts'
import type { State } from '../state/state.ts'
import type { Answer, Idempotency } from './access.ts'
import { sameHash, sha256, storable, storableText } from './secret.ts'

const leaseMs = 120_000

export function openIdempotency(state: State): Idempotency {
  return {
    async begin(given, caller, { method, path, body }) {
      const key = storableText(given)
      const fingerprint = sha256(canonicalize([method, path, body]) ?? '')
      const claim = { caller: storableText(`${caller.by} ${caller.id}`), key, leaseToken: uuid() }
      for (;;) {
        if (await claimIdempotency(state.db, state, { ...claim, fingerprint, leaseMs }))
          return {
            tag: 'proceed',
            claim: {
              complete: async (answer) => {
                await answerIdempotency(state.db, state, claim, storableAnswer(answer))
              },
              abandon: () => releaseIdempotency(state.db, state, claim),
            },
          }
        const found = await readIdempotency(state.db, state, claim.caller, key)
        // Given up or swept in between: it is free.
        if (found === undefined) continue
        if (!sameHash(found.fingerprint, fingerprint)) throw conflict()
        if (found.answer === null) throw inFlight()
        return { tag: 'replay', answer: found.answer as Answer } // only `complete` writes it
      }
    },
  }
}

/** Without secrets: whoever repeats the making of a token learns that it was made, not what it is. Pure. */
export function storableAnswer({ status, headers, body }: Answer): Answer {
  const kept = Object.entries(headers).flatMap(([name, value]) => {
    const text = storable(value)
    return typeof text === 'string' ? [[name, text] as const] : []
  })
  return { status, headers: Object.fromEntries(kept), body: storable(body) }
}

function conflict(): SluiceError {
  return new SluiceError('IDEMPOTENCY_CONFLICT', 'This idempotency key belongs to another request', {
    why: 'the same key was sent within 24 hours with another method, address or body',
    fix: 'take a new key for each request, and the same one only to repeat it',
  })
}

function inFlight(): SluiceError {
  return new SluiceError('IDEMPOTENCY_IN_FLIGHT', 'This request is still worked at', {
    why: 'the first request with this idempotency key has no answer yet',
    fix: 'ask again in a moment with the same key; if the first one died, that takes up to 2 minutes',
  })
}
