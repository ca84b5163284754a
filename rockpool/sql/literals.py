"""Literals, and finished text inside a tree."""
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB


class Raw(exp.Expression):
    """DuckDB text that is already final."""
    arg_types = {"this": True}


DuckDB.Generator.TRANSFORMS[Raw] = lambda generator, node: node.this


def number(text, kind):
    """A number literal as DuckDB reads it without rounding."""
    if kind.name in ("LARGEINT", "DECIMAL") or len(text) > 18:
        return f"'{text}'"
    return text
