/** Backfills as they are asked for, looked at, paused, resumed, cancelled and tried again; see `BackfillState` for the states. */
import { v7 as uuid } from 'uuid'
import type { FlowName, PlannedSlice, SliceKey } from '../flows/flow.ts'
import { SluiceError } from '../lib/error.ts'
import {
  countBackfills,
  findBackfills,
  insertBackfill,
  lockBackfill,
  readBackfill,
  readBackfills,
  readBackfillSlices,
  readOpenSlices,
  readPace,
  readTallies,
  resetSlices,
  writeBackfillState,
  type BackfillRow,
  type TallyRow,
} from '../state/backfill.ts'
import { readRunsById } from '../state/run.ts'
import { ensureBackfill, followBackfill } from './backfill-ensure.ts'
import { feed } from './backfill-feed.ts'
import type { BackfillPreview, BackfillRange, BackfillRecord, Backfills, BackfillState } from './backfills.ts'
import { cancel as cancelRun } from './cancel.ts'
import { inTransaction, type EngineContext } from './context.ts'
import { ensure } from './ensure.ts'
import { expired, findRun } from './records.ts'
import { refusePaused, request } from './request.ts'

const atOnceUnlessSaid = 2
const atOnceAtMost = 16
/** So many of the last slices say how fast it goes. */
const paceOf = 20

export function openBackfills(engine: EngineContext, version: string): Backfills {
  const { state } = engine

  const get = async (id: string): Promise<BackfillRecord> => {
    const row = isId(id) ? await readBackfill(state.db, state, id) : await meant(id)
    if (row === undefined) throw unknown(id)
    return (await toRecords([row]))[0] ?? unreachable(id)
  }
  /** By an abbreviation; it must fit only one. */
  const meant = async (text: string): Promise<BackfillRow | undefined> => {
    const asked = text.trim().toLowerCase()
    const found = /^[0-9a-f-]{4,35}$/.test(asked) ? await findBackfills(state.db, state, asked) : []
    if (found.length > 1) throw unknown(text, `it fits several: ${found.map(({ id }) => id).join(', ')}`)
    return found[0]
  }
  const toRecords = async (rows: readonly BackfillRow[]): Promise<readonly BackfillRecord[]> => {
    const tallies = await readTallies(
      state.db,
      state,
      rows.map(({ id }) => id),
    )
    return await Promise.all(
      rows.map(async (row) => {
        const record = toRecord(row, tallies)
        if (row.state !== 'running') return record
        return { ...record, etaMs: etaOf(record, await readPace(state.db, state, row.id, paceOf)) }
      }),
    )
  }
  /** Moves it on, under its lock, if it is in one of these states. */
  const move = async (
    id: string,
    from: readonly BackfillState[],
    what: string,
    step: (tx: Parameters<typeof feed>[0], row: BackfillRow) => Promise<void>,
  ): Promise<void> => {
    if (!isId(id)) throw unknown(id)
    // Opened beforehand: installing the queue does not belong into this transaction.
    await engine.queue()
    await inTransaction(engine, async (tx) => {
      const row = await lockBackfill(tx, state, id)
      if (row === undefined) throw unknown(id)
      if (!from.includes(row.state)) throw wrongState(row, what)
      await step(tx, row)
      await engine.bell.ring(tx, { topic: 'backfill', backfill: id, flow: row.flow })
    })
  }
  const plan = async (range: BackfillRange, by: string, signal?: AbortSignal): Promise<Planned> => {
    const { flow, slices, from, to, force, grain = null, clear = false } = range
    const options = { from, to, force, grain, clear, backfill: true }
    const { id } = await request(engine, {
      operation: 'plan',
      flow,
      slices,
      options,
      trigger: 'api',
      requestedBy: by,
    })
    await ensure(engine, id, version, signal)
    const run = await findRun(state.db, state, id)
    signal?.throwIfAborted()
    if (run.error !== null) {
      const { code, summary, ...detail } = run.error
      throw new SluiceError(code, summary, detail)
    }
    if (run.outcome !== 'succeeded') throw notPlanned(flow, run.reason)
    return { slices: run.result?.plan?.slices ?? [], cut: run.result?.plan?.cut === true }
  }

  return {
    preview: async (range, by, signal) => toPreview((await plan(range, by, signal)).slices),
    create: async (asked, by, signal) => {
      const { flow, from, to, force, grain = null, clear = false, atOnce = atOnceUnlessSaid } = asked
      if (!Number.isInteger(atOnce) || atOnce < 1 || atOnce > atOnceAtMost) throw tooMany(atOnce)
      const { slices, cut } = await plan(asked, by, signal)
      const planned = toPreview(slices)
      if (planned.slices.length === 0) throw empty(flow, planned)
      const id = uuid()
      await engine.queue()
      await inTransaction(engine, async (tx) => {
        await refusePaused(tx, engine, { operation: 'apply', flow })
        const what = {
          id,
          flow,
          request: { from, to, force, grain, clear, cut, atOnce },
          requestedBy: by,
          slices: planned.slices,
        }
        await insertBackfill(tx, state, what)
        await feed(tx, engine, id)
      })
      return await get(id)
    },
    list: async (page) => {
      const rows = await readBackfills(state.db, state, page)
      if (rows === undefined) throw expired(`backfill ${page.before}`)
      return await toRecords(rows)
    },
    count: (filter) => countBackfills(state.db, state, filter),
    get,
    slices: async (id, page) => {
      // A page after another is of a backfill that was there: counting all its slices for each would be most of the work.
      if (page.after === undefined) await get(id)
      const rows = await readBackfillSlices(state.db, state, id, page)
      if (rows === undefined) throw expired(`slice ${page.after}`)
      // Keys were planned by a kind.
      return rows.map((row) => ({ ...row, key: row.key as SliceKey }))
    },
    pause: async (id, by, reason) => {
      await move(id, ['running'], 'paused', async (tx) => {
        await writeBackfillState(tx, state, id, { state: 'paused', finished: false, stopped: { by, reason } })
      })
      return await get(id)
    },
    resume: async (id) => {
      await move(id, ['paused'], 'resumed', async (tx) => {
        await writeBackfillState(tx, state, id, { state: 'running', finished: false, stopped: null })
        await feed(tx, engine, id)
        await engine.bell.ring(tx, { topic: 'work' })
      })
      return await get(id)
    },
    cancel: async (id, by, reason) => {
      await move(id, ['running', 'paused'], 'cancelled', async (tx) => {
        await writeBackfillState(tx, state, id, { state: 'cancelled', finished: true, stopped: { by, reason } })
      })
      // From here on nothing of it begins. Who holds the backfill must not wait for a run, hence not above.
      const runs = (await readOpenSlices(state.db, state, id)).map(({ run }) => run)
      const own = (await readRunsById(state.db, state, runs)).filter((run) => run.backfill === id)
      for (const run of own) await cancelRun(engine, run.id, by, reason ?? 'the backfill was cancelled')
      return await get(id)
    },
    retry: async (id) => {
      await move(id, ['failed', 'cancelled', 'running', 'paused'], 'tried again', async (tx, row) => {
        const reset = await resetSlices(tx, state, id)
        const left = (await readTallies(tx, state, [id])).some((tally) => tally.state === 'cancelled')
        if (reset === 0 && !left) throw wrongState(row, 'tried again: none of its slices has failed')
        if (row.state === 'failed' || row.state === 'cancelled')
          await writeBackfillState(tx, state, id, { state: 'running', finished: false, stopped: null })
        await feed(tx, engine, id)
        await engine.bell.ring(tx, { topic: 'work' })
      })
      return await get(id)
    },
    ensure: (id, signal) => ensureBackfill(engine, id, version, signal),
    follow: (id, signal) => followBackfill(engine, id, get, signal),
  }
}

interface Planned {
  readonly slices: readonly PlannedSlice[]
  readonly cut: boolean
}

/** What is to be done, newest first, and what is left. Pure. */
export function toPreview(planned: readonly PlannedSlice[]): BackfillPreview {
  const slices = planned
    .filter(({ action }) => action === 'run')
    .map(({ slice, why }) => ({ key: slice.key, ordinal: slice.ordinal, why }))
    .toSorted((a, b) => b.ordinal - a.ordinal || (a.key < b.key ? 1 : -1))
  const skipped = planned.filter(({ action }) => action === 'skip').map(({ slice, why }) => ({ key: slice.key, why }))
  return { slices, skipped }
}

/** Rows → record. Pure. */
export function toRecord(row: BackfillRow, tallies: readonly TallyRow[]): BackfillRecord {
  const slices = { waiting: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0, skipped: 0, total: 0 }
  for (const tally of tallies) {
    if (tally.backfill !== row.id) continue
    slices[tally.state] += tally.count
    slices.total += tally.count
  }
  return {
    id: row.id,
    flow: row.flow as FlowName, // parsed before it was written
    state: row.state,
    from: row.request.from,
    to: row.request.to,
    force: row.request.force,
    grain: row.request.grain ?? null,
    clear: row.request.clear ?? false,
    atOnce: row.request.atOnce,
    requestedAt: row.requested_at,
    requestedBy: row.requested_by,
    finishedAt: row.finished_at,
    stopped: row.stopped_by === null ? null : { by: row.stopped_by, reason: row.stopped_reason },
    slices,
    etaMs: null,
  }
}

/** Milliseconds until the rest is done at the pace of the last slices; null before one has ended. Pure. */
export function etaOf(
  { slices }: Pick<BackfillRecord, 'slices'>,
  pace: { readonly ended: number; readonly ms: number | null },
): number | null {
  if (pace.ended === 0 || pace.ms === null) return null
  return Math.round(((slices.waiting + slices.running) * pace.ms) / pace.ended)
}

const isId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)

function unreachable(id: string): never {
  throw new Error(`backfill ${id} has no record`)
}

function unknown(
  id: string,
  why = isId(id)
    ? 'no backfill has this id; it may have been removed by retention'
    : 'the id of no backfill begins or ends with it',
): SluiceError {
  return new SluiceError('BACKFILL_UNKNOWN', `There is no backfill ${id}`, {
    why,
    fix: '`sluice backfill list` lists them; an id may be abbreviated to the characters at its end',
  })
}

function wrongState(row: BackfillRow, what: string): SluiceError {
  return new SluiceError('BACKFILL_STATE', `The backfill of ${row.flow} cannot be ${what}`, {
    why: `it is ${row.state}`,
    fix: 'look at it again; somebody may have been faster',
    where: { flow: row.flow },
  })
}

function empty(flow: string, { skipped }: BackfillPreview): SluiceError {
  const reasons = [...new Set(skipped.map(({ why }) => why))].slice(0, 3)
  return new SluiceError('BACKFILL_EMPTY', `There is nothing to redo of ${flow} in this range`, {
    why:
      skipped.length === 0 ? 'it has no slice' : `${skipped.length} slices are left as they are: ${reasons.join('; ')}`,
    fix: 'widen the range, or redo what is up to date, too (--force)',
    where: { flow },
  })
}

function notPlanned(flow: string, reason: string | null): SluiceError {
  return new SluiceError('RUN_CANCELLED', `The slices of ${flow} were not planned`, {
    why: reason ?? 'the run that plans them did not end',
    fix: 'ask again',
    where: { flow },
  })
}

function tooMany(atOnce: number): SluiceError {
  return new SluiceError('USAGE', `A backfill cannot work on ${atOnce} slices at once`, {
    why: `it is a whole number from 1 to ${atOnceAtMost}`,
    fix: `leave it out for ${atOnceUnlessSaid}`,
  })
}
