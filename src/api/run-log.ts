/** The log of a run: pages, or a stream that goes on until the run has ended. */
import { z } from 'zod'
import type { RunEvent } from '../runs/engine.ts'
import { fromCursor, toCursor } from './cursor.ts'
import { logLine, phase, runDetail, toRunDetail } from './records/run.ts'
import type { Resource } from './route.ts'
import { noRun, runPath } from './runs.ts'
import { pageOf, pageQuery } from './schemas.ts'
import { closingOf, lastEventId, type Message, sendEvents, streamHeaders, streamLimit, wantsEvents } from './sse.ts'
import { stillMay } from './still.ts'

const progress = z
  .object({
    attempt: z.int(),
    phase,
    elapsedMs: z.number().meta({ description: 'since the phase began' }),
    etaMs: z.number().nullable().meta({ description: 'until it is over; null: unknown' }),
  })
  .meta({ id: 'Progress', description: 'data of a `progress` event of a log' })

const logPage = pageOf(logLine)
  .extend({
    next: z
      .string()
      .nullable()
      .describe('pass it as `cursor` for what follows; null: the run has ended, and this was the last line'),
  })
  .meta({ id: 'LogPage' })

export const runLog: Resource = (app, { engine, access }) => {
  const closing = closingOf(app)
  app.route({
    method: 'GET',
    url: '/api/runs/:run/log',
    config: { role: 'viewer' },
    handlerTimeout: streamLimit,
    schema: {
      operationId: 'getRunLog',
      summary: 'The log of a run, oldest line first',
      description:
        'JSON pages; or with `Accept: text/event-stream` events: `log` (a `LogLine`; its id resumes the stream by Last-Event-ID), `progress` (a `Progress`) and at the end `finished` (a `RunDetail`).',
      tags: ['Runs'],
      params: runPath,
      querystring: pageQuery,
      headers: streamHeaders,
      response: {
        200: {
          description: 'lines',
          content: {
            'application/json': { schema: logPage },
            'text/event-stream': { schema: z.union([logLine, progress, runDetail]) },
          },
        },
        404: noRun,
      },
    },
    async handler(request, reply) {
      const { limit, cursor } = request.query
      const run = await engine.run(request.params.run)
      if (wantsEvents(request)) {
        const from = lastEventId(request) ?? fromCursor(z.int().min(0), cursor) ?? 0
        const follow = (signal: AbortSignal) => messages(engine.follow(run.id, { signal, from }))
        return sendEvents(request, reply, follow, { closing, still: stillMay(request, access, 'viewer') })
      }
      const after = fromCursor(z.int().min(0), cursor)
      const lines = await engine.log(run.id, { limit: limit + 1, ...(after === undefined ? {} : { after }) })
      const items = lines.slice(0, limit)
      const last = items.at(-1)?.id ?? after ?? 0
      const more = lines.length > limit || run.outcome === null
      return reply
        .type('application/json')
        .send({ items, next: more ? toCursor(last) : null, total: await engine.countLog(run.id) })
    },
  })
}

async function* messages(events: AsyncIterable<RunEvent>): AsyncGenerator<Message> {
  for await (const event of events) {
    switch (event.tag) {
      case 'log':
        yield { id: String(event.line.id), event: 'log', data: event.line }
        break
      case 'progress': {
        const { tag: _tag, ...data } = event
        yield { event: 'progress', data }
        break
      }
      case 'finished':
        yield { event: 'finished', data: toRunDetail(event.run) }
    }
  }
}
