/** What changes, as those who show it are told: by this process and by others. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FlowName } from '../../src/flows/flow.ts'
import { openBell } from '../../src/runs/bell.ts'
import { cancel, pause, resume } from '../../src/runs/cancel.ts'
import { ensure } from '../../src/runs/ensure.ts'
import { events, Pending } from '../../src/runs/events.ts'
import { request } from '../../src/runs/request.ts'
import type { ChangeEvent } from '../../src/runs/views.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { ask, openHarness, testFlow, until, type Harness } from './harness.ts'

const definitions = [
  { name: 'one', options: { table: 'one' } },
  { name: 'slow', options: { table: 'slow', workMs: 400 } },
]

/** Collects what one subscriber is told, from the hello on. */
function collect(harness: Harness, signal: AbortSignal, most?: number): { readonly heard: ChangeEvent[] } {
  const heard: ChangeEvent[] = []
  void (async () => {
    for await (const event of events(harness.engine.bell, signal, most === undefined ? {} : { most })) heard.push(event)
  })()
  return { heard }
}

const tags = (heard: readonly ChangeEvent[]): string[] => [...new Set(heard.map(({ tag }) => tag))].toSorted()

describe.each([18, 14] as const)('events on PostgreSQL %i', (version) => {
  let made: TestDatabase
  let harness: Harness
  let stop: AbortController

  beforeAll(async () => {
    made = await createDatabase({ version, max: 20 })
    harness = await openHarness(
      made.database,
      definitions.map(({ name, options }) => testFlow(name, options)),
    )
    stop = new AbortController()
  })
  afterAll(async () => {
    stop.abort()
    await harness[Symbol.asyncDispose]()
    await made[Symbol.asyncDispose]()
  })

  test('hello first; then a run from its request to its end, and what it publishes', async () => {
    const { heard } = collect(harness, stop.signal)
    await until(() => Promise.resolve(heard.length === 1))
    expect(heard[0]).toMatchObject({ tag: 'hello', id: '1' })
    const { id } = await request(harness.engine, ask('one'))
    await ensure(harness.engine, id, 'test')
    await until(() => Promise.resolve(heard.some(({ tag }) => tag === 'slice')))
    await pause(harness.engine, 'one' as FlowName, 'ann', null)
    await resume(harness.engine, 'one' as FlowName)
    await until(() => Promise.resolve(tags(heard).join(' ') === 'flow hello run slice worker'))
    expect(heard.filter(({ tag }) => tag === 'run')).toContainEqual(expect.objectContaining({ flow: 'one', run: id }))
    expect(heard.map((event) => Number(event.id))).toEqual(heard.map((_, n) => n + 1))
    const cancelled = await request(harness.engine, ask('slow'))
    const before = heard.length
    await cancel(harness.engine, cancelled.id, 'ann', null)
    await until(() =>
      Promise.resolve(heard.slice(before).some((event) => event.tag === 'run' && event.run === cancelled.id)),
    )
  })

  test('two hundred subscribers, one connection; what another process does is told to all', async () => {
    const listening = async (): Promise<number> => {
      const [row] = await made.query<{ n: number }>(
        "select count(*)::int as n from pg_stat_activity where datname = current_database() and query like 'listen%'",
      )
      return row?.n ?? 0
    }
    const all = Array.from({ length: 200 }, () => collect(harness, stop.signal).heard)
    await until(() => Promise.resolve(all.every((heard) => heard[0]?.tag === 'hello')))
    expect(await listening()).toBe(1)
    const { id } = await request(harness.engine, ask('slow'))
    await until(() => Promise.resolve(all.every((heard) => heard.length > 1)))
    const before = all.map((heard) => heard.length)
    const child = fork(
      fileURLToPath(new URL('child.ts', import.meta.url)),
      [made.url, JSON.stringify(definitions), 'ensure', id],
      {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      },
    )
    await once(child, 'exit')
    expect((await made.query('select outcome from sluice.run where id = $1', [id]))[0]).toEqual({
      outcome: 'succeeded',
    })
    await until(() =>
      Promise.resolve(
        all.every((heard, n) => heard.slice(before[n]).some((event) => event.tag === 'run' && event.run === id)),
      ),
    )
  })

  test('who reads slowly is told to reload, keeps a bounded lot, and holds up nobody', async () => {
    const slow = events(harness.engine.bell, stop.signal, { most: 10 })
    expect((await slow.next()).value).toMatchObject({ tag: 'hello' })
    const { heard } = collect(harness, stop.signal)
    await until(() => Promise.resolve(heard.length === 1))
    for (let n = 0; n < 50; n += 1)
      await harness.engine.bell.ring(made.database, { topic: 'run', run: `r${n}`, flow: 'one' })
    await until(() => Promise.resolve(heard.filter(({ tag }) => tag === 'run').length === 50))
    expect((await slow.next()).value).toMatchObject({ tag: 'reload' })
    await harness.engine.bell.ring(made.database, { topic: 'flow', flow: 'one' })
    expect((await slow.next()).value).toMatchObject({ tag: 'flow', flow: 'one' })
  })

  test('a lost connection is made again, and said', async () => {
    const { heard } = collect(harness, stop.signal)
    await until(() => Promise.resolve(heard.length === 1))
    await made.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'listen%'",
    )
    await until(() => Promise.resolve(heard.some(({ tag }) => tag === 'reload')))
    await harness.engine.bell.ring(made.database, { topic: 'slice', flow: 'one' })
    await until(() => Promise.resolve(heard.at(-1)?.tag === 'slice'))
  })

  test('nothing changes between the hello and the first reading without being told', async () => {
    // Runs are asked for all the while; whoever reads at the hello and then at every event has them all.
    let asking = true
    const asked = (async () => {
      let count = 0
      for (; asking; count += 1) {
        const { id } = await request(harness.engine, ask('one', { options: { from: `${count}` } }))
        await cancel(harness.engine, id, 'test', null)
      }
      return count
    })()
    const read = async (): Promise<number> =>
      (await made.query<{ n: number }>("select count(*)::int as n from sluice.run where options ? 'from'"))[0]?.n ?? 0
    const readers = await Promise.all(
      [0, 30, 60, 90, 120].map(async (ms) => {
        await sleep(ms)
        const reader = { known: 0, stop: new AbortController() }
        const reading = (async () => {
          // One that does not listen yet.
          await using bell = openBell(harness.engine.state)
          for await (const _ of events(bell, reader.stop.signal)) reader.known = await read()
        })()
        return { reader, reading }
      }),
    )
    await until(async () => (await read()) >= 8)
    asking = false
    const total = await asked
    await until(() => Promise.resolve(readers.every(({ reader }) => reader.known === total)))
    for (const { reader, reading } of readers) {
      reader.stop.abort()
      await reading
    }
  })

  test('where no channel can be listened to, everything is reloaded now and then', async () => {
    const deaf = openBell({
      ...harness.engine.state,
      db: Object.create(made.database, {
        listen: { value: () => Promise.reject(new Error('a pooler')) },
      }) as typeof made.database,
    })
    const heard: string[] = []
    for await (const { tag } of events(deaf, stop.signal, { blindMs: 50 })) {
      heard.push(tag)
      if (heard.length === 3) break
    }
    expect(heard).toEqual(['hello', 'reload', 'reload'])
  })
})

test('what waits is kept once, in the order in which it first changed', () => {
  const pending = new Pending(3)
  for (const run of ['1', '2', '1', '1']) pending.add({ topic: 'run', run, flow: 'f' })
  expect(pending.add({ topic: 'work' })).toBe(false)
  expect(pending.add({ topic: 'log', run: '1' })).toBe(false)
  expect([pending.take(), pending.take(), pending.take()]).toEqual([
    { tag: 'run', run: '1', flow: 'f' },
    { tag: 'run', run: '2', flow: 'f' },
    null,
  ])
  for (const run of ['1', '2', '3', '4', '5']) pending.add({ topic: 'run', run, flow: 'f' })
  expect([pending.take(), pending.take()]).toEqual([{ tag: 'reload' }, null])
})
