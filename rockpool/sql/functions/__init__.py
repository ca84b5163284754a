"""StarRocks' functions: what they take, what they return, how DuckDB computes them.

A rule is written as define(names, "v,i|i", RESULT, "duckdb({0}, {1})"): the letters are the types that arguments are
converted to, | begins optional ones, a last * repeats. The rules are in the modules of this folder by their room.
"""
from rockpool.sql.functions import (  # noqa: F401
    aggregates, arrays, bitmaps, conditions, dates, hashes, jsons, maps, numbers, session, strings)
from rockpool.sql.functions.aggregates import aggregates_in, group_concat
from rockpool.sql.functions.dates import shifted
from rockpool.sql.functions.maps import element, made_map
from rockpool.sql.functions.registry import call, common_kind, no_match, shown
from rockpool.sql.functions.names import result_name
from rockpool.sql.functions.windows import window

__all__ = ["aggregates_in", "call", "common_kind", "element", "group_concat", "made_map", "no_match", "result_name", "shifted", "shown", "window"]
