"""Columns as readers get them in Arrow: which type stands for which, and the values in that form.

The scanner service sends LARGEINT, DATE, DATETIME, JSON as texts; Arrow Flight SQL does so up to 3.5 and has types of
its own for the first three later. What a version cannot send is refused the way it refuses it.
"""
import pyarrow as pa
import pyarrow.compute as pc

from rockpool.loads.convert import parse_json, render_json
from rockpool.sqltypes import OPAQUE, SqlType

PLAIN = {"BOOLEAN": pa.bool_(), "TINYINT": pa.int8(), "SMALLINT": pa.int16(), "INT": pa.int32(), "BIGINT": pa.int64(),
         "FLOAT": pa.float32(), "DOUBLE": pa.float64(), "TIME": pa.float64(), "CHAR": pa.string(), "VARCHAR": pa.string(),
         "JSON": pa.string(), "HLL": pa.string(), "LARGEINT": pa.string(), "DATE": pa.string(), "DATETIME": pa.string()}
TYPED = {"LARGEINT": pa.decimal128(38, 0), "DATE": pa.date32(), "DATETIME": pa.timestamp("us", "UTC"),
         "HLL": pa.binary(), "BITMAP": pa.binary(), "PERCENTILE": pa.binary(), "VARBINARY": pa.binary()}
# LogicalType of the backend, which its messages name
LOGICAL = {"BITMAP": 25, "VARBINARY": 46, "PERCENTILE": 53, "DECIMAL256": 56}
BOOLEAN = SqlType("BOOLEAN")
COMPLEX_SINCE, BINARY_SINCE, FLIGHT_TYPES_SINCE = (3, 3), (4, 0), (4, 0)


class Unsupported(Exception):
    """A type that a version does not send."""


def scanned_type(kind, version):
    """The Arrow type of a column that the scanner service sends."""
    if kind.name == "VARBINARY" and version.since(*BINARY_SINCE):
        return pa.binary()
    return _wire_type(kind, PLAIN, lambda k: scanned_type(k, version))


def flight_type(kind, version):
    """The Arrow type of a column of a query's result."""
    typed = version.since(*FLIGHT_TYPES_SINCE)
    return _wire_type(kind, {**PLAIN, **(TYPED if typed else {"VARBINARY": pa.binary(), "BITMAP": pa.string(),
                                                              "PERCENTILE": pa.string()})},
                      lambda k: flight_type(k, version))


def _wire_type(kind, known, inner):
    if kind.name == "DECIMAL":
        return (pa.decimal128 if kind.precision <= 38 else pa.decimal256)(kind.precision, kind.scale)
    if kind.name == "ARRAY":
        return pa.list_(inner(kind.parts[0]))
    if kind.name == "MAP":
        return pa.map_(inner(kind.parts[0]), inner(kind.parts[1]))
    if kind.name == "STRUCT":
        return pa.struct([(n, inner(p)) for n, p in zip(kind.names, kind.parts)])
    if kind.name not in known:
        raise Unsupported(f"Unknown logical type({LOGICAL.get(kind.name, 0)})")
    return known[kind.name]


# ---------------------------------------------------------------- values
def text_of(array, kind):
    """An array of DuckDB's as texts of StarRocks'."""
    if pa.types.is_date(array.type):
        return pc.strftime(array, format="%Y-%m-%d")
    if pa.types.is_timestamp(array.type):
        # microseconds are always printed by Arrow, by StarRocks only when there are any
        return pc.replace_substring_regex(pc.strftime(_zoneless(array), format="%Y-%m-%d %H:%M:%S"), r"\.0+$", "")
    if pa.types.is_decimal(array.type) and kind.name != "DECIMAL":
        array = pc.cast(array, pa.decimal128(38, 0), safe=False)
    if kind.name == "JSON":
        return pa.array([json_text(v) for v in array.to_pylist()], pa.string())
    return pc.cast(array, pa.string())


def json_text(text):
    if text is None:
        return None
    try:
        return render_json(parse_json(text))
    except ValueError:
        return text


def _zoneless(array):
    return array if array.type == pa.timestamp("us") else pc.cast(array, pa.timestamp("us"))


def convert(array, kind, target):
    """An array as it comes from the store, in the Arrow type that a reader gets."""
    if isinstance(array, pa.ChunkedArray):
        return pa.chunked_array([convert(c, kind, target) for c in array.chunks], target)
    if kind.name in OPAQUE:  # only the scanner service sends one, the state of an HLL
        return array if kind.name == "HLL" and array.type == target else pa.nulls(len(array), target)
    if kind.parts:
        return _nested(array, kind, target)
    if array.type == target and kind.name != "JSON":
        return array
    if pa.types.is_string(target):
        return text_of(array, kind)
    if pa.types.is_timestamp(target):
        return pc.cast(_zoneless(array), pa.timestamp("us")).cast(pa.int64()).cast(target)
    if pa.types.is_decimal128(target) and pa.types.is_integer(array.type):
        return pc.cast(pc.cast(array, pa.decimal128(38, 0)), target)
    return pc.cast(array, target)


def _nested(array, kind, target):
    valid = array.is_valid() if array.null_count else None
    mask = pc.invert(valid) if valid is not None else None
    if kind.name == "STRUCT":
        inner = [convert(array.field(n), part, target.field(n).type) for n, part in enumerate(kind.parts)]
        return pa.StructArray.from_arrays(inner, fields=list(target), mask=mask)
    offsets = _offsets(array, mask)
    if kind.name == "ARRAY":
        return pa.ListArray.from_arrays(offsets, convert(array.flatten(), kind.parts[0], target.value_type), type=target)
    start, stop = _span(array)
    keys = convert(array.keys[start:stop], kind.parts[0], target.key_type)
    values = convert(array.items[start:stop], kind.parts[1], target.item_type)
    return pa.MapArray.from_arrays(offsets, keys, values, type=target)


def _span(array):
    offsets = array.offsets
    return (offsets[0].as_py(), offsets[-1].as_py()) if len(offsets) else (0, 0)


def _offsets(array, mask):
    """Offsets from zero; NULL where the list is NULL. Lists that are NULL must be empty, as DuckDB leaves them."""
    found = pc.subtract(array.offsets, array.offsets[0]) if len(array.offsets) else array.offsets
    if mask is None:
        return found
    return pc.if_else(pa.concat_arrays([mask.combine_chunks() if isinstance(mask, pa.ChunkedArray) else mask,
                                        pa.array([False])]), pa.scalar(None, pa.int32()), found)
