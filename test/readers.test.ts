/**
 * Promise 2, as readers see it: while a sync publishes again and again, nobody who reads gets an error, an empty table, a
 * mixture of two contents, or has to wait.
 *
 * A transaction is held open on the table for 5 s; SLUICE_HOLD_SECONDS=60 is the long run (`--reporter=verbose` shows its figures).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSluice, type Sluice } from '../src/sluice.ts'
import { createProject, type Project } from './support/project.ts'

const rows = 20_000
const refreshes = 6
const holdMs = Number(process.env['SLUICE_HOLD_SECONDS'] ?? 5) * 1000

interface Look {
  readonly n: number
  readonly low: number
  readonly high: number
  readonly ms: number
}

describe.each(['in-place', 'swap'] as const)('while a sync is published %s', (publish) => {
  let project: Project
  let sluice: Sluice
  let version = 0

  const refresh = async (): Promise<void> => {
    version++
    const lines = Array.from({ length: rows }, (_, id) => `${id},${version}`)
    await project.write('rows.csv', `id,version\n${lines.join('\n')}\n`)
    const [run] = await sluice.run(['things'])
    expect(run, JSON.stringify(run?.error)).toMatchObject({ outcome: 'succeeded' })
  }

  beforeAll(async () => {
    project = await createProject('{}')
    const things = {
      kind: 'sync',
      from: { csv: 'rows.csv' },
      to: 'things',
      publish,
      ...(publish === 'in-place' ? { key: ['id'] } : {}),
    }
    sluice = await openSluice({
      directory: project.directory,
      config: { project: 'readers', database: project.url, flows: { things } },
    })
    await refresh()
  })
  afterAll(async () => {
    await sluice.close()
    await project[Symbol.asyncDispose]()
  })

  test('eight readers see no error, never an empty or mixed table, and hardly wait', async () => {
    const stop = new AbortController()
    const readers = Array.from({ length: 8 }, () => readUntil(project.url, stop.signal))
    for (let turn = 0; turn < refreshes; turn++) await refresh()
    stop.abort()
    const looks = (await Promise.all(readers)).flat()
    expect(looks.length).toBeGreaterThan(100)
    for (const { n, low, high } of looks) expect({ n, mixed: low !== high }).toEqual({ n: rows, mixed: false })
    expect(new Set(looks.map(({ low }) => low)).size).toBeGreaterThan(1)
    const waits = looks.map(({ ms }) => ms).toSorted((a, b) => a - b)
    // On a machine that does other things too: a reader queued behind a lock would wait for the whole refresh.
    expect(waits[Math.floor(waits.length * 0.99)]).toBeLessThan(250)
  }, 120_000)

  test(
    'a transaction that stays open on the table keeps nobody else waiting',
    async ({ annotate }) => {
      const holder = new pg.Client(project.url)
      await holder.connect()
      await holder.query('begin')
      await holder.query('select count(*) from things')
      const before = version
      const stop = new AbortController()
      const readers = Array.from({ length: 8 }, () => readUntil(project.url, stop.signal))
      const began = performance.now()
      let took = 0
      const refreshing = refresh().then(() => (took = performance.now() - began))
      await sleep(holdMs)
      const seen = 'select distinct version::int as version from things'
      const { rows: held } = await holder.query<{ version: number }>(seen)
      // A swap waits for the holder, however long; in place there is nothing to wait for.
      const now = publish === 'swap' ? before : before + 1
      expect(held).toEqual([{ version: now }])
      expect(took === 0).toBe(publish === 'swap')
      await holder.query('commit')
      const released = performance.now() - began
      await holder.end()
      await refreshing
      stop.abort()
      const looks = (await Promise.all(readers)).flat()
      for (const { n, low, high } of looks) expect({ n, mixed: low !== high }).toEqual({ n: rows, mixed: false })
      expect(await project.query(seen)).toEqual([{ version: before + 1 }])
      const waits = looks.map(({ ms }) => ms).toSorted((a, b) => a - b)
      const p99 = waits[Math.floor(waits.length * 0.99)]
      const figures = { publish, heldMs: released, tookMs: took, looks: looks.length, p99, worst: waits.at(-1) }
      await annotate(JSON.stringify(figures))
      expect(looks.length).toBeGreaterThan(100)
      expect(p99).toBeLessThan(250)
      // Each try for the lock may hold readers up for its 100 ms, and no longer.
      expect(waits.at(-1)).toBeLessThan(1_000)
    },
    holdMs + 60_000,
  )
})

async function readUntil(url: string, signal: AbortSignal): Promise<readonly Look[]> {
  const client = new pg.Client(url)
  await client.connect()
  const looks: Look[] = []
  while (!signal.aborted) {
    const began = performance.now()
    const { rows: found } = await client.query<Omit<Look, 'ms'>>(
      'select count(*)::int as n, min(version)::int as low, max(version)::int as high from things',
    )
    for (const look of found) looks.push({ ...look, ms: performance.now() - began })
    await sleep(10)
  }
  await client.end()
  return looks
}
