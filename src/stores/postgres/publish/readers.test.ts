import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import { asked, publish, rowsOf } from '../../../../test/support/publishing.ts'
import { preparePublication } from './publication.ts'

const columns = { id: 'int', turn: 'int', pad: 'text' }
const size = 2000
const rows = (turn: number | string): string =>
  `select g as id, ${turn} as turn, repeat('x', 50) as pad from generate_series(1, ${size}) g`

describe.each([18, 14] as const)('readers, on PostgreSQL %i', (version) => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await createDatabase({ version })
  })
  afterAll(() => db[Symbol.asyncDispose]())

  async function connected(): Promise<pg.Client> {
    const client = new pg.Client(db.url)
    await client.connect()
    return client
  }

  test.each(['swap', 'in-place'] as const)(
    'see all of one content while %s publishes: never empty, never mixed, no error',
    async (publisher) => {
      const what = { table: `seen_${publisher.replace('-', '_')}`, columns, publish: publisher, key: ['id'] }
      await publish(db.database, what, rows(0))
      await db.query(`create view ${what.table}_view as select * from ${what.table}`)
      let done = false
      const stalls: number[] = []
      const read = async (from: string): Promise<Set<string>> => {
        const client = await connected()
        const seen = new Set<string>()
        try {
          while (!done) {
            const began = performance.now()
            const { rows: found } = await client.query<{ seen: string }>(
              `select count(*) || ' rows of ' || string_agg(distinct turn::text, '+') as seen from ${from}`,
            )
            stalls.push(performance.now() - began)
            seen.add(found[0]?.seen ?? 'nothing')
          }
        } finally {
          await client.end()
        }
        return seen
      }
      const readers = [read(what.table), read(`${what.table}_view`), read(what.table)]
      for (let turn = 1; turn <= 6; turn++) await publish(db.database, what, rows(turn))
      done = true
      for (const seen of await Promise.all(readers))
        for (const content of seen) expect(content).toMatch(new RegExp(`^${size} rows of \\d$`))
      const p99 = stalls.sort((a, b) => a - b)[Math.floor(stalls.length * 0.99)]
      expect(p99).toBeLessThan(250)
    },
  )

  test('a transaction that stays open on the table makes the swap give up at once, and other readers do not wait', async () => {
    const what = { table: 'held', columns, publish: 'swap' as const }
    await publish(db.database, what, rows(0))
    const publication = await preparePublication(db.database, asked(what))
    await publication.load(rowsOf(db.database, publication, rows(1)))
    await publication.finish()
    const holder = await connected()
    await holder.query('begin; select count(*) from held')
    const other = await connected()
    for (let turn = 0; turn < 3; turn++) {
      const began = performance.now()
      const swapping = db.database.transaction((tx) => publication.apply(tx))
      const failed = expect(swapping).rejects.toMatchObject({ code: 'PUBLISH_LOCKED', where: { table: 'public.held' } })
      const { rows: found } = await other.query('select count(*)::int as n, max(turn) as turn from held')
      expect(performance.now() - began).toBeLessThan(10_000)
      expect(found).toEqual([{ n: size, turn: 0 }])
      await failed
      expect(performance.now() - began).toBeLessThan(10_000)
    }
    await holder.query('commit')
    await db.database.transaction((tx) => publication.apply(tx))
    await publication.cleanUp()
    expect((await other.query('select count(*)::int as n, max(turn) as turn from held')).rows).toEqual([
      { n: size, turn: 1 },
    ])
    await Promise.all([holder.end(), other.end()])
  })

  test.each(['swap', 'in-place'] as const)(
    'a snapshot older than the %s sees all rows of one content',
    async (publisher) => {
      const what = { table: `old_${publisher.replace('-', '_')}`, columns, publish: publisher, key: ['id'] }
      await publish(db.database, what, rows(0))
      const old = await connected()
      await old.query('begin isolation level repeatable read; select 1')
      await publish(db.database, what, rows(1))
      const { rows: found } = await old.query(
        `select count(*)::int as n, count(distinct turn)::int as turns from ${what.table}`,
      )
      expect(found).toEqual([{ n: size, turns: 1 }])
      await old.end()
    },
  )

  test.each([
    ['drops all but one row of a key', { latestBy: 'turn' }, `${rows(1)} union all ${rows(-1)}`],
    ['adds a column', { columns: { ...columns, more: 'int' } }, `select r.*, 1 as more from (${rows(1)}) r`],
    ['gives a column another type', { columns: { ...columns, turn: 'bigint' }, declared: ['turn'] }, rows('1::bigint')],
    ['makes the table', { table: 'made', latestBy: 'turn' }, `${rows(1)} union all ${rows(-1)}`],
  ])('a snapshot older than a swap that %s sees all rows of its content alone', async (_, more, query) => {
    const what = { table: 'swapped', columns, publish: 'swap' as const, key: ['id'] }
    const then = { ...what, ...more }
    await db.query('drop table if exists swapped, made')
    await publish(db.database, what, rows(0))
    const old = await connected()
    try {
      await old.query('begin isolation level repeatable read; select 1')
      await publish(db.database, then, query)
      const { rows: found } = await old.query(
        `select count(*)::int as n, min(turn)::int as low, max(turn)::int as high from ${then.table}`,
      )
      expect(found).toEqual([{ n: size, low: 1, high: 1 }])
    } finally {
      await old.end()
    }
  })

  test('a target altered since the publication was prepared is left alone', async () => {
    for (const publisher of ['swap', 'in-place'] as const) {
      const what = { table: `altered_${publisher.replace('-', '_')}`, columns, publish: publisher, key: ['id'] }
      await publish(db.database, what, rows(0))
      const publication = await preparePublication(db.database, asked(what))
      await publication.load(rowsOf(db.database, publication, rows(1)))
      await publication.finish()
      await db.query(`create index on ${what.table} (turn)`)
      await expect(db.database.transaction((tx) => publication.apply(tx))).rejects.toMatchObject({
        code: 'TARGET_CHANGED',
        why: 'its indexes changed',
      })
      await publication.cleanUp()
      expect(await db.query(`select max(turn) as turn from ${what.table}`)).toEqual([{ turn: 0 }])
    }
  })

  test('leftovers of a dead attempt are swept by the next one of the same flow, and only those', async () => {
    const what = { table: 'swept', columns, flow: 'mine' }
    const dead = await preparePublication(db.database, asked(what))
    await dead.load(rowsOf(db.database, dead, rows(0)))
    const others = await preparePublication(db.database, asked({ ...what, flow: 'another' }))
    await others.load(rowsOf(db.database, others, rows(0)))
    const staged = `select count(*)::int as n from pg_class where relnamespace = to_regnamespace('sluice_staging') and relkind = 'r'`
    expect(await db.query(staged)).toEqual([{ n: 2 }])
    await publish(db.database, what, rows(1))
    expect(await db.query(staged)).toEqual([{ n: 1 }])
    await others.cleanUp()
    await others.cleanUp()
    expect(await db.query(`select to_regnamespace('sluice_staging') as staging`)).toEqual([{ staging: null }])
  })
})
