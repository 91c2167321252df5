select
  cast(file_row_number as integer) as id,
  "date" as departed_at,
  delay,
  distance,
  origin,
  destination
from read_parquet({{ path | literal }}, file_row_number = true)
