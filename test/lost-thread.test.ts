/** The thread that owns the warehouse's file breaks in the middle of a sync: the attempt fails, and the run goes on. */
import type { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { openSluice } from '../src/sluice.ts'
import { createProject } from './support/project.ts'

test.each([
  { attempts: 3, outcome: 'succeeded', rows: 4_000_000, tries: [{ outcome: 'failed' }, { outcome: 'succeeded' }] },
  { attempts: 1, outcome: 'failed', rows: 1000, tries: [{ outcome: 'failed' }] },
])(
  'of $attempts attempts, one loses its thread: $outcome',
  { timeout: 60_000 },
  async ({ attempts, outcome, rows, tries }) => {
    await using project = await createProject('{}')
    const definition = (n: number): object => ({
      project: 'lost-thread',
      database: project.url,
      flows: {
        big: {
          kind: 'sync',
          from: { query: `select range as id, md5(range::text) as t from range(${n})` },
          to: 'big',
          key: ['id'],
          attempts,
        },
      },
    })
    const threads: Worker[] = []
    const note = (worker: Worker): void => void threads.push(worker)
    process.on('worker', note)
    try {
      await using small = await openSluice({ directory: project.directory, config: definition(1000) })
      expect(await small.run()).toMatchObject([{ outcome: 'succeeded', rows: 1000 }])
      await small.close()
      let broken = false
      await using sluice = await openSluice({
        directory: project.directory,
        config: definition(4_000_000),
        onEvent: (_, event) => {
          if (broken || event.tag !== 'progress' || event.phase.rows === 0) return
          broken = true
          threads.at(-1)?.postMessage(null)
        },
      })
      const [run] = await sluice.run()
      expect(broken).toBe(true)
      expect(run).toMatchObject({ outcome, attempts: tries })
      const why = expect.stringContaining("'in' operator") as string
      expect(run?.attempts[0]?.error).toMatchObject({
        code: 'STORE_LOST',
        why,
        fix: 'try again',
        where: { store: 'warehouse' },
      })
    } finally {
      process.off('worker', note)
    }
    expect(await project.query('select count(*)::int as n from big')).toEqual([{ n: rows }])
    expect(await project.query(`select to_regnamespace('sluice_staging') as staging`)).toEqual([{ staging: null }])
  },
)
