import { expect, inject, test } from 'vitest'
import pg from 'pg'
import { ident, literal } from './sql.ts'

test('names are quoted, with quotes in them doubled', () => {
  expect(ident('api', 'a "b"').sql).toBe('"api"."a ""b"""')
})

test('literals arrive at the server as they were', async () => {
  const client = new pg.Client(inject('postgres18'))
  await client.connect()
  for (const text of ["it's", 'back\\slash', "\\'", '', 'é 😀']) {
    const { rows } = await client.query<{ t: string }>(`select ${literal(text).sql} as t`)
    expect(rows[0]?.t).toBe(text)
  }
  await client.end()
})
