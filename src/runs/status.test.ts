import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { flowOf, everyHour, hour, openClockwork, setClock, type Clockwork } from '../../test/support/clockwork.ts'
import { createDatabase, type TestDatabase } from '../../test/support/database.ts'
import type { FlowStatus } from './engine.ts'
import { readStatus } from './status.ts'

describe.each([18, 14] as const)('status on PostgreSQL %i', (version) => {
  let own: TestDatabase
  let work: Clockwork
  let runs = 0

  beforeEach(async () => {
    own = await createDatabase({ version })
    work = await openClockwork(own.database, [
      flowOf('hourly', { schedule: everyHour, sourceEvery: 24 * hour }),
      flowOf('by_hand', {}),
    ])
    await clock('2026-11-22T10:30Z')
    await own.query(`update sluice.schedule set decided_to = '2026-11-22T10:30Z'`)
  })
  afterEach(async () => {
    await work[Symbol.asyncDispose]()
    await own[Symbol.asyncDispose]()
  })

  const clock = (at: string): Promise<void> => setClock(own.database, 'sluice', at)
  async function status(flow = 'hourly'): Promise<FlowStatus> {
    const found = await readStatus(work.state, [...work.engine.flows.values()], work.engine.kinds)
    const one = found.find(({ name }) => name === flow)
    if (one === undefined) throw new Error(`no status of ${flow}`)
    return one
  }

  /** A run that began and ended at `at`. */
  async function ran(
    at: string,
    outcome: 'succeeded' | 'failed' | 'skipped' | 'cancelled',
    change: {
      trigger?: string
      slices?: readonly string[]
      due?: string
      flow?: string
      asOf?: string
      operation?: string
    } = {},
  ): Promise<void> {
    const { trigger = 'manual', slices = null, due = null, flow = 'hourly', asOf = at, operation = 'apply' } = change
    runs += 1
    const [run] = await own.query<{ id: string }>(
      `insert into sluice.run (project, id, operation, flow, slices, trigger, requested_by, work, due_at, requested_at, frozen_at, started_at, finished_at, outcome, error)
       values ('clockwork', gen_random_uuid(), $1, $2, $3, $4, 'ann', $5, $6, $7, $7, $7, $7, $8, $9) returning id`,
      [
        operation,
        flow,
        slices,
        trigger,
        `work ${runs}`,
        due,
        at,
        outcome,
        outcome === 'failed' ? { code: 'STORE_QUERY', summary: 'Refused', why: 'no', fix: 'look', where: {} } : null,
      ],
    )
    if (outcome !== 'succeeded' || operation !== 'apply') return
    await own.query(
      `insert into sluice.slice (project, flow, key, ordinal, span, state, due_at, as_of, rows, run, published_at)
       values ('clockwork', $1, $2, 0, 'null', 'done', $3, $4, 10, $5, $6)
       on conflict (project, flow, key) do update set due_at = greatest(slice.due_at, excluded.due_at), as_of = excluded.as_of,
         run = excluded.run, published_at = excluded.published_at`,
      [flow, slices?.[0] ?? 'all', due, asOf, run?.id, at],
    )
  }

  test('never, then fresh, with what is due next', async () => {
    expect(await status()).toMatchObject({
      state: 'never',
      why: 'never published',
      rows: null,
      asOf: null,
      running: false,
      lastRun: null,
    })
    expect(await status('by_hand')).toMatchObject({ state: 'never', dueAt: null })
    await ran('2026-11-22T10:40Z', 'succeeded')
    await clock('2026-11-22T10:45Z')
    const found = await status()
    expect(found).toMatchObject({ state: 'fresh', why: null, rows: 10, kind: 'sync' })
    expect(found.dueAt?.toISOString()).toBe('2026-11-22T11:00:00.000Z')
    expect(found.asOf?.toISOString()).toBe('2026-11-22T10:40:00.000Z')
    // The source told no time: what is known is when it was read.
    expect(found.sourceAsOf).toBeNull()
    expect(found.lastRun).toMatchObject({ outcome: 'succeeded', trigger: 'manual', attempts: [] })
  })

  test('a manual run satisfies no later due time; one after it does', async () => {
    await ran('2026-11-22T10:59Z', 'succeeded')
    await clock('2026-11-22T11:29Z')
    expect((await status()).state).toBe('fresh')
    await clock('2026-11-22T11:31Z')
    expect(await status()).toMatchObject({ state: 'late', why: 'due 2026-11-22 11:00 UTC, not done after 31 min' })
    expect((await status()).dueAt?.toISOString()).toBe('2026-11-22T11:00:00.000Z')
    await ran('2026-11-22T11:31Z', 'skipped')
    expect((await status()).state).toBe('fresh')
  })

  test('neither a backfill nor another slice turns it green', async () => {
    await ran('2026-11-22T10:59Z', 'succeeded')
    await clock('2026-11-22T11:40Z')
    await ran('2026-11-22T11:35Z', 'succeeded', { trigger: 'backfill' })
    await ran('2026-11-22T11:36Z', 'succeeded', { slices: ['2020'] })
    await ran('2026-11-22T11:37Z', 'succeeded', { operation: 'verify' })
    expect((await status()).state).toBe('late')
    await ran('2026-11-22T11:38Z', 'succeeded', { slices: ['all'] })
    expect((await status()).state).toBe('fresh')
  })

  test('a run that answers to an earlier due time does not answer to the last one', async () => {
    await clock('2026-11-22T13:40Z')
    await ran('2026-11-22T13:35Z', 'succeeded', { trigger: 'schedule', due: '2026-11-22T12:00Z' })
    expect((await status()).state).toBe('late')
    await ran('2026-11-22T13:36Z', 'succeeded', { trigger: 'schedule', due: '2026-11-22T13:00Z' })
    expect((await status()).state).toBe('fresh')
  })

  test('failed until something succeeds; a cancelled run changes nothing', async () => {
    await ran('2026-11-22T10:40Z', 'succeeded')
    await ran('2026-11-22T10:41Z', 'failed')
    await ran('2026-11-22T10:42Z', 'cancelled')
    await ran('2026-11-22T10:43Z', 'succeeded', { trigger: 'backfill' })
    expect(await status()).toMatchObject({ state: 'failed', why: 'STORE_QUERY: Refused (no)' })
    await ran('2026-11-22T10:44Z', 'skipped')
    expect((await status()).state).toBe('fresh')
  })

  test('stale when the source was not rebuilt in time', async () => {
    await ran('2026-11-22T10:40Z', 'succeeded', { asOf: '2026-11-21T10:00Z' })
    expect(await status()).toMatchObject({ state: 'fresh', sourceAsOf: new Date('2026-11-21T10:00Z') })
    await clock('2026-11-22T10:30:01Z')
    expect((await status()).state).toBe('stale')
  })
})
