"""Writes one table as Parquet and Arrow files, as pyarrow 26.0.1 writes them, and its values as `tables.json`.

    python tables.py

Times are milliseconds since 1970 there. `huge` has numbers that no double holds, `list` a column of lists: readers refuse them.
"""

import datetime
import decimal
import json
import pathlib

import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent
ROWS = 300
# Uneven, so that batches and row groups end in the middle of things.
PART = 97
EPOCH = datetime.datetime(2020, 1, 1)


def time(row):
    return EPOCH + datetime.timedelta(seconds=row * 61, milliseconds=row % 1000)


COLUMNS = {
    "double": ([row / 3 for row in range(ROWS)], pa.float64()),
    "float": ([row / 4 if row % 7 else None for row in range(ROWS)], pa.float32()),
    "small": ([row - 500 for row in range(ROWS)], pa.int32()),
    "large": ([row * 10**12 if row % 11 else None for row in range(ROWS)], pa.int64()),
    "flag": ([row % 2 == 0 if row % 5 else None for row in range(ROWS)], pa.bool_()),
    "price": ([decimal.Decimal(row) / 100 for row in range(ROWS)], pa.decimal128(9, 2)),
    "name": ([f"näme {row * 7 % 13}" if row % 3 else None for row in range(ROWS)], pa.string()),
    "coded": ([f"c{row // 30}" for row in range(ROWS)], pa.dictionary(pa.int32(), pa.string())),
    "milli": ([time(row) for row in range(ROWS)], pa.timestamp("ms")),
    "micro": ([time(row) if row % 6 else None for row in range(ROWS)], pa.timestamp("us", tz="UTC")),
    "nano": ([time(row) for row in range(ROWS)], pa.timestamp("ns")),
    "day": ([(EPOCH + datetime.timedelta(days=row)).date() for row in range(ROWS)], pa.date32()),
    "huge": ([2**53 + row for row in range(ROWS)], pa.int64()),
    "list": ([[row, row + 1] for row in range(ROWS)], pa.list_(pa.int32())),
}

table = pa.table({name: pa.array(values, type) for name, (values, type) in COLUMNS.items()})
# What has no counterpart in apache-arrow's readers of columns is left out of the Arrow files.
plain = table.drop_columns(["price"])

pq.write_table(table, HERE / "snappy.parquet", row_group_size=PART, compression="snappy")
pq.write_table(table, HERE / "zstd-v2.parquet", row_group_size=PART, compression="zstd", data_page_version="2.0", data_page_size=512, write_batch_size=50, write_page_index=True)
with pa.ipc.new_file(HERE / "file.arrow", plain.schema) as file:
    file.write_table(plain, max_chunksize=PART)
with pa.ipc.new_stream(HERE / "stream.arrow", plain.schema) as stream:
    stream.write_table(plain, max_chunksize=PART)


def milliseconds(value):
    moment = value if isinstance(value, datetime.datetime) else datetime.datetime.combine(value, datetime.time())
    return round((moment - datetime.datetime(1970, 1, 1)) / datetime.timedelta(milliseconds=1))


def plain_value(value):
    if value is None:
        return None
    if isinstance(value, (datetime.date, datetime.datetime)):
        return milliseconds(value)
    if isinstance(value, bool):
        return int(value)
    return float(value) if isinstance(value, decimal.Decimal) else value


expected = {name: [plain_value(value) for value in values] for name, (values, _) in COLUMNS.items() if name not in ("huge", "list")}
(HERE / "tables.json").write_text(json.dumps(expected, ensure_ascii=False, separators=(",", ":")) + "\n")
