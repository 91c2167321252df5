/** Publishing as a role that is no superuser: it works, or is refused before the target is touched; and no policy hides a row. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import { publish } from '../../../../test/support/publishing.ts'
import { sql, type Database } from '../../../lib/sql.ts'
import { openDatabase } from '../client.ts'
import { withSettings } from './settings.ts'

const publishers = ['swap', 'in-place'] as const

describe.each([18, 14] as const)('a role of its own, on PostgreSQL %i', (version) => {
  let db: TestDatabase
  let app: Database
  /** Roles belong to the whole server. */
  const role = `app_${randomUUID().slice(0, 8)}`
  const other = `${role}_other`

  beforeAll(async () => {
    db = await createDatabase({ version })
    await db.query(`create role ${role} login password 'secret'; create role ${other};
      create schema app authorization ${role}; create schema away authorization ${other};
      grant usage on schema away to ${role}`)
    const url = new URL(db.url)
    url.username = role
    url.password = 'secret'
    app = await openDatabase({ store: 'database', url: url.href, max: 3 })
  })
  afterAll(async () => {
    await app[Symbol.asyncDispose]()
    await db.query(`drop owned by ${role}, ${other} cascade; drop role ${role}, ${other}`)
    await db[Symbol.asyncDispose]()
  })

  const columns = { id: 'int', v: 'text' }
  const old = `select i as id, 'old' as v from generate_series(1, 10) i`
  const fresh = `select i as id, 'new' as v from generate_series(2, 11) i`
  const content = async (table: string): Promise<unknown> =>
    (await db.query(`select array_agg(id order by id) as ids, array_agg(distinct v) as v from ${table}`))[0]
  const before = { ids: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], v: ['old'] }
  const after = { ids: [2, 3, 4, 5, 6, 7, 8, 9, 10, 11], v: ['new'] }

  /** A table with a key and the old rows. */
  async function made(table: string, owner: string, more = ''): Promise<void> {
    await db.query(`create table ${table} (id int primary key, v text); alter table ${table} owner to ${owner};
      insert into ${table} ${old}; ${more}`)
  }

  test('a vacuum of the server that is in the way is called off sooner only where the role may say so', async () => {
    const timeouts = async (database: Database): Promise<readonly string[]> =>
      database.transaction(async (tx) => {
        const now = async (): Promise<string> =>
          (await tx.one<{ now: string }>(sql`select current_setting('deadlock_timeout') as "now"`)).now
        return [await withSettings(tx, now), await now()]
      })
    expect(await timeouts(db.database)).toEqual(['50ms', '1s'])
    expect(await timeouts(app)).toEqual(['1s', '1s'])
  })

  test('without the right to make a staging schema: refused, and the error names the right', async () => {
    await made('app.denied', role)
    for (const publisher of publishers) {
      await expect(
        publish(app, { schema: 'app', table: 'denied', columns, key: ['id'], publish: publisher }, fresh),
      ).rejects.toMatchObject({
        code: 'STORE_DENIED',
        why: expect.stringContaining(`permission denied for database ${db.name}`) as string,
        fix: expect.stringContaining('grant the role') as string,
      })
    }
    expect(await content('app.denied')).toEqual(before)
  })

  test('in a staging schema that somebody made for it, owning nothing but its own schema', async () => {
    await db.query(`create schema sluice_staging; grant usage, create on schema sluice_staging to ${role}`)
    for (const publisher of publishers) {
      const table = `owned_${publisher.replace('-', '_')}`
      await made(
        `app.${table}`,
        role,
        `create view app.${table}_view as select id from app.${table}; alter view app.${table}_view owner to ${role}; grant select on app.${table} to ${other}`,
      )
      const { publication } = await publish(
        app,
        { schema: 'app', table, columns, key: ['id'], publish: publisher },
        fresh,
      )
      expect(publication.publisher).toBe(publisher)
      expect(await content(`app.${table}`)).toEqual(after)
      const [rights] = await db.query(
        `select relowner::regrole::text as owner, has_table_privilege('${other}', oid, 'select') as reads from pg_class where oid = 'app.${table}'::regclass`,
      )
      expect(rights).toEqual({ owner: role, reads: true })
    }
    // The first publication makes the table.
    await publish(app, { schema: 'app', table: 'first', columns, key: ['id'] }, fresh)
    expect(await content('app.first')).toEqual(after)
    expect(
      await db.query(`select c.relname from pg_class c where relnamespace = 'sluice_staging'::regnamespace`),
    ).toEqual([])
    await db.query('drop schema sluice_staging')
    await db.query(`grant create on database ${db.name} to ${role}`)
  })

  test('the table of another: in place with its grants, refused without, and never a part of it', async () => {
    await made('away.granted', other, `grant select, insert, update, delete on away.granted to ${role}`)
    const { publication } = await publish(
      app,
      { schema: 'away', table: 'granted', columns, key: ['id'], publish: 'swap' },
      fresh,
    )
    expect(publication).toMatchObject({
      publisher: 'in-place',
      why: expect.stringContaining(`belongs to ${other}`) as string,
    })
    expect(await content('away.granted')).toEqual(after)
    await made('away.readable', other, `grant select on away.readable to ${role}`)
    await expect(
      publish(app, { schema: 'away', table: 'readable', columns, key: ['id'] }, fresh),
    ).rejects.toMatchObject({
      code: 'STORE_DENIED',
      why: expect.stringContaining('permission denied for table readable') as string,
    })
    expect(await content('away.readable')).toEqual(before)
  })

  const policies = (table: string): string =>
    `alter table ${table} enable row level security; create policy even on ${table} using (id % 2 = 0) with check (id % 2 = 0)`

  test.each(publishers)('policies that do not apply to the owner stay, and hide nothing from %s', async (publisher) => {
    const table = `policed_${publisher.replace('-', '_')}`
    await made(`app.${table}`, role, policies(`app.${table}`))
    const { publication } = await publish(
      app,
      { schema: 'app', table, columns, key: ['id'], publish: publisher },
      fresh,
    )
    expect(publication.publisher).toBe(publisher)
    expect(await content(`app.${table}`)).toEqual(after)
    expect(
      await db.query(
        `select relrowsecurity as on, (select count(*)::int from pg_policy where polrelid = c.oid) as n from pg_class c where oid = 'app.${table}'::regclass`,
      ),
    ).toEqual([{ on: true, n: 1 }])
  })

  test.each(publishers)(
    'policies that apply to this role: %s is refused before anything is staged',
    async (publisher) => {
      const suffix = publisher.replace('-', '_')
      await made(
        `app.forced_${suffix}`,
        role,
        `${policies(`app.forced_${suffix}`)}; alter table app.forced_${suffix} force row level security`,
      )
      await made(
        `away.shared_${suffix}`,
        other,
        `${policies(`away.shared_${suffix}`)}; grant all on away.shared_${suffix} to ${role}`,
      )
      for (const [schema, table, owner] of [
        ['app', `forced_${suffix}`, role],
        ['away', `shared_${suffix}`, other],
      ] as const) {
        await expect(
          publish(app, { schema, table, columns, key: ['id'], publish: publisher }, fresh),
        ).rejects.toMatchObject({
          code: 'TARGET_UNSUITABLE',
          summary: `row security would hide rows of ${schema}.${table} from this role`,
          fix: `connect as ${owner} with \`alter table ${schema}.${table} no force row level security\`, or as a role with \`bypassrls\``,
          where: { table: `${schema}.${table}` },
        })
        expect(await content(`${schema}.${table}`)).toEqual(before)
      }
      // As its fix says.
      await db.query(`alter role ${role} bypassrls`)
      await publish(app, { schema: 'app', table: `forced_${suffix}`, columns, key: ['id'], publish: publisher }, fresh)
      await db.query(`alter role ${role} nobypassrls`)
      expect(await content(`app.forced_${suffix}`)).toEqual(after)
    },
  )
})
