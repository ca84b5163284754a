"""Evaluates the expressions of a columns header and of where, for one thread, in a DuckDB of its own."""
import re

import duckdb
import sqlglot
import pyarrow as pa
from sqlglot import exp
from sqlglot.errors import SqlglotError

from rockpool.errors import analysis
from rockpool.sql import udf
from rockpool.sql.translate import expression_sql

CAST = re.compile(r"\bCAST\(")  # a cast that fails is NULL


class Engine:
    def __init__(self):
        self.db = duckdb.connect(config={"threads": 1})
        self.db.execute("SET TimeZone = 'UTC'")
        udf.install(self.db)
        self.cache = {}

    def evaluate(self, wanted, fields, rows):
        """Arrays of expressions, in their order. fields: (name, array, type or None for text), the first of a name."""
        known, arrays, casts = {}, {}, []
        for name, array, kind in fields:
            if name.lower() not in arrays:
                known[name.lower()] = kind.name if kind is not None else "VARCHAR"
                arrays[name.lower()] = array
                if kind is not None and kind.name == "LARGEINT":
                    casts.append(f'CAST("{name.lower()}" AS HUGEINT) AS "{name.lower()}"')
        selects = [CAST.sub("TRY_CAST(", expression_sql(compared(text, known), known)) for text in wanted]
        self.db.register("source", pa.table(list(arrays.values()), names=list(arrays)) if arrays else
                         pa.table({"none": [0] * rows}))
        rows_of = f"(SELECT * REPLACE ({', '.join(casts)}) FROM source)" if casts else "source"
        try:
            result = self.db.execute("SELECT " + ", ".join(f"{s} AS x{n}" for n, s in enumerate(selects))
                                     + f" FROM {rows_of}").to_arrow_table()
        except duckdb.Error as e:
            raise analysis(f"evaluating the columns of the load failed: {e}") from None
        finally:
            self.db.unregister("source")
        return [_one(result.column(n)) for n in range(len(wanted))]


def compared(text, known):
    """An expression in which texts that meet a number literal in a comparison are numbers, as the server has them."""
    try:
        tree = sqlglot.parse_one(text, read="starrocks")
    except SqlglotError:
        return text  # the translation says what is wrong
    changed = False
    for node in list(tree.find_all(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In)):
        sides = [node.this, node.args.get("expression"), node.args.get("low"), node.args.get("high"),
                 *(node.args.get("expressions") or ())]
        if any(isinstance(s.this if isinstance(s, exp.Neg) else s, exp.Literal) and not s.is_string
               for s in sides if s is not None):
            for side in sides:
                if isinstance(side, exp.Column) and known.get(side.name.lower()) == "VARCHAR":
                    side.replace(exp.cast(side.copy(), "double"))
                    changed = True
    return tree.sql(dialect="starrocks") if changed else text


def _one(chunked):
    return chunked.combine_chunks() if isinstance(chunked, pa.ChunkedArray) else chunked
