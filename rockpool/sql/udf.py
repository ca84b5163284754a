"""Functions that DuckDB lacks, as StarRocks computes them."""
import zlib

import pyarrow as pa


def _bytes(column):
    return column.cast(pa.binary()).to_pylist()


def crc32(column):
    return pa.array([None if v is None else zlib.crc32(v) for v in _bytes(column)], pa.int64())


def install(db):
    """Adds the functions to a database; every cursor sees them."""
    db.create_function("crc32", crc32, ["VARCHAR"], "BIGINT", type="arrow")
