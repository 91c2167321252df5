/** Reads what says in what state each flow is, and puts it into words. */
import type { Flow, Kind } from '../flows/flow.ts'
import type { ErrorRecord } from '../lib/error.ts'
import type { Schedule } from '../lib/schedule.ts'
import type { Sql } from '../lib/sql.ts'
import { readAttempts } from '../state/attempt.ts'
import { readRunsById } from '../state/run.ts'
import { readFacts, readNow, type FactRow } from '../state/status.ts'
import type { State } from '../state/state.ts'
import type { FlowStatus, RunRecord } from './engine.ts'
import { judge, lastDue, shownDue, type FlowFacts, type Judgement } from './freshness.ts'
import { toRunRecord } from './records.ts'

/** The kinds, as far as judging needs them. */
export type Kinds = Readonly<Record<string, Pick<Kind, 'due'>>>

/** A flow with what is recorded of it and what follows from that. */
export interface Judged {
  readonly flow: Flow
  readonly schedule: Schedule | null
  readonly row: FactRow
  readonly facts: FlowFacts
  readonly judgement: Judgement
}

/** Judges flows in two small queries for all of them; a flow that was never registered is left out. */
export async function judgeFlows(
  db: Sql,
  state: State,
  flows: readonly Flow[],
  kinds: Kinds,
): Promise<readonly Judged[]> {
  if (flows.length === 0) return []
  const now = await readNow(db, state)
  const asked = flows.map((flow) => ({ flow: flow.name, key: expectedKey(flow, kinds, now) }))
  const rows = new Map((await readFacts(db, state, asked)).map((row) => [row.flow, row]))
  return flows.flatMap((flow) => {
    const row = rows.get(flow.name)
    return row === undefined ? [] : [judged(flow, row)]
  })
}

/** The slice that should be done by then: the newest of those that should exist. */
export function expectedKey(flow: Flow, kinds: Kinds, by: Date): string | null {
  return kinds[flow.kind]?.due(flow, by).at(-1)?.key ?? null
}

function judged(flow: Flow, row: FactRow): Judged {
  // Written by `register`, from a Schedule.
  const schedule = row.spec as Schedule | null
  const facts = factsOf(flow, schedule, row)
  return { flow, schedule, row, facts, judgement: judge(facts) }
}

/** Rows → facts. Pure. */
export function factsOf(flow: Pick<Flow, 'timing'>, schedule: Schedule | null, row: FactRow): FlowFacts {
  const newest = row.occurrence_due === null ? null : { at: row.occurrence_due, reason: row.occurrence_reason }
  const times = [row.answered, row.covered].filter((time) => time !== null)
  return {
    now: row.now,
    paused:
      row.paused_at === null ? null : { at: row.paused_at, by: row.paused_by ?? 'somebody', reason: row.paused_reason },
    due: lastDue(schedule, row.decided_to, newest, row.now),
    late: flow.timing.late,
    sourceEvery: flow.timing.sourceEvery,
    published: row.published_at !== null,
    ever: row.published_at !== null || row.rows !== null,
    doneTo: times.length === 0 ? null : new Date(Math.max(...times.map((time) => time.getTime()))),
    failure:
      row.failed_run === null || row.failed_at === null
        ? null
        : // Written by us, from an ErrorRecord.
          { run: row.failed_run, at: row.failed_at, error: row.failed_error as ErrorRecord | null },
    asOf: row.as_of,
  }
}

/** The status of flows, in the order given. */
export async function readStatus(state: State, flows: readonly Flow[], kinds: Kinds): Promise<readonly FlowStatus[]> {
  const found = await judgeFlows(state.db, state, flows, kinds)
  const ids = found.flatMap(({ row }) => (row.last_run === null ? [] : [row.last_run]))
  const runs = await readRunsById(state.db, state, ids)
  const attempts = await readAttempts(state.db, state, ids)
  const records = new Map(runs.map((run) => [run.id, toRunRecord(run, attempts)]))
  return found.map((one) => toStatus(one, records.get(one.row.last_run ?? '') ?? null))
}

/** What is odd about the definition. */
function noteOf({ took_over }: FactRow): string | null {
  if (took_over === null) return null
  return `the file defines it otherwise than version ${took_over}, which was made in the console; the file wins`
}

function toStatus({ flow, schedule, row, facts, judgement }: Judged, lastRun: RunRecord | null): FlowStatus {
  // Where the source tells no time, a slice is as of the beginning of the run that published it.
  const told = row.as_of !== null && row.as_of.getTime() !== row.began?.getTime()
  return {
    name: flow.name,
    kind: flow.kind,
    state: judgement.state,
    why: judgement.why,
    running: row.running,
    rows: row.rows,
    asOf: row.as_of,
    sourceAsOf: told ? row.as_of : null,
    dueAt: shownDue(facts, schedule),
    paused: facts.paused,
    lastRun,
    note: noteOf(row),
  }
}
