import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import { raw, sql } from '../../../lib/sql.ts'
import { fit } from '../../../transfer/fit.ts'
import { formatPgType, parsePgType } from '../../../transfer/pgtype.ts'
import { alterations } from '../publish/alterations.ts'
import { openDuckdb, type Duckdb } from '../../duckdb/client.ts'
import { readTable } from '../schema.ts'

const name = { schema: 'app', table: 't' }
const definition = `create extension citext; create schema app; create domain app.email as citext check (value ~ '@'); create type app.mood as enum ('fine', 'bad');
  create domain app.amount as numeric(10,2) check (value >= 0);
  create domain app.small as int; create domain app.smaller as app.small check (value < 100);
  create domain app.code as varchar(4); create domain app.feeling as app.mood; create domain app.counts as int[];
  create table app.t (id int, amount app.amount, smaller app.smaller, code app.code, feeling app.feeling, mood app.mood,
    counts app.counts, label name, nick citext, email app.email, price money, at pg_lsn, host inet, doc xml, flag "char", smalls app.small[], moods app.mood[])`

describe.each([18, 14] as const)('PostgreSQL %i', (version) => {
  let own: TestDatabase
  let duckdb: Duckdb
  beforeAll(async () => {
    own = await createDatabase({ version })
    await own.query(definition)
    duckdb = await openDuckdb({ path: ':memory:', store: 'warehouse' })
  })
  afterAll(async () => {
    await duckdb.close()
    await own[Symbol.asyncDispose]()
  })

  test('domains are carried as the type below them, and only what the server reads as text goes as text', async () => {
    const facts = await readTable(own.database, name)
    const column = (wanted: string) => facts?.columns.find((one) => one.name === wanted)
    const carried = { amount: 'numeric(10,2)', smaller: 'integer', code: 'character varying(4)', counts: 'integer[]' }
    for (const [wanted, type] of Object.entries(carried)) expect(formatPgType(column(wanted)!.type), wanted).toBe(type)
    expect(column('smaller')?.typeName).toBe('app.smaller')
    for (const wanted of ['feeling', 'mood'])
      expect(column(wanted)?.type).toEqual({ tag: 'other', name: 'app.mood', textual: true })
    for (const wanted of ['nick', 'email'])
      expect(column(wanted)?.type).toEqual({ tag: 'other', name: 'public.citext', textual: true })
    expect(column('label')?.type).toMatchObject({ textual: true })
    for (const wanted of ['price', 'at', 'host', 'doc', 'flag', 'smalls', 'moods'])
      expect(fit(parsePgType('text'), column(wanted)!.type), wanted).toBe('never')
  })

  test('a domain is not exchanged for a wider type, which would lose its checks', async () => {
    const facts = await readTable(own.database, name)
    const wider = { name: 'smaller', type: parsePgType('bigint'), nullable: true, declared: true }
    expect(() => alterations(facts!, [wider])).toThrow(expect.objectContaining({ code: 'SCHEMA_NARROWED' }))
    expect(alterations(facts!, [{ ...wider, type: parsePgType('int') }]).retyped).toEqual([])
  })

  test('what is written through a domain or an enum is what the source has', async () => {
    const facts = await readTable(own.database, name)
    const query = `select 7 as id, 1234 as amount, '42' as smaller, 'abcd' as code, 'bad' as feeling, 'fine' as mood, [1, 2] as counts, 'é' as label, 'Ab' as nick, 'A@b' as email`
    const source = duckdb.source({ tag: 'query', query, changed: null })
    const names = (await source.columns()).map((one) => one.name)
    const columns = names.map((one) => {
      const type = facts?.columns.find((standing) => standing.name === one)?.type
      if (type === undefined) throw new Error(one)
      return { source: one, target: one, type, policy: 'error' as const }
    })
    async function* bytes(): AsyncGenerator<Uint8Array> {
      for await (const { data } of source.copy({ table: 'app.t', key: ['id'], columns })) yield data
    }
    await own.database.session((session) =>
      session.copyIn(raw(`copy app.t (${names.join(', ')}) from stdin (format binary)`), bytes()),
    )
    expect(
      await own.database.one(
        sql`select id, amount::text, smaller::int, code::text, feeling::text, mood::text, counts::text, label::text, nick::text, email::text from app.t`,
      ),
    ).toEqual({
      id: 7,
      amount: '1234.00',
      smaller: 42,
      code: 'abcd',
      feeling: 'bad',
      mood: 'fine',
      counts: '{1,2}',
      label: 'é',
      nick: 'Ab',
      email: 'A@b',
    })
  })
})
