"""One peer loads the Parquet file into PostgreSQL, with the primary key and ANALYZE: peers.py adbc|dlt URL FILE"""

import json
import os
import sys
import tempfile
import time

os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
os.environ.setdefault("RUNTIME__LOG_LEVEL", "ERROR")
import adbc_driver_postgresql.dbapi as adbc  # noqa: E402
import pyarrow.parquet as parquet  # noqa: E402

name, url, file = sys.argv[1:4]
KEY = "l_orderkey, l_linenumber"
TABLE = {"adbc": "lineitem_adbc", "dlt": "bench_dlt.lineitem"}[name]


def statement(text):
    with adbc.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(text)
        rows = cursor.fetchall() if text.startswith("select") else None
        connection.commit()
    return rows


def finish():
    with adbc.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("set maintenance_work_mem = '512MB'")
        cursor.execute("set max_parallel_maintenance_workers = 2")
        cursor.execute(f"alter table {TABLE} add primary key ({KEY})")
        cursor.execute(f"analyze {TABLE}")
        connection.commit()


def run_adbc():
    import adbc_driver_postgresql

    batches = parquet.ParquetFile(file).iter_batches(batch_size=65536)
    schema = parquet.read_schema(file)
    import pyarrow

    reader = pyarrow.RecordBatchReader.from_batches(schema, batches)
    with adbc.connect(url) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest(TABLE, reader, mode="create")
        connection.commit()
    return adbc_driver_postgresql.__version__


def run_dlt():
    import dlt

    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline("bench_load", pipelines_dir=folder, destination=dlt.destinations.postgres(url), dataset_name="bench_dlt")
        rows = dlt.resource(lambda: parquet.ParquetFile(file).iter_batches(batch_size=122880), name="lineitem")
        pipeline.run(rows, write_disposition="replace", loader_file_format="parquet")
    return dlt.__version__


statement("drop table if exists lineitem_adbc")
statement("drop schema if exists bench_dlt cascade")
started = time.perf_counter()
version = {"adbc": run_adbc, "dlt": run_dlt}[name]()
finish()
seconds = time.perf_counter() - started
rows = statement(f"select count(*) from {TABLE}")[0][0]
statement("drop table if exists lineitem_adbc")
statement("drop schema if exists bench_dlt cascade")
print(json.dumps({"seconds": seconds, "version": version, "rows": rows}))
