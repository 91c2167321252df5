import { expect, test } from 'vitest'
import { createDatabase } from '../../test/support/database.ts'
import { flowOf, hour, openClockwork, setClock } from '../../test/support/clockwork.ts'
import { clean } from './retention.ts'

const day = 24 * hour
const terms = { runs: 90 * day, occurrences: 30 * day, notifications: 30 * day, audit: 365 * day }

test('what is over its term goes, in steps; what still says something stays', { timeout: 60_000 }, async () => {
  await using own = await createDatabase()
  await using work = await openClockwork(own.database, [flowOf('hourly', {}), flowOf('rare', {})])
  await setClock(own.database, 'sluice', '2026-11-22T00:00Z')
  // 2,500 runs of `hourly`, one an hour; two of `rare`, years old, one of them unfinished.
  await own.query(`
    insert into sluice.run (project, id, operation, flow, trigger, requested_by, requested_at, work, outcome, finished_at)
    select 'clockwork', gen_random_uuid(), 'apply', 'hourly', 'schedule', 'schedule', at, at::text, 'succeeded', at
    from generate_series(sluice.now() - interval '2499 hours', sluice.now(), interval '1 hour') at`)
  await own.query(`
    insert into sluice.run (project, id, operation, flow, trigger, requested_by, requested_at, work, outcome, finished_at) values
      ('clockwork', gen_random_uuid(), 'apply', 'rare', 'manual', 'ann', '2020-01-01', 'a', 'succeeded', '2020-01-01'),
      ('clockwork', gen_random_uuid(), 'apply', 'rare', 'manual', 'ann', '2020-01-01', 'b', null, null)`)
  await own.query(`
    insert into sluice.slice (project, flow, key, ordinal, span, state, run, published_at)
    select project, flow, 'all', 0, 'null', 'done', id, finished_at from sluice.run where flow = 'hourly' order by requested_at limit 1`)
  await own.query(
    `insert into sluice.log (project, run, level, message) select project, id, 'info', 'x' from sluice.run`,
  )
  await own.query(`
    insert into sluice.verification (project, flow, slice, run, verdict, compared, missing, extra, changed, source_changed, at)
    select project, flow, 'all', id, 'identical', 1, 0, 0, 0, false, requested_at from sluice.run where flow = 'hourly'`)
  await own.query(`
    insert into sluice.occurrence (project, flow, due_at, state, reason)
    select 'clockwork', 'hourly', at, 'skipped', 'x' from generate_series(sluice.now() - interval '2499 hours', sluice.now(), interval '1 hour') at`)
  await own.query(
    `insert into sluice.occurrence (project, flow, due_at, state) values ('clockwork', 'hourly', '2020-01-01', 'waiting')`,
  )
  await own.query(`
    insert into sluice.notification (project, id, flow, kind, payload, created_at)
    select 'clockwork', ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'hourly', 'failed', '{}', '2020-01-01' from generate_series(1, 3) n`)
  await own.query(`
    insert into sluice.notification_delivery (project, notification, webhook, delivered_at, given_up_at) values
      ('clockwork', '00000000-0000-0000-0000-000000000001', 'notify[0]', sluice.now(), null),
      ('clockwork', '00000000-0000-0000-0000-000000000002', 'notify[0]', null, null),
      ('clockwork', '00000000-0000-0000-0000-000000000003', 'notify[0]', null, sluice.now())`)
  await own.query(`
    insert into sluice.worker (project, id, host, pid, roles, stores, flows, version, heartbeat_at) values
      ('clockwork', gen_random_uuid(), 'old', 1, '{worker}', '{}', '{}', '1', '2020-01-01'),
      ('clockwork', gen_random_uuid(), 'new', 1, '{worker}', '{}', '{}', '1', sluice.now())`)

  await own.query(`
    insert into sluice.backfill (project, id, flow, request, state, requested_by, finished_at) values
      ('clockwork', '00000000-0000-0000-0000-000000000001', 'hourly', '{}', 'failed', 'ann', '2020-01-01'),
      ('clockwork', '00000000-0000-0000-0000-000000000002', 'hourly', '{}', 'done', 'ann', '2026-11-01'),
      ('clockwork', '00000000-0000-0000-0000-000000000003', 'hourly', '{}', 'paused', 'ann', null)`)
  await own.query(`
    insert into sluice.backfill_slice (project, backfill, key, ordinal) select project, id, 's', 0 from sluice.backfill`)

  // Who asked: what is over its time, and what is not yet.
  await own.query(`
    insert into sluice.audit (project, at, actor_by, actor_name, action, subject)
    select 'clockwork', at::timestamptz, 'system', 'ann', 'flow.pause', 'x'
    from unnest('{2020-01-01Z,2021-01-01Z,2025-11-21Z,2025-11-23Z,2026-11-01Z}'::text[]) at`)
  const person = '00000000-0000-0000-0000-000000000001'
  await own.query(`
    insert into sluice.principal (project, id, name, role, created_by) values ('clockwork', '${person}', 'ann', 'admin', 'x')`)
  await own.query(`
    insert into sluice.session (project, hash, principal, expires_at)
    select 'clockwork', at::bytea, '${person}', at::timestamptz from unnest('{2026-11-01Z,2026-11-22Z,2026-11-23Z}'::text[]) at`)
  await own.query(`
    insert into sluice.link (project, hash, name, expires_at, redeemed_at)
    select 'clockwork', at::bytea, 'ann', at::timestamptz, null from unnest('{2026-11-01Z,2026-11-23Z}'::text[]) at`)
  await own.query(`
    insert into sluice.idempotency (project, caller, key, fingerprint, lease_token, lease_until, created_at)
    select 'clockwork', 'ann', at, '', gen_random_uuid(), at::timestamptz, at::timestamptz
    from unnest('{2026-11-01Z,2026-11-20T23:59Z,2026-11-21T00:01Z}'::text[]) at`)

  const removed = await clean(work.state, terms)
  // 90 days are 2,160 hours: of the 339 older ones, the one that the slice comes from stays.
  expect(removed).toEqual({
    runs: 338,
    verifications: 338,
    occurrences: 1_779,
    notifications: 2,
    backfills: 1,
    workers: 1,
    audit: 3,
    ended: 5,
  })
  const [left] = await own.query(`
    select (select count(*)::int from sluice.run where flow = 'rare') as rare,
      (select count(*)::int from sluice.slice s join sluice.run r on r.id = s.run) as behind_slices,
      (select count(*)::int from sluice.log) as log, (select count(*)::int from sluice.run) as runs,
      (select count(*)::int from sluice.occurrence where state = 'waiting') as waiting,
      (select id::text from sluice.notification) as undelivered, (select host from sluice.worker) as worker,
      (select count(*)::int from sluice.audit) as audit, (select convert_from(hash, 'UTF8') from sluice.session) as session,
      (select convert_from(hash, 'UTF8') from sluice.link) as link, (select key from sluice.idempotency) as answer,
      (select count(*)::int from sluice.backfill_slice) as slices`)
  expect(left).toEqual({
    rare: 2,
    slices: 2,
    behind_slices: 1,
    log: 2_164,
    runs: 2_164,
    waiting: 1,
    undelivered: '00000000-0000-0000-0000-000000000002',
    worker: 'new',
    audit: 2,
    session: '2026-11-23Z',
    link: '2026-11-23Z',
    answer: '2026-11-21T00:01Z',
  })
  expect(await clean(work.state, terms)).toEqual({
    runs: 0,
    verifications: 0,
    occurrences: 0,
    notifications: 0,
    backfills: 0,
    workers: 0,
    audit: 0,
    ended: 0,
  })
  // The newest of each flow stay, whatever their age.
  await setClock(own.database, 'sluice', '2040-01-01T00:00Z')
  await clean(work.state, terms)
  const [kept] = await own.query(`
    select (select count(*)::int from sluice.run where flow = 'hourly') as runs, (select count(*)::int from sluice.occurrence) as occurrences,
      (select count(*)::int from sluice.verification) as verifications`)
  expect(kept).toEqual({ runs: 21, occurrences: 21, verifications: 21 })
})
