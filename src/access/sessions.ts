/**
 * Sessions of the console. A row is a session that lives:
 *
 *     link redeemed ──┐                 ┌── signed out, person disabled or removed, token revoked: the row goes
 *     token brought ──┴──▶ (open) ──────┴── unused for 12 h, or 7 d old, or its token expired: refused, swept later
 *
 * Role and claims are read anew at each request: what is changed of a person holds from then on.
 */
import type { Session } from '../lib/sql.ts'
import { holdPrincipal } from '../state/principal.ts'
import {
  deleteSession,
  insertSession,
  readSessions,
  type SessionRow,
  touchSessions,
  writeSeen,
} from '../state/session.ts'
import type { State } from '../state/state.ts'
import type { BearerRow } from '../state/token.ts'
import type { About, Access, Actor, Caller, Claims, SignedIn } from './access.ts'
import { recordAudit } from './audit.ts'
import { batched } from './batch.ts'
import { type Bearers, reasonAgainst, rightsOf } from './bearer.ts'
import { noConsole, refused } from './refusal.ts'
import { csrfOf, hashOf, newSecret, sameHash, storableText } from './secret.ts'

const idleMs = 12 * 3_600_000
const longestMs = 7 * 86_400_000

export function openSessions(state: State, bearers: Bearers): Pick<Access, 'session' | 'signIn' | 'signOut'> {
  const find = batched(async (keys) => {
    const rows = await readSessions(
      state.db,
      state,
      keys.map((key) => Buffer.from(key, 'hex')),
      idleMs,
    )
    const used = rows.filter((row) => row.stale && judge(row).tag === 'counts').map(({ hash }) => hash)
    if (used.length > 0) await touchSessions(state.db, state, used)
    return new Map(rows.map((row) => [row.hash.toString('hex'), row]))
  })
  return {
    async session(cookie) {
      const hash = hashOf('session', cookie)
      if (hash === null) throw refused('the cookie has not the form of a session')
      const row = await find(hash.toString('hex'))
      if (row === undefined || !sameHash(row.hash, hash)) throw refused('the session is unknown or has ended')
      const judged = judge(row)
      if (judged.tag === 'refused') throw refused(judged.reason)
      return { caller: judged.caller, csrf: csrfOf(cookie), expiresAt: row.ends_at }
    },

    async signIn(secret, about) {
      const token = await bearers.find(secret)
      const caller: Caller = { by: 'session', id: token.id, name: token.name, ...rightsOf(token) }
      if (caller.role === null) throw noConsole(token.name)
      return await state.db.transaction(async (tx) => {
        if (token.principal !== null) {
          // Whoever disables the person waits for this, and ends it; or was first, and is seen.
          const person = await holdPrincipal(tx, state, token.principal)
          if (person === undefined || person.disabled) throw refused('the token acts for a person who is disabled')
        }
        const owner = { token: token.id, until: token.expires_at }
        return await openSession(tx, state, owner, caller, { about, how: 'token' })
      })
    },

    async signOut(cookie, requestId) {
      const hash = hashOf('session', cookie)
      if (hash === null) return
      await state.db.transaction(async (tx) => {
        const [row] = await readSessions(tx, state, [hash], idleMs)
        if ((await deleteSession(tx, state, hash)) === undefined || row === undefined) return
        const judged = judge(row)
        // Of one that had run out by itself nobody is the actor.
        if (judged.tag === 'refused') return
        const { by, id, name } = judged.caller
        const entry = { action: 'session.remove', subject: id, before: null, after: null }
        await recordAudit(tx, state, entry, { actor: { by, id, name }, requestId })
      })
    },
  }
}

/** Opens a session and records it. The caller's transaction holds whoever it is for. */
export async function openSession(
  tx: Session,
  state: State,
  owner: { readonly principal: string } | { readonly token: string; readonly until: Date | null },
  caller: Caller,
  { about, how }: { readonly about: About; readonly how: 'link' | 'token' },
): Promise<SignedIn> {
  const { secret: cookie, hash } = newSecret('session')
  const ip = about.ip === null ? null : storableText(about.ip)
  const userAgent = about.userAgent === null ? null : storableText(about.userAgent).slice(0, 300)
  const until = 'until' in owner ? owner.until : null
  const expiresAt = await insertSession(tx, state, { hash, owner, ip, userAgent, longestMs, until })
  if ('principal' in owner) await writeSeen(tx, state, owner.principal)
  const actor: Actor = { by: caller.by, id: caller.id, name: caller.name }
  const entry = { action: 'session.create', subject: caller.id, before: null, after: { how, ip, userAgent } }
  await recordAudit(tx, state, entry, { actor, requestId: about.requestId })
  return { cookie, csrf: csrfOf(cookie), expiresAt, caller }
}

type Judged = { readonly tag: 'counts'; readonly caller: Caller } | { readonly tag: 'refused'; readonly reason: string }

/** Whether a session counts, and for whom. Pure. */
export function judge(row: SessionRow): Judged {
  const no = (reason: string): Judged => ({ tag: 'refused', reason })
  if (row.over) return no('the session is over its time')
  if (row.idle) return no('the session was not used for too long')
  if (row.owner !== null) {
    const who = `${row.owner_name} (${row.owner})`
    if (row.owner_disabled) return no(`the session is that of ${who}, who is disabled`)
    const { owner: id, owner_name: name, owner_role: role, owner_claims: claims } = row
    // The table holds objects only.
    return { tag: 'counts', caller: { by: 'session', id, name: name ?? id, role, claims: claims as Claims } }
  }
  if (!hasToken(row)) return no('the session belongs to nobody')
  const against = reasonAgainst(row)
  if (against !== null) return no(`the session was opened with a token: ${against}`)
  return { tag: 'counts', caller: { by: 'session', id: row.id, name: row.name, ...rightsOf(row) } }
}

/** With a token's id come its other columns: they are of one row. */
function hasToken(row: SessionRow): row is SessionRow & BearerRow {
  return row.id !== null
}
