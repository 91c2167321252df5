-- Of rollups: what has to be made anew. Marks are only ever added, by triggers on the tables of events too, and taken away by whoever
-- redoes what they name, in the transaction in which it is redone: a mark that is not there yet is left, and its bucket redone again.
create table sluice.dirty (
  project text not null,
  flow    text not null,
  -- Whose buckets; null: those of the finest, hence all that are made of them.
  grain   text,
  -- Some instant within the bucket; null: everything.
  at      timestamptz
);
create index dirty_flow on sluice.dirty (project, flow, at);

-- How far a flow has come, in words of its kind.
create table sluice.position (
  project text not null,
  flow    text not null,
  value   jsonb not null,
  at      timestamptz not null default sluice.now(),
  primary key (project, flow)
);
