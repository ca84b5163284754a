"""Single expressions of StarRocks as DuckDB's: of loads, generated columns, defaults."""
from sqlglot.errors import ParseError, TokenError

import sqlglot

from rockpool.errors import SqlError, analysis
from rockpool.sql import dialect
from rockpool.sql.expressions import Expressions
from rockpool.sql.scope import Scope, Source
from rockpool.sql.terms import Term
from rockpool.sqltypes import STRING_LENGTH, SqlType


def parse(text):
    """A tree of sqlglot's own kinds of nodes, for who looks at statements without compiling them."""
    try:
        return sqlglot.parse_one(dialect.clean(text), read="starrocks")
    except (ParseError, TokenError) as e:
        raise dialect.syntax_error(text, e) from None


class Bare(Source):
    """Columns that the store knows by their bare names."""

    def term(self, column):
        return Term('"' + column.store.replace('"', '""') + '"', column.kind)


def compiled(text, columns, session=None):
    """The Term of an expression over columns; column.store is what the store calls them."""
    scope = Scope()
    scope.sources.append(Bare("", columns))
    return Expressions(session, None, scope).term(sqlglot.parse_one(dialect.clean(text), read=dialect.Dialect))


def expression_sql(text, known):
    """An expression of a load in DuckDB's words. known: lower-case field name -> StarRocks type name."""
    from rockpool.sql.scope import Column
    columns = [Column(n, _kind(k), n) for n, k in known.items()]
    try:
        return compiled(text, columns).sql
    except (ParseError, TokenError) as e:
        raise analysis(f"parsing expression failed: {text}: {e}") from None
    except SqlError as e:
        raise analysis(e.text) from None


def _kind(name):
    if name in (None, "VARCHAR", "STRING", "CHAR"):
        return SqlType("VARCHAR", STRING_LENGTH)
    return None if name in ("DECIMAL", "ARRAY", "MAP", "STRUCT") else SqlType(name)


def nested_literal(text, kind):
    """An ARRAY, MAP or STRUCT value of VALUES in DuckDB's words."""
    try:
        return compiled(text, []).to(kind).sql
    except (ParseError, TokenError) as e:
        raise dialect.syntax_error(text, e) from None
