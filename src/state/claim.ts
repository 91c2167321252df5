import { sql, type Row, type Sql } from '../lib/sql.ts'
import type { RunRow } from './run.ts'
import type { State } from './state.ts'

/** One claim at a time in a project: what is counted (store limits, live runs of a slice) stays true until the commit. */
export async function lockClaims(tx: Sql, state: State): Promise<void> {
  await tx.run(
    sql`select pg_advisory_xact_lock(hashtextextended(${`sluice claim ${state.schema} ${state.project}`}, 0))`,
  )
}

export interface CandidateRow extends Row {
  readonly id: string
  readonly operation: RunRow['operation']
  readonly flow: string
  readonly slices: readonly string[] | null
  readonly trigger: RunRow['trigger']
}

/**
 * Runs that wait for a worker, the most urgent first: unfinished, no live attempt, not to be cancelled, due, and not the
 * work of a paused flow. At most twenty a flow, so that a long backfill hides nobody else's work. `ids` null: all of them.
 * `flows`: flow name → definition hash; a flow that has been defined anew since is left to those who know it. A backfill gives way:
 * not what a paused one has, nothing that live work waits to do, and with `live` nothing of a backfill at all.
 */
export async function readCandidates(
  tx: Sql,
  state: State,
  filter: {
    readonly ids: readonly string[] | null
    readonly flows: Readonly<Record<string, string>>
    readonly live: boolean
  },
): Promise<readonly CandidateRow[]> {
  return await tx.all<CandidateRow>(sql`
    select c.id, c.operation, c.flow, c.slices, c.trigger from (
      select r.id, r.operation, r.flow, r.slices, r.trigger, r.priority, r.requested_at,
        row_number() over (partition by r.flow order by r.priority desc, r.requested_at, r.id) as place
      from ${state.t('run')} r join ${state.t('flow')} f on f.project = r.project and f.name = r.flow
      where r.project = ${state.project} and r.outcome is null and r.cancel_at is null
        and (r.not_before is null or r.not_before <= ${state.now})
        and (${filter.ids}::uuid[] is null or r.id = any(${filter.ids}::uuid[]))
        and f.definition_hash = (${JSON.stringify(filter.flows)}::jsonb ->> f.name)
        and (r.operation <> 'apply' or f.paused_at is null) and f.removed_at is null
        and not exists (select from ${state.t('attempt')} a where a.project = r.project and a.run = r.id and a.outcome is null)
        and (r.trigger <> 'backfill' or (not ${filter.live}::boolean
          and not exists (select from ${state.t('backfill')} b where b.project = r.project and b.id = r.backfill and b.state = 'paused')
          and not exists (
            select from ${state.t('run')} w
            where w.project = r.project and w.flow = r.flow and w.operation = 'apply' and w.trigger <> 'backfill'
              and w.outcome is null and w.cancel_at is null and (w.not_before is null or w.not_before <= ${state.now})
              and (w.slices is null or r.slices is null or w.slices && r.slices)
              and not exists (select from ${state.t('attempt')} a where a.project = w.project and a.run = w.id and a.outcome is null))))
    ) c
    where c.place <= 20
    order by c.priority desc, c.requested_at, c.id`)
}

export interface LeftRow extends Row {
  readonly id: string
  readonly flow: string
  /** The one that it is a slice of. */
  readonly backfill: string | null
  /** When its last attempt ended; null: it was never begun. */
  readonly interrupted_at: Date | null
}

/**
 * Runs that nobody goes on with: those that were begun, whose last attempt was interrupted, or failed, another is due, and who
 * would make it is gone; and of the flow `ahead` those that a backfill gives way to, begun or not. Not those that a living worker knows as
 * they are defined now: it takes them. `freshMs`: who gave no sign for so long is dead.
 */
export async function readLeft(
  db: Sql,
  state: State,
  filter: {
    readonly flows: Readonly<Record<string, string>>
    readonly freshMs: number
    readonly ahead: string | null
  },
): Promise<readonly LeftRow[]> {
  const lives = sql`w.stopped_at is null and w.heartbeat_at > ${state.now} - ${filter.freshMs} * interval '1 millisecond'`
  return await db.all<LeftRow>(sql`
    select r.id, r.flow, r.backfill, l.finished_at as interrupted_at
    from ${state.t('run')} r
      join ${state.t('flow')} f on f.project = r.project and f.name = r.flow
      left join lateral (
        select a.n, a.outcome, a.finished_at, a.worker from ${state.t('attempt')} a
        where a.project = r.project and a.run = r.id order by a.n desc limit 1) l on true
    where r.project = ${state.project} and r.outcome is null and r.cancel_at is null
      and (r.not_before is null or r.not_before <= ${state.now})
      and f.definition_hash = (${JSON.stringify(filter.flows)}::jsonb ->> f.name)
      and (r.operation <> 'apply' or f.paused_at is null)
      and (l.outcome = 'interrupted'
        or (l.outcome is not null and not exists (
          select from ${state.t('worker')} w where w.project = r.project and w.id = l.worker and ${lives}))
        or (l.n is null and r.flow = ${filter.ahead} and r.operation = 'apply' and r.trigger <> 'backfill'))
      and not exists (
        select from ${state.t('worker')} w
        where w.project = r.project and ${lives} and 'worker' = any(w.roles) and w.flows ->> r.flow = f.definition_hash)
    order by r.priority desc, r.requested_at, r.id
    limit 20`)
}

/** What is being worked on: an attempt counts until it is recorded as ended, even past its lease. */
export async function readLive(tx: Sql, state: State): Promise<readonly CandidateRow[]> {
  return await tx.all<CandidateRow>(sql`
    select r.id, r.operation, r.flow, r.slices, r.trigger
    from ${state.t('attempt')} a join ${state.t('run')} r on r.project = a.project and r.id = a.run
    where a.project = ${state.project} and a.outcome is null`)
}
