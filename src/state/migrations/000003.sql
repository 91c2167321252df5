-- Who asks, and what is recorded of it. Of secrets (tokens, cookies, link codes) only the SHA-256 is kept.

-- A person.
create table sluice.principal (
  project      text not null,
  id           uuid not null,
  name         text not null check (name <> ''),
  role         text not null check (role in ('viewer', 'operator', 'admin')),
  claims       jsonb not null default '{}' check (jsonb_typeof(claims) = 'object'),
  disabled_at  timestamptz,
  created_at   timestamptz not null default sluice.now(),
  created_by   text not null,
  last_seen_at timestamptz,
  primary key (project, id)
);
create unique index principal_name on sluice.principal (project, lower(name));

create table sluice.token (
  project      text not null,
  id           uuid not null,
  name         text not null check (name <> ''),
  -- The first characters of the secret, to tell tokens apart by.
  prefix       text not null,
  hash         bytea not null,
  -- null: may only read endpoints.
  role         text check (role in ('viewer', 'operator', 'admin')),
  claims       jsonb not null default '{}' check (jsonb_typeof(claims) = 'object'),
  -- Whom it acts for. No foreign key: the token of a person who is gone is kept, and refused.
  principal    uuid,
  created_at   timestamptz not null default sluice.now(),
  created_by   text not null,
  expires_at   timestamptz,
  last_used_at timestamptz,
  revoked_at   timestamptz,
  revoked_by   text,
  primary key (project, id),
  check ((revoked_at is null) = (revoked_by is null))
);
create unique index token_hash on sluice.token (project, hash);
create index token_principal on sluice.token (project, principal) where principal is not null;

-- A row is a session that lives, unless it is over its time. Of a person, or of a token that belongs to nobody.
create table sluice.session (
  project      text not null,
  hash         bytea not null,
  principal    uuid,
  token        uuid,
  created_at   timestamptz not null default sluice.now(),
  last_used_at timestamptz not null default sluice.now(),
  expires_at   timestamptz not null,
  ip           text,
  user_agent   text,
  primary key (project, hash),
  foreign key (project, principal) references sluice.principal (project, id) on delete cascade,
  foreign key (project, token) references sluice.token (project, id) on delete cascade,
  check (principal is not null or token is not null)
);
create index session_principal on sluice.session (project, principal);
create index session_token on sluice.session (project, token);
create index session_expiry on sluice.session (project, expires_at);

-- A link that signs in once.
create table sluice.link (
  project     text not null,
  hash        bytea not null,
  -- Whom; null: whoever is admin by then, else a new one of that name.
  principal   uuid,
  name        text not null,
  created_at  timestamptz not null default sluice.now(),
  expires_at  timestamptz not null,
  redeemed_at timestamptz,
  primary key (project, hash),
  foreign key (project, principal) references sluice.principal (project, id) on delete cascade
);

create table sluice.audit (
  project    text not null,
  id         bigint generated always as identity,
  at         timestamptz not null default sluice.now(),
  -- Who: a token, a session of a person, a JWT of the application's issuer, or whoever has the shell.
  actor_by   text not null check (actor_by in ('token', 'session', 'jwt', 'system')),
  actor_id   text,
  actor_name text not null,
  action     text not null,
  subject    text not null,
  before     jsonb,
  after      jsonb,
  request_id text,
  primary key (project, id)
);
create index audit_subject on sluice.audit (project, subject, id desc);

-- What was answered to a request that may be repeated under its key. `answer` null: still worked at, until `lease_until`.
create table sluice.idempotency (
  project     text not null,
  caller      text not null,
  key         text not null,
  -- SHA-256 of the request.
  fingerprint bytea not null,
  lease_token uuid not null,
  lease_until timestamptz not null,
  answer      jsonb,
  created_at  timestamptz not null default sluice.now(),
  primary key (project, caller, key)
);
create index idempotency_age on sluice.idempotency (project, created_at);
