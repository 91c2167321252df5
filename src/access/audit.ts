import type { Json } from '../lib/json.ts'
import type { Sql } from '../lib/sql.ts'
import { type AuditRow, completeAudit, countAudit, insertAudit, readAudit, removeAudit } from '../state/audit.ts'
import type { State } from '../state/state.ts'
import type { Audit, AuditEntry, AuditRecord, Cause } from './access.ts'
import { afterOf, paged } from './cursor.ts'
import { storable, storableText } from './secret.ts'

/** Writes who changed what. In the transaction of the change, so that there is neither without the other. Its id. */
export async function recordAudit(tx: Sql, state: State, entry: AuditEntry, cause: Cause): Promise<string> {
  return await insertAudit(tx, state, {
    actorBy: cause.actor.by,
    actorId: cause.actor.id === null ? null : storableText(cause.actor.id),
    actorName: storableText(cause.actor.name),
    action: entry.action,
    subject: storableText(entry.subject),
    before: textOf(entry.before),
    after: textOf(entry.after),
    requestId: cause.requestId === null ? null : storableText(cause.requestId),
  })
}

export function openAudit(state: State): Audit {
  return {
    record: async (entry, cause, tx = state.db) => void (await recordAudit(tx, state, entry, cause)),
    async begin(what, cause) {
      const id = await recordAudit(state.db, state, { ...what, before: null, after: { unfinished: true } }, cause)
      return {
        complete: ({ subject, before, after }) =>
          completeAudit(state.db, state, id, {
            subject: storableText(subject),
            before: textOf(before),
            after: textOf(after),
          }),
        abandon: () => removeAudit(state.db, state, id),
      }
    },
    async list(filter, page) {
      const rows = await readAudit(state.db, state, filter, afterOf(page, 'number'), page.limit + 1)
      return paged(rows.map(toRecord), page.limit, await countAudit(state.db, state, filter))
    },
  }
}

function textOf(value: Json): string | null {
  return value === null ? null : JSON.stringify(storable(value))
}

function toRecord(row: AuditRow): AuditRecord {
  return {
    id: row.id,
    at: row.at,
    actor: { by: row.actor_by, id: row.actor_id, name: row.actor_name },
    action: row.action,
    subject: row.subject,
    // JSON is what was written.
    before: row.before as Json,
    after: row.after as Json,
    requestId: row.request_id,
  }
}
