"""What DELETE takes on which model: anything on primary keys; on the others comparisons of columns with values, joined by AND."""
from sqlglot import exp

from rockpool.sql import partitions
from rockpool.sql.analysis import analyzing, refused

MAX_IN = 10000
COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ)
NO_VALUES = {"FLOAT", "DOUBLE"}


def without_partitions(reader):
    """(names or None, the statement without its PARTITION clause)"""
    for n, token in enumerate(reader.tokens):
        if token.upper in ("PARTITION", "PARTITIONS") and n > 1:
            at = reader.at
            reader.at = n + 1
            names = reader.names() if reader.sees("(") else [reader.name()]
            stop = reader.token.start
            reader.at = at
            return names, reader.text[:token.start] + reader.text[stop:]
        if token.upper == "WHERE":
            break
    return None, reader.text


def check(session, table, tree, names):
    where = tree.args.get("where")
    if table.materialized is not None:
        raise analyzing(f"The data of '{table.name}' cannot be deleted because it is a materialized view,and the data of "
                        "materialized view must be consistent with the base table.")
    if table.view_sql is not None:
        raise analyzing(f"table {table.name} does not support delete")
    if table.is_primary:
        if where is None:
            raise analyzing("Delete must specify where clause to prevent full table delete")
        if names is not None:
            raise analyzing("Delete for primary key table do not support specifying partitions")
        if session.world.version.since(3, 0):  # before, conditions were as plain as on the others
            return
    if tree.args.get("using"):
        raise analyzing("Do not support `using` clause in non-primary table")
    if where is None:
        raise analyzing("Where clause is not set")
    if tree.args.get("with_") or tree.args.get("with"):
        raise analyzing("Do not support `with` clause in non-primary table")
    _condition(where.this)
    _columns(session, table, where.this)


def _condition(node):
    if isinstance(node, exp.Paren):
        return _condition(node.this)
    if isinstance(node, exp.And):
        _condition(node.this)
        return _condition(node.expression)
    if isinstance(node, exp.Or):
        raise analyzing("Compound predicate's op should be AND")
    if isinstance(node, exp.Not) and isinstance(node.this, (exp.In, exp.Is)):
        node = node.this
    if isinstance(node, COMPARISONS):
        _left(node.this, "binary")
        if not _is_value(node.expression):
            raise analyzing("Right expr of binary predicate should be value")
    elif isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
        _left(node.this, "is_null")
    elif isinstance(node, exp.In) and not node.args.get("query"):
        _left(node.this, "binary")
        if len(node.expressions) > MAX_IN:
            raise analyzing(f"Element num of predicate should not be more than {MAX_IN}")
        if not all(_is_value(e) for e in node.expressions):
            raise analyzing("Child of in predicate should be value")
    else:
        raise analyzing("Where clause only supports compound predicate, binary predicate, is_null predicate and in predicate")
    return None


def _left(node, kind):
    if not isinstance(node, exp.Column):
        raise analyzing(f"Left expr of {kind} predicate should be column name")


def _is_value(node):
    if isinstance(node, exp.Neg):
        node = node.this
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal):
        return True  # DATE '…'
    return isinstance(node, (exp.Literal, exp.Boolean, exp.Null, exp.HexString, exp.SessionParameter, exp.Parameter))


def _columns(session, table, condition):
    for node in condition.find_all(exp.Column):
        column = table.column(node.name)
        if column is None:
            raise refused(f"Unknown column '{node.name}' in '{table.name}'", session.world.version.code(5509))
        if table.model != "DUPLICATE" and not column.is_key or column.type.name in NO_VALUES:
            raise refused(f"Column[{column.name}] is not key column or storage model is not duplicate or column type is float or "
                          "double.")


async def partition_condition(session, table, names):
    """AND …: the rows of the partitions that DELETE names."""
    if names is None:
        return ""
    chosen, missing = await partitions.named(session.world, table, names)
    if missing is not None:
        raise refused(f"Partition does not exist. name: {missing}")
    return " AND (" + " OR ".join(p.condition for p in chosen) + ")"
