"""StarRocks expressions and queries as DuckDB's, by way of sqlglot."""
import re

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from rockpool.errors import SqlError, analysis

TEXTS = {exp.DataType.Type.VARCHAR, exp.DataType.Type.TEXT, exp.DataType.Type.CHAR}
VERSION_CALL = re.compile(r"(?<![\w.`'\"])version\s*\(\s*\)", re.I)
NUMERIC_OPERATORS = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg)
# functions that sqlglot leaves as they are, by the name DuckDB has for them
RENAMED = {"to_base64": "base64", "char_length": "length", "character_length": "length", "ucase": "upper", "lcase": "lower",
           "parse_json": "json", "get_json_string": "json_extract_string", "json_query": "json_extract",
           "json_length": "json_array_length", "length": "strlen", "array_length": "len", "bit_xor_agg": "bit_xor",
           "rand": "random",
           "dayofweek_iso": "isodow", "ndv": "approx_count_distinct",
           "nvl": "coalesce", "percentile_approx": "approx_quantile"}
# <unit>s_diff(later, earlier) counts whole units
DIFFERENCES = {"years_diff": "year", "quarters_diff": "quarter", "months_diff": "month", "weeks_diff": "week",
               "days_diff": "day", "hours_diff": "hour", "minutes_diff": "minute", "seconds_diff": "second",
               "milliseconds_diff": "millisecond"}
STEPS = {"years": "year", "months": "month", "weeks": "week", "days": "day", "hours": "hour", "minutes": "minute",
         "seconds": "second"}
TEXTS = {exp.DataType.Type.VARCHAR, exp.DataType.Type.TEXT, exp.DataType.Type.CHAR}
VERSION_CALL = re.compile(r"(?<![\w.`'\"])version\s*\(\s*\)", re.I)
NUMERIC_OPERATORS = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg)


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
    if isinstance(node, exp.Cast) and node.to.this in TEXTS:
        return exp.Anonymous(this="sr_text", expressions=[node.this])
    if isinstance(node, (exp.Concat, exp.ConcatWs, exp.MD5)):
        return _of_texts(node)
    if isinstance(node, (exp.Add, exp.Sub)) and isinstance(node.expression, exp.Interval) and node.this.is_string:
        node.set("this", exp.cast(node.this, "timestamp"))
        return node
    if isinstance(node, (exp.TimestampDiff, exp.DateDiff)):
        return _difference(node)
    if isinstance(node, exp.Length) and node.args.get("binary"):
        return exp.Anonymous(this="strlen", expressions=[node.this])  # bytes, not characters
    if not isinstance(node, exp.Anonymous):
        return node
    name, given = node.name.lower(), node.expressions
    if name in ("now", "current_timestamp", "localtimestamp"):
        return exp.cast(exp.CurrentTimestamp(), "timestamp")
    if name == "if" and len(given) == 3:
        return exp.If(this=given[0], true=given[1], false=given[2])
    if name in DIFFERENCES and len(given) == 2:
        later, earlier = (exp.cast(g, "timestamp") for g in given)
        return exp.Anonymous(this="datesub", expressions=[exp.Literal.string(DIFFERENCES[name]), earlier, later])
    unit = STEPS.get(name.removesuffix("_add").removesuffix("_sub"))
    if unit and len(given) == 2:
        step = exp.Mul(this=exp.Paren(this=given[1]), expression=exp.Interval(this=exp.Literal.string("1"), unit=exp.var(unit)))
        kind = exp.Sub if name.endswith("_sub") else exp.Add
        return exp.Paren(this=kind(this=exp.cast(given[0], "timestamp"), expression=step))
    if name == "locate" and len(given) == 2:
        return exp.Anonymous(this="instr", expressions=[given[1], given[0]])
    if name in RENAMED:
        return exp.Anonymous(this=RENAMED[name], expressions=given)
    return node


def _of_texts(node):
    """The arguments of a function that takes texts, as StarRocks prints them."""
    for name in ("expressions", "this"):
        given = node.args.get(name)
        if isinstance(given, list):
            node.set(name, [_text(g) for g in given])
        elif given is not None and name == "this":
            node.set(name, _text(given))
    return node


def _text(node):
    if node.is_string or isinstance(node, exp.Anonymous) and node.name == "sr_text":
        return node
    return exp.Anonymous(this="sr_text", expressions=[node])


def _difference(node):
    """timestampdiff(unit, a, b) and datediff(a, b): whole units between texts or times."""
    unit = node.args.get("unit")
    name = unit.name.lower() if unit is not None else "day"
    later, earlier = exp.cast(node.this, "timestamp"), exp.cast(node.expression, "timestamp")
    if unit is None or isinstance(node, exp.DateDiff) and name == "day":
        return exp.Anonymous(this="datediff", expressions=[exp.Literal.string("day"), earlier, later])
    return exp.Anonymous(this="datesub", expressions=[exp.Literal.string(name), earlier, later])


def nested_literal(text):
    """An ARRAY, MAP or STRUCT value of VALUES in DuckDB's words."""
    try:
        tree = sqlglot.parse_one(text, read="starrocks")
        return tree.transform(adapt).sql(dialect="duckdb")
    except (ParseError, TokenError):
        return text
