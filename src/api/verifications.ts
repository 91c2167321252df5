/** Comparing source and target: asked for as a run, kept as history. */
import { z } from 'zod'
import type { SliceKey } from '../flows/flow.ts'
import { callerOf } from './authenticate.ts'
import { changeOf } from './change.ts'
import { fromCursor, toCursor } from './cursor.ts'
import { flowPath, noFlow } from './flows.ts'
import { flowOf } from './overview.ts'
import { given, optionalBody } from './input.ts'
import { runAnswer } from './records/run.ts'
import { toVerification, verificationRecord } from './records/verification.ts'
import { problemAnswer, type Resource } from './route.ts'
import { pageOf, pageQuery } from './schemas.ts'
import { closingOf } from './sse.ts'
import { awaitRun, patiently, preferHeader, secondsToWait } from './wait.ts'
import { askFor, sendAsked, workOptions } from './work.ts'

const verificationRequest = z
  .strictObject({
    slices: workOptions.slices,
    strict: z.boolean().default(false).describe('a source that moved since it was published is a finding, too'),
    repair: z
      .boolean()
      .default(false)
      .describe('what differs is redone, under the guard of its flow, and compared again; refused while it is paused'),
  })
  .meta({ id: 'VerificationRequest' })

const position = z.object({ run: z.uuid(), slice: z.string() })

export const verifications: Resource = (app, sluice) => {
  const { engine } = sluice
  const closing = closingOf(app)
  app.route({
    method: 'GET',
    url: '/api/flows/:flow/verifications',
    config: { role: 'viewer' },
    schema: {
      operationId: 'listVerifications',
      summary: 'What comparing source and target found, newest first',
      tags: ['Flows'],
      params: flowPath,
      querystring: z.strictObject({
        slice: z.string().min(1).max(500).optional().describe('only of this slice, by key'),
        ...pageQuery.shape,
      }),
      response: {
        200: pageOf(verificationRecord).meta({ id: 'VerificationPage' }),
        404: noFlow,
        410: problemAnswer('the verification at which the page began is gone'),
      },
    },
    async handler({ params, query: { limit, cursor, slice } }) {
      const key = slice as SliceKey | undefined // compared, never parsed
      const filter = { flow: flowOf(sluice, params.flow).name, ...given({ slice: key }) }
      const at = fromCursor(position, cursor)
      const before = at === undefined ? undefined : { run: at.run, slice: at.slice as SliceKey } // as above
      const [found, total] = await Promise.all([
        engine.verifications({ ...filter, ...given({ before }), limit: limit + 1 }),
        engine.countVerifications(filter),
      ])
      const items = found.slice(0, limit).map(toVerification)
      const last = items.at(-1)
      const next = found.length > limit && last !== undefined ? toCursor({ run: last.run, slice: last.slice }) : null
      return { items, next, total }
    },
  })

  app.route({
    method: 'POST',
    url: '/api/flows/:flow/verifications',
    config: { role: 'operator', audit: 'verification.request' },
    schema: {
      operationId: 'requestVerification',
      summary: 'Compare source and target, row by row',
      description:
        "Answers 202 with the run that compares; with `Prefer: wait=N` 200 if it ends in time. `run.result.verifications` has the verdicts. With `repair` the run that redoes what differs is `run.result.followedBy`, and the one that compares again is that run's; whoever asks need not wait for them.",
      tags: ['Flows'],
      params: flowPath,
      headers: preferHeader,
      body: optionalBody(verificationRequest),
      response: {
        200: runAnswer,
        202: runAnswer,
        404: noFlow,
        409: problemAnswer('it is to be repaired, and the flow is paused'),
      },
    },
    async handler(request, reply) {
      const waited = secondsToWait(request.headers.prefer, 0)
      const asked = await askFor(sluice, request.params.flow, 'verify', request.body, callerOf(request))
      changeOf(request).after = { run: asked.id, joined: asked.joined, repair: request.body.repair }
      const run = await patiently(reply, closing, (gone) =>
        awaitRun(engine, asked.id, asked.warning === null ? waited : 0, gone),
      )
      return sendAsked(reply, run, asked, waited > 0 ? waited : null)
    },
  })
}
