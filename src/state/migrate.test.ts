import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../test/support/database.ts'
import { asset } from '../lib/asset.ts'
import { load, migrate, named, pending } from './migrate.ts'

describe.each([18, 14] as const)('migrations on PostgreSQL %i', (version) => {
  let made: TestDatabase
  beforeAll(async () => {
    made = await createDatabase({ version })
  })
  afterAll(async () => {
    await made[Symbol.asyncDispose]()
  })

  test('eight at once: one works, the others find it done', async () => {
    const changed = await Promise.all(Array.from({ length: 8 }, () => migrate(made.database, 'sluice')))
    expect(changed.filter(Boolean)).toHaveLength(1)
    const known = await load(asset.migrations)
    expect(await made.query('select number from sluice.migration order by number')).toEqual(
      known.map(({ number }) => ({ number })),
    )
  })

  test('another schema name, whatever it is', async () => {
    await migrate(made.database, 'Weird "name"')
    expect(await made.query(`select "Weird ""name""".now() > now() as moves`)).toEqual([{ moves: true }])
    expect(await made.query(`select count(*)::int as n from "Weird ""name""".run`)).toEqual([{ n: 0 }])
  })

  test('a newer or another history is refused, and nothing is touched', async () => {
    await migrate(made.database, 'later')
    await made.query("insert into later.migration values (900001, 'x')")
    await expect(migrate(made.database, 'later')).rejects.toMatchObject({ code: 'STATE_NEWER' })
    await made.query('delete from later.migration where number = 900001')
    await made.query("update later.migration set checksum = 'x' where number = 1")
    await expect(migrate(made.database, 'later')).rejects.toMatchObject({ code: 'STATE_CHANGED' })
  })
})

test('what is pending is what is not applied, in order', () => {
  const known = [1, 2, 3].map((number) => ({ number, checksum: `c${number}`, text: '' }))
  expect(pending(known, [{ number: 1, checksum: 'c1' }], 's', 'db').map(({ number }) => number)).toEqual([2, 3])
})

test('the schema is named wherever it stands, and nowhere else', () => {
  expect(named("create table sluice.a (b int default sluice.now()); -- Sluice's", 'x$&"y')).toBe(
    'create table "x$&""y".a (b int default "x$&""y".now()); -- Sluice\'s',
  )
})
