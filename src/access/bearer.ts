/** Tokens that are brought. */
import type { State } from '../state/state.ts'
import { type BearerRow, readBearers, touchTokens } from '../state/token.ts'
import type { Caller, Claims } from './access.ts'
import { batched } from './batch.ts'
import { openMemory } from './memory.ts'
import { refused } from './refusal.ts'
import { lesser } from './role.ts'
import { hashOf, sameHash } from './secret.ts'

export interface Bearers {
  /** Who a token belongs to; writes that it was used. `UNAUTHENTICATED`. */
  find(secret: string): Promise<BearerRow>
  /** A token or a person has changed here: what is remembered does not count. */
  forget(): void
}

/**
 * `rememberMs`: for how long a token that counts is not asked about again. What is changed in this process holds at once; what is
 * changed in another, within that time.
 */
export function openBearers(state: State, rememberMs: number): Bearers {
  const memory = openMemory<BearerRow>(rememberMs)
  const look = batched(async (keys) => {
    const remember = memory.begin()
    const rows = await readBearers(
      state.db,
      state,
      keys.map((key) => Buffer.from(key, 'hex')),
    )
    const counting = rows.filter((row) => reasonAgainst(row) === null)
    const used = counting.filter(({ stale }) => stale).map(({ id }) => id)
    if (used.length > 0) await touchTokens(state.db, state, used)
    for (const row of counting) remember(row.hash.toString('hex'), row, row.lives_ms ?? Infinity)
    return new Map(rows.map((row) => [row.hash.toString('hex'), row]))
  })
  return {
    async find(secret) {
      const hash = hashOf('token', secret)
      if (hash === null) throw refused('what was sent has not the form of a token')
      const key = hash.toString('hex')
      const row = memory.recall(key) ?? (await look(key))
      if (row === undefined || !sameHash(row.hash, hash)) throw refused('the token is unknown')
      const against = reasonAgainst(row)
      if (against !== null) throw refused(against)
      return row
    },
    forget: () => memory.forget(),
  }
}

export type TokenFacts = Pick<
  BearerRow,
  'id' | 'name' | 'revoked' | 'expired' | 'principal' | 'person_role' | 'person_disabled'
>

/** Why a token does not count; null: it does. Pure. */
export function reasonAgainst(token: TokenFacts): string | null {
  const which = `token ${token.name} (${token.id})`
  if (token.revoked) return `${which} was revoked`
  if (token.expired) return `${which} has expired`
  if (token.principal !== null && token.person_role === null) return `${which} acts for a person who is gone`
  if (token.person_disabled) return `${which} acts for a person who is disabled`
  return null
}

/**
 * What a token that counts may: of a person never more than that person, whose claims win over the token's own. Pure.
 */
export function rightsOf(
  token: Pick<BearerRow, 'role' | 'claims' | 'principal' | 'person_role' | 'person_claims'>,
): Pick<Caller, 'role' | 'claims'> {
  // The table holds objects only.
  const own = token.claims as Claims
  if (token.principal === null) return { role: token.role, claims: own }
  return { role: lesser(token.role, token.person_role), claims: { ...own, ...(token.person_claims as Claims) } }
}
