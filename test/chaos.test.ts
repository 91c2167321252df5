/**
 * Promise 8: a crash costs time, never data. A sync is killed, or frozen past its lease's end, at every commit edge; readers
 * see old content or new, whole, all the while; the next process finishes the work and leaves nothing behind.
 *
 * One round is part of `npm test`; SLUICE_CHAOS_ROUNDS=20 is the long run.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Failpoint } from '../src/lib/failpoint.ts'
import { createProject, type Project, type Running } from './support/project.ts'

const rounds = Number(process.env['SLUICE_CHAOS_ROUNDS'] ?? 1)
const rows = 5_000

/** Every commit edge that a sync passes. */
const edges: readonly Failpoint[] = [
  'request:before-commit',
  'request:after-commit',
  'claim:before-commit',
  'claim:after-commit',
  'attempt:planned',
  'stage:created',
  'stage:loading',
  'stage:loaded',
  'stage:after-commit',
  'stage:indexed',
  'clean:before-drop',
  'publish:before-begin',
  'publish:fenced',
  'publish:applied',
  'publish:before-commit',
  'publish:after-commit',
  'attempt:before-outcome',
  'outcome:before-commit',
  'outcome:after-commit',
]
const inPlace: readonly Failpoint[] = ['in-place:compared']
const swap: readonly Failpoint[] = ['swap:checked', 'swap:renamed']

/** Short leases, so that a takeover takes a second instead of fifteen. */
const quick = { SLUICE_LEASE_MS: '1500' }

describe.each(['in-place', 'swap'] as const)('a sync that is published %s', (publisher) => {
  let project: Project
  let source = 0
  /** The source's rows all carry one number; whoever sees two numbers has seen a mixture. */
  const nextSource = async (): Promise<number> => {
    source++
    await project.write(
      'rows.csv',
      `id,version\n${Array.from({ length: rows }, (_, id) => `${id},${source}`).join('\n')}\n`,
    )
    return source
  }
  const seen = async (): Promise<{ n: number; low: number; high: number }> => {
    const [row] = await project.query<{ n: number; low: number; high: number }>(
      'select count(*)::int as n, min(version)::int as low, max(version)::int as high from things',
    )
    return row ?? { n: 0, low: 0, high: 0 }
  }

  beforeAll(async () => {
    const key = publisher === 'in-place' ? `key: ['id'],` : ''
    project = await createProject(
      `{ things: sync({ from: { csv: 'rows.csv', store: 'lake' }, to: 'things', ${key} publish: '${publisher}' }) }`,
      { top: `stores: { lake: { duckdb: ':memory:' } },` },
    )
    await nextSource()
    const first = await project.sluice(['run', 'things'], quick)
    expect(first.code, first.stderr).toBe(0)
  })
  afterAll(() => project[Symbol.asyncDispose]())

  const cases = [...edges, ...(publisher === 'in-place' ? inPlace : swap)].flatMap((edge) =>
    Array.from({ length: rounds }, (_, round) => [edge, round] as const),
  )

  test.each(cases)(
    'killed at %s (round %i): the next process finishes it',
    async (edge, round) => {
      const before = source
      const now = await nextSource()
      await using reader = watch(seen)
      // The first round dies exactly there; later ones a random moment after it was reached.
      const trap = round === 0 ? 'kill' : 'sleep:400'
      const mark = join(project.directory, `.reached-${edge.replace(':', '-')}-${round}`)
      const victim = project.start(['run', 'things'], { ...quick, SLUICE_FAILPOINT: `${edge}=${trap}@${mark}` })
      if (round > 0) await killSoonAfter(victim, mark)
      const ended = await victim.ended
      expect(ended.signal === 'SIGKILL' || round > 0, `${ended.code} ${ended.stderr}`).toBe(true)

      const next = await project.sluice(['run', 'things'], quick)
      expect(next.code, next.stderr).toBe(0)
      expect(await seen()).toEqual({ n: rows, low: now, high: now })
      await reader.stop()
      for (const { n, low, high } of reader.seen) {
        expect({ n, same: low === high }).toEqual({ n: rows, same: true })
        expect([before, now]).toContain(low)
      }
      expect(reader.seen.length).toBeGreaterThan(0)
      await expectNothingLeft(project)
    },
    60_000,
  )

  test.each([
    'attempt:planned',
    'stage:loaded',
    'stage:indexed',
    'publish:before-begin',
    'publish:fenced',
    'publish:before-commit',
  ] as const)(
    'frozen at %s past its lease, woken after another has published: nothing changes',
    async (edge) => {
      await nextSource()
      const frozen = project.start(['run', 'things'], {
        ...quick,
        SLUICE_FAILPOINT: `${edge}=stop@${join(project.directory, `.stopped-${edge.replace(':', '-')}`)}`,
      })
      await stopped(frozen)
      const other = project.start(['run', 'things'], quick)
      const ended = await other.ended
      expect(ended.code, ended.stderr).toBe(0)
      const published = await seen()
      expect(published).toEqual({ n: rows, low: source, high: source })
      const recorded = await project.query('select published_at, lease_token from sluice.slice')
      frozen.process.kill('SIGCONT')
      await frozen.ended
      expect(await seen()).toEqual(published)
      expect(await project.query('select published_at, lease_token from sluice.slice')).toEqual(recorded)
      await expectNothingLeft(project)
    },
    90_000,
  )
})

async function killSoonAfter(victim: Running, mark: string): Promise<void> {
  const gone = victim.ended.then(() => true)
  const directory = join(mark, '..')
  const name = mark.slice(directory.length + 1)
  while (!(await readdir(directory)).includes(name)) if (await Promise.race([gone, sleep(10, false)])) return
  await sleep(Math.random() * 350)
  victim.process.kill('SIGKILL')
}

async function stopped({ process: child }: Running): Promise<void> {
  const { readFile } = await import('node:fs/promises')
  for (let tries = 0; tries < 600; tries++) {
    const status = await readFile(`/proc/${child.pid}/stat`, 'utf8').catch(() => '')
    if (/\) T /.test(status)) return
    await sleep(50)
  }
  throw new Error('the process was not stopped by its failpoint')
}

/** Reads in a loop until stopped. */
function watch<T>(read: () => Promise<T>): { readonly seen: T[]; stop: () => Promise<void> } & AsyncDisposable {
  const seen: T[] = []
  let going = true
  const loop = (async () => {
    while (going) {
      seen.push(await read())
      await sleep(5)
    }
  })()
  const stop = async (): Promise<void> => {
    going = false
    await loop
  }
  return { seen, stop, [Symbol.asyncDispose]: stop }
}

async function expectNothingLeft(project: Project): Promise<void> {
  const staged = await project.query(
    `select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'sluice_staging'`,
  )
  expect(staged).toEqual([])
  const unfinished = await project.query('select id from sluice.run where outcome is null')
  expect(unfinished).toEqual([])
  const leased = await project.query('select key from sluice.slice where lease_token is not null')
  expect(leased).toEqual([])
  const files = (await readdir(join(project.directory, '.sluice'))).filter((name) => !name.startsWith('warehouse'))
  expect(files).toEqual([])
}
