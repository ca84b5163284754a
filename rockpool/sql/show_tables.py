"""SHOW CREATE, DESC, SHOW COLUMNS, INDEX, PARTITIONS, TABLETS and DATA of tables."""
from rockpool.catalog import SYSTEM_DATABASES
from rockpool.errors import SqlError
from rockpool.mysql.wire import of_texts
from rockpool.sql import indexes, information_schema, partitions, properties, views
from rockpool.sql.analysis import analyzing, refused
from rockpool.sql.columns import column_shown, escaped
from rockpool.sql.show_cluster import moment
from rockpool.sql.show_filter import Filter, like

KEY_CLAUSE = {"PRIMARY": "PRIMARY KEY", "UNIQUE": "UNIQUE KEY", "DUPLICATE": "DUPLICATE KEY",
              "AGGREGATE": "AGGREGATE KEY"}
KEYS_TYPE = {"PRIMARY": "PRIMARY_KEYS", "UNIQUE": "UNIQUE_KEYS", "DUPLICATE": "DUP_KEYS", "AGGREGATE": "AGG_KEYS"}
DESC = ["Field", "Type", "Null", "Key", "Default", "Extra"]
FULL = ["Field", "Type", "Collation", "Null", "Key", "Default", "Extra", "Privileges", "Comment"]
KEY_LETTERS = {"PRIMARY": "PRI", "UNIQUE": "UNI", "DUPLICATE": "DUP", "AGGREGATE": "AGG"}
INDEX = ["Table", "Non_unique", "Key_name", "Seq_in_index", "Column_name", "Collation", "Cardinality", "Sub_part", "Packed",
         "Null", "Index_type", "Comment"]
TABLETS = ["TabletId", "ReplicaId", "BackendId", "SchemaHash", "Version", "VersionHash", "LstSuccessVersion",
           "LstSuccessVersionHash", "LstFailedVersion", "LstFailedVersionHash", "LstFailedTime", "DataSize", "RowCount",
           "State", "LstConsistencyCheckTime", "CheckVersion", "CheckVersionHash", "VersionCount", "PathHash", "MetaUrl",
           "CompactionStatus"]
QUOTA = 8 * 1024 ** 6 - 1  # bytes of a database


# ---------------------------------------------------------------- SHOW CREATE
def create_table(session, reader):
    database, name = session.resolve(reader.qualified())
    reader.end()
    if database.lower() in SYSTEM_DATABASES:
        raise analyzing(f"Unknown table '{name}'" if name.lower() not in information_schema.MAKERS else
                        f"Table {name} is a system table: it has no CREATE statement")
    table = session.world.catalog.table(database, name)
    version = session.world.version
    if table.materialized is not None:
        return of_texts(["Materialized View", "Create Materialized View"], [[table.name, views.view_shown(table, version)]])
    if table.view_sql is not None:
        return of_texts(["View", "Create View", "character_set_client", "collation_connection"],
                        [[table.name, views.view_shown(table, version), "utf8", "utf8_general_ci"]])
    return of_texts(["Table", "Create Table"], [[table.name, shown(table, version)]])


def create_view(session, reader):
    table = session.table(reader.qualified())
    if table.view_sql is None:
        raise refused(f"'{table.name}' is not VIEW")
    reader.at = 0
    while not reader.accept("VIEW"):
        reader.next()
    return create_table(session, reader)


def names(columns):
    return ", ".join(f"`{c}`" for c in columns)


def shown(table, version):
    """The text of SHOW CREATE TABLE."""
    lines = ["  " + column_shown(c, table.model == "AGGREGATE", version) for c in table.columns]
    lines += ["  " + indexes.index_shown(i) for i in table.indexes]
    columns = ",\n".join(lines)
    word = "CREATE TEMPORARY TABLE" if table.temporary else "CREATE TABLE"
    text = [f"{word} `{table.name}` (\n{columns}\n) ENGINE=OLAP ", f"{KEY_CLAUSE[table.model]}({names(table.keys)})"]
    if table.comment:
        text.append(f'COMMENT "{escaped(table.comment)}"')
    if table.partitioning is not None:
        text.append(_partition_text(table))
    text.append(_distribution_text(table))
    if table.sort_key:
        text.append(f"ORDER BY({names(table.sort_key)})")
    listed = ",\n".join(f'"{k}" = "{escaped(v)}"' for k, v in properties.shown_properties(table, version))
    text.append(f"PROPERTIES (\n{listed}\n);")
    return "\n".join(text)


def _distribution_text(table):
    if table.distribution == "RANDOM":
        return "DISTRIBUTED BY RANDOM" + (f" BUCKETS {table.buckets}" if table.buckets else "")
    by = f"DISTRIBUTED BY HASH({names(table.hash_columns)})"
    return by + (f" BUCKETS {table.buckets} " if table.buckets else "")


def _partition_text(table):
    parts = table.partitioning
    columns = partitions.columns_of(table)
    if parts.kind == "expression":
        plain = parts.text.startswith("(")
        return "PARTITION BY " + (f"({','.join(f'`{c}`' for c in parts.columns)})"
                                  if plain and not any("(" in e for e in partitions.expressions_of(parts)) else parts.text)
    if parts.kind == "list":
        lines = []
        for name, rows in parts.lists:
            values = ", ".join(_one_value(r) if len(r) == 1 else "(" + ", ".join(_value(v) for v in r) + ")" for r in rows)
            lines.append(f"  PARTITION {name} VALUES IN ({values})")
        return f"PARTITION BY LIST({','.join(f'`{c}`' for c in parts.columns)})(\n" + ",\n".join(lines) + "\n)"
    lines = []
    for part in partitions.sorted_ranges(table):
        low = [partitions.typed(c, partitions.LEAST.get(c.type.name, "")) for c in columns] if part[1] is None else \
            [partitions.typed(c, t) for c, t in zip(columns, part[1])]
        high = "MAXVALUE" if part[2] is None else "(" + ", ".join(
            "MAXVALUE" if t is None else f'"{partitions.typed(c, t)}"' for c, t in zip(columns, part[2])) + ")"
        if part[2] is None:
            high = "(MAXVALUE)"
        edge = "(" + ", ".join(f'"{t}"' for t in low) + ")"
        lines.append(f"PARTITION {part[0]} VALUES [{edge}, {high})")
    by = parts.text or ", ".join(f"`{c}`" for c in parts.columns)
    return f"PARTITION BY RANGE({by})\n(" + ",\n".join(lines) + ")"


def _value(text):
    return "NULL" if text is None else f"'{text}'"


def _one_value(row):
    return _value(row[0])


# ---------------------------------------------------------------- DESC and SHOW COLUMNS
async def describe(session, reader):
    reader.next()
    reader.accept("TABLE")
    database, name = session.resolve(reader.qualified())
    everything = reader.accept("ALL")
    reader.end()
    if database.lower() in SYSTEM_DATABASES:
        return of_texts(DESC, _system_rows(session, database, name))
    table = session.world.catalog.table(database, name)
    if everything and table.view_sql is None:
        return of_texts(["IndexName", "IndexKeysType", *DESC], _index_rows(table))
    return of_texts(DESC, [_described(table, c) for c in table.columns])


def _system_rows(session, database, name):
    found = information_schema.MAKERS.get(name.lower()) if database.lower() == "information_schema" else None
    if found is None:
        raise session.world.catalog.unknown_table(database, name)
    return [[c.name, c.described, "YES", "false", None, ""] for c in found.columns]


def _described(table, column):
    view = table.view_sql is not None
    return [column.name, column.type.described(), "YES" if column.nullable else "NO",
            "true" if column.is_key and not view else "false", shown_default(column), "" if view else extra(table, column)]


def _index_rows(table):
    rows = []
    for name, columns in [(table.name, table.columns)] + [
            (r["name"], [c for c in map(table.column, r["columns"]) if c is not None]) for r in table.rollups]:
        if rows:
            rows.append([""] * 8)
        for n, c in enumerate(columns):
            rows.append([name if n == 0 else "", KEYS_TYPE[table.model] if n == 0 else "", *_described(table, c)])
    return rows


def shown_default(column):
    if column.default_is_function and column.default == "CURRENT_TIMESTAMP" and column.default_precision:
        return f"current_timestamp({column.default_precision})"
    return column.default


def extra(table, column):
    found = []
    if column.default_is_function:
        found.append("DEFAULT_GENERATED")
    if column.auto_increment:
        found.append("auto_increment")
    if column.generated:
        found.append("STORED GENERATED")
    if table.model == "AGGREGATE" and column.aggregation:
        found.append(column.aggregation)
    if column.name in table.properties.get("bloom_filter_columns", "").replace(" ", "").split(","):
        found.append("BLOOM_FILTER")
    return ",".join(found)


def columns(session, reader):
    reader.one_of("FROM", "IN")
    parts = reader.qualified()
    while reader.token.upper in ("FROM", "IN"):
        reader.next()
        parts = [reader.name(), parts[-1]]
    test = like(reader)
    filters = Filter(reader)
    full = getattr(reader, "full", False)
    database, name = session.resolve(parts)
    if database.lower() in SYSTEM_DATABASES:
        rows = [[n, kind, None, "YES", "", None, "", "", ""] for n, kind, *_ in _system_rows(session, database, name)]
    else:
        table = session.world.catalog.table(database, name)
        letters = KEY_LETTERS.get(table.model, "") if filters.test is not None else None  # WHERE asks information_schema
        rows = [_column_row(table, c, letters) for c in table.columns]
    rows = [r for r in rows if test(r[0])]
    if full:
        return filters.result(FULL, rows)
    return filters.result(DESC, [[r[0], r[1], r[3], r[4], r[5], r[6]] for r in rows])


def _column_row(table, c, letters):
    key = ("YES" if c.is_key else "NO") if letters is None else letters if c.is_key else ""
    return [c.name, c.type.described(), "utf8_general_ci" if c.type.is_text else None, "YES" if c.nullable else "NO",
            key, shown_default(c), extra(table, c) if letters is None else "auto_increment" if c.auto_increment else "", "",
            c.comment]


# ---------------------------------------------------------------- indexes, partitions, tablets, sizes
def index(session, reader):
    reader.one_of("FROM", "IN")
    parts = reader.qualified()
    if reader.accept("FROM") or reader.accept("IN"):
        parts = [reader.name(), parts[-1]]
    database, name = session.resolve(parts)
    table = session.world.catalog.table(database, name)
    return Filter(reader).result(INDEX, indexes.index_rows(database, table))


def partition_titles(table):
    kind = "List" if table.partitioning is not None and (table.partitioning.kind == "list" or (
        table.partitioning.kind == "expression" and not partitions.is_time_expression(table.partitioning))) else "Range"
    return ["PartitionId", "PartitionName", "VisibleVersion", "VisibleVersionTime", "VisibleVersionHash", "State",
            "PartitionKey", kind, "DistributionKey", "Buckets", "ReplicationNum", "StorageMedium", "CooldownTime",
            "LastConsistencyCheckTime", "DataSize", "IsInMemory", "RowCount"]


async def show_partitions(session, reader):
    temporary = getattr(reader, "temporary", False)
    reader.expect("FROM")
    database, name = session.resolve(reader.qualified())
    table = session.world.catalog.table(database, name)
    filters = Filter(reader)
    if table.view_sql is not None:
        raise refused(f"Table[{name}] is not a OLAP table")
    rows = [] if temporary else await partition_rows(session.world, table)
    return filters.result(partition_titles(table), rows)


async def partition_rows(world, table):
    await partitions.discover(world, table)
    found = partitions.parts(world, table)
    await partitions.count_rows(world, table, found)
    keys = ", ".join(table.hash_columns) if table.distribution == "HASH" else "ALL KEY"
    columns_text = ", ".join(table.partitioning.columns) if table.partitioning else ""
    replicas = table.properties.get("replication_num", "1")
    medium = table.properties.get("storage_medium", "HDD").upper()
    return [[p.id, p.name, version_of(world, table), moment(table.updated), 0, "NORMAL", columns_text, p.shown, keys,
             table.buckets or 2, replicas, medium, "9999-12-31 23:59:59", None, data_size(table, p.rows), "false", p.rows]
            for p in found]


def version_of(world, table):
    """The visible version of a table: 1 when nothing was loaded."""
    return world.storage.versions.of(table.id)


def row_bytes(table):
    sizes = {"BOOLEAN": 1, "TINYINT": 1, "SMALLINT": 2, "INT": 4, "BIGINT": 8, "LARGEINT": 16, "FLOAT": 4, "DOUBLE": 8,
             "DATE": 4, "DATETIME": 8, "DECIMAL": 8}
    return sum(sizes.get(c.type.name, 16) for c in table.columns)


def data_size(table, rows):
    return size_text(rows * row_bytes(table))


def size_text(size):
    """Bytes as SHOW prints them."""
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024 or unit == "TB":
            return "0B" if size == 0 else f"{size}B" if unit == "B" else f"{size:.1f}{unit}"
        size /= 1024


async def tablets(session, reader):
    """SHOW TABLET FROM t | SHOW TABLET id"""
    if reader.token.kind == "number":
        return _one_tablet(session, reader)
    reader.expect("FROM")
    table = session.table(reader.qualified())
    if reader.accept("PARTITION") or reader.accept("PARTITIONS"):
        reader.names() if reader.sees("(") else reader.name()
    filters = Filter(reader)
    world = session.world
    rows, version = world.approximate_rows(table), version_of(world, table)
    found = []
    every = world.reading.tablets_of(table)
    for _, tablet, number in every:
        backend = world.backends[number]
        share = rows // len(every)
        found.append([tablet, tablet + 50, backend.id, 0, version, 0, version, 0, -1, 0, None, share * row_bytes(table), share,
                      "NORMAL", None, -1, -1, 1, 0, f"http://{backend.host}:{backend.port}/api/meta/header/{tablet}",
                      f"http://{backend.host}:{backend.port}/api/compaction/show?tablet_id={tablet}"])
    return filters.result(TABLETS, found)


def _one_tablet(session, reader):
    number = reader.integer()
    reader.end()
    titles = ["DbName", "TableName", "PartitionName", "IndexName", "DbId", "TableId", "PartitionId", "IndexId", "IsSync",
              "DetailCmd"]
    place = session.world.reading.tablets.owner(number)
    table = session.world.catalog.by_id.get(place[0]) if place else None
    if table is None:
        return of_texts(titles, [[None] * 8 + ["false", f"SHOW PROC '{number}';"]])
    owner = session.world.catalog.database_of(table)
    part = next(p for p in partitions.parts(session.world, table) if p.id == place[1])
    return of_texts(titles, [[owner.name, table.name, part.name, table.name, owner.id, table.id, part.id, table.id + 1, "true",
                              f"SHOW PROC '/dbs/{owner.id}/{table.id}/partitions/{part.id}/{table.id + 1}/{number}';"]])


async def sizes(session, reader):
    """SHOW DATA [FROM db[.table]]"""
    database, table = session.database, None
    if reader.accept("FROM"):
        parts = reader.qualified()
        if len(parts) == 1 and parts[0] in session.world.catalog.databases:
            database = parts[0]
        else:
            database, name = session.resolve(parts)
            table = session.world.catalog.table(database, name)
    reader.end()
    if not database:
        raise SqlError("No database selected", session.world.version.code(1046))
    world = session.world
    if table is not None:
        rows = await world.count_rows(table)
        replicas = (table.buckets or 2) * int(table.properties["replication_num"])
        size = dotted_size(rows * row_bytes(table))
        return of_texts(["TableName", "IndexName", "Size", "ReplicaCount", "RowCount"],
                        [[table.name, table.name, size, replicas, rows], ["", "Total", size, replicas, ""]])
    owner = world.catalog.database(database)
    lines, total, count = [], 0, 0
    for t in sorted((t for t in owner.tables.values() if t.view_sql is None), key=lambda t: t.name):
        size = world.approximate_rows(t) * row_bytes(t)
        replicas = (t.buckets or 2) * int(t.properties["replication_num"])
        lines.append([t.name, dotted_size(size), replicas])
        total, count = total + size, count + replicas
    quota = int(owner.properties.get("data_quota", QUOTA))
    limit = int(owner.properties.get("replica_quota", 9223372036854775807))
    return of_texts(["TableName", "Size", "ReplicaCount"],
                    [*lines, ["Total", dotted_size(total), count], ["Quota", dotted_size(quota), limit],
                     ["Left", dotted_size(quota - total), limit - count]])


def dotted_size(size):
    """Bytes as SHOW DATA prints them: three digits behind the point."""
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024 or unit == "TB":
            return f"{size:.3f} {unit}"
        size /= 1024
