"""SHOW, DESC and EXPLAIN."""
import re
import time

from rockpool.catalog import SYSTEM_DATABASES
from rockpool.mysql.wire import Result, of_texts
from rockpool.sql import accounts, admin, information_schema, rights, variables
from rockpool.sql.columns import analyzing, column_shown
from rockpool.sql.show_cluster import (backends, compute_nodes, database_of, frontends, moment, proc, transaction)

KEY_CLAUSE = {"PRIMARY": "PRIMARY KEY", "UNIQUE": "UNIQUE KEY", "DUPLICATE": "DUPLICATE KEY",
              "AGGREGATE": "AGGREGATE KEY"}


def like(reader):
    """The test of LIKE 'pattern', or one that everything passes."""
    if not reader.accept("LIKE"):
        return lambda text: True
    pattern = reader.string()
    regex = "".join(".*" if ch == "%" else "." if ch == "_" else re.escape(ch) for ch in pattern)
    return lambda text: re.fullmatch(regex, text, re.I | re.S) is not None


async def run(session, reader):
    reader.expect("SHOW")
    reader.accept("FULL") and setattr(reader, "full", True)
    for words, work in STATEMENTS:
        if reader.accept(*words):
            found = work(session, reader)
            return await found if hasattr(found, "__await__") else found
    raise reader.unexpected("TABLES", "DATABASES", "CREATE", "COLUMNS", "…")


def explain(session, reader):
    return of_texts(["Explain String"], [["PLAN FRAGMENT 0"], ["rockpool has no plans: it is not StarRocks"]])


# ---------------------------------------------------------------- names
def databases(session, reader):
    test = like(reader)
    names = ["_statistics_", "information_schema", "sys", *session.world.catalog.databases]
    if "root" not in session.user.roles:
        seen = {d for d, _ in information_schema._tables(session)}
        names = [n for n in names if n in seen or n == "information_schema"]
    return of_texts(["Database"], [[n] for n in sorted(names) if test(n)])


def tables(session, reader):
    name = database_of(session, reader)
    test = like(reader)
    if name in SYSTEM_DATABASES:
        names = [[n, "SYSTEM VIEW"] for n in information_schema.MAKERS]
    else:
        owner = session.world.catalog.database(name)
        names = [[t.name, "VIEW" if t.view_sql is not None else "BASE TABLE"] for t in owner.tables.values()]
    found = sorted(n for n in names if test(n[0]))
    if getattr(reader, "full", False):
        return of_texts([f"Tables_in_{name}", "Table_type"], found)
    return of_texts([f"Tables_in_{name}"], [n[:1] for n in found])


def create_table(session, reader):
    parts = reader.qualified()
    table = session.table(parts)
    if table.view_sql is not None:
        return of_texts(["View", "Create View", "character_set_client", "collation_connection"],
                        [[table.name, f"CREATE VIEW `{table.name}` AS {table.view_sql};", "utf8", "utf8_general_ci"]])
    return of_texts(["Table", "Create Table"], [[table.name, shown(table)]])


def create_database(session, reader):
    name = reader.name()
    session.world.catalog.database(name)
    return of_texts(["Database", "Create Database"], [[name, f"CREATE DATABASE `{name}`"]])


def names(columns):
    return ", ".join(f"`{c}`" for c in columns)


def shown(table):
    """The text of SHOW CREATE TABLE."""
    columns = ",\n".join("  " + column_shown(c, c.is_key, table.model == "AGGREGATE") for c in table.columns)
    lines = [f"CREATE TABLE `{table.name}` (\n{columns}\n) ENGINE=OLAP ",
             f"{KEY_CLAUSE[table.model]}({names(table.keys)})"]
    if table.comment:
        lines.append(f'COMMENT "{table.comment}"')
    if table.partitioning is not None:
        lines.append(_partition_text(table.partitioning))
    if table.distribution == "RANDOM":
        by = "DISTRIBUTED BY RANDOM"
    else:
        by = f"DISTRIBUTED BY HASH({names(table.hash_columns)})"
    lines.append(by + (f" BUCKETS {table.buckets} " if table.buckets else ""))
    if table.sort_key:
        lines.append(f"ORDER BY({names(table.sort_key)})")
    properties = ",\n".join(f'"{k}" = "{v}"' for k, v in sorted(table.properties.items()))
    lines.append(f"PROPERTIES (\n{properties}\n);")
    return "\n".join(lines)


def _edge(values):
    return "MAXVALUE" if values is None else "(" + ", ".join(f'"{v}"' for v in values) + ")"


def _partition_text(parts):
    if parts.kind == "expression":
        return f"PARTITION BY {parts.text}"
    if parts.kind == "list":
        lines = []
        for name, rows in parts.lists:
            values = ", ".join("'" + r[0] + "'" if len(r) == 1 else "(" + ", ".join(f"'{v}'" for v in r) + ")"
                               for r in rows)
            lines.append(f"  PARTITION {name} VALUES IN ({values})")
        return f"PARTITION BY LIST({names(parts.columns)})(\n" + ",\n".join(lines) + "\n)"
    lines = []
    for name, lower, upper in parts.ranges:
        low = ["0000-01-01"] if lower is None else lower
        lines.append(f"PARTITION {name} VALUES [{_edge(low)}, {_edge(upper)})")
    return f"PARTITION BY RANGE({names(parts.columns)})\n(" + ",\n".join(lines) + ")"


# ---------------------------------------------------------------- columns
DESC = ["Field", "Type", "Null", "Key", "Default", "Extra"]


async def describe(session, reader):
    reader.next()
    parts = reader.qualified()
    full = reader.accept("ALL")
    reader.end()
    database, name = session.resolve(parts)
    if database.lower() in SYSTEM_DATABASES and name.lower() in information_schema.MAKERS:
        return of_texts(DESC, [[n, "varchar(1048576)", "YES", "false", None, ""]
                               for n in information_schema.MAKERS[name.lower()].names])
    del full
    table = session.table(parts)
    return of_texts(DESC, [[c.name, c.type.described(), "YES" if c.nullable else "NO", "true" if c.is_key else "false",
                            c.default, _extra(table, c)] for c in table.columns])


def _extra(table, column):
    if column.auto_increment:
        return "auto_increment"
    if column.generated:
        return "STORED GENERATED"
    if table.model == "AGGREGATE" and column.aggregation:
        return column.aggregation
    if column.name in table.properties.get("bloom_filter_columns", "").replace(" ", "").split(","):
        return "BLOOM_FILTER"
    return ""


def columns(session, reader):
    reader.one_of("FROM", "IN")
    parts = reader.qualified()
    while reader.token.upper in ("FROM", "IN"):
        reader.next()
        parts = [reader.name(), parts[-1]]
    test = like(reader)
    table = session.table(parts)
    rows = []
    for c in table.columns:
        if not test(c.name):
            continue
        row = [c.name, c.type.described(), "YES" if c.nullable else "NO", "YES" if c.is_key else "NO", c.default,
               _extra(table, c)]
        if getattr(reader, "full", False):
            row[2:2] = [None]
            row += ["", c.comment]
        rows.append(row)
    if getattr(reader, "full", False):
        return of_texts(["Field", "Type", "Collation", "Null", "Key", "Default", "Extra", "Privileges", "Comment"], rows)
    return of_texts(DESC, rows)


# ---------------------------------------------------------------- schema changes
ALTER = ["JobId", "TableName", "CreateTime", "FinishTime", "IndexName", "IndexId", "OriginIndexId", "SchemaVersion",
         "TransactionId", "State", "Msg", "Progress", "Timeout"]


def _filters(reader):
    """WHERE a = 'b' [AND …] [ORDER BY c [DESC]] [LIMIT n] of SHOW statements."""
    wanted, order, limit = {}, None, None
    if reader.accept("WHERE"):
        while True:
            name = reader.name().lower()
            reader.one_of("=", "LIKE")
            wanted[name] = reader.string()
            if not reader.accept("AND"):
                break
    if reader.accept("ORDER", "BY"):
        order = [reader.name().lower(), False]
        order[1] = reader.accept("DESC")
        reader.accept("ASC")
    if reader.accept("LIMIT"):
        limit = reader.integer()
    reader.end()
    return wanted, order, limit


def filtered(names, rows, filters):
    wanted, order, limit = filters
    lowered = [n.lower() for n in names]
    for name, value in wanted.items():
        if name not in lowered:
            raise analyzing(f"Column {name} is not supported here")
        at = lowered.index(name)
        rows = [r for r in rows if str(r[at]) == value]
    if order:
        at = lowered.index(order[0])
        rows = sorted(rows, key=lambda r: (str(r[at] or ""), r[0]), reverse=order[1])
    return of_texts(names, rows[:limit] if limit is not None else rows)


def alter_column(session, reader):
    name = session.database
    if reader.token.upper in ("FROM", "IN"):
        reader.next()
        name = reader.name()
    owner = session.world.catalog.database(name)
    rows = [[j.id, j.table, moment(j.created), moment(j.finished), j.table, j.index_id, j.table_id + 1,
             f"{j.schema_version}:{j.schema_hash}", j.txn_id, j.state, j.message, j.progress, 86400]
            for j in session.world.jobs.of(owner.id)]
    return filtered(ALTER, rows, _filters(reader))


def alter_other(session, reader):
    return of_texts(ALTER, [])


# ---------------------------------------------------------------- variables and the rest
def warnings(session, reader):
    return of_texts(["Level", "Code", "Message"], [])


def partitions(session, reader):
    reader.expect("FROM")
    table = session.table(reader.qualified())
    parts = table.partitioning
    found = [[r[0], r[1], r[2]] for r in parts.ranges] if parts and parts.kind == "range" else \
        [[r[0], r[1], None] for r in parts.lists] if parts and parts.kind == "list" else [[table.name, "", ""]]
    return of_texts(["PartitionId", "PartitionName", "VisibleVersion", "VisibleVersionTime", "State", "PartitionKey",
                     "Range", "DistributionKey", "Buckets", "ReplicationNum"],
                    [[table.id + n + 1, name, 2, moment(table.updated), "NORMAL", names(parts.columns) if parts else "",
                      f"{low} .. {high}", names(table.hash_columns), table.buckets or 2,
                      table.properties.get("replication_num", 1)] for n, (name, low, high) in enumerate(found)])


def table_status(session, reader):
    name = database_of(session, reader)
    test = like(reader)
    owner = session.world.catalog.database(name)
    return of_texts(["Name", "Engine", "Version", "Row_format", "Rows", "Avg_row_length", "Data_length",
                     "Max_data_length", "Index_length", "Data_free", "Auto_increment", "Create_time", "Update_time",
                     "Check_time", "Collation", "Checksum", "Create_options", "Comment"],
                    [[t.name, "StarRocks" if t.view_sql is None else None, None, "", None, None, None, None, None, None,
                      None, moment(t.created), moment(t.updated), None, "utf8_general_ci", None, "", t.comment]
                     for t in owner.tables.values() if test(t.name)])


def catalogs(session, reader):
    return of_texts(["Catalog", "Type", "Comment"], [["default_catalog", "Internal", "An internal catalog contains this "
                                                      "cluster's self-managed tables."]])


def engines(session, reader):
    return of_texts(["Engine", "Support", "Comment", "Transactions", "XA", "Savepoints"],
                    [["OLAP", "YES", "Default storage engine of StarRocks", "NO", "NO", "NO"]])


def charset(session, reader):
    return of_texts(["Charset", "Description", "Default collation", "Maxlen"],
                    [["utf8", "UTF-8 Unicode", "utf8_general_ci", "3"]])


def collation(session, reader):
    return of_texts(["Collation", "Charset", "Id", "Default", "Compiled", "Sortlen"],
                    [["utf8_general_ci", "utf8", "33", "Yes", "Yes", "1"]])


def empty(*columns):
    return lambda session, reader: of_texts(columns, []) if columns else Result()


STATEMENTS = [
    (("DATABASES",), databases), (("SCHEMAS",), databases), (("TABLES",), tables), (("TABLE", "STATUS"), table_status),
    (("CREATE", "TABLE"), create_table), (("CREATE", "VIEW"), create_table), (("CREATE", "DATABASE"), create_database),
    (("CREATE", "SCHEMA"), create_database), (("COLUMNS",), columns), (("FIELDS",), columns),
    (("ALTER", "TABLE", "COLUMN"), alter_column), (("ALTER", "TABLE"), alter_other), (("TRANSACTION",), transaction),
    (("PROC",), proc), (("BACKENDS",), backends), (("COMPUTE", "NODES"), compute_nodes), (("FRONTENDS",), frontends),
    (("VARIABLES",), variables.show), (("GLOBAL", "VARIABLES"), variables.show_global),
    (("SESSION", "VARIABLES"), variables.show), (("WARNINGS",), warnings), (("ERRORS",), warnings),
    (("GRANTS",), rights.show_grants), (("USERS",), accounts.show_users), (("AUTHENTICATION",), accounts.show_authentication),
    (("ALL", "AUTHENTICATION"), accounts.show_all_authentication), (("PROPERTY",), accounts.show_property), (("PROCESSLIST",), admin.processlist), (("PARTITIONS",), partitions),
    (("CATALOGS",), catalogs), (("ENGINES",), engines), (("STORAGE", "ENGINES"), engines), (("CHARSET",), charset),
    (("CHARACTER", "SET"), charset), (("COLLATION",), collation),
    (("LOAD",), empty("JobId", "Label", "State", "Progress", "Type")), (("PLUGINS",), empty("Name", "Status")),
    (("INDEX",), empty("Table", "Non_unique", "Key_name")), (("KEYS",), empty("Table", "Non_unique", "Key_name")),
    (("INDEXES",), empty("Table", "Non_unique", "Key_name")), (("STATUS",), empty("Variable_name", "Value")),
    (("SESSION", "STATUS"), empty("Variable_name", "Value")), (("GLOBAL", "STATUS"), empty("Variable_name", "Value")),
    (("PROCEDURE", "STATUS"), empty("Db", "Name")), (("FUNCTION", "STATUS"), empty("Db", "Name")),
    (("FUNCTIONS",), empty("Function Name")), (("TRIGGERS",), empty("Trigger", "Event")), (("EVENTS",), empty("Db", "Name")),
    (("ROLES",), rights.show_roles), (("RESOURCES",), empty("Name")), (("MATERIALIZED", "VIEWS"), empty("id", "database_name",
                                                                                               "name")),
    (("ROUTINE", "LOAD"), empty("Id", "Name")), (("DATA",), empty("TableName", "Size", "ReplicaCount")),
]
