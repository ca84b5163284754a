"""Checksums over whole columns: what checks of a copy compute for every row."""
import hashlib
import zlib

import numpy as np
import pyarrow as pa
import xxhash

from rockpool.sql import macros, row_functions

MURMUR_SEED = 104729


def _bytes(column):
    return column.cast(pa.binary()).to_pylist()


def crc32(column):
    return pa.array([None if v is None else zlib.crc32(v) for v in _bytes(column)], pa.int64())


def murmur_hash3_32(column):
    """MurmurHash3 x86 32 with StarRocks' seed; values of one length are computed together."""
    return murmur_hash3_32_seeded(column, None)


def murmur_hash3_32_seeded(column, seeds):
    """The same with a seed for every value; a NULL on either side gives NULL."""
    values = _bytes(column)
    if seeds is not None:
        given = seeds.to_pylist()
        values = [None if s is None else v for v, s in zip(values, given)]
        started = np.array([0 if s is None else s for s in given], np.int64).astype(np.uint32)
    lengths = np.array([-1 if v is None else len(v) for v in values])
    result = np.zeros(len(values), np.uint32)
    for length in np.unique(lengths[lengths >= 0]):
        chosen = np.flatnonzero(lengths == length)
        rows = np.frombuffer(b"".join(values[n] for n in chosen), np.uint8).reshape(len(chosen), int(length))
        result[chosen] = _murmur(rows, started[chosen] if seeds is not None else np.full(len(chosen), MURMUR_SEED, np.uint32))
    return pa.array(result.view(np.int32), mask=lengths < 0)


def _mix(k):
    k = k * np.uint32(0xCC9E2D51)
    return ((k << np.uint32(15)) | (k >> np.uint32(17))) * np.uint32(0x1B873593)


def _murmur(rows, h):
    count, length = rows.shape
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


def _signed(bits):
    top = 1 << (bits - 1)
    return lambda n: n - (top << 1) if n >= top else n


def _seeded(digest, bits, kind):
    """A column function of an xxhash digest; with a second column the seeds."""
    signed, mask = _signed(bits), (1 << bits) - 1

    def hashed(column, seeds=None):
        if seeds is None:
            return pa.array([None if v is None else signed(digest(v)) for v in _bytes(column)], kind)
        return pa.array([None if v is None or s is None else signed(digest(v, s & mask))
                         for v, s in zip(_bytes(column), seeds.to_pylist())], kind)
    return hashed


xx_hash3_64 = _seeded(xxhash.xxh3_64_intdigest, 64, pa.int64())
xx_hash64 = _seeded(xxhash.xxh64_intdigest, 64, pa.int64())
xx_hash32 = _seeded(xxhash.xxh32_intdigest, 32, pa.int32())


def xx_hash3_128(column):
    """As digits: an Arrow column has no 128 bit integers."""
    signed = _signed(128)
    return pa.array([None if v is None else str(signed(xxhash.xxh3_128_intdigest(v))) for v in _bytes(column)], pa.string())


def sha2(column, lengths):
    kinds = {0: hashlib.sha256, 224: hashlib.sha224, 256: hashlib.sha256, 384: hashlib.sha384, 512: hashlib.sha512}
    return pa.array([None if v is None or n not in kinds else kinds[n](v).hexdigest()
                     for v, n in zip(_bytes(column), lengths.to_pylist())], pa.string())


def _one(function):
    def called(column):
        return function(column)
    return called


def _two(function):
    def called(column, seeds):
        return function(column, seeds)
    return called


def install(db):
    """Adds the functions to a database; every cursor sees them."""
    def add(name, function, given, result):
        db.create_function(name, function, given, result, type="arrow", null_handling="special")
    add("crc32", crc32, ["VARCHAR"], "BIGINT")
    for name, plain, seeded, kind in (("murmur_hash3_32", murmur_hash3_32, murmur_hash3_32_seeded, "INTEGER"), ("xx_hash3_64", xx_hash3_64, xx_hash3_64, "BIGINT"),
                              ("xx_hash64", xx_hash64, xx_hash64, "BIGINT"), ("xx_hash32", xx_hash32, xx_hash32, "INTEGER")):
        add(name, _one(plain), ["VARCHAR"], kind)
        add(name + "_seeded", _two(seeded), ["VARCHAR", kind], kind)
    add("xx_hash3_128_digits", xx_hash3_128, ["VARCHAR"], "VARCHAR")
    db.execute("CREATE OR REPLACE MACRO xx_hash3_128(x) AS CAST(xx_hash3_128_digits(x) AS HUGEINT)")
    add("sr_sha2", sha2, ["VARCHAR", "INTEGER"], "VARCHAR")
    row_functions.install(db)
    macros.install(db)
