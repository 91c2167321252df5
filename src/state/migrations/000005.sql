-- What the cursors of endpoints are sealed with: 32 random bytes, the same for all processes of a project. Cursors live as long as a
-- reader pages, so to replace it costs no more than that they begin again.
create table sluice.seal (
  project text primary key,
  secret  bytea not null check (length(secret) = 32)
);
