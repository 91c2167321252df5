/** The kinds of flow, and what a definition of each may say: what a form is made of. */
import { z } from 'zod'
import { flowDefinition } from '../config/schema.ts'
import type { Resource } from './route.ts'
import { json } from './schemas.ts'

const kind = z
  .object({
    kind: z.string(),
    schema: json.meta({ description: 'JSON Schema 2020-12 of a definition, as it is written' }),
  })
  .meta({ id: 'Kind', description: 'a kind of flow, and what a definition of it may say' })

/** Always the same: made once. */
const known = flowDefinition.options.map((option) => ({
  kind: option.shape.kind.value,
  // What zod writes is plain JSON.
  schema: JSON.parse(JSON.stringify(z.toJSONSchema(option, { io: 'input', unrepresentable: 'any' }))) as z.output<
    typeof json
  >,
}))

export const kinds: Resource = (app) => {
  app.route({
    method: 'GET',
    url: '/api/kinds',
    config: { role: 'viewer' },
    schema: {
      operationId: 'listKinds',
      summary: 'The kinds of flow, each with the schema of its definitions',
      tags: ['Flows'],
      querystring: z.strictObject({}),
      response: { 200: z.object({ items: z.array(kind) }).meta({ id: 'KindList' }) },
    },
    handler: () => ({ items: known }),
  })
}
