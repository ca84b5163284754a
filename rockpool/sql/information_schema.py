"""information_schema: tables made from the catalogue when they are asked for."""
import datetime
import json
import re

import pyarrow as pa
from sqlglot import exp

from rockpool.catalog import MODELS, SYSTEM_DATABASES
from rockpool.sql import partitions, properties, system_loads, system_privileges, variables
from rockpool.sql.analysis import refused
from rockpool.sql.columns import column_shown, type_shown
from rockpool.sql.system_columns import DEFINITIONS

CHARSET, COLLATION = "utf8", "utf8_general_ci"
PRECISION = {"TINYINT": 3, "SMALLINT": 5, "INT": 10, "BIGINT": 19, "LARGEINT": 39, "FLOAT": 7, "DOUBLE": 15, "DATE": None}
SINCE = {"loads": (3, 1), "load_tracking_logs": (3, 1), "stream_loads": (3, 1), "partitions_meta": (3, 2, 4),
         "temp_tables": (3, 3), "be_metrics": (3,), "routine_load_jobs": (3, 2), "applicable_roles": (3, 4), "keywords": (3, 5)}
KEY_LETTERS = {"PRIMARY": "PRI", "UNIQUE": "UNI", "DUPLICATE": "DUP", "AGGREGATE": "AGG"}


class Maker:
    """A table of information_schema: its columns, and what makes its rows."""

    def __init__(self, name, rows=None):
        self.name, self.rows = name, rows
        self.columns = DEFINITIONS[name]
        self.names = [c.name for c in self.columns]


def build(session, owner, name, node):
    """(name to register, Arrow table) for information_schema.<name>."""
    maker = MAKERS.get(name) if owner == "information_schema" else None
    if maker is None or name == "old_loads" or not session.world.version.since(*SINCE.get(name, (0,))):
        raise session.world.catalog.unknown_table(owner, name)
    if name == "loads" and not session.world.version.since(3, 4):
        maker = MAKERS["old_loads"]
    rows = [list(r) for r in maker.rows(session, node)] if maker.rows else []
    by_column = list(zip(*rows)) if rows else [[] for _ in maker.columns]
    arrays = [pa.array(list(c), column.arrow) for c, column in zip(by_column, maker.columns)]
    return f"is_{name}", pa.table(arrays, names=maker.names)


async def ready(session, text):
    """What must be looked up in rows before a query on partitions: the partitions that loads have made."""
    lowered = text.lower()
    if "partitions_meta" in lowered or re.search(r"\bpartitions?\s*\(", lowered):
        session.partition_rows = {}
        for table in [t for t in session.world.catalog.by_id.values() if t.partitioning is not None]:
            await partitions.discover(session.world, table)
            if "partitions_meta" in lowered:
                found = partitions.parts(session.world, table)
                await partitions.count_rows(session.world, table, found)
                session.partition_rows.update({p.id: p.rows for p in found})


def moment(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).replace(tzinfo=None) if seconds else None


def seen_tables(session):
    """(database name, Table) that the user may see."""
    users, user = session.world.users, session.user
    for database in session.world.catalog.databases.values():
        for table in database.tables.values():
            kinds = ("TABLE",) if table.view_sql is None else ("VIEW", "TABLE")
            if any(users.may(user, "ANY", database.name, table.name, k) for k in kinds):
                yield database.name, table


def equal_to(node, name):
    """The literal that the query compares a column of this table with, or None."""
    select = node.find_ancestor(exp.Select)
    where = select.args.get("where") if select else None
    for equal in where.find_all(exp.EQ) if where else ():
        left, right = equal.this, equal.expression
        if isinstance(right, exp.Column):
            left, right = right, left
        if isinstance(left, exp.Column) and left.name.lower() == name and isinstance(right, exp.Literal) and not any(
                isinstance(p, (exp.Or, exp.Not)) for p in _above(equal, where)):
            return right.this
    return None


def _above(node, top):
    while node is not top and node is not None:
        node = node.parent
        yield node


# ---------------------------------------------------------------- databases and tables
def schemata(session, node):
    users, user = session.world.users, session.user
    for name in sorted([*session.world.catalog.databases, *SYSTEM_DATABASES]):
        if name in SYSTEM_DATABASES or users.sees_database(user, name):
            yield "def", name, CHARSET, COLLATION, None


def _status(session, database, t):
    view = t.view_sql is not None
    rows = None if view and t.materialized is None else 0 if view else session.world.approximate_rows(t)
    width = None if rows is None else sum(8 for _ in t.columns) if rows else 0
    return ["def", database, t.name, "VIEW" if view else "BASE TABLE", None if view and t.materialized is None else "StarRocks",
            None, None, rows, width, None if rows is None else rows * width, None, None, None,
            t.next_auto if any(c.auto_increment for c in t.columns) else None, moment(t.created),
            None if view else moment(t.updated), None, COLLATION, None, None, t.comment]


def tables(session, node):
    for database, t in seen_tables(session):
        if not t.temporary:
            yield _status(session, database, t)
    for name in VISIBLE:
        yield ["def", "information_schema", name, "SYSTEM VIEW", None, None, None, None, None, None, None, None, None, None,
               None, None, None, COLLATION, None, None, ""]


def temporary_tables(session, node):
    for database, t in seen_tables(session):
        if t.temporary:
            yield [*_status(session, database, t), str(t.temporary), t.id]


def views(session, node):
    for owner, t in seen_tables(session):
        if t.view_sql is not None and t.materialized is None:
            yield "def", owner, t.name, t.view_sql, "NONE", "NO", "", "", CHARSET, COLLATION


def materialized_views(session, node):
    for owner, t in seen_tables(session):
        if t.materialized is None:
            continue
        manual = "MANUAL" in t.materialized.upper()
        clock = moment(t.created)
        yield (t.id, owner, t.name, "MANUAL" if manual else "ASYNC", "true", "", "UNPARTITIONED", t.id, f"mv-{t.id}", clock,
               clock, 0.0, "SUCCESS", "false", "", "", "{}", "", "0", "", 0,
               f"CREATE MATERIALIZED VIEW `{t.name}` AS {t.view_text}", "{}", "VALID", "'root'@'%'", clock, "")


def materialized_rows(session):
    return MAKERS["materialized_views"].names, [list(r) for r in materialized_views(session, None)]


def tables_config(session, node):
    version = session.world.version
    for owner, t in seen_tables(session):
        if t.view_sql is not None:
            continue
        shown = dict(sorted(properties.shown_properties(t, version)))
        yield (owner, t.name, "OLAP", MODELS[t.model], names_text(t.keys) if t.model in ("PRIMARY", "UNIQUE") else "",
               names_text(t.partitioning.columns) if t.partitioning else "", names_text(t.hash_columns), t.distribution,
               t.buckets or 2, names_text(t.sort_key or t.keys), json.dumps(shown, separators=(",", ":")), t.id)


def names_text(names):
    return ", ".join(f"`{c}`" for c in names)


# ---------------------------------------------------------------- columns
def columns(session, node):
    database, name = equal_to(node, "table_schema"), equal_to(node, "table_name")
    for owner, t in seen_tables(session):
        if database is not None and owner != database or name is not None and t.name != name:
            continue
        for position, c in enumerate(t.columns, 1):
            yield _column(session, owner, t, position, c)
    if database is None or database.lower() == "information_schema":
        for system in VISIBLE:
            for position, column in enumerate(MAKERS[system].columns, 1):
                yield _system_column(system, position, column)


def _system_column(system, position, column):
    data_type, column_type = column.catalogued
    number = {"big": (19, 0), "int": (10, 0), "double": (15, None)}.get(column.kind, (None, None))
    text = column.kind == "text"
    return ("def", "information_schema", system, column.name, position, None, "YES", data_type, column.length,
            column.length, *number, None, CHARSET if text else None, COLLATION if text else None, column_type, "", "", "", "",
            column.length or number[0], number[1], "", None)


def _column(session, owner, t, position, c):
    kind = c.type
    data_type, column_type = kind.catalogued()
    if kind.name == "DECIMAL" and not session.world.version.since(3, 3):
        column_type = type_shown(kind, session.world.version)
    length = kind.length if kind.is_text or kind.name == "VARBINARY" else None
    precision = kind.precision if kind.name == "DECIMAL" else PRECISION.get(kind.name)
    scale = kind.scale if kind.name == "DECIMAL" else 0 if kind.is_integer else None
    fraction = 6 if kind.name == "DATETIME" and session.world.version.since(4, 1) else None
    key = KEY_LETTERS.get(t.model, "") if c.is_key and t.view_sql is None else ""
    default = c.default
    extra = "auto_increment" if c.auto_increment else "DEFAULT_GENERATED" if c.default_is_function else ""
    return ("def", owner, t.name, c.name, position, default, "YES" if c.nullable else "NO", data_type, length, length,
            precision, scale, fraction, CHARSET if kind.is_text else None, COLLATION if kind.is_text else None,
            column_type, key, extra, "", c.comment, length or precision, scale, c.generated or "", None)


# ---------------------------------------------------------------- partitions and tablets
def partitions_meta(session, node):
    world = session.world
    for owner, t in seen_tables(session):
        if t.view_sql is not None:
            continue
        version = world.storage.versions.of(t.id)
        keys = ", ".join(t.hash_columns) if t.distribution == "HASH" else "ALL KEY"
        key_text = ", ".join(column_shown(c) for c in partitions.columns_of(t))
        found = partitions.parts(world, t)
        for p in [*_shadow(t), *found]:
            rows = session.partition_rows.get(p.id, 0) if t.partitioning is not None else world.approximate_rows(t)
            yield (owner, t.name, p.name, p.id, 0, version, moment(t.updated), version + 1, version, 0, "TXN_NORMAL", key_text,
                   p.shown, keys, t.buckets or 2, int(t.properties.get("replication_num", 1)),
                   t.properties.get("storage_medium", "HDD").upper(), datetime.datetime(9999, 12, 31, 23, 59, 59), None, False,
                   False, "0B", rows, False, 0.0, 0.0, 0.0, "", 0, True, 0)


def _shadow(t):
    """The empty partition that an automatically partitioned table begins with."""
    if t.partitioning is not None and t.partitioning.kind == "expression":
        yield partitions.Part("$shadow_automatic_partition", 0, "()", "FALSE")


def be_tablets(session, node):
    world = session.world
    for table in world.catalog.by_id.values():
        if table.view_sql is not None:
            continue
        rows, version = world.approximate_rows(table), world.storage.versions.of(table.id)
        found = world.reading.tablets_of(table)
        for part, tablet, number in found:
            share = rows // len(found)
            yield (world.backends[number].id, table.id, part.id, tablet, 1, version, version, 1, share, share * 8 * len(table.columns), 0, int(table.created),
                   "RUNNING", MODELS[table.model], "/data", 0, 0, 0, table.properties.get("storage_medium", "HDD").upper(), 1)


# ---------------------------------------------------------------- small ones
def statistics(session, node):
    return []


def engines(session, node):
    yield "OLAP", "YES", "Default storage engine of StarRocks", "NO", "NO", "NO"


def character_sets(session, node):
    yield CHARSET, COLLATION, "UTF-8 Unicode", 3


def collations(session, node):
    yield COLLATION, CHARSET, 33, "Yes", "Yes", 1


def session_variables(session, node):
    return variables.all_of(session)


def global_variables(session, node):
    return variables.all_of(session, "GLOBAL")


def verbose_session_variables(session, node):
    before = dict(variables.all_of(session, "GLOBAL"))
    for name, value in variables.all_of(session):
        yield name, value, before.get(name, value), value != before.get(name, value)


def be_configs(session, node):
    for backend in session.world.backends:
        yield backend.id, "be_http_port", str(backend.port), "int", "8040", False
        yield backend.id, "streaming_load_max_mb", "102400", "int", "102400", True
        yield backend.id, "tablet_max_versions", "1000", "int", "1000", True


def be_compactions(session, node):
    for backend in session.world.backends:
        yield backend.id, 0, 0, 0, 0.0, 0.0, 0, 0


def load_tracking_logs(session, node):
    label, job = equal_to(node, "label"), equal_to(node, "job_id")
    if label is None and job is None:
        raise refused("load_tracking_logs must specify label or job_id")
    return system_loads.tracking_logs(session)


MAKERS = {name: Maker(name) for name in DEFINITIONS}
for _made in (schemata, tables, views, materialized_views, tables_config, columns, partitions_meta, be_tablets, statistics,
              engines, character_sets, collations, session_variables, global_variables, verbose_session_variables, be_configs,
              be_compactions, load_tracking_logs, system_privileges.user_privileges, system_privileges.schema_privileges,
              system_privileges.table_privileges):
    MAKERS[_made.__name__].rows = _made
MAKERS["temp_tables"].rows = temporary_tables
MAKERS["loads"].rows, MAKERS["old_loads"].rows = system_loads.loads, system_loads.old_loads
MAKERS["stream_loads"].rows = system_loads.stream_loads
VISIBLE = sorted(n for n in MAKERS if n != "old_loads")
