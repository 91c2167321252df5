/** What changes in the project, as it changes. */
import { z } from 'zod'
import type { ChangeEvent } from '../runs/views.ts'
import type { Resource } from './route.ts'
import { id, time } from './schemas.ts'
import { closingOf, type Message, sendEvents, streamLimit } from './sse.ts'
import { stillMay } from './still.ts'

const change = z
  .object({
    id: z.string(),
    at: time,
    tag: z.enum(['hello', 'reload', 'worker', 'notification', 'flow', 'slice', 'occurrence', 'run', 'backfill']),
    flow: z.string().optional(),
    run: id.optional(),
    backfill: id.optional(),
  })
  .meta({
    id: 'ChangeEvent',
    description:
      'what has changed: read it again. `hello` comes first, when nothing can be missed any more; `reload`: changes were missed, read everything',
  })

export const events: Resource = (app, { engine, access }) => {
  const closing = closingOf(app)
  app.route({
    method: 'GET',
    url: '/api/events',
    config: { role: 'viewer' },
    handlerTimeout: streamLimit,
    schema: {
      operationId: 'streamEvents',
      summary: 'What changes, as server-sent events',
      description: 'Each event is named by its `tag`; its data is a `ChangeEvent`.',
      tags: ['Operation'],
      querystring: z.strictObject({}),
      response: {
        200: { description: 'events without end', content: { 'text/event-stream': { schema: change } } },
      },
    },
    handler(request, reply) {
      const still = stillMay(request, access, 'viewer')
      sendEvents(request, reply, (signal) => messages(engine.events(signal)), { closing, still })
    },
  })
}

async function* messages(changes: AsyncIterable<ChangeEvent>): AsyncGenerator<Message> {
  for await (const one of changes) yield { id: one.id, event: one.tag, data: one }
}
