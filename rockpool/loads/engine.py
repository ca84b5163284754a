"""Evaluates the expressions of a columns header and of where, for one thread, in a DuckDB of its own."""
import duckdb
import pyarrow as pa

from rockpool.errors import analysis
from rockpool.sql import udf
from rockpool.sql.translate import expression_sql


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
        selects = [expression_sql(f"({text})", known) for text in wanted]
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


def _one(chunked):
    return chunked.combine_chunks() if isinstance(chunked, pa.ChunkedArray) else chunked
