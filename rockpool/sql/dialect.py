"""StarRocks' SQL to a tree that keeps every function under the name it was written with."""
import re

import sqlglot
from sqlglot import exp
from sqlglot.dialects.mysql import MySQL
from sqlglot.dialects.starrocks import StarRocks
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokens import TokenType

from rockpool.errors import SqlError
from rockpool.sqltypes import ALIASES, SCALARS, STRING_LENGTH, SqlType, scalar

KEPT_PARSERS = ("CAST", "TRY_CAST", "CONVERT", "EXTRACT", "POSITION", "TRIM", "GROUP_CONCAT")
JOIN_HINT = re.compile(r"\bJOIN\s*\[\s*(?:BROADCAST|SHUFFLE|BUCKET|COLOCATE|UNREORDER|SKEW)[^\]]*\]", re.I)
DISTINCT_HINT = re.compile(r"\bDISTINCT\s*\[\s*\w+\s*\]", re.I)
MAP_WORD = re.compile(r"(?<![\w`'\"])map\s*\{", re.I)


class Arrow(exp.Expression):
    """document -> 'path'"""
    arg_types = {"this": True, "expression": True}


class Pipes(exp.Or):
    """a || b: OR, until the session's sql_mode has PIPES_AS_CONCAT"""


class Dialect(StarRocks):
    INDEX_OFFSET = 0  # subscripts stay as they are written

    class Tokenizer(StarRocks.Tokenizer):
        KEYWORDS = {**StarRocks.Tokenizer.KEYWORDS, "MINUS": TokenType.EXCEPT, "LARGEINT": TokenType.INT128,
                    "BITMAP": TokenType.OBJECT, "HLL": TokenType.HLLSKETCH}

    class Parser(StarRocks.Parser):
        FUNCTIONS = {}
        FUNCTION_PARSERS = {k: v for k, v in MySQL.Parser.FUNCTION_PARSERS.items() if k in KEPT_PARSERS} | {
            k: v for k, v in StarRocks.Parser.FUNCTION_PARSERS.items() if k in KEPT_PARSERS}
        COLUMN_OPERATORS = {**StarRocks.Parser.COLUMN_OPERATORS,
                            TokenType.ARROW: lambda self, this, path: Arrow(this=this, expression=path)}
        DISJUNCTION = {**StarRocks.Parser.DISJUNCTION, TokenType.DPIPE: Pipes}
        NO_PAREN_FUNCTIONS = {}
        FUNC_TOKENS = (StarRocks.Parser.FUNC_TOKENS | {TokenType.INTERVAL}) - {TokenType.VALUES}

    class Generator(StarRocks.Generator):
        TRANSFORMS = {**StarRocks.Generator.TRANSFORMS,
                      Arrow: lambda self, node: f"{self.sql(node, 'this')}->{self.sql(node, 'expression')}",
                      Pipes: lambda self, node: f"{self.sql(node, 'this')} || {self.sql(node, 'expression')}"}


def clean(text):
    """Hints of the optimizer that no tree needs."""
    if "[" in text:
        text = DISTINCT_HINT.sub("DISTINCT", JOIN_HINT.sub("JOIN", text))
    return text


def parse(text):
    try:
        tree = sqlglot.parse_one(clean(text), read=Dialect)
    except (ParseError, TokenError) as e:
        raise syntax_error(text, e) from None
    if any(not s.expressions for s in tree.find_all(exp.Select)):
        raise _empty_list(text)
    for select in tree.find_all(exp.Select):
        _without_dual(select)
    return tree


def _without_dual(select):
    """FROM DUAL is no table at all."""
    key = "from_" if select.args.get("from_") else "from"
    source = select.args.get(key)
    if (source is not None and isinstance(source.this, exp.Table) and source.this.name.upper() == "DUAL" and not source.this.db
            and not select.args.get("joins") and not (isinstance(source.this.this, exp.Identifier) and source.this.this.quoted)):
        select.set(key, None)


def _empty_list(text):
    """SELECT FROM t: sqlglot takes it, StarRocks does not."""
    found = re.search(r"\bSELECT\s+(?:DISTINCT\s+|ALL\s+)?(\w+|$)", text, re.I)
    found = next((m for m in re.finditer(r"\bSELECT\s+(?:DISTINCT\s+|ALL\s+)?(FROM|WHERE|\)|$)", text, re.I)), found)
    start = found.start(1) if found else len(text)
    line, column = text.count("\n", 0, start) + 1, start - (text.rfind("\n", 0, start) + 1)
    return SqlError(f"Getting syntax error at line {line}, column {column}. Detail message: Unexpected input "
                    f"'{text[start:found.end(1)] if found else ''}', the most similar input is {{a legal identifier}}.")


def syntax_error(text, error):
    line, column, near = 1, 0, text[:20]
    for found in getattr(error, "errors", None) or []:
        near = found.get("highlight") or ""
        line, column = found.get("line") or 1, max((found.get("col") or 1) - len(near), 0)
        break
    return SqlError(f"Getting syntax error at line {line}, column {column}. Detail message: Unexpected input '{near}', "
                    f"the most similar input is {{<EOF>, ';'}}.")


# ---------------------------------------------------------------- types as written in CAST
WRITTEN = {"UTINYINT": "SMALLINT", "TEXT": "STRING", "INT128": "LARGEINT", "TIMESTAMP": "DATETIME",
           "TIMESTAMPTZ": "DATETIME", "TIMESTAMPNTZ": "DATETIME", "DATETIME2": "DATETIME", "OBJECT": "BITMAP", "HLLSKETCH": "HLL",
           "VARIANT": "JSON", "BIT": "BOOLEAN", "UBIGINT": "LARGEINT", "DECIMAL32": "DECIMAL32", "NCHAR": "CHAR", "NVARCHAR": "VARCHAR", "JSONB": "JSON"}


def type_of(node):
    """The SqlType of a type in a tree."""
    name = node.this.name if isinstance(node.this, exp.DataType.Type) else str(node.this).upper()
    if name in ("USERDEFINED", "USER_DEFINED"):
        name = str(node.args.get("kind")).upper()
    if name in ("ARRAY", "LIST"):
        return SqlType("ARRAY", parts=(type_of(node.expressions[0]),))
    if name == "MAP":
        return SqlType("MAP", parts=tuple(type_of(e) for e in node.expressions))
    if name == "STRUCT":
        return SqlType("STRUCT", parts=tuple(type_of(e.args["kind"]) for e in node.expressions),
                       names=tuple(e.name for e in node.expressions))
    name = WRITTEN.get(name, name)
    numbers = [int(p.name) for p in node.expressions if p.name.isdigit()]
    if name in ("VARCHAR", "CHAR") and not numbers:
        return SqlType("VARCHAR", STRING_LENGTH)
    if ALIASES.get(name, name) == "DECIMAL" and name in ("DECIMAL", "NUMERIC") and not numbers:
        return SqlType("DECIMAL", precision=10, scale=0)
    if ALIASES.get(name, name) not in SCALARS and name != "STRING":
        raise SqlError(f"Getting analyzing error. Detail message: Unknown type '{name.lower()}'.")
    return scalar(name, *numbers)
