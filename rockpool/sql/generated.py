"""Generated columns: what their expressions may refer to."""
import re

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from rockpool.errors import SqlError
from rockpool.sql import translate
from rockpool.sql.analysis import analyzing
from rockpool.sql.scope import Column

def references(text):
    """The column names in an expression, lower case."""
    return {c.name.lower() for c in _tree(text).find_all(exp.Column)}


def _tree(text):
    try:
        return sqlglot.parse_one(text, read="starrocks")
    except (ParseError, TokenError):
        raise SqlError(f"Getting syntax error. Detail message: the expression {text} of a generated column cannot be "
                       "read.") from None


def check_all(table):
    """The generated columns of CREATE TABLE, which come behind all others."""
    found = False
    for column in table.columns:
        if found and column.generated is None:
            raise analyzing("All generated columns must be defined after ordinary columns")
        if column.generated is not None:
            if table.model == "AGGREGATE":
                raise analyzing("Generated Column does not support AGG table")
            check(table, column, "")
            found = True


def check(table, column, separator=": ", itself=None):
    """The expression of one generated column; ALTER names the column that is in the way, CREATE does not. itself: the column
    that a MODIFY replaces."""
    tree = _tree(column.generated)
    if any(isinstance(node, exp.AggFunc) for node in tree.walk()):
        raise analyzing("Generated Column don't support aggregation function")
    for node in tree.find_all(exp.Column):
        other = table.column(node.name)
        if other is None:
            raise analyzing(f"column:{node.name} does not exist")
        named = f"{separator}{other.name}" if separator else ""
        if other.generated is not None and other is not itself:
            raise analyzing(f"Expression can not refers to other generated columns{named}")
        if other.auto_increment:
            raise analyzing(f"Expression can not refers to AUTO_INCREMENT columns{named}")
    _check_type(table, column)
    column.generated = shown(table, column.generated)


def _check_type(table, column):
    """The type of the expression is the column's."""
    try:
        kind = translate.compiled(column.generated, [Column(c.name, c.type, c.store_name) for c in table.columns]).kind
    except SqlError as e:
        raise e if e.text.startswith("Getting") else analyzing(e.text) from None
    if kind is not None and kind.name != column.type.name and kind.name != "NULL" and {kind.name, column.type.name} != {
            "CHAR", "VARCHAR"}:
        raise analyzing(f"Illegal expression type for Generated Column Column Type: {column.type.described().upper()}, Expression "
                        f"Type: {kind.described().upper()}")


def shown(table, text):
    """The expression as SHOW CREATE TABLE prints it: column names in backquotes."""
    pieces = re.split(r"('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`)", text)
    known = {c.name.lower(): c.name for c in table.columns}

    def name(match):
        return f"`{known[match.group(0).lower()]}`" if match.group(0).lower() in known else match.group(0)
    return "".join(p if n % 2 else re.sub(r"[^\W\d]\w*(?!\s*\()(?!\w)", name, p) for n, p in enumerate(pieces))


def depending(table, name):
    """The generated column that refers to a column, or None."""
    for column in table.columns:
        if column.generated is not None and name.lower() in references(column.generated):
            return column
    return None
