"""Whole columns of text to stored values. Does quickly what it is sure of, and asks convert.py for the rest.

Arrow's own casts accept a little more and a little less than the server. A cast is used only where both agree:
hexadecimal integers, NaN and Inf, and anything that Arrow refuses go through convert.py, value by value.
"""
import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rockpool.loads.convert import FAILED, MAX_FLOAT32, RawNumber, from_text
from rockpool.loads.json_values import from_json

SURE = {"TINYINT": r"^-?[0-9]{1,2}$", "SMALLINT": r"^-?[0-9]{1,4}$", "INT": r"^-?[0-9]{1,9}$",
        "BIGINT": r"^-?[0-9]{1,18}$", "LARGEINT": r"^(0|-?[1-9][0-9]{0,36})$",
        "FLOAT": r"^-?[0-9]{1,15}(\.[0-9]{1,15})?$", "DOUBLE": r"^-?[0-9]{1,15}(\.[0-9]{1,15})?$",
        "DATE": r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$",
        "DATETIME": r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8]) ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"}
FEW = 64  # below this many values the slow way is the quick one


def convert_column(kind, texts):
    """(array of the stored type, NULL where a value failed; mask of the failed values or None)."""
    if len(texts) < FEW:
        return one_by_one(kind, texts)
    if kind.is_text:
        return _bounded(kind, texts)
    if kind.name in ("INT", "BIGINT", "TINYINT", "SMALLINT", "FLOAT", "DOUBLE", "DATE", "DATETIME"):
        return _cast(kind, texts)
    if kind.name == "DECIMAL" and kind.precision <= 38:
        return _decimals(kind, texts)
    if kind.name == "BOOLEAN":
        return _booleans(kind, texts)
    return _sure_and_rest(kind, texts, SURE.get(kind.name))


def convert_json(kind, values):
    """A column of JSON values."""
    try:
        return _convert_json(kind, values)
    except UnicodeEncodeError:  # half of a surrogate pair is no letter: a string with one is a broken value
        broken = np.array([_is_broken(v) for v in values])
        found, failed = _convert_json(kind, [None if b else v for v, b in zip(values, broken)])
        return found, broken if failed is None else failed | broken


def _is_broken(value):
    try:
        json.dumps(value, ensure_ascii=False).encode()
        return False
    except UnicodeEncodeError:
        return True


def _convert_json(kind, values):
    """Where all are texts, or all of the column's own sort, at once; else one by one."""
    if len(values) >= FEW and not kind.parts and kind.name not in ("JSON", "VARBINARY"):
        sorts = set(map(type, values)) - {type(None)}
        if sorts <= {str, RawNumber} and kind.name != "BOOLEAN" and not (kind.is_integer and RawNumber in sorts):
            return convert_column(kind, pa.array(values, pa.string()))
        if kind.name == "BOOLEAN" and sorts == {str}:
            return convert_column(kind, pa.array(values, pa.string()))
        if kind.name == "BOOLEAN" and sorts == {int}:
            return pa.array([None if v is None else v != 0 for v in values], pa.bool_()), None
        if sorts == {int} and kind.is_integer and kind.name != "LARGEINT" or sorts == {bool} and kind.name == "BOOLEAN":
            try:
                return pa.array(values, kind.arrow()), None
            except (pa.ArrowInvalid, OverflowError):
                pass
    return from_values(kind, values, from_json(kind))


def one_by_one(kind, texts):
    return from_values(kind, texts.to_pylist(), from_text(kind))


def from_values(kind, values, convert):
    """Converts Python values; None is NULL."""
    failed = None
    found = []
    for n, value in enumerate(values):
        if value is not None:
            value = convert(value)
            if value is FAILED:
                if failed is None:
                    failed = np.zeros(len(values), bool)
                failed[n] = True
                value = None
        found.append(value)
    return pa.array(found, kind.arrow()), failed


def _bounded(kind, texts):
    lengths = pc.binary_length(texts)
    longest = pc.max(lengths).as_py()
    if longest is None or longest <= kind.length:
        return texts, None
    long = pc.fill_null(pc.greater(lengths, kind.length), False)
    return pc.if_else(long, pa.scalar(None, pa.string()), texts), long.to_numpy(zero_copy_only=False)


def _cast(kind, texts):
    """The whole column at once; when Arrow refuses or might be too kind, the sure values and the rest apart."""
    target = kind.arrow()
    try:
        found = pc.cast(texts, target)
    except pa.ArrowInvalid:
        return _sure_and_rest(kind, texts, SURE[kind.name])
    if kind.is_integer:
        if pc.any(pc.match_substring(texts, "x", ignore_case=True)).as_py():
            return _sure_and_rest(kind, texts, SURE[kind.name])
    elif kind.name in ("FLOAT", "DOUBLE"):
        if not _is_ordinary(kind, found):
            return _sure_and_rest(kind, texts, SURE[kind.name])
    elif pc.min(pc.binary_length(texts)).as_py() is not None and not _is_full(kind, texts):
        return _sure_and_rest(kind, texts, SURE[kind.name])
    return found, None


def _is_ordinary(kind, found):
    limit = MAX_FLOAT32 if kind.name == "FLOAT" else 1.7976931348623157e308
    largest = pc.max(pc.abs(found)).as_py()
    return largest is None or (largest < limit and not pc.any(pc.is_nan(found)).as_py())


def _is_full(kind, texts):
    """Dates as 2024-01-31 and times with seconds: other forms that Arrow takes are left to convert.py."""
    lengths = pc.binary_length(texts)
    if kind.name == "DATE":
        return pc.min(lengths).as_py() == 10 == pc.max(lengths).as_py()
    return pc.min(lengths).as_py() >= 19


def _decimals(kind, texts):
    """Arrow's cast wraps around without a word beyond 38 digits: it is used where that cannot happen."""
    longest = pc.max(pc.binary_length(texts)).as_py() or 0
    if longest + kind.scale <= 38 and not pc.any(pc.match_substring(texts, "e", ignore_case=True)).as_py():
        try:
            return pc.cast(texts, kind.arrow()), None
        except pa.ArrowInvalid:
            pass
    whole = kind.precision - kind.scale
    fraction = rf"(\.[0-9]{{1,{kind.scale}}})?" if kind.scale else ""
    return _sure_and_rest(kind, texts, rf"^-?[0-9]{{1,{whole}}}{fraction}$" if whole else None)


def _booleans(kind, texts):
    if pc.all(pc.is_in(texts, pa.array(["0", "1", "true", "false", None]))).as_py():
        return pc.is_in(texts, pa.array(["1", "true"])) if texts.null_count == 0 else pc.if_else(
            pc.is_valid(texts), pc.is_in(texts, pa.array(["1", "true"])), pa.scalar(None, pa.bool_())), None
    return one_by_one(kind, texts)


def _sure_and_rest(kind, texts, pattern):
    """Casts what the pattern is sure of, converts the rest value by value."""
    if pattern is None:
        return one_by_one(kind, texts)
    sure = pc.match_substring_regex(texts, pattern)
    rest = np.flatnonzero(pc.fill_null(pc.invert(sure), False).to_numpy(zero_copy_only=False))
    if len(rest) > len(texts) // 2:
        return one_by_one(kind, texts)
    found = pc.cast(pc.if_else(sure, texts, pa.scalar(None, pa.string())), kind.arrow())
    if len(rest) == 0:
        return found, None
    slow, slow_failed = from_values(kind, texts.take(pa.array(rest)).to_pylist(), from_text(kind))
    mask = np.zeros(len(texts), bool)
    mask[rest] = True
    found = pc.replace_with_mask(found, pa.array(mask), slow)
    if slow_failed is None:
        return found, None
    failed = np.zeros(len(texts), bool)
    failed[rest[slow_failed]] = True
    return found, failed
