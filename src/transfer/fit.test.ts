import { expect, test } from 'vitest'
import { fit } from './fit.ts'
import { Encoder } from './pgcopy/encoder.ts'
import { convert } from './pgcopy/convert.ts'
import { parsePgType, type PgType } from './pgtype.ts'

const strange = [
  'pg_lsn',
  'money',
  'inet',
  'oid',
  'geometry(point,4326)',
  'xml',
  'app.amount',
  'interval year to month',
]

test.each([...strange, 'money[]', 'citext[]'])('nothing fits %s: its binary form is not its text', (written) => {
  const type = parsePgType(written)
  for (const from of ['text', 'integer', 'numeric(9,2)', 'text[]'])
    expect(fit(parsePgType(from), type), from).toBe('never')
  const plan = { columns: [{ source: 'v', target: 'v', type, policy: 'error' as const }], key: [], table: 'app.t' }
  expect(() => new Encoder(plan, [{ tag: 'string', json: false }])).toThrow(
    expect.objectContaining({ code: 'SCHEMA_NARROWED', where: { table: 'app.t', column: 'v' } }),
  )
})

test('what is read as text takes text', () => {
  const mood: PgType = { tag: 'other', name: 'app.mood', textual: true }
  expect(fit(parsePgType('text'), mood)).toBe('maybe')
  expect(fit(parsePgType('text'), parsePgType('citext'))).toBe('maybe')
  const value = { tag: 'string', bytes: new TextEncoder().encode('1234'), json: false } as const
  expect(convert(value, mood)).toEqual(value.bytes)
  expect(convert(value, { tag: 'other', name: 'money', textual: false })).toMatchObject({ tag: 'fault' })
})
