-- Rows of a table that events are joined with are marked by their key. Which events they belong to is told by whoever reads the mark: the
-- one who writes such a row does not see the events that others have not committed yet.
alter table sluice.dirty
  -- The alias that the table is joined by; null: the mark is of a time.
  add column joined text,
  -- The values of the columns that it is joined on, each as text. Such a mark has no time.
  add column key    jsonb;
