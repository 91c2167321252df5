import { v7 as uuid, validate as isUuid } from 'uuid'
import type { Sql } from '../lib/sql.ts'
import { holdPrincipal } from '../state/principal.ts'
import { endSessionsOfToken } from '../state/session.ts'
import type { State } from '../state/state.ts'
import { countTokens, insertToken, readToken, readTokens, revokeToken, type TokenRow } from '../state/token.ts'
import type { Claims, TokenRecord, Tokens } from './access.ts'
import { recordAudit } from './audit.ts'
import type { Bearers } from './bearer.ts'
import { afterOf, paged } from './cursor.ts'
import { principalUnknown, tokenUnknown } from './refusal.ts'
import { newSecret, shown } from './secret.ts'

export function openTokens(state: State, bearers: Pick<Bearers, 'forget'>): Tokens {
  return {
    async list(page) {
      const rows = await readTokens(state.db, state, afterOf(page, 'uuid'), page.limit + 1)
      return paged(rows.map(toRecord), page.limit, await countTokens(state.db, state))
    },

    create: (token, cause) =>
      state.db.transaction(async (tx) => {
        const id = uuid()
        const { secret, hash } = newSecret('token')
        const principal = token.principal ?? null
        if (principal !== null) await demandPrincipal(tx, state, principal)
        await insertToken(tx, state, {
          id,
          name: token.name,
          prefix: shown(secret),
          hash,
          role: token.role,
          claims: token.claims ?? {},
          principal,
          createdBy: cause.actor.name,
          expiresAt: token.expiresAt ?? null,
        })
        const made = await demandToken(tx, state, id)
        const after = auditOf(made)
        await recordAudit(tx, state, { action: 'token.create', subject: id, before: null, after }, cause)
        return { secret, token: made }
      }),

    async revoke(id, cause) {
      const revoked = await state.db.transaction(async (tx) => {
        const before = await demandToken(tx, state, id)
        if (!(await revokeToken(tx, state, id, cause.actor.name))) return await demandToken(tx, state, id)
        await endSessionsOfToken(tx, state, id)
        const after = await demandToken(tx, state, id)
        const change = { before: auditOf(before), after: auditOf(after) }
        await recordAudit(tx, state, { action: 'token.revoke', subject: id, ...change }, cause)
        return after
      })
      bearers.forget()
      return revoked
    },
  }
}

async function demandToken(tx: Sql, state: State, id: string): Promise<TokenRecord> {
  const row = isUuid(id) ? await readToken(tx, state, id) : undefined
  if (row === undefined) throw tokenUnknown(id)
  return toRecord(row)
}

async function demandPrincipal(tx: Sql, state: State, id: string): Promise<void> {
  const principal = isUuid(id) ? await holdPrincipal(tx, state, id) : undefined
  if (principal === undefined) throw principalUnknown('no person of this project has the id that the token is for')
}

function toRecord(row: TokenRow): TokenRecord {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    role: row.role,
    claims: row.claims as Claims, // the table holds objects only
    principal: row.principal === null ? null : { id: row.principal, name: row.principal_name ?? '(removed)' },
    state: row.state,
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
    revokedBy: row.revoked_by,
  }
}

function auditOf({ name, prefix, role, claims, principal, state, expiresAt }: TokenRecord) {
  const person = principal === null ? null : { ...principal }
  return { name, prefix, role, claims, principal: person, state, expiresAt: expiresAt?.toISOString() ?? null }
}
