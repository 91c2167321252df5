/** How the thread starts, and how it dies under its users, by a real end of it: nobody waits in vain, and the file can be used again. */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CopyStream } from '../../transfer/source.ts'
import { openDuckdb, type Duckdb } from './client.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-thread-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Every thread that this process starts meanwhile. */
function threadsFromNow(): { readonly threads: readonly Worker[] } & Disposable {
  const threads: Worker[] = []
  const note = (worker: Worker): void => void threads.push(worker)
  process.on('worker', note)
  return { threads, [Symbol.dispose]: () => void process.off('worker', note) }
}

const endless = 'select i as id from range(1000000000) as n(i)'
const copyOf = (duckdb: Duckdb): CopyStream =>
  duckdb.source({ tag: 'query', query: endless, changed: null }).copy({
    table: 't',
    key: [],
    columns: [{ source: 'id', target: 'id', type: { tag: 'int8' }, policy: 'error' }],
  })

/** Asks until it is answered; whoever asks before the old thread has let go of the file is told so. */
async function insist<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask()
    } catch (thrown) {
      expect(thrown).toMatchObject(lost(/./))
      if (tries === 100) throw thrown
      await sleep(50)
    }
  }
}

const lost = (why: RegExp) => ({
  code: 'STORE_LOST',
  summary: 'the thread of warehouse has ended',
  why: expect.stringMatching(why) as string,
  fix: 'try again',
  where: { store: 'warehouse' },
})

interface Way {
  readonly how: string
  readonly end: (worker: Worker) => void
  readonly why: RegExp
  /** Ended at a moment at which DuckDB computes; else while it waits for a slow reader. */
  readonly busy: boolean
}
const ways: readonly Way[] = [
  // A message that it cannot read: it throws, and nobody catches it.
  { how: 'broken in the middle', end: (worker) => worker.postMessage(null), why: /'in' operator/, busy: true },
  { how: 'broken while it waits', end: (worker) => worker.postMessage(null), why: /'in' operator/, busy: false },
  { how: 'terminated', end: (worker) => void worker.terminate(), why: /its thread ended with 1/, busy: false },
]

test.each(ways)('$how: who reads and who asks hears of it, and another thread follows', async ({ end, why, busy }) => {
  const path = join(folder, `${why.source.length}-${busy}.duckdb`)
  using started = threadsFromNow()
  {
    await using duckdb = await openDuckdb({ path, store: 'warehouse' })
    await using other = await openDuckdb({ path, store: 'warehouse' })
    const [first] = started.threads
    if (first === undefined) throw new Error('no thread was started')
    const gone = new Promise((resolve) => first.once('exit', resolve))
    await duckdb.run('create table kept as select range as id from range(1000)')
    const stream = copyOf(duckdb)
    const asked = busy
      ? expect(
          other.all('select count(*) as n from range(1000000) a(i), range(1000000) b(j) where hash(i, j) = 1'),
        ).rejects.toMatchObject(lost(why))
      : null
    let chunks = 0
    const reading = (async () => {
      for await (const chunk of stream) {
        if (chunk.rows === 0 || ++chunks !== 3) continue
        // Until it has sent all that it may send ahead.
        if (!busy) await sleep(1000)
        end(first)
      }
    })()
    const began = performance.now()
    await expect(reading).rejects.toMatchObject(lost(why))
    await expect(stream.summary).rejects.toMatchObject(lost(why))
    await asked
    expect(performance.now() - began).toBeLessThan(10_000)
    const count = 'select count(*)::int as n from kept'
    const again = [insist(() => duckdb.all(count)), insist(() => other.all(count))]
    expect(await Promise.all(again)).toEqual([[{ n: 1000 }], [{ n: 1000 }]])
    await other.run('insert into kept values (-1)')
    expect(await duckdb.all(count)).toEqual([{ n: 1001 }])
    // One more for both, and not before the first had let go of the file: two instances of one file see different rows.
    expect(started.threads).toHaveLength(2)
    await gone
  }
  await using after = await openDuckdb({ path, store: 'warehouse' })
  expect(await after.all('select count(*)::int as n from kept')).toEqual([{ n: 1001 }])
})

test('never two instances of one file: another thread starts only when the broken one has ended', async () => {
  const path = join(folder, 'one.duckdb')
  using started = threadsFromNow()
  await using duckdb = await openDuckdb({ path, store: 'warehouse' })
  const [first] = started.threads
  if (first === undefined) throw new Error('no thread was started')
  const order: string[] = []
  first.once('exit', () => order.push('gone'))
  const asked = expect(duckdb.all(`select count(*) as n from (${endless})`)).rejects.toMatchObject(
    lost(/'in' operator/),
  )
  process.once('worker', () => order.push('another'))
  first.postMessage(null)
  await asked
  expect(await insist(() => duckdb.all('select 1 as one'))).toEqual([{ one: 1 }])
  expect(order).toEqual(['gone', 'another'])
})

test('the thread keeps its modules compiled where the process that starts it does', async () => {
  const cache = join(folder, 'compiled')
  const script = `
    import { enableCompileCache } from 'node:module'
    enableCompileCache(process.argv[1])
    const { openDuckdb } = await import(${JSON.stringify(import.meta.resolve('./client.ts'))})
    if (process.argv[2] === 'open') await (await openDuckdb({ store: 'warehouse', path: ':memory:' })).close()`
  const keptAfter = async (what: string): Promise<number> => {
    const flags = ['--conditions=sluice-source', '--input-type=module', '--eval', script]
    // What whoever runs this keeps elsewhere would come first.
    const env = { ...process.env, NODE_COMPILE_CACHE: undefined }
    await promisify(execFile)(process.execPath, [...flags, cache, what], { env })
    const files = await readdir(cache, { recursive: true, withFileTypes: true })
    return files.filter((file) => file.isFile()).length
  }
  const withoutThread = await keptAfter('only import')
  expect(await keptAfter('open')).toBeGreaterThan(withoutThread + 10)
  // One folder for both, not one inside the other.
  expect(await readdir(cache)).toHaveLength(1)
})
