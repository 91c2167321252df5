/** A state that has been at work for months, written into the tables: slices of every hour, runs of every flow, what was sent. */
import type { Site } from './site.ts'

export interface History {
  /** The flow that gets the slices. */
  readonly flow: string
  readonly slices: number
  /** Over all flows. */
  readonly runs: number
}

const project = `(select project from sluice.flow limit 1)`

/** The slices are the hours up to now; one in 200 failed, one in 150 is dirty. */
export async function writeHistory(site: Pick<Site, 'query'>, { flow, slices, runs }: History): Promise<void> {
  await site.query(
    `insert into sluice.slice (project, flow, key, ordinal, span, state, due_at, as_of, rows, changes, published_at, period_from, period_to)
     select ${project}, $1, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z/PT1H"'), extract(epoch from at)::bigint, '{}',
       case when n % 200 = 7 then 'failed' when n % 150 = 9 then 'dirty' when n = 1 then 'running' else 'done' end,
       at + interval '1 hour', at + interval '1 hour', 1000 + (n * 37) % 500,
       jsonb_build_object('inserted', n % 40, 'changed', n % 7, 'deleted', n % 3, 'unchanged', 900), at + interval '61 minutes',
       at, at + interval '1 hour'
     from generate_series(1, $2::int) n, lateral (select date_trunc('hour', sluice.now()) - n * interval '1 hour' as at) hour`,
    [flow, slices],
  )
  await site.query(
    `insert into sluice.run (project, id, operation, flow, trigger, requested_by, requested_at, due_at, work, outcome, reason, error, rows,
       started_at, finished_at, result)
     select f.project, gen_random_uuid(), case when n % 25 = 3 then 'verify' else 'apply' end, f.name,
       case when n % 9 = 0 then 'manual' when n % 31 = 0 then 'api' else 'schedule' end,
       case when n % 9 = 0 then 'ada' else 'schedule' end, at, at, 'history ' || n, o.outcome,
       case o.outcome when 'skipped' then 'the source has not changed' when 'cancelled' then 'by ada: too large for the morning' end,
       case when o.outcome = 'failed' then jsonb_build_object('code', 'STORE_UNREACHABLE', 'summary', 'The warehouse cannot be reached',
         'why', 'connection refused at 10.0.0.7:5439', 'fix', 'start it, or correct its address in the config',
         'where', jsonb_build_object('flow', f.name, 'store', 'warehouse')) end,
       case when o.outcome = 'succeeded' then 900 + (n * 53) % 400 end,
       at + interval '2 seconds', at + interval '2 seconds' + (3 + n % 40) * interval '1 second', null
     from generate_series(1, $1::int) n,
       lateral (select sluice.now() - n * interval '11 minutes' as at) due,
       lateral (select case when n % 23 = 5 then 'failed' when n % 17 = 4 then 'skipped' when n % 97 = 8 then 'cancelled' else 'succeeded' end
         as outcome) o,
       lateral (select project, name from sluice.flow where removed_at is null
         order by name offset n % (select count(*) from sluice.flow where removed_at is null) limit 1) f`,
    [runs],
  )
  await site.query(
    `insert into sluice.attempt (project, run, n, worker, lease_token, started_at, heartbeat_at, lease_until, phases, outcome, error, finished_at)
     select project, id, 1, gen_random_uuid(), gen_random_uuid(), started_at, finished_at, finished_at,
       '[{"name": "read", "rows": 1200, "bytes": 88000, "seconds": 1.4}, {"name": "publish", "rows": 1200, "bytes": 88000, "seconds": 0.6}]',
       outcome, error, finished_at
     from sluice.run where work like 'history %' and outcome in ('succeeded', 'failed', 'cancelled')`,
  )
  await site.query(
    `insert into sluice.occurrence (project, flow, due_at, state, reason, run)
     select project, flow, due_at, case outcome when 'skipped' then 'skipped' else 'run' end, reason, case outcome when 'skipped' then null else id end
     from sluice.run where work like 'history %' and trigger = 'schedule' and operation = 'apply'
     on conflict do nothing`,
  )
  await site.query('analyze')
}

/** A paused backfill over the newest slices of the flow, three quarters of which have ended; one in 100 of those failed. */
export async function writeBackfill(
  site: Pick<Site, 'query'>,
  { flow, id, slices }: { readonly flow: string; readonly id: string; readonly slices: number },
): Promise<void> {
  await site.query(
    `insert into sluice.backfill (project, id, flow, request, state, requested_at, requested_by, stopped_by, stopped_reason)
     values (${project}, $1, $2, '{"from": null, "to": null, "force": true, "atOnce": 2}', 'paused', sluice.now() - interval '20 hours', 'ada',
       'ada', 'the office is open')`,
    [id, flow],
  )
  await site.query(
    `insert into sluice.backfill_slice (project, backfill, key, ordinal, run, outcome, finished_at)
     select project, $1, key, ordinal, case when ended then gen_random_uuid() end,
       case when ended then case when n % 100 = 7 then 'failed' else 'succeeded' end end,
       case when ended then sluice.now() - interval '20 hours' + n * interval '10 seconds' end
     from (select project, key, ordinal, n, n <= $3::int * 3 / 4 as ended from (
       select project, key, ordinal, row_number() over (order by ordinal desc) as n from sluice.slice where flow = $2) s
       order by n limit $3) chosen`,
    [id, flow, slices],
  )
  await site.query('analyze sluice.backfill, sluice.backfill_slice')
}
