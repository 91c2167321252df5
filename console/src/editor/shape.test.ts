import { describe, expect, test } from 'vitest'
import { fieldsOfKind, kindsOf, type Shape } from './shape.ts'

const schema: Shape = {
  $defs: { duration: { type: 'string', description: 'a length of time' } },
  oneOf: [
    {
      type: 'object',
      required: ['kind', 'from'],
      properties: {
        kind: { type: 'string', const: 'sync' },
        from: {
          description: 'where the rows come from',
          anyOf: [
            {
              type: 'object',
              required: ['query'],
              properties: { query: { type: 'string', description: 'a statement' } },
            },
            { type: 'string', description: 'a table' },
          ],
        },
        every: { $ref: '#/$defs/duration', description: 'how often' },
        late: { $ref: '#/$defs/duration' },
        key: { type: 'array', items: { type: 'string' } },
        grains: { type: 'array', items: { type: 'string', enum: ['hour', 'day'] } },
        track: { type: 'string', const: 'triggers' },
        mode: { type: 'string', enum: ['replace', 'append'], default: 'replace' },
        attempts: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
        columns: {
          type: 'object',
          additionalProperties: { type: 'object', properties: { type: { type: 'string' } } },
        },
        params: { type: 'object', additionalProperties: {} },
      },
    },
  ],
}

describe('fields of a form', () => {
  const fields = Object.fromEntries((fieldsOfKind(schema, 'sync') ?? []).map((field) => [field.key, field]))

  test('a kind is found by its name, which is no field', () => {
    expect(kindsOf(schema)).toEqual(['sync'])
    expect(fields['kind']).toBeUndefined()
    expect(fieldsOfKind(schema, 'rollup')).toBeNull()
  })

  test('required, default and description come from the schema, through references', () => {
    expect(fields['from']).toMatchObject({ required: true, description: 'where the rows come from' })
    expect(fields['mode']).toMatchObject({ required: false, fallback: 'replace' })
    expect(fields['every']).toMatchObject({ description: 'how often', input: { tag: 'text' } })
    expect(fields['late']).toMatchObject({ description: 'a length of time' })
  })

  test('every type has its input', () => {
    expect(fields['grains']?.input).toEqual({ tag: 'list', values: ['hour', 'day'] })
    expect(fields['track']?.input).toEqual({ tag: 'word', word: 'triggers' })
    expect(fields['from']?.input).toEqual({
      tag: 'alternatives',
      options: [
        {
          key: 'query',
          description: 'a statement',
          input: {
            tag: 'group',
            fields: [
              { key: 'query', description: 'a statement', required: true, fallback: undefined, input: { tag: 'text' } },
            ],
          },
        },
        { key: null, description: 'a table', input: { tag: 'text' } },
      ],
    })
    expect(fields['key']?.input).toEqual({ tag: 'list' })
    expect(fields['mode']?.input).toEqual({ tag: 'choice', values: ['replace', 'append'] })
    expect(fields['attempts']?.input).toEqual({ tag: 'number', whole: true, min: 1, max: null })
    expect(fields['columns']?.input).toMatchObject({ tag: 'record', fields: [{ key: 'type' }] })
    expect(fields['params']?.input).toEqual({ tag: 'json' })
  })
})
