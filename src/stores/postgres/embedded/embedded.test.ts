import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { SluiceError } from '../../../lib/error.ts'
import { readPostmaster } from './cluster.ts'
import { startEmbedded } from './embedded.ts'
import { inspectEmbedded, removeEmbedded } from './inspect.ts'
import { pidExists } from './process.ts'
import { readRecord } from './record.ts'

const asRoot = process.getuid?.() === 0
let parent: string
let directory: string
const children = new Set<ChildProcess>()

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'sluice-embedded-'))
  // As everybody's projects are; the tests that need it otherwise say so.
  await chmod(parent, 0o755)
  directory = join(parent, '.sluice')
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  // A killed child is a holder until it is gone.
  await expect.poll(() => removeEmbedded(directory), { timeout: 10_000 }).toBe(true)
  await rm(parent, { recursive: true, force: true })
})

const homeOf = (folder: string): string | undefined => readRecord(join(folder, 'postgres.json'))?.home

async function gone(pid: number): Promise<void> {
  await expect.poll(() => pidExists(pid), { timeout: 10_000, interval: 20 }).toBe(false)
}

const announced = z.object({ url: z.string(), port: z.number(), dataDirectory: z.string() })

/** Another process that holds the server. */
async function holder(folder: string, mode: 'dispose' | 'hold' | 'exit' = 'dispose') {
  const child = spawn(process.execPath, [fileURLToPath(new URL('holder.fixture.ts', import.meta.url)), folder, mode], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.add(child)
  const exited = once(child, 'exit')
  const line = once(createInterface(child.stdout), 'line').then(([text]) => announced.parse(JSON.parse(String(text))))
  const server = await Promise.race([line, exited.then(() => Promise.reject(new Error('the holder ended')))])
  return { ...server, child, leave: async () => (child.stdin.end(), await exited), exited }
}

async function ask<R extends pg.QueryResultRow>(url: string, text: string): Promise<R[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query<R>(text)).rows
  } finally {
    await client.end()
  }
}

const postmasterOf = (folder: string): number => {
  const postmaster = readPostmaster(homeOf(folder) ?? '')
  if (postmaster === null) throw new Error('no server')
  return postmaster.pid
}

test('starts, keeps its data, stops with the last lease, and starts again with the same data on the same port', async () => {
  const first = await startEmbedded({ directory })
  const [made] = await ask(
    first.url,
    `select current_setting('server_version_num')::int / 10000 as version,
    pg_encoding_to_char(encoding) as encoding, datlocprovider as provider, current_setting('wal_level') as wal,
    current_setting('listen_addresses') as listens, current_setting('unix_socket_directories') as sockets,
    current_setting('password_encryption') as passwords from pg_database where datname = current_database()`,
  )
  expect(made).toEqual({
    version: 18,
    encoding: 'UTF8',
    provider: 'b',
    wal: 'logical',
    listens: '127.0.0.1',
    sockets: '',
    passwords: 'scram-sha-256',
  })
  expect(await ask(first.url, `select upper('straße é') as upper`)).toEqual([{ upper: 'STRAßE É' }])
  await ask(first.url, 'create table kept as select 42 as answer')
  const pid = postmasterOf(directory)
  expect(await inspectEmbedded(directory)).toMatchObject({
    state: 'running',
    port: first.port,
    holders: [{ pid: process.pid }],
  })
  await first[Symbol.asyncDispose]()
  await first[Symbol.asyncDispose]()
  expect(pidExists(pid)).toBe(false)
  expect(await inspectEmbedded(directory)).toMatchObject({ state: 'stopped', holders: [] })

  await using second = await startEmbedded({ directory })
  expect(second.port).toBe(first.port)
  expect(await ask(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
})

test('the password works, and nothing else does; its files are for nobody else to read', async () => {
  await using server = await startEmbedded({ directory })
  const home = homeOf(directory) ?? ''
  for (const password of ['', 'password', 'postgres']) {
    const url = new URL(server.url)
    url.password = password
    await expect(ask(url.href, 'select 1')).rejects.toThrow(/password/)
  }
  const hba = await ask<{ auth_method: string }>(server.url, 'select auth_method from pg_hba_file_rules')
  expect(new Set(hba.map(({ auth_method: method }) => method))).toEqual(new Set(['scram-sha-256']))
  for (const path of [join(home, 'password'), join(directory, 'postgres.json')])
    expect(statSync(path).mode & 0o077).toBe(0)
  expect(statSync(home).mode & 0o077).toBe(0)
  const { password } = new URL(server.url)
  expect(readFileSync(join(directory, 'postgres.json'), 'utf8')).not.toContain(password)
  expect(server.describe()).not.toContain(password)
})

test('a second process adopts the server, and the last one out stops it', async () => {
  const first = await holder(directory)
  const pid = postmasterOf(directory)
  const second = await holder(directory)
  expect(second.port).toBe(first.port)
  await first.leave()
  expect(await ask(second.url, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(postmasterOf(directory)).toBe(pid)
  await second.leave()
  expect(pidExists(pid)).toBe(false)
})

test('four processes that start at once share one server', async () => {
  const all = await Promise.all([1, 2, 3, 4].map(() => holder(directory)))
  expect(new Set(all.map(({ url }) => url)).size).toBe(1)
  const pid = postmasterOf(directory)
  await Promise.all(all.map(({ leave }) => leave()))
  expect(pidExists(pid)).toBe(false)
  expect((await readdir(directory)).toSorted()).toEqual(
    ['leases', 'postgres', 'postgres.json'].filter(
      (name) => name !== 'postgres' || homeOf(directory)?.startsWith(parent),
    ),
  )
  expect(await readdir(join(directory, 'leases'))).toEqual([])
})

test('a server whose holders were all killed is an orphan; the next command adopts it and stops it when it is done', async () => {
  const killed = await holder(directory)
  const pid = postmasterOf(directory)
  killed.child.kill('SIGKILL')
  await killed.exited
  expect(pidExists(pid)).toBe(true)
  expect(await inspectEmbedded(directory)).toMatchObject({ state: 'orphan', holders: [] })
  const next = await startEmbedded({ directory })
  expect(postmasterOf(directory)).toBe(pid)
  await next[Symbol.asyncDispose]()
  expect(pidExists(pid)).toBe(false)
})

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  'a holder that %s ends takes the server with it',
  async (signal) => {
    const ended = await holder(directory, 'hold')
    const pid = postmasterOf(directory)
    ended.child.kill(signal)
    expect((await ended.exited)[1]).toBe(signal)
    await gone(pid)
  },
)

test('a holder that just exits takes the server with it, unless another holds it', async () => {
  const staying = await holder(directory)
  const pid = postmasterOf(directory)
  const leaving = await holder(directory, 'exit')
  await leaving.exited
  await sleep(300)
  expect(await ask(staying.url, 'select 1 as one')).toEqual([{ one: 1 }])
  await staying.leave()
  expect(pidExists(pid)).toBe(false)
  const alone = await holder(directory, 'exit')
  await alone.exited
  await expect.poll(async () => (await inspectEmbedded(directory)).state, { timeout: 10_000 }).toBe('stopped')
})

test('a command that comes while the server is stopping waits and starts it again', async () => {
  for (let turn = 0; turn < 3; turn += 1) {
    const alone = await holder(directory, 'exit')
    await alone.exited
    await using next = await startEmbedded({ directory })
    expect(await ask(next.url, 'select 1 as one')).toEqual([{ one: 1 }])
  }
})

test('a server that was killed recovers, its stale postmaster.pid notwithstanding, even if the pid lives again', async () => {
  const first = await startEmbedded({ directory })
  await ask(first.url, 'create table kept as select 42 as answer')
  const home = homeOf(directory) ?? ''
  const pid = postmasterOf(directory)
  process.kill(pid, 'SIGKILL')
  await gone(pid)
  // Its children notice and go.
  await sleep(300)
  const file = join(home, 'data', 'postmaster.pid')
  const lines = readFileSync(file, 'utf8').split('\n')
  await writeFile(file, [String(process.pid), ...lines.slice(1)].join('\n'))
  await using second = await startEmbedded({ directory })
  expect(await ask(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
  await first[Symbol.asyncDispose]()
  expect(await ask(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
})

test('a port that somebody else has taken is left to them', async () => {
  const first = await startEmbedded({ directory })
  await first[Symbol.asyncDispose]()
  const other = createServer().listen(first.port, '127.0.0.1')
  await once(other, 'listening')
  await using second = await startEmbedded({ directory })
  expect(second.port).not.toBe(first.port)
  other.close()
})

test.each(['', '{', '[]', '{"port": "x"}', '{"home": "/nowhere", "port": 1}'])(
  'a damaged postgres.json (%j) is written anew',
  async (content) => {
    const first = await startEmbedded({ directory })
    await ask(first.url, 'create table kept as select 42 as answer')
    await first[Symbol.asyncDispose]()
    const path = join(directory, 'postgres.json')
    const before = readRecord(path)
    await writeFile(path, content)
    await using second = await startEmbedded({ directory })
    expect(await ask(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
    expect(readRecord(path)?.home).toBe(before?.home)
  },
)

test('a lost password is replaced, whether the server is down or up', async () => {
  const first = await startEmbedded({ directory })
  await ask(first.url, 'create table kept as select 42 as answer')
  const password = join(homeOf(directory) ?? '', 'password')
  await first[Symbol.asyncDispose]()
  await rm(password)
  {
    await using second = await startEmbedded({ directory })
    expect(await ask(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
  }
  const orphaned = await holder(directory)
  orphaned.child.kill('SIGKILL')
  await orphaned.exited
  await rm(password)
  await using third = await startEmbedded({ directory })
  expect(await ask(third.url, 'select answer from kept')).toEqual([{ answer: 42 }])
})

test('an interrupted initdb leaves nothing', async () => {
  const killed = spawn(process.execPath, [fileURLToPath(new URL('holder.fixture.ts', import.meta.url)), directory], {
    stdio: 'ignore',
  })
  const local = join(directory, 'postgres')
  await expect
    .poll(async () => (existsSync(local) ? await readdir(local) : []).some((name) => name.startsWith('data.init-')), {
      interval: 5,
      timeout: 10_000,
    })
    .toBe(true)
  killed.kill('SIGKILL')
  await once(killed, 'exit')
  await using server = await startEmbedded({ directory })
  expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
  expect((await readdir(local)).toSorted()).toEqual(['data', 'log', 'password'])
})

test.each([' with spaces ', `quo'te"s`, '$HOME`id`', 'é 😀'])('a path like %j is like any other', async (name) => {
  const folder = join(parent, name)
  await mkdir(folder)
  await using server = await startEmbedded({ directory: join(folder, '.sluice') })
  expect(await ask(server.url, `select current_setting('data_directory') as at`)).toEqual([
    { at: server.dataDirectory },
  ])
})

test.runIf(asRoot)(
  'as root below a folder that others cannot enter, the data goes to the system, and doctor can say so',
  async () => {
    await chmod(parent, 0o700)
    const first = await startEmbedded({ directory })
    expect(first.dataDirectory.startsWith(parent)).toBe(false)
    expect(first.describe()).toContain(`the user nobody cannot enter ${parent}`)
    await ask(first.url, 'create table kept as select 42 as answer')
    const inspected = await inspectEmbedded(directory)
    expect(inspected).toMatchObject({ state: 'running', dataDirectory: first.dataDirectory })
    expect(inspected.why).toContain(parent)
    await first[Symbol.asyncDispose]()
    // Found again even without the note of where it is.
    await rm(join(directory, 'postgres.json'))
    await using second = await startEmbedded({ directory })
    expect(second.dataDirectory).toBe(first.dataDirectory)
    expect(await ask(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
  },
)

test.runIf(asRoot)('as root the server runs as somebody else', async () => {
  await using server = await startEmbedded({ directory })
  expect(statSync(server.dataDirectory).uid).not.toBe(0)
  expect(statSync(`/proc/${postmasterOf(directory)}`).uid).not.toBe(0)
})

test('data of another major version is refused with what to do', async () => {
  const older = await startEmbedded({ directory, version: 14 })
  await older[Symbol.asyncDispose]()
  const error: unknown = await startEmbedded({ directory }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(SluiceError)
  expect(error).toMatchObject({ code: 'EMBEDDED_FAILED', summary: 'The embedded database was made by PostgreSQL 14' })
  expect(await inspectEmbedded(directory)).toMatchObject({ state: 'stopped', holders: [] })
})

test('a path that is too long for PostgreSQL is refused with what to do', async () => {
  const long = join(parent, ...Array.from({ length: 5 }, () => 'x'.repeat(200)), '.sluice')
  const error: unknown = await startEmbedded({ directory: long }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'EMBEDDED_FAILED', summary: 'The path of the embedded PostgreSQL is too long' })
})

test('looking at a project that has none makes nothing', async () => {
  expect(await inspectEmbedded(directory)).toMatchObject({ state: 'absent', dataDirectory: null })
  expect(existsSync(directory)).toBe(false)
})
