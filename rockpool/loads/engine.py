"""Evaluates the expressions of a columns header and of where, for one thread, in a DuckDB of its own."""
import duckdb
import numpy as np
import pyarrow as pa

from rockpool.errors import analysis
from rockpool.segments import OP
from rockpool.sql.translate import expression_sql


class Engine:
    def __init__(self):
        self.db = duckdb.connect(config={"threads": 1})
        self.cache = {}

    def evaluate(self, plan, fields, rows):
        """({column or OP: array}, mask of rows that where selects or None). fields: (name, array, type or None)."""
        known = {}
        for name, array, kind in fields:
            known.setdefault(name.lower(), kind.name if kind is not None else "VARCHAR")
        arrays = {}
        for name, array, _ in fields:
            arrays.setdefault(name.lower(), array)
        wanted = [(target, text) for target, text in plan.expressions]
        if plan.op_expression:
            wanted.append((OP, plan.op_expression))
        selects = [expression_sql(text, known) for _, text in wanted]
        where = plan.options.where
        if where:
            selects.append(f"coalesce(({expression_sql(where, known)})::BOOLEAN, false)")
        source = pa.table(list(arrays.values()), names=list(arrays)) if arrays else pa.table({"none": [0] * rows})
        self.db.register("source", source)
        try:
            result = self.db.execute("SELECT " + ", ".join(f"{s} AS x{n}" for n, s in enumerate(selects))
                                     + " FROM source").to_arrow_table()
        except duckdb.Error as e:
            raise analysis(f"evaluating the columns of the load failed: {e}") from None
        finally:
            self.db.unregister("source")
        found = {target: _one(result.column(n)) for n, (target, _) in enumerate(wanted)}
        selected = _one(result.column(len(wanted))).to_numpy(zero_copy_only=False).astype(np.bool_) if where else None
        return found, selected


def _one(chunked):
    return chunked.combine_chunks() if isinstance(chunked, pa.ChunkedArray) else chunked
