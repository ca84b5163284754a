"""Which tables a statement reads: found in the catalogue, allowed to the user, given to the store."""
from rockpool.errors import SqlError
from rockpool.sql import coercion, dialect, information_schema, partitions
from rockpool.sql.analysis import analyzing
from rockpool.sql.scope import Column, ident
from rockpool.sqltypes import SqlType

VIRTUAL = ("information_schema", "sys", "_statistics_")
MAX_VIEWS = 20


class Resolver:
    """Finds tables. tables: the stored ones that were found, virtual: name -> Arrow table."""

    def __init__(self, session, database=None, depth=0):
        self.session, self.world = session, session.world
        self.database, self.depth = database, depth
        self.tables, self.virtual = [], {}

    def table(self, node):
        """(text that selects it, its columns, its database) of a table in FROM."""
        owner = node.db or self.database or self.session.database
        if not owner:
            raise SqlError("No database selected", self.world.version.code(1046))
        if owner.lower() in VIRTUAL:
            return (*self._virtual(owner.lower(), node), owner)
        table = self.world.catalog.table(owner, node.name)
        if not self.depth:  # who may read a view need not be able to read its tables
            self.session.demand("SELECT", owner, node.name)
        if table.view_sql is not None:
            return (*self._view(table, owner), owner)
        self.tables.append(table)
        return stored_sql(table) + self._partitions(table, node), [Column(c.name, c.type) for c in table.columns], owner

    def _partitions(self, table, node):
        """The condition of FROM t PARTITION (p, q)."""
        given = node.args.get("partition")
        if given is None:
            return ""
        known = {p.name.lower(): p for p in partitions.parts(self.world, table)}
        for name in (e.name for e in given.expressions):
            if name.lower() not in known:
                raise analyzing(f"Unknown partition '{name}' in table '{table.name}'")
        return " WHERE " + " OR ".join(f"({known[e.name.lower()].condition})" for e in given.expressions)

    def _virtual(self, owner, node):
        name, table = information_schema.build(self.session, owner, node.name.lower(), node)
        self.virtual[name] = table
        columns = [Column(f.name, of_arrow(f.type)) for f in table.schema]
        return f"SELECT * FROM {ident(name)}", columns

    def _view(self, table, owner):
        from rockpool.sql.queries import Queries
        if self.depth > MAX_VIEWS:
            raise SqlError("Getting analyzing error. Detail message: views are nested too deeply")
        inner = Resolver(self.session, owner, self.depth + 1)
        query = Queries(self.session, inner).query(dialect.parse(table.view_sql))
        self.tables += inner.tables
        self.virtual.update(inner.virtual)
        columns = [Column(c.name, q.kind or c.type) for c, q in zip(table.columns, query.columns)]
        names = ", ".join(ident(c.name) for c in columns)
        return f"SELECT * FROM ({query.sql}) AS v_({names})", columns


def of_arrow(kind):
    """The StarRocks type of a column that this program makes itself."""
    import pyarrow as pa
    if pa.types.is_integer(kind):
        return coercion.BIGINT
    if pa.types.is_floating(kind):
        return coercion.DOUBLE
    if pa.types.is_timestamp(kind):
        return coercion.DATETIME
    if pa.types.is_boolean(kind):
        return coercion.BOOLEAN
    return SqlType("VARCHAR", 65533)


def stored_sql(table, rowid=False):
    """A stored table under its columns' present names."""
    parts = ["rowid AS rowid_"] if rowid else []
    for c in table.columns:
        source = c.store_name if c.generated is None else f"({generated_sql(table, c)})"
        parts.append(f"{source} AS {ident(c.name)}")
    return f"SELECT {', '.join(parts)} FROM {table.store_name}"


def generated_sql(table, column):
    """The expression of a generated column over the stored ones."""
    from rockpool.sql.translate import compiled
    columns = [Column(c.name, c.type, c.store_name) for c in table.columns if c.generated is None]
    return compiled(column.generated, columns).to(column.type).sql


