/** Who changed what. */
import { z } from 'zod'
import { actorShape } from './records/caller.ts'
import type { Resource } from './route.ts'
import { json, pageOf, pageQuery, time, timeParameter } from './schemas.ts'

const auditRecord = z
  .object({
    id: z.string(),
    at: time,
    actor: actorShape,
    action: z.string().describe('what changed, dot, how: `flow.pause`'),
    subject: z.string().describe('what it was done to'),
    before: json,
    after: json,
    requestId: z.string().nullable().describe('as in the log; null: from the shell'),
  })
  .meta({ id: 'AuditRecord', description: 'a change' })

const filter = z.strictObject({
  actor: z.string().min(1).max(200).optional().describe("an actor's id or name"),
  action: z.string().min(1).max(100).optional().describe('an action, or what changed (`flow`)'),
  subject: z.string().min(1).max(200).optional(),
  since: timeParameter.optional(),
  until: timeParameter.optional().describe('exclusive'),
  ...pageQuery.shape,
})

export const auditLog: Resource = (app, { access }) => {
  app.route({
    method: 'GET',
    url: '/api/audit',
    config: { role: 'admin' },
    schema: {
      operationId: 'listAudit',
      summary: 'Changes, newest first: who, what, before and after',
      tags: ['Access'],
      querystring: filter,
      response: { 200: pageOf(auditRecord).meta({ id: 'AuditPage' }) },
    },
    async handler({ query }) {
      const { limit, cursor, ...rest } = query
      const named = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
      return access.audit.list(named, { limit, cursor: cursor ?? null })
    },
  })
}
