import { openState } from '../state/state.ts'
import type { Database } from '../lib/sql.ts'
import type { Access, Caller } from './access.ts'
import { openAudit } from './audit.ts'
import { openBearers, rightsOf } from './bearer.ts'
import type { JwtOptions } from './config.ts'
import { openIdempotency } from './idempotency.ts'
import { openIssuer } from './jwt.ts'
import { openLinks } from './links.ts'
import { openPrincipals } from './principals.ts'
import { refused } from './refusal.ts'
import { isToken } from './secret.ts'
import { openSessions } from './sessions.ts'
import { openTokens } from './tokens.ts'

export interface AccessOptions {
  /** Of the state; its tables are there. */
  readonly database: Database
  readonly schema: string
  readonly project: string
  /** Of the issuer whose JWTs count, asked for when it is first needed; null: none. It may raise `VARIABLE_UNSET`. */
  readonly jwt: () => JwtOptions | null
  /** How long a token that was looked up is not asked about again, in milliseconds; default: 1000. Tests that move the clock: 0. */
  readonly rememberMs?: number
}

/** Holds nothing open: there is nothing to close. */
export function openAccess(options: AccessOptions): Access {
  const state = openState(options.database, options.schema, options.project)
  const bearers = openBearers(state, options.rememberMs ?? 1_000)
  let issuer: { readonly name: string; readonly check: (jwt: string) => Promise<Caller> } | null | undefined
  const issuerOf = (): NonNullable<typeof issuer> | null => {
    if (issuer === undefined) {
      const jwt = options.jwt()
      issuer = jwt === null ? null : { name: jwt.issuer, check: openIssuer(jwt) }
    }
    return issuer
  }
  return {
    async authenticate(given) {
      if (given === '') throw refused('nothing was sent')
      if (isToken(given)) {
        const token = await bearers.find(given)
        return { by: 'token', id: token.id, name: token.name, ...rightsOf(token) }
      }
      const jwts = issuerOf()
      if (jwts === null) throw refused('it is no token of Sluice, and the config names no issuer of others')
      return await jwts.check(given)
    },
    ...openSessions(state, bearers),
    ...openLinks(state),
    tokens: openTokens(state, bearers),
    principals: openPrincipals(state, bearers),
    audit: openAudit(state),
    idempotency: openIdempotency(state),
    issuer: () => issuerOf()?.name ?? null,
  }
}
