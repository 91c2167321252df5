import type { Json } from '../lib/json.ts'
import type { Sql } from '../lib/sql.ts'
import { type AuditRow, countAudit, insertAudit, readAudit } from '../state/audit.ts'
import type { State } from '../state/state.ts'
import type { Audit, AuditEntry, AuditRecord, Cause } from './access.ts'
import { afterOf, paged } from './cursor.ts'
import { storable, storableText } from './secret.ts'

/** Writes who changed what. In the transaction of the change, so that there is neither without the other. */
export async function recordAudit(tx: Sql, state: State, entry: AuditEntry, cause: Cause): Promise<void> {
  await insertAudit(tx, state, {
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
    record: (entry, cause, tx = state.db) => recordAudit(tx, state, entry, cause),
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
