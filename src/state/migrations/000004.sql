-- What the API and the console read: every list in pages by keyset, each filter with an index; flows made in the console; backfills.

-- Newest first, by any one filter.
drop index sluice.run_recent;
create index run_newest on sluice.run (project, requested_at desc, id desc);
create index run_recent on sluice.run (project, flow, requested_at desc, id desc);
create index run_outcome on sluice.run (project, outcome, requested_at desc, id desc);
create index run_trigger on sluice.run (project, trigger, requested_at desc, id desc);
create index run_operation on sluice.run (project, operation, requested_at desc, id desc);
create index run_backfill on sluice.run (project, backfill, requested_at desc, id desc) where backfill is not null;
create index run_ended on sluice.run (project, finished_at desc) where finished_at is not null;
create index run_published on sluice.run (project, flow, finished_at desc, id desc) where operation = 'apply' and outcome = 'succeeded';

-- The stretch of time that a slice stands for, where it stands for one; `period_to` is not in it.
alter table sluice.slice add column period_from timestamptz, add column period_to timestamptz;
drop index sluice.slice_order;
create index slice_order on sluice.slice (project, flow, ordinal desc, key desc);
create index slice_state on sluice.slice (project, flow, state, ordinal desc, key desc);
create index slice_period on sluice.slice (project, flow, period_from) where period_from is not null;
create index slice_run on sluice.slice (project, run);
create index slice_lease on sluice.slice (project, lease_token) where lease_token is not null;

create index verification_newest on sluice.verification (project, flow, at desc, run desc, slice desc);
create index verification_slice on sluice.verification (project, flow, slice, at desc, run desc);

create index occurrence_newest on sluice.occurrence (project, due_at desc, flow desc);
create index occurrence_state on sluice.occurrence (project, state, due_at desc, flow desc);

-- A test message is of no flow.
alter table sluice.notification alter column flow drop not null;
create index notification_newest on sluice.notification (project, created_at desc, id desc);

create index worker_sign on sluice.worker (project, heartbeat_at desc);

alter table sluice.flow_version add column origin text not null default 'file' check (origin in ('file', 'console'));

-- `request`: {"from", "to", "force", "atOnce"}. `failed`: all its slices have ended, and at least one of them so.
alter table sluice.backfill drop constraint backfill_state_check;
alter table sluice.backfill add constraint backfill_state_check check (state in ('running', 'paused', 'done', 'failed', 'cancelled'));
alter table sluice.backfill add column stopped_by text, add column stopped_reason text;
create index backfill_newest on sluice.backfill (project, requested_at desc, id desc);
create index backfill_flow on sluice.backfill (project, flow, requested_at desc, id desc);

-- The exact slices of a backfill. Without a run: not begun; with one and no outcome: that run is unfinished.
create table sluice.backfill_slice (
  project     text not null,
  backfill    uuid not null,
  key         text not null,
  ordinal     bigint not null,
  run         uuid,
  outcome     text check (outcome in ('succeeded', 'failed', 'cancelled', 'skipped')),
  finished_at timestamptz,
  primary key (project, backfill, key),
  foreign key (project, backfill) references sluice.backfill (project, id) on delete cascade,
  check (outcome is null or run is not null)
);
create index backfill_slice_order on sluice.backfill_slice (project, backfill, ordinal desc, key desc);
create index backfill_slice_next on sluice.backfill_slice (project, backfill, ordinal desc, key desc) where run is null;
create index backfill_slice_run on sluice.backfill_slice (project, run) where run is not null;
create index backfill_slice_open on sluice.backfill_slice (project, backfill) where run is not null and outcome is null;
