import fc from 'fast-check'
import { expect, it } from 'vitest'
import { written } from './written.ts'

it('is the same JSON, whatever it is', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(written(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

it('puts what is short on a line, in the order in which people write', () => {
  expect(written({ every: '2h', key: ['id'], kind: 'sync', columns: { delay: { type: 'smallint' } } })).toBe(
    `{
  "kind": "sync",
  "key": ["id"],
  "columns": { "delay": { "type": "smallint" } },
  "every": "2h"
}`,
  )
})

it('breaks what is long', () => {
  expect(written({ key: ['a'.repeat(60), 'b'.repeat(60)] }).split('\n')).toHaveLength(6)
})
