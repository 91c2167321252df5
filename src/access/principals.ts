import { v7 as uuid, validate as isUuid } from 'uuid'
import type { Sql } from '../lib/sql.ts'
import {
  countAdmins,
  countPrincipals,
  deletePrincipal,
  insertPrincipal,
  isNameTaken,
  lockPrincipals,
  type PrincipalRow,
  readPrincipal,
  readPrincipals,
  updatePrincipal,
} from '../state/principal.ts'
import { endSessionsOf } from '../state/session.ts'
import type { State } from '../state/state.ts'
import { revokeTokensOf } from '../state/token.ts'
import type { Claims, PrincipalRecord, Principals } from './access.ts'
import { recordAudit } from './audit.ts'
import type { Bearers } from './bearer.ts'
import { afterOf, paged } from './cursor.ts'
import { lastAdmin, nameTaken, principalUnknown } from './refusal.ts'

export function openPrincipals(state: State, bearers: Pick<Bearers, 'forget'>): Principals {
  return {
    async list(page) {
      const rows = await readPrincipals(state.db, state, afterOf(page, 'uuid'), page.limit + 1)
      return paged(rows.map(toRecord), page.limit, await countPrincipals(state.db, state))
    },

    get: (id) => demandPrincipal(state.db, state, id),

    create: ({ name, role, claims = {} }, cause) =>
      state.db.transaction(async (tx) => {
        const id = uuid()
        const createdBy = cause.actor.name
        await lockPrincipals(tx, state)
        if (!(await insertPrincipal(tx, state, { id, name, role, claims, createdBy }))) throw nameTaken(name)
        const made = await demandPrincipal(tx, state, id)
        const after = auditOf(made)
        await recordAudit(tx, state, { action: 'principal.create', subject: id, before: null, after }, cause)
        return made
      }),

    async change(id, changes, cause) {
      const changed = await state.db.transaction(async (tx) => {
        await lockPrincipals(tx, state)
        const before = await demandPrincipal(tx, state, id)
        const after: PrincipalRecord = { ...before, ...given(changes) }
        if (JSON.stringify(after) === JSON.stringify(before)) return before
        await demandAnotherAdmin(tx, state, before, after)
        if (await isNameTaken(tx, state, after.name, id)) throw nameTaken(after.name)
        await updatePrincipal(tx, state, after)
        if (after.disabled) await endSessionsOf(tx, state, id)
        const change = { before: auditOf(before), after: auditOf(after) }
        await recordAudit(tx, state, { action: 'principal.change', subject: id, ...change }, cause)
        return after
      })
      bearers.forget()
      return changed
    },

    async remove(id, cause) {
      await state.db.transaction(async (tx) => {
        await lockPrincipals(tx, state)
        const before = await demandPrincipal(tx, state, id)
        await demandAnotherAdmin(tx, state, before, null)
        await endSessionsOf(tx, state, id)
        const revoked = await revokeTokensOf(tx, state, id, cause.actor.name)
        await deletePrincipal(tx, state, id)
        const change = { before: auditOf(before), after: { tokensRevoked: revoked } }
        await recordAudit(tx, state, { action: 'principal.remove', subject: id, ...change }, cause)
      })
      bearers.forget()
    },
  }
}

/** Whether somebody who is admin would be none. Pure. */
export function losesAdmin(
  before: Pick<PrincipalRecord, 'role' | 'disabled'>,
  after: Pick<PrincipalRecord, 'role' | 'disabled'> | null,
): boolean {
  const counts = (one: typeof after): boolean => one !== null && one.role === 'admin' && !one.disabled
  return counts(before) && !counts(after)
}

/** The caller holds `lockPrincipals`. */
async function demandAnotherAdmin(
  tx: Sql,
  state: State,
  before: PrincipalRecord,
  after: PrincipalRecord | null,
): Promise<void> {
  if (losesAdmin(before, after) && (await countAdmins(tx, state, before.id)) === 0) throw lastAdmin(before.name)
}

async function demandPrincipal(db: Sql, state: State, id: string): Promise<PrincipalRecord> {
  const row = isUuid(id) ? await readPrincipal(db, state, id) : undefined
  if (row === undefined) throw principalUnknown(`no person of this project has the id ${id.slice(0, 36)}`)
  return toRecord(row)
}

/** What is undefined was left out. */
function given<Changes extends object>(changes: Changes): Partial<Changes> {
  // Of the same keys, fewer.
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as Partial<Changes>
}

export function toRecord(row: PrincipalRow): PrincipalRecord {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    claims: row.claims as Claims, // the table holds objects only
    disabled: row.disabled,
    createdAt: row.created_at,
    createdBy: row.created_by,
    lastSeenAt: row.last_seen_at,
  }
}

function auditOf({ name, role, claims, disabled }: PrincipalRecord) {
  return { name, role, claims, disabled }
}
