/**
 * A run as somebody watches it, from whatever process: its log lines in order, each once, how far it is, and its end. Rows are
 * read, rings only say when: a lost ring costs a second. Who aborts gets no more events, and no statement begins after that: the
 * database may be closed as soon as the iteration has ended.
 */
import type { Json } from '../lib/json.ts'
import { readAttempts } from '../state/attempt.ts'
import { readLog, type LogRow } from '../state/log.ts'
import { Waiter } from './bell.ts'
import type { EngineContext } from './context.ts'
import type { LogLine, RunEvent, RunId } from './engine.ts'
import { eta } from './meter.ts'
import { findRun, readRunRecord, toPhase } from './records.ts'

const lookMs = 1000
const page = 500

export async function* follow(
  engine: Pick<EngineContext, 'state' | 'bell'>,
  id: RunId,
  options: { readonly signal?: AbortSignal; readonly from?: number } = {},
): AsyncGenerator<RunEvent, void, undefined> {
  const { state } = engine
  const { signal } = options
  const waiter = new Waiter()
  using _listening = await engine.bell.on((ring) => {
    if (ring.topic === 'lost' || ((ring.topic === 'run' || ring.topic === 'log') && ring.run === id)) waiter.wake()
  })
  let from = options.from ?? 0
  let seen = ''
  while (!aborted(signal)) {
    // The run first: what was logged before its end is stored before its end.
    const run = (await readRunRecord(state.db, state, id)) ?? (await findRun(state.db, state, id))
    for (;;) {
      if (aborted(signal)) return
      const lines = await readLog(state.db, state, id, from, page)
      for (const line of lines) {
        if (aborted(signal)) return
        from = line.id
        yield { tag: 'log', line: toLogLine(line) }
      }
      if (lines.length < page) break
    }
    if (aborted(signal)) return
    if (run.outcome !== null) {
      yield { tag: 'finished', run }
      return
    }
    const live = (await readAttempts(state.db, state, [id])).findLast((attempt) => attempt.outcome === null)
    const phase = live === undefined ? null : toPhase(live)
    if (live !== undefined && phase !== null) {
      const now = JSON.stringify([live.n, phase, live.phases.length])
      const elapsedMs = Math.max(0, Math.round(live.elapsed_ms ?? 0))
      if (now !== seen) yield { tag: 'progress', attempt: live.n, phase, elapsedMs, etaMs: eta(phase, elapsedMs) }
      seen = now
    }
    await waiter.wait(lookMs, signal)
  }
}

/** Asked anew each time: it changes while something is awaited, or while the caller has an event. */
function aborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

/** Fields were written by us, as JSON. */
function toLogLine(row: LogRow): LogLine {
  return { ...row, fields: row.fields as Readonly<Record<string, Json>> }
}
