"""Functions that DuckDB lacks, or means otherwise, as StarRocks computes them."""
import zlib

import numpy as np
import pyarrow as pa

# texts of values as StarRocks prints them: booleans 1 and 0, no ".0", six digits of a fraction
TEXT = """CASE typeof(x)
    WHEN 'BOOLEAN' THEN CASE x::VARCHAR WHEN 'true' THEN '1' WHEN 'false' THEN '0' END
    WHEN 'DOUBLE' THEN CASE WHEN suffix(x::VARCHAR, '.0') THEN left(x::VARCHAR, -2) ELSE x::VARCHAR END
    WHEN 'FLOAT' THEN CASE WHEN suffix(x::VARCHAR, '.0') THEN left(x::VARCHAR, -2) ELSE x::VARCHAR END
    WHEN 'TIMESTAMP' THEN CASE WHEN length(x::VARCHAR) > 19 THEN rpad(x::VARCHAR, 26, '0') ELSE x::VARCHAR END
    ELSE x::VARCHAR END"""
MACROS = {
    "sr_text(x)": TEXT,
    "get_json_int(j, p)": "TRY_CAST(json_extract_string(j, p) AS BIGINT)",
    "get_json_double(j, p)": "TRY_CAST(json_extract_string(j, p) AS DOUBLE)",
    "get_json_bool(j, p)": "TRY_CAST(json_extract_string(j, p) AS BOOLEAN)",
    "strleft(s, n)": "left(s, n)", "strright(s, n)": "right(s, n)", "space(n)": "repeat(' ', n)",
    "substring_index(s, d, n)": "array_to_string(CASE WHEN n > 0 THEN string_split(s, d)[1:n] "
                                "ELSE string_split(s, d)[n:] END, d)",
    "to_bitmap(x)": "x::VARCHAR", "bitmap_empty()": "''", "hll_hash(x)": "x::VARCHAR", "hll_empty()": "''",
}
MURMUR_SEED = 104729


def _bytes(column):
    return column.cast(pa.binary()).to_pylist()


def crc32(column):
    return pa.array([None if v is None else zlib.crc32(v) for v in _bytes(column)], pa.int64())


def murmur_hash3_32(column):
    """MurmurHash3 x86 32 with StarRocks' seed; values of one length are computed together."""
    values = _bytes(column)
    lengths = np.array([-1 if v is None else len(v) for v in values])
    result = np.zeros(len(values), np.uint32)
    for length in np.unique(lengths[lengths >= 0]):
        chosen = np.flatnonzero(lengths == length)
        rows = np.frombuffer(b"".join(values[n] for n in chosen), np.uint8).reshape(len(chosen), int(length))
        result[chosen] = _murmur(rows)
    return pa.array(result.view(np.int32), mask=lengths < 0)


def _mix(k):
    k = k * np.uint32(0xCC9E2D51)
    return ((k << np.uint32(15)) | (k >> np.uint32(17))) * np.uint32(0x1B873593)


def _murmur(rows):
    count, length = rows.shape
    h = np.full(count, MURMUR_SEED, np.uint32)
    whole = length // 4 * 4
    blocks = np.ascontiguousarray(rows[:, :whole]).view("<u4")
    for n in range(whole // 4):
        h ^= _mix(blocks[:, n])
        h = ((h << np.uint32(13)) | (h >> np.uint32(19))) * np.uint32(5) + np.uint32(0xE6546B64)
    if length > whole:
        tail = np.zeros(count, np.uint32)
        for n in range(length - whole):
            tail |= rows[:, whole + n].astype(np.uint32) << np.uint32(8 * n)
        h ^= _mix(tail)
    h ^= np.uint32(length)
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))


def install(db):
    """Adds the functions to a database; every cursor sees them."""
    db.create_function("crc32", crc32, ["VARCHAR"], "BIGINT", type="arrow")
    db.create_function("murmur_hash3_32", murmur_hash3_32, ["VARCHAR"], "INTEGER", type="arrow")
    for head, body in MACROS.items():
        db.execute(f"CREATE OR REPLACE MACRO {head} AS {body}")
