"""Databases, tables, views and their columns. Used by the event loop's thread only."""
import time
from dataclasses import dataclass, field

from rockpool.errors import SqlError
from rockpool.sqltypes import SqlType

MODELS = {"PRIMARY": "PRIMARY_KEYS", "UNIQUE": "UNIQUE_KEYS", "DUPLICATE": "DUP_KEYS", "AGGREGATE": "AGG_KEYS"}
SYSTEM_DATABASES = ("information_schema", "sys", "_statistics_")


@dataclass(eq=False)
class Column:
    """uid names the column in the store: it stays when the column is renamed and is never used again."""
    name: str
    type: SqlType
    uid: int = 0
    nullable: bool = True
    is_key: bool = False
    aggregation: str | None = None  # SUM, MAX, MIN, REPLACE, … of value columns of AGGREGATE tables
    default: str | None = None  # the literal's text, or the name of a function
    default_is_function: bool = False
    default_precision: int = 0  # of CURRENT_TIMESTAMP(n)
    auto_increment: bool = False
    generated: str | None = None  # expression
    comment: str = ""
    born: str = ""  # the name it was created with: stays reserved after a rename

    @property
    def has_default(self):
        return self.default is not None

    @property
    def store_name(self):
        return f"c{self.uid}"

    def packed(self):
        return {**self.__dict__, "type": self.type.packed()}

    @staticmethod
    def unpacked(kept):
        return Column(**{**kept, "type": SqlType.unpacked(kept["type"])})


@dataclass(eq=False)
class Partitioning:
    """kind: range, list or expression; text: what SHOW CREATE TABLE prints after PARTITION BY."""
    kind: str
    columns: list
    text: str
    ranges: list = field(default_factory=list)  # [name, lower or None, upper or None], as text tuples
    lists: list = field(default_factory=list)  # [name, [value tuples]]
    ids: dict = field(default_factory=dict)  # partition name -> id; the key "" is a table without partitions

    @property
    def names(self):
        return [r[0] for r in self.ranges] or [r[0] for r in self.lists]


@dataclass(eq=False)
class Table:
    id: int
    name: str
    database_id: int
    model: str  # PRIMARY, UNIQUE, DUPLICATE, AGGREGATE
    columns: list
    keys: list
    distribution: str = "HASH"  # or RANDOM
    hash_columns: list = field(default_factory=list)
    buckets: int = 0  # 0: automatic
    sort_key: list = field(default_factory=list)
    properties: dict = field(default_factory=dict)
    comment: str = ""
    partitioning: Partitioning | None = None
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    state: str = "NORMAL"
    next_uid: int = 1
    next_auto: int = 1
    schema_version: int = 0
    view_sql: str | None = None  # a view has no rows of its own
    view_text: str = ""  # the query as it was written
    materialized: str | None = None  # the clauses of a materialized view in front of its query
    indexes: list = field(default_factory=list)  # {name, columns, kind, properties, comment}
    rollups: list = field(default_factory=list)  # {name, columns, id}
    temporary: int = 0  # number of the session that owns a temporary table
    single_id: int = 0  # id of the only partition of a table without partitions

    @property
    def is_primary(self):
        return self.model == "PRIMARY"

    @property
    def store_name(self):
        return f"t{self.id}"

    @property
    def fast_schema_evolution(self):
        return self.properties.get("fast_schema_evolution", "false").lower() == "true"

    def column(self, name):
        """A column by its name, without case; None when there is none."""
        wanted = name.lower()
        for column in self.columns:
            if column.name.lower() == wanted:
                return column
        return None

    def exact_column(self, name):
        for column in self.columns:
            if column.name == name:
                return column
        return None

    @property
    def key_columns(self):
        return [c for c in self.columns if c.is_key]

    @property
    def value_columns(self):
        return [c for c in self.columns if not c.is_key]

    def new_uid(self):
        self.next_uid += 1
        return self.next_uid - 1

    def packed(self):
        kept = dict(self.__dict__)
        kept["columns"] = [c.packed() for c in self.columns]
        kept["partitioning"] = self.partitioning.__dict__ if self.partitioning else None
        return kept

    @staticmethod
    def unpacked(kept):
        kept = dict(kept)
        kept["columns"] = [Column.unpacked(c) for c in kept["columns"]]
        kept["state"] = "NORMAL"  # a restart cancels the jobs
        kept["partitioning"] = Partitioning(**kept["partitioning"]) if kept["partitioning"] else None
        return Table(**kept)


@dataclass(eq=False)
class Database:
    id: int
    name: str
    tables: dict = field(default_factory=dict)  # name -> Table, views too
    recycled: dict = field(default_factory=dict)  # dropped without FORCE: name -> Table
    properties: dict = field(default_factory=dict)


class Catalog:
    def __init__(self, meta, version):
        self.meta = meta
        self.version = version
        self.databases = {}
        self.recycled = {}  # dropped without FORCE: name -> Database
        self.by_id = {}  # table id -> Table
        self.generation = 0  # grows with every change: cached views of the catalogue compare it
        self._load()

    def _load(self):
        by_id = {}
        for key, kept in self.meta.all("database"):
            by_id[key] = Database(key, kept["name"], properties=kept.get("properties", {}))
            (self.recycled if kept.get("recycled") else self.databases)[kept["name"]] = by_id[key]
        for key, kept in self.meta.all("table"):
            recycled = kept.pop("recycled", False)
            table = Table.unpacked(kept)
            owner = by_id[table.database_id]
            (owner.recycled if recycled else owner.tables)[table.name] = table
            self.by_id[key] = table

    # ------------------------------------------------------------ finding
    def database(self, name):
        found = self.databases.get(name)
        if found is None:
            code = self.version.code(5501, 1064)
            raise SqlError(f"Unknown database '{name}'", code)
        return found

    def find(self, database, name):
        """A table or None."""
        owner = self.databases.get(database)
        return owner.tables.get(name) if owner else None

    def table(self, database, name):
        found = self.database(database).tables.get(name)
        if found is None:
            raise self.unknown_table(database, name)
        return found

    def unknown_table(self, database, name):
        return SqlError(f"Getting analyzing error. Detail message: Unknown table '{database}.{name}'.",
                        self.version.code(5502))

    def database_of(self, table):
        for found in self.databases.values():
            if found.id == table.database_id:
                return found
        raise SqlError("the database of the table is gone")

    # ------------------------------------------------------------ changing
    def save(self, table, recycled=False):
        self.generation += 1
        kept = table.packed()
        if recycled:
            kept["recycled"] = True
        self.meta.put("table", table.id, kept)

    def create_database(self, name, properties=None):
        found = Database(self.meta.number("object", 10001), name, properties=properties or {})
        self.databases[name] = found
        self.generation += 1
        self.save_database(found)
        return found

    def save_database(self, database):
        self.meta.put("database", database.id, {"name": database.name, "properties": database.properties})

    def drop_database(self, name, recycle=False):
        """Forgets a database, or keeps it so that RECOVER can bring it back; the tables whose rows are to be dropped."""
        gone = self.databases.pop(name)
        self.generation += 1
        earlier = self.recycled.pop(name, None)
        if recycle:
            self.recycled[name] = gone
            self.meta.put("database", gone.id, {"name": name, "properties": gone.properties, "recycled": True})
        return [*(self._forget_all(earlier) if earlier else ()), *(() if recycle else self._forget_all(gone))]

    def _forget_all(self, gone):
        self.meta.remove("database", gone.id)
        tables = [*gone.tables.values(), *gone.recycled.values()]
        for table in tables:
            self.by_id.pop(table.id, None)
            self.meta.remove("table", table.id)
        return tables

    def recover_database(self, name):
        """False when no dropped database of this name is kept."""
        found = self.recycled.pop(name, None)
        if found is None:
            return False
        self.databases[name] = found
        self.generation += 1
        self.save_database(found)
        return True

    def rename_database(self, old, new):
        found = self.databases.pop(old)
        found.name = new
        self.databases[new] = found
        self.generation += 1
        self.save_database(found)

    def add_table(self, database, table):
        database.tables[table.name] = table
        self.by_id[table.id] = table
        self.save(table)

    def rename_table(self, database, table, name):
        del database.tables[table.name]
        table.name = name
        database.tables[name] = table
        self.save(table)

    def swap(self, database, one, other):
        one.name, other.name = other.name, one.name
        with self.meta.together():
            for table in (one, other):
                database.tables[table.name] = table
                self.save(table)

    def recycle(self, database, table):
        """Drops a table so that RECOVER can bring it back; a table recycled earlier under this name, or None."""
        del database.tables[table.name]
        earlier = database.recycled.get(table.name)
        database.recycled[table.name] = table
        self.save(table, recycled=True)
        return earlier

    def forget(self, database, table):
        self.generation += 1
        for names in (database.tables, database.recycled):
            if names.get(table.name) is table:
                del names[table.name]
        self.by_id.pop(table.id, None)
        self.meta.remove("table", table.id)

    def recover(self, database, name):
        table = database.recycled.pop(name)
        database.tables[name] = table
        self.save(table)
