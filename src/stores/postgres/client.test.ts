import { createServer, connect as connectSocket, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, serverUrl, type TestDatabase } from '../../../test/support/database.ts'
import { SluiceError } from '../../lib/error.ts'
import { ident, literal, sql } from '../../lib/sql.ts'
import { openDatabase } from './client.ts'
import { sqlState } from './errors.ts'

async function* chunksOf(...parts: readonly string[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const part of parts) yield Buffer.from(part)
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return error instanceof SluiceError ? error.code : `not a SluiceError: ${String(error)}`
}

async function errorOf(work: Promise<unknown>): Promise<SluiceError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof SluiceError)) throw new Error(`not a SluiceError: ${String(error)}`)
  return error
}

/** Passes bytes on to the test server, until it is told not to. */
async function proxyTo(url: string): Promise<{ url: string; cut(): void; close(): void }> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connectSocket(Number(target.port), target.hostname)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far)
    far.pipe(near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const proxied = new URL(url)
  proxied.port = String(address !== null && typeof address === 'object' ? address.port : 0)
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return { url: proxied.href, cut, close: () => (cut(), void server.close()) }
}

describe.each([18, 14] as const)('PostgreSQL %i', (version) => {
  let created: TestDatabase
  beforeAll(async () => {
    created = await createDatabase({ version, max: 3 })
  })
  afterAll(() => created[Symbol.asyncDispose]())

  test('says its version, and sets its sessions up the same wherever they come from', async () => {
    const { database } = created
    expect(Math.floor((await database.version()) / 10_000)).toBe(version)
    const settings =
      await database.one(sql`select current_setting('TimeZone') as zone, current_setting('DateStyle') as style,
      current_setting('application_name') as application, current_setting('idle_in_transaction_session_timeout') as idle,
      current_setting('client_encoding') as encoding`)
    expect(settings).toEqual({ zone: 'UTC', style: 'ISO, YMD', application: 'sluice', idle: '1min', encoding: 'UTF8' })
  })

  test('values arrive as lib/sql.ts says', async () => {
    const row = await created.database
      .one(sql`select 9007199254740993::int8 as big, 1.10::numeric as exact, 'NaN'::numeric as nan,
      7::int4 as small, 1.5::float8 as float, true as yes, date '0044-03-15 BC' as ides, date 'infinity' as never,
      timestamptz '2025-11-02 01:30:00-04' as at, timestamp '2025-11-02 01:30:00.123456' as wall,
      '{"a": [1]}'::jsonb as doc, '\\x00ff'::bytea as bytes, null::int as nothing, interval '1 day 02:00' as span,
      array[1::int8, null] as bigs, array[1.50::numeric] as exacts, array[date '2025-01-01'] as days,
      array[[1, 2], [3, 4]] as grid, array['a,"b', null]::text[] as texts, array[timestamptz '2025-01-01 00:00Z'] as times`)
    expect(row).toEqual({
      big: '9007199254740993',
      exact: '1.10',
      nan: 'NaN',
      small: 7,
      float: 1.5,
      yes: true,
      ides: '0044-03-15 BC',
      never: 'infinity',
      at: new Date('2025-11-02T05:30:00Z'),
      wall: new Date('2025-11-02T01:30:00.123Z'),
      doc: { a: [1] },
      bytes: Buffer.from([0, 255]),
      nothing: null,
      span: '1 day 02:00:00',
      bigs: ['1', null],
      exacts: ['1.50'],
      days: ['2025-01-01'],
      grid: [
        [1, 2],
        [3, 4],
      ],
      texts: ['a,"b', null],
      times: [new Date('2025-01-01T00:00:00Z')],
    })
  })

  test('a transaction commits what resolves and undoes what rejects', async () => {
    const { database } = created
    await database.run(sql`create table kept (id int)`)
    await database.transaction((tx) => tx.run(sql`insert into kept values (${1})`))
    await expect(
      database.transaction(async (tx) => {
        await tx.run(sql`insert into kept values (${2})`)
        throw new Error('changed my mind')
      }),
    ).rejects.toThrow('changed my mind')
    expect(await database.all(sql`select id from kept`)).toEqual([{ id: 1 }])
    expect(
      await codeOf(database.transaction((tx) => tx.run(sql`insert into kept values (3)`), { readOnly: true })),
    ).toBe('STORE_QUERY')
  })

  test('a commit that the server answers with a rollback is a failure', async () => {
    const swallowed = created.database.transaction(async (tx) => {
      await tx.run(sql`select 1 / 0`).catch(() => {})
      return 'as if nothing had happened'
    })
    expect((await errorOf(swallowed)).why).toContain('a statement in it had failed')
  })

  test('a session leaves nothing to the next borrower: settings, temporary tables, locks, open transactions', async () => {
    const { database } = created
    for (const mess of [
      sql`set statement_timeout = '1s'`,
      sql`create temporary table left_over (id int)`,
      sql`select pg_advisory_lock(7)`,
      sql`begin`,
    ]) {
      await database.session((session) => session.run(mess))
    }
    const [clean] = await created.query<{ locks: string }>(
      "select count(*) as locks from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
    )
    expect(clean?.locks).toBe('0')
    await database.session(async (session) => {
      const row =
        await session.one(sql`select current_setting('statement_timeout') as timeout, current_setting('TimeZone') as zone,
        to_regclass('pg_temp.left_over') as temporary`)
      expect(row).toEqual({ timeout: '0', zone: 'UTC', temporary: null })
    })
  })

  test('a session that was given back is refused', async () => {
    let kept: { run: (query: ReturnType<typeof sql>) => Promise<number> } | undefined
    await created.database.session(async (session) => {
      kept = session
    })
    await expect(kept?.run(sql`select 1`)).rejects.toThrow('given back')
  })

  test('copies in and out, in chunks of any size, split anywhere', async () => {
    const { database } = created
    await database.run(sql`create table copied (id int primary key, name text)`)
    const text = Array.from({ length: 50_000 }, (_, index) => `${index}\tname ${index} é😀\n`).join('')
    const bytes = Buffer.from(text)
    async function* pieces(): AsyncGenerator<Uint8Array, void, undefined> {
      let size = 1
      for (let start = 0; start < bytes.length; start += size, size = Math.min(size * 3, 300_000)) {
        yield bytes.subarray(start, start + size)
      }
    }
    expect(await database.transaction((tx) => tx.copyIn(sql`copy copied from stdin`, pieces()))).toBe(50_000)
    const parts: Uint8Array[] = []
    await database.session(async (session) => {
      for await (const part of session.copyOut(sql`copy (select id, name from copied order by id) to stdout`))
        parts.push(part)
    })
    expect(Buffer.concat(parts).equals(bytes)).toBe(true)
  })

  test('an empty COPY is one of no rows', async () => {
    await created.database.run(sql`create table copied_nothing (id int)`)
    expect(
      await created.database.session((session) => session.copyIn(sql`copy copied_nothing from stdin`, chunksOf())),
    ).toBe(0)
  })

  test('a COPY that the server refuses stops the source, names table and column, and leaves the connection usable', async () => {
    const { database } = created
    await database.run(sql`create table refused (id int, price int)`)
    let closed = false
    async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
      try {
        yield Buffer.from('1\tsecret-value\n')
        for (;;) yield Buffer.alloc(100_000, '2\t2\n')
      } finally {
        closed = true
      }
    }
    const error = await database.session(async (session) => {
      const refused = await errorOf(session.copyIn(sql`copy refused from stdin`, endless()))
      expect(await session.one(sql`select 1 as one`)).toEqual({ one: 1 })
      return refused
    })
    expect(closed).toBe(true)
    expect(error).toMatchObject({
      code: 'STORE_QUERY',
      where: { store: 'database', table: 'refused', column: 'price' },
    })
    expect(await database.all(sql`select id from refused`)).toEqual([])
  })

  test('a source that fails midway undoes its COPY, and its own error is what is seen', async () => {
    const { database } = created
    await database.run(sql`create table half (id int)`)
    async function* breaking(): AsyncGenerator<Uint8Array, void, undefined> {
      yield Buffer.alloc(200_000, '1\n')
      throw new RangeError('the source broke')
    }
    await database.session(async (session) => {
      await expect(session.copyIn(sql`copy half from stdin`, breaking())).rejects.toThrow(RangeError)
      expect(await session.one(sql`select count(*)::int as rows from half`)).toEqual({ rows: 0 })
    })
  })

  test('an abort ends a COPY at once: while it sends, while it waits for a lock, before it starts', async () => {
    const { database } = created
    await database.run(sql`create table aborted (id int)`)
    const reason = new Error('enough')
    async function* trickle(): AsyncGenerator<Uint8Array, void, undefined> {
      for (;;) {
        yield Buffer.alloc(70_000, '1\n')
        await sleep(5)
      }
    }
    const after = (ms: number): AbortSignal => {
      const controller = new AbortController()
      setTimeout(() => controller.abort(reason), ms)
      return controller.signal
    }
    await database.session(async (session) => {
      await expect(session.copyIn(sql`copy aborted from stdin`, trickle(), after(100))).rejects.toBe(reason)
      expect(await session.one(sql`select count(*)::int as rows from aborted`)).toEqual({ rows: 0 })
      await database.transaction(async (tx) => {
        await tx.run(sql`lock table aborted in access exclusive mode`)
        await expect(session.copyIn(sql`copy aborted from stdin`, trickle(), after(100))).rejects.toBe(reason)
      })
      await expect(session.copyIn(sql`copy aborted from stdin`, trickle(), AbortSignal.abort(reason))).rejects.toBe(
        reason,
      )
      expect(await session.one(sql`select count(*)::int as rows from aborted`)).toEqual({ rows: 0 })
    })
  })

  test('a statement that is no COPY is refused without a crash', async () => {
    const { database } = created
    expect(await codeOf(database.session((session) => session.copyIn(sql`select 1`, chunksOf('1\n'))))).toBe(
      'STORE_QUERY',
    )
    expect(await database.one(sql`select 1 as one`)).toEqual({ one: 1 })
  })

  test('whoever leaves a COPY early has it cancelled, and the session goes on', async () => {
    const { database } = created
    const started = Date.now()
    await database.session(async (session) => {
      for await (const part of session.copyOut(sql`copy (select generate_series(1, 500000000)) to stdout`)) {
        expect(part.length).toBeGreaterThan(0)
        break
      }
      expect(await session.one(sql`select 1 as one`)).toEqual({ one: 1 })
    })
    expect(Date.now() - started).toBeLessThan(5000)
  })

  test('a COPY whose query fails midway rejects the loop', async () => {
    const read = created.database.session(async (session) => {
      for await (const _ of session.copyOut(
        sql`copy (select 1 / (1000 - n) from generate_series(1, 2000) n) to stdout`,
      ));
    })
    expect((await errorOf(read)).why).toContain('division by zero')
  })

  test('errors carry code, server words and place, and never the password', async () => {
    const { database, url } = created
    await database.run(sql`create table strict (id int primary key, name text not null check (name <> 'bad'))`)
    expect(await errorOf(database.run(sql`select 1 from no_such_table`))).toMatchObject({
      code: 'STORE_QUERY',
      where: { store: 'database' },
    })
    const broken = await errorOf(database.run(sql`insert into strict values (1, ${null})`))
    expect(broken).toMatchObject({ code: 'STORE_QUERY', where: { table: 'public.strict', column: 'name' } })
    expect(broken.why).not.toContain('Failing row')
    expect(sqlState(broken)).toBe('23502')

    const role = `reader_${created.name}`
    await created.query(`create role ${ident(role).sql} login password ${literal('pass word/é').sql}`)
    const limited = new URL(url)
    limited.username = role
    limited.password = 'pass word/é'
    {
      await using reader = await openDatabase({ store: 'billing', url: limited.href })
      expect(await codeOf(reader.run(sql`select 1 from strict`))).toBe('STORE_DENIED')
    }
    limited.password = 'wr0ng-pa55'
    const denied = await errorOf(openDatabase({ store: 'billing', url: limited.href }))
    expect(denied.code).toBe('STORE_DENIED')
    expect(JSON.stringify(denied)).not.toMatch(/wr0ng-pa55|pass word/)
    limited.password = ''
    expect((await errorOf(openDatabase({ store: 'billing', url: limited.href }))).fix).toContain('password')
    await created.query(`drop role ${ident(role).sql}`)

    const missing = new URL(url)
    missing.pathname = '/no_such_database'
    expect((await errorOf(openDatabase({ store: 'billing', url: missing.href }))).fix).toContain('create database')
  })

  test('a lock that is not to be had in time is told apart', async () => {
    const { database } = created
    await database.run(sql`create table locked (id int)`)
    await database.transaction(async (holder) => {
      await holder.run(sql`lock table locked in access exclusive mode`)
      const waiting = database.transaction(async (tx) => {
        await tx.run(sql`set local lock_timeout = '50ms'`)
        await tx.run(sql`select 1 from locked`)
      })
      expect(await codeOf(waiting)).toBe('PUBLISH_LOCKED')
    })
  })

  test('a connection that the server ends is STORE_LOST, and the next statement takes another', async () => {
    const { database } = created
    const lost = database.session(async (session) => {
      const { pid } = await session.one<{ pid: number }>(sql`select pg_backend_pid() as pid`)
      setTimeout(() => void created.query(`select pg_terminate_backend(${pid})`), 50)
      await session.run(sql`select pg_sleep(10)`)
    })
    expect(await codeOf(lost)).toBe('STORE_LOST')
    // Idle connections break, too, and nobody is bothered.
    await created.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sluice' and datname = current_database()",
    )
    await sleep(100)
    expect(await database.one(sql`select 1 as one`)).toEqual({ one: 1 })
  })

  test('a network that breaks while rows are sent or read is STORE_LOST', async () => {
    const proxy = await proxyTo(created.url)
    await using database = await openDatabase({ store: 'database', url: proxy.url })
    await database.run(sql`create table cut (id int)`)
    async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
      for (;;) {
        yield Buffer.alloc(100_000, '1\n')
        await sleep(1)
      }
    }
    setTimeout(() => proxy.cut(), 100)
    expect(await codeOf(database.transaction((tx) => tx.copyIn(sql`copy cut from stdin`, endless())))).toBe(
      'STORE_LOST',
    )
    setTimeout(() => proxy.cut(), 100)
    const read = database.session(async (session) => {
      for await (const _ of session.copyOut(sql`copy (select generate_series(1, 500000000)) to stdout`)) await sleep(1)
    })
    expect(await codeOf(read)).toBe('STORE_LOST')
    expect(await database.one(sql`select count(*)::int as rows from cut`)).toEqual({ rows: 0 })
    proxy.close()
  })

  test('listens, and goes on listening after its connection broke', async () => {
    const proxy = await proxyTo(created.url)
    await using database = await openDatabase({ store: 'database', url: proxy.url })
    const heard: string[] = []
    const listener = await database.listen('news "of the day"', (payload) => heard.push(payload))
    const tell = (word: string) => created.query('select pg_notify($1, $2)', ['news "of the day"', word])
    await tell('one')
    await expect.poll(() => heard).toEqual(['one'])
    proxy.cut()
    await expect
      .poll(async () => {
        await tell('two')
        await sleep(20)
        return heard.includes('two')
      })
      .toBe(true)
    await listener[Symbol.asyncDispose]()
    const before = heard.length
    await tell('three')
    await sleep(50)
    expect(heard.length).toBe(before)
    proxy.close()
  })
})

test('closing waits for what is under way, and not for ever', async () => {
  await using created = await createDatabase({ max: 1 })
  const sleeping = created.database.run(sql`select pg_sleep(60)`)
  const cut = codeOf(sleeping)
  await sleep(50)
  const started = Date.now()
  await created.database[Symbol.asyncDispose]()
  expect(Date.now() - started).toBeLessThan(8000)
  expect(await cut).toBe('STORE_LOST')
})

test('a server that is not there, or does not speak, is STORE_UNREACHABLE within ten seconds', async () => {
  const mute = createServer(() => {})
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  const address = mute.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const started = Date.now()
  const silent = errorOf(openDatabase({ store: 'billing', url: `postgres://u:s3cret@127.0.0.1:${port}/db` }))
  expect(await codeOf(openDatabase({ store: 'billing', url: 'postgres://u:s3cret@127.0.0.1:1/db' }))).toBe(
    'STORE_UNREACHABLE',
  )
  expect(await codeOf(openDatabase({ store: 'billing', url: 'postgres://u:s3cret@no-such-host.invalid/db' }))).toBe(
    'STORE_UNREACHABLE',
  )
  const error = await silent
  expect(error.code).toBe('STORE_UNREACHABLE')
  expect(error.summary).toContain(`127.0.0.1:${port}/db`)
  expect(JSON.stringify(error)).not.toContain('s3cret')
  expect(Date.now() - started).toBeLessThan(11_000)
  mute.close()
})

test('a url that is none says so, without quoting it', async () => {
  for (const url of [
    'mysql://u:s3cret@h/db',
    'postgres://u:s3cret@h:port/db',
    's3cret',
    'postgres://u@h/db?sslrootcert=/no/such/file',
  ]) {
    const error = await errorOf(openDatabase({ store: 'billing', url }))
    expect(error.code).toBe('CONFIG_INVALID')
    expect(JSON.stringify(error)).not.toContain('s3cret')
  }
})

test('nothing is taken from PG* variables', async () => {
  const { PGHOST, PGOPTIONS, PGUSER } = process.env
  Object.assign(process.env, {
    PGHOST: 'no-such-host.invalid',
    PGOPTIONS: '-c search_path=nowhere',
    PGUSER: 'nobody',
    PGSSLMODE: 'require',
  })
  try {
    await using database = await openDatabase({ store: 'database', url: serverUrl(18) })
    const row = await database.one<{ path: string }>(sql`select current_setting('search_path') as path`)
    expect(row.path).not.toContain('nowhere')
  } finally {
    delete process.env['PGSSLMODE']
    for (const [name, value] of Object.entries({ PGHOST, PGOPTIONS, PGUSER })) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
})

test('a schema comes first in the search path, whatever its name', async () => {
  await using created = await createDatabase()
  await created.query('create schema "my ""odd"" \\ schema"; create table "my ""odd"" \\ schema".here (id int)')
  await using database = await openDatabase({ store: 'database', url: created.url, schema: 'my "odd" \\ schema' })
  expect(await database.all(sql`select id from here`)).toEqual([])
})
