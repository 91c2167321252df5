/**
 * Links that sign in once:
 *
 *     (made) ──redeemed──▶ used          void: ten minutes old, or its person disabled or removed
 */
import { v7 as uuid, validate as isUuid } from 'uuid'
import type { Session } from '../lib/sql.ts'
import { insertLink, readLink, redeemLink } from '../state/link.ts'
import { findAdmin, holdPrincipal, insertPrincipal, isNameTaken, lockPrincipals } from '../state/principal.ts'
import type { State } from '../state/state.ts'
import type { Access, Cause, PrincipalRecord } from './access.ts'
import { recordAudit } from './audit.ts'
import { toRecord } from './principals.ts'
import { linkInvalid, principalUnknown } from './refusal.ts'
import { hashOf, newSecret, storableText } from './secret.ts'
import { openSession } from './sessions.ts'

const forMs = 10 * 60_000

export function openLinks(state: State): Pick<Access, 'link' | 'redeem'> {
  return {
    link: (cause, principal) =>
      state.db.transaction(async (tx) => {
        const whom = principal === undefined ? await anyAdmin(tx, state, cause) : await person(tx, state, principal)
        const { secret: code, hash } = newSecret('link')
        const name = storableText(cause.actor.name)
        const expiresAt = await insertLink(tx, state, { hash, principal: whom?.id ?? null, name, forMs })
        const after = { name: whom?.name ?? name, expiresAt: expiresAt.toISOString() }
        const entry = { action: 'link.create', subject: whom?.id ?? name, before: null, after }
        await recordAudit(tx, state, entry, cause)
        return { code, expiresAt, principal: whom === null ? null : { id: whom.id, name: whom.name } }
      }),

    redeem: async (code, about) => {
      const hash = hashOf('link', code)
      if (hash === null) throw linkInvalid()
      return await state.db.transaction(async (tx) => {
        const link = await readLink(tx, state, hash)
        if (link === undefined) throw linkInvalid()
        // People are locked before links, here as where a person is disabled or removed.
        const known = link.principal === null ? null : await holdPrincipal(tx, state, link.principal)
        if (known === undefined || known?.disabled === true) throw linkInvalid()
        if (known === null) await lockPrincipals(tx, state)
        if (!(await redeemLink(tx, state, hash))) throw linkInvalid()
        const { id, name, role, claims } =
          known === null ? await firstAdmin(tx, state, link.name, about.requestId) : toRecord(known)
        return await openSession(
          tx,
          state,
          { principal: id },
          { by: 'session', id, name, role, claims },
          { about, how: 'link' },
        )
      })
    },
  }
}

async function person(tx: Session, state: State, id: string): Promise<PrincipalRecord> {
  const row = isUuid(id) ? await holdPrincipal(tx, state, id) : undefined
  if (row === undefined) throw principalUnknown('no person of this project has the id that the link is for')
  if (row.disabled) throw principalUnknown(`${row.name} is disabled`)
  return toRecord(row)
}

async function anyAdmin(tx: Session, state: State, cause: Cause): Promise<PrincipalRecord | null> {
  const row = await findAdmin(tx, state, storableText(cause.actor.name))
  return row === undefined ? null : toRecord(row)
}

/** Whoever is admin by now, else a new one. The caller holds `lockPrincipals`: there are never two first ones. */
async function firstAdmin(
  tx: Session,
  state: State,
  wanted: string,
  requestId: string | null,
): Promise<PrincipalRecord> {
  const there = await findAdmin(tx, state, wanted)
  if (there !== undefined) return toRecord(there)
  const id = uuid()
  const name = await freeName(tx, state, wanted)
  await insertPrincipal(tx, state, { id, name, role: 'admin', claims: {}, createdBy: wanted })
  const made = await findAdmin(tx, state, name)
  if (made === undefined) throw new Error('the first admin is not there after it was made')
  const entry = { action: 'principal.create', subject: id, before: null, after: { name, role: 'admin' } }
  await recordAudit(tx, state, entry, { actor: { by: 'system', id: null, name: wanted }, requestId })
  return toRecord(made)
}

/** `ann`, or `ann 2` where somebody who is no admin is called so. */
async function freeName(tx: Session, state: State, wanted: string): Promise<string> {
  for (let n = 1; ; n++) {
    const name = n === 1 ? wanted : `${wanted} ${n}`
    if (!(await isNameTaken(tx, state, name, null))) return name
  }
}
