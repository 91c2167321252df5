/** Tables are compared side by side where the server can, and alone where it refuses: nothing of that shows in the result. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import { publish } from '../../../../test/support/publishing.ts'

/** What servers say that have too little shared memory, disk or memory for workers, or any other limit in their way. */
const shortages = ['53000', '53100', '53200', '53400']

describe.each([18, 14] as const)('a server that refuses to compare side by side, PostgreSQL %i', (version) => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await createDatabase({ version })
    await db.query('create table refusal (state text); insert into refusal values (null)')
    // Refuses every table that is made from a query while workers are allowed.
    await db.query(`
      create function refuse() returns event_trigger language plpgsql as $$
      declare state text := (select r.state from public.refusal r);
      begin
        if current_setting('max_parallel_workers_per_gather')::int > 0 and state is not null then
          raise exception 'could not resize shared memory segment: a test' using errcode = state;
        end if;
      end $$;
      create event trigger refuse on ddl_command_start when tag in ('CREATE TABLE AS') execute function refuse()`)
  })
  afterAll(() => db[Symbol.asyncDispose]())

  const keyed = { table: 'keyed', columns: { id: 'int', v: 'text' }, key: ['id'] }
  const bag = { table: 'bag', columns: { id: 'int', v: 'text' }, publish: 'in-place' as const }
  const old = `select i as id, 'v' || i as v from generate_series(1, 1000) i`
  const fresh = `select i as id, 'v' || case when i = 500 then -1 else i end as v from generate_series(2, 1001) i`

  test.each(shortages)('%s: it is compared alone', async (state) => {
    for (const [what, counts] of [
      [keyed, { inserted: 1, changed: 1, deleted: 1, unchanged: 998 }],
      [bag, { inserted: 2, changed: 0, deleted: 2, unchanged: 998 }],
    ] as const) {
      await db.query('update refusal set state = null')
      await db.query(`drop table if exists ${what.table}; create table ${what.table} as ${old}`)
      await db.query('update refusal set state = $1', [state])
      const { publication, changes } = await publish(db.database, what, fresh)
      expect(publication.publisher).toBe('in-place')
      expect(changes).toEqual(counts)
      expect(
        await db.query(
          `(select id, v from ${what.table} except ${fresh}) union all (${fresh} except select id, v from ${what.table})`,
        ),
      ).toEqual([])
    }
  })

  test('any other refusal is the end of it, and the table stays as it was', async () => {
    await db.query('update refusal set state = null')
    await db.query(`drop table if exists keyed; create table keyed as ${old}`)
    await db.query(`update refusal set state = '22012'`)
    await expect(publish(db.database, keyed, fresh)).rejects.toMatchObject({
      code: 'STORE_QUERY',
      why: expect.stringContaining('a test') as string,
    })
    expect(await db.query('select count(*)::int as n, max(id) as last from keyed')).toEqual([{ n: 1000, last: 1000 }])
    expect(await db.query(`select to_regnamespace('sluice_staging') as staging`)).toEqual([{ staging: null }])
  })
})
