"""StarRocks expressions and queries as DuckDB's, by way of sqlglot."""
import re

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from rockpool.errors import SqlError, analysis

VERSION_CALL = re.compile(r"(?<![\w.`'\"])version\s*\(\s*\)", re.I)
NUMERIC_OPERATORS = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg)
# functions that sqlglot leaves as they are, by the name DuckDB has for them
RENAMED = {"to_base64": "base64", "from_base64": "from_base64", "char_length": "length", "ucase": "upper", "lcase": "lower",
           "parse_json": "json", "get_json_string": "json_extract_string", "json_query": "json_extract",
           "current_version": "current_version_", "uuid_numeric": "random"}


def parse(text):
    text = VERSION_CALL.sub("mysql_version_()", text)  # sqlglot takes version() and current_version() for one
    try:
        return sqlglot.parse_one(text, read="starrocks")
    except (ParseError, TokenError) as e:
        raise syntax_error(text, e) from None


def syntax_error(text, error):
    line, column, near = 1, 0, text[:20]
    for found in getattr(error, "errors", None) or []:
        line, column, near = found.get("line", 1), found.get("col", 0), found.get("highlight") or ""
        break
    return SqlError(f"Getting syntax error at line {line}, column {column}. Detail message: Unexpected input '{near}', "
                    f"the most similar input is {{<EOF>, ';'}}.")


def expression_sql(text, known):
    """An expression of a load in DuckDB's words. known: lower-case field name -> StarRocks type name."""
    try:
        tree = sqlglot.parse_one(text, read="starrocks")
    except (ParseError, TokenError) as e:
        raise analysis(f"parsing expression failed: {text}: {e}") from None
    tree = tree.transform(lambda node: _column(node, known)).transform(adapt)
    return tree.sql(dialect="duckdb")


def _column(node, known):
    if isinstance(node, exp.Column) and not node.table:
        name = node.name.lower()
        column = exp.column(name, quoted=True)
        if known.get(name) == "VARCHAR" and isinstance(node.parent, NUMERIC_OPERATORS):
            return exp.TryCast(this=column, to=exp.DataType.build("double"))
        return column
    return node


def adapt(node):
    """Functions that mean the same under another name."""
    if isinstance(node, exp.Anonymous):
        name = node.name.lower()
        if name in ("now", "current_timestamp", "localtimestamp"):
            return exp.cast(exp.CurrentTimestamp(), "timestamp")
        if name in ("if",):
            return exp.If(this=node.expressions[0], true=node.expressions[1], false=node.expressions[2])
        if name in RENAMED:
            return exp.Anonymous(this=RENAMED[name], expressions=node.expressions)
    return node


def nested_literal(text):
    """An ARRAY, MAP or STRUCT value of VALUES in DuckDB's words."""
    try:
        tree = sqlglot.parse_one(text, read="starrocks")
        return tree.transform(adapt).sql(dialect="duckdb")
    except (ParseError, TokenError):
        return text
