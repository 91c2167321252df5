-- Sluice's own tables. Written for schema `sluice`; another name (`state.schema`) is put in its place when it is read.
-- Every key begins with the project, so that several projects can share a database.

-- The one clock: every statement reads it, so that tests can move it (they replace this function) and production cannot.
create function sluice.now() returns timestamptz language sql volatile as 'select clock_timestamp()';

create table sluice.flow (
  project         text not null,
  name            text not null,
  kind            text not null,
  origin          text not null default 'file' check (origin in ('file', 'console')),
  -- As written in the config: references to variables and secrets are never resolved here.
  definition      jsonb not null,
  definition_hash text not null,
  version         integer not null default 1,
  paused_at       timestamptz,
  paused_by       text,
  paused_reason   text,
  -- The state last told to the webhooks, so that each change is told once.
  told            text,
  removed_at      timestamptz,
  primary key (project, name)
);

create table sluice.flow_version (
  project         text not null,
  flow            text not null,
  version         integer not null,
  kind            text not null,
  definition      jsonb not null,
  definition_hash text not null,
  created_at      timestamptz not null default sluice.now(),
  created_by      text not null,
  primary key (project, flow, version),
  foreign key (project, flow) references sluice.flow (project, name) on delete cascade
);

create table sluice.schedule (
  project      text not null,
  flow         text not null,
  -- {"tag": "every", …} or {"tag": "cron", …}: a changed one starts counting from now.
  spec         jsonb not null,
  -- Occurrences up to here have been decided upon.
  decided_to   timestamptz not null,
  primary key (project, flow),
  foreign key (project, flow) references sluice.flow (project, name) on delete cascade
);

create table sluice.backfill (
  project      text not null,
  id           uuid not null,
  flow         text not null,
  request      jsonb not null,
  state        text not null default 'running' check (state in ('running', 'paused', 'cancelled', 'done')),
  requested_at timestamptz not null default sluice.now(),
  requested_by text not null,
  finished_at  timestamptz,
  primary key (project, id)
);

-- One request to bring slices up to date (or verify, …). `outcome` is written once, when no attempt follows.
create table sluice.run (
  project       text not null,
  id            uuid not null,
  operation     text not null check (operation in ('apply', 'verify', 'plan', 'ddl', 'check')),
  flow          text not null,
  -- Slice keys; null: whatever is due.
  slices        text[],
  options       jsonb not null default '{}',
  trigger       text not null check (trigger in ('schedule', 'manual', 'backfill', 'api')),
  requested_by  text not null,
  requested_at  timestamptz not null default sluice.now(),
  priority      integer not null default 0,
  backfill      uuid,
  due_at        timestamptz,
  -- Two requests for the same work get the same run: unique among the unfinished.
  work          text not null,
  -- The "now" that every attempt of this run sees.
  frozen_at     timestamptz,
  -- The next attempt may not begin before this.
  not_before    timestamptz,
  cancel_at     timestamptz,
  cancel_by     text,
  cancel_reason text,
  outcome       text check (outcome in ('succeeded', 'failed', 'cancelled', 'skipped')),
  reason        text,
  error         jsonb,
  result        jsonb,
  rows          bigint,
  started_at    timestamptz,
  finished_at   timestamptz,
  primary key (project, id),
  check ((outcome is null) = (finished_at is null))
);
create unique index run_work on sluice.run (project, flow, operation, work) where outcome is null;
create index run_recent on sluice.run (project, flow, requested_at desc);
create index run_open on sluice.run (project, priority desc, requested_at) where outcome is null;

create table sluice.occurrence (
  project    text not null,
  flow       text not null,
  due_at     timestamptz not null,
  -- waiting: for what `after` names. Then a run, or a skip with its reason: never neither.
  state      text not null check (state in ('waiting', 'run', 'skipped')),
  reason     text,
  run        uuid,
  decided_at timestamptz not null default sluice.now(),
  primary key (project, flow, due_at),
  check (state <> 'skipped' or reason is not null),
  check (state <> 'run' or run is not null)
);

create table sluice.worker (
  project      text not null,
  id           uuid not null,
  host         text not null,
  pid          integer not null,
  roles        text[] not null,
  stores       text[] not null,
  -- Flow name → definition hash: what this worker would do for whom.
  flows        jsonb not null,
  version      text not null,
  started_at   timestamptz not null default sluice.now(),
  heartbeat_at timestamptz not null default sluice.now(),
  stopped_at   timestamptz,
  primary key (project, id)
);

create table sluice.attempt (
  project      text not null,
  run          uuid not null,
  n            integer not null,
  worker       uuid not null,
  lease_token  uuid not null unique,
  started_at   timestamptz not null default sluice.now(),
  heartbeat_at timestamptz not null default sluice.now(),
  -- Nobody else may take the run over before this.
  lease_until  timestamptz not null,
  phase        text,
  -- The running phase: {"rows", "rowsExpected", "bytes", "startedAt"}.
  progress     jsonb not null default '{}',
  -- The phases that have ended: [{"name", "rows", "bytes", "seconds"}, …].
  phases       jsonb not null default '[]',
  outcome      text check (outcome in ('succeeded', 'failed', 'cancelled', 'skipped', 'interrupted')),
  error        jsonb,
  finished_at  timestamptz,
  primary key (project, run, n),
  foreign key (project, run) references sluice.run (project, id) on delete cascade
);
create unique index attempt_live on sluice.attempt (project, run) where outcome is null;

-- The part of a flow that is redone as a whole. Created when due, never ahead.
create table sluice.slice (
  project         text not null,
  flow            text not null,
  key             text not null,
  ordinal         bigint not null,
  span            jsonb not null,
  state           text not null check (state in ('missing', 'dirty', 'running', 'done', 'failed', 'frozen')),
  definition_hash text,
  source_mark     jsonb,
  due_at          timestamptz,
  as_of           timestamptz,
  rows            bigint,
  changes         jsonb,
  run             uuid,
  -- The attempt that may publish this slice. Publishing checks it in its own transaction.
  lease_token     uuid,
  published_at    timestamptz,
  primary key (project, flow, key)
);
create index slice_order on sluice.slice (project, flow, ordinal desc);

create table sluice.log (
  project text not null,
  id      bigint generated always as identity,
  run     uuid not null,
  attempt integer,
  at      timestamptz not null default sluice.now(),
  level   text not null check (level in ('debug', 'info', 'warn', 'error')),
  message text not null,
  fields  jsonb not null default '{}',
  primary key (project, id),
  foreign key (project, run) references sluice.run (project, id) on delete cascade
);
create index log_run on sluice.log (project, run, id);

create table sluice.verification (
  project        text not null,
  flow           text not null,
  slice          text not null,
  run            uuid not null,
  verdict        text not null check (verdict in ('identical', 'differs', 'failed')),
  compared       bigint not null,
  missing        bigint not null,
  extra          bigint not null,
  changed        bigint not null,
  as_of          timestamptz,
  source_as_of   timestamptz,
  source_changed boolean not null,
  examples       jsonb not null default '[]',
  at             timestamptz not null default sluice.now(),
  primary key (project, flow, slice, run)
);

-- The outbox: a state change is written in the transaction that makes it, and sent afterwards, once to each webhook.
create table sluice.notification (
  project    text not null,
  id         uuid not null,
  flow       text not null,
  kind       text not null check (kind in ('failed', 'late', 'recovered', 'guard', 'test')),
  payload    jsonb not null,
  created_at timestamptz not null default sluice.now(),
  primary key (project, id)
);

create table sluice.notification_delivery (
  project      text not null,
  notification uuid not null,
  -- The webhook by its place in the config, never its address: that may be a secret.
  webhook      text not null,
  attempts     integer not null default 0,
  next_at      timestamptz not null default sluice.now(),
  delivered_at timestamptz,
  given_up_at  timestamptz,
  error        text,
  primary key (project, notification, webhook),
  foreign key (project, notification) references sluice.notification (project, id) on delete cascade
);
create index notification_due on sluice.notification_delivery (project, next_at) where delivered_at is null and given_up_at is null;
