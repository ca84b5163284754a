"""HAVING of a query without aggregates is a further filter of its rows. Metadata queries of JDBC drivers use it."""
from sqlglot import exp


def plain(tree):
    """Moves such conditions into WHERE. A name means a column of the tables before it means a result column, but the
    other way round on information_schema.tables, where drivers filter what they have just renamed."""
    for select in list(tree.find_all(exp.Select)):
        having = select.args.get("having")
        if having is None or select.args.get("group") or having.find(exp.AggFunc) or any(
                e.find(exp.AggFunc) for e in select.expressions):
            continue
        condition = having.this
        if _of_tables(select):
            shown = {e.alias.lower(): e.this for e in select.expressions if isinstance(e, exp.Alias)}
            condition = condition.transform(lambda node: _result_column(node, shown))
        select.set("having", None)
        select.where(condition, copy=False)
    return tree


def _of_tables(select):
    source = select.args.get("from_") or select.args.get("from")
    table = source.this if source is not None else None
    return (isinstance(table, exp.Table) and table.db.lower() == "information_schema"
            and table.name.lower() == "tables")


def _result_column(node, shown):
    if isinstance(node, exp.Column) and not node.table and node.name.lower() in shown:
        return exp.Paren(this=shown[node.name.lower()].copy())
    return node
