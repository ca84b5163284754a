"""The hash that divides rows over buckets: CRC-32 of the distribution columns, one after the other, as StarRocks
computes it when rows are loaded. A value's bytes: integers and decimals in little-endian order of their stored width,
texts as they are, DATE and DATETIME as their texts, NULL as four zero bytes.
"""
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rockpool.scan.columns import text_of

WIDTHS = {"BOOLEAN": 1, "TINYINT": 1, "SMALLINT": 2, "INT": 4, "BIGINT": 8, "LARGEINT": 16, "DECIMAL32": 4,
          "DECIMAL64": 8, "DECIMAL128": 16}


def _table():
    found = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        found = np.where(found & 1, (found >> 1) ^ np.uint32(0xEDB88320), found >> 1).astype(np.uint32)
    return found


TABLE = _table()


def buckets(columns, kinds, count, rows):
    """The bucket of every row, from Arrow arrays of the distribution columns."""
    hashes = np.zeros(rows, dtype=np.uint32)
    for column, kind in zip(columns, kinds):
        hashes = _fold(hashes, pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column, kind)
    return (hashes % np.uint32(count)).astype(np.int64)


def _fold(hashes, column, kind):
    width = WIDTHS.get(kind.primitive())
    folded = _fold_fixed(hashes, _raw(column, width)) if width else _fold_texts(hashes, column, kind)
    if column.null_count:
        nulls = column.is_null().to_numpy(zero_copy_only=False)
        folded[nulls] = _fold_fixed(hashes[nulls], np.zeros((int(nulls.sum()), 4), dtype=np.uint8))
    return folded


def _raw(column, width):
    """The values' bytes, one row each."""
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.int8())
    if not len(column):
        return np.zeros((0, width), dtype=np.uint8)
    size = column.type.bit_width // 8
    held = np.frombuffer(column.buffers()[1], dtype=np.uint8)
    rows = held[column.offset * size:(column.offset + len(column)) * size].reshape(len(column), size)
    return rows[:, :width]


def _fold_fixed(hashes, rows):
    found = hashes ^ np.uint32(0xFFFFFFFF)
    for n in range(rows.shape[1]):
        found = TABLE[(found ^ rows[:, n]) & np.uint32(0xFF)] ^ (found >> np.uint32(8))
    return found ^ np.uint32(0xFFFFFFFF)


def _fold_texts(hashes, column, kind):
    texts = text_of(column, kind).cast(pa.binary()).to_pylist()
    found = (zlib.crc32(text or b"", seed) for text, seed in zip(texts, hashes.tolist()))
    return np.fromiter(found, dtype=np.uint32, count=len(texts))
