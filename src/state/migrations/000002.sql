-- Orders attempts over all workers: what is published outside this database is fenced by it (`sluice_publication`), since a
-- lease token alone does not tell which of two attempts is the later one.
alter table sluice.attempt add column ordinal bigint generated always as identity;

-- A publication into another database that has begun: {"store", "publication"}. Cleared when it is recorded here; found by the
-- next attempt when a worker ended between the two commits.
alter table sluice.slice add column publishing jsonb;
