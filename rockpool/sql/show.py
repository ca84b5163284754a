"""SHOW, DESC and EXPLAIN: which statement it is, and those about names and jobs."""
from rockpool.catalog import SYSTEM_DATABASES
from rockpool.errors import SqlError
from rockpool.mysql.wire import of_texts
from rockpool.sql import (accounts, admin, dynamic_partitions, information_schema, rights, show_cluster, show_loads, show_proc,
                          show_tables, variables)
from rockpool.sql.show_cluster import database_of, moment
from rockpool.sql.show_filter import Filter, like
from rockpool.sql.show_titles import EMPTY

describe = show_tables.describe


async def run(session, reader):
    reader.expect("SHOW")
    reader.full = reader.accept("FULL")
    reader.temporary = reader.accept("TEMPORARY")
    for words, work in STATEMENTS:
        if reader.accept(*words):
            found = work(session, reader)
            return await found if hasattr(found, "__await__") else found
    for words, titles in EMPTY:
        if reader.accept(*words):
            return of_texts(list(titles), [])
    raise reader.unexpected("TABLES", "DATABASES", "CREATE", "COLUMNS", "…")


def explain(session, reader):
    return of_texts(["Explain String"], [["PLAN FRAGMENT 0"], ["rockpool has no plans: it is not StarRocks"]])


# ---------------------------------------------------------------- names
def databases(session, reader):
    if reader.accept("FROM"):
        reader.name()
    test = like(reader)
    filters = Filter(reader)
    users, user = session.world.users, session.user
    names = [*SYSTEM_DATABASES, *(n for n in session.world.catalog.databases if users.sees_database(user, n))]
    return filters.result(["Database"], [[n] for n in sorted(names) if test(n)])


def _table_type(table):
    return "BASE TABLE" if table.view_sql is None else "VIEW"


def tables(session, reader):
    name = database_of(session, reader)
    test = like(reader)
    filters = Filter(reader)
    if name.lower() in SYSTEM_DATABASES:
        names = [[n, "SYSTEM VIEW"] for n in information_schema.MAKERS] if name.lower() == "information_schema" else []
    else:
        session.world.catalog.database(name)
        names = [[t.name, _table_type(t)] for d, t in information_schema.seen_tables(session) if d == name
                 and (t.temporary == session.id if reader.temporary else not t.temporary)]
    found = sorted(n for n in names if test(n[0]))
    titles = [f"Tables_in_{name}", "Table_type"] if reader.full or filters.test is not None else [f"Tables_in_{name}"]
    return filters.result(titles, [n[:len(titles)] for n in found])


def create_database(session, reader):
    reader.accept("IF", "NOT", "EXISTS")
    name = reader.name()
    reader.end()
    if name in SYSTEM_DATABASES:
        return of_texts(["Database", "Create Database"], [[name, f"CREATE DATABASE `{name}`"]])
    owner = session.world.catalog.database(name)
    text = f"CREATE DATABASE `{name}`"
    shown = {k: v for k, v in owner.properties.items() if not k.endswith("_quota")}
    if shown:
        text += "\nPROPERTIES (" + ", ".join(f'"{k}" = "{v}"' for k, v in sorted(shown.items())) + ")"
    return of_texts(["Database", "Create Database"], [[name, text]])


def views(session, reader):
    name = database_of(session, reader)
    test = like(reader)
    found = sorted(t.name for d, t in information_schema.seen_tables(session)
                   if d == name and t.view_sql is not None and t.materialized is None)
    return Filter(reader).result([f"Views_in_{name}"], [[n] for n in found if test(n)])


def materialized_views(session, reader):
    name = database_of(session, reader)
    test = like(reader)
    titles, rows = information_schema.materialized_rows(session)
    at = titles.index("TABLE_SCHEMA"), titles.index("TABLE_NAME")
    lowered = [{"MATERIALIZED_VIEW_ID": "id", "TABLE_SCHEMA": "database_name", "TABLE_NAME": "name", "TABLE_ROWS": "rows",
                "MATERIALIZED_VIEW_DEFINITION": "text"}.get(t, t.lower()) for t in titles]
    return Filter(reader).result(lowered, [r for r in rows if r[at[0]] == name and test(r[at[1]])])


# ---------------------------------------------------------------- schema changes
ALTER = {"COLUMN": ["JobId", "TableName", "CreateTime", "FinishTime", "IndexName", "IndexId", "OriginIndexId",
                    "SchemaVersion", "TransactionId", "State", "Msg", "Progress", "Timeout"],
         "ROLLUP": ["JobId", "TableName", "CreateTime", "FinishedTime", "BaseIndexName", "RollupIndexName", "RollupId",
                    "TransactionId", "State", "Msg", "Progress", "Timeout"],
         "OPTIMIZE": ["JobId", "TableName", "CreateTime", "FinishTime", "Operation", "TransactionId", "State", "Msg",
                      "Progress", "Timeout"]}
ALTER_TIMEOUT = 86400


def alter_table(session, reader):
    if reader.token.upper == "MATERIALIZED":
        reader.next()
        reader.expect("VIEW")
        kind = "ROLLUP"
    else:
        reader.accept("TABLE")
        kind = reader.one_of("COLUMN", "ROLLUP", "OPTIMIZE")
    name = database_of(session, reader)
    owner = session.world.catalog.database(name)
    filters = Filter(reader)
    rows = [_job_row(session, kind, j) for j in session.world.jobs.of(owner.id) if j.kind == kind]
    return filters.result(ALTER[kind], rows, ["TableName", "CreateTime", ALTER[kind][3], "State"]
                          + (["IndexName"] if kind == "COLUMN" else []))


def _job_row(session, kind, j):
    timeout = session.world.frontend_config.get("alter_table_timeout_second", ALTER_TIMEOUT)
    begun = [j.id, j.table, moment(j.created), moment(j.finished)]
    ended = [j.txn_id, j.state, j.message, j.progress, timeout]
    if kind == "ROLLUP":
        return [*begun, j.table, j.rollup, j.rollup_id, *ended]
    if kind == "OPTIMIZE":
        return [*begun, j.operation, *ended]
    return [*begun, j.table, j.index_id, j.table_id + 1, f"{j.schema_version}:{j.schema_hash}", *ended]


# ---------------------------------------------------------------- the rest
def warnings(session, reader):
    return of_texts(["Level", "Code", "Message"], [])


STATUS = ["Name", "Engine", "Version", "Row_format", "Rows", "Avg_row_length", "Data_length", "Max_data_length",
          "Index_length", "Data_free", "Auto_increment", "Create_time", "Update_time", "Check_time", "Collation", "Checksum",
          "Create_options", "Comment"]


def table_status(session, reader):
    name = database_of(session, reader)
    test = like(reader)
    filters = Filter(reader)
    session.world.catalog.database(name)
    rows = []
    for database, t in information_schema.seen_tables(session):
        if database != name or not test(t.name):
            continue
        view = t.view_sql is not None
        count = None if view else session.world.approximate_rows(t)
        average = None if view else show_tables.row_bytes(t) if count else 0
        rows.append([t.name, None if view and t.materialized is None else "StarRocks", None, None, count, average,
                     None if view else average * count, None, None, None, None, moment(t.created),
                     None if view else moment(t.updated), None, "utf8_general_ci", None, None, t.comment])
    return filters.result(STATUS, rows)


def dynamic_partition_tables(session, reader):
    name = database_of(session, reader)
    owner = session.world.catalog.database(name)
    rows = [dynamic_partitions.row(t, moment) for t in owner.tables.values()]
    return Filter(reader).result(dynamic_partitions.TITLES, [r for r in rows if r is not None])


def catalogs(session, reader):
    return of_texts(["Catalog", "Type", "Comment"], [["default_catalog", "Internal", "An internal catalog contains this "
                                                      "cluster's self-managed tables."]])


def create_catalog(session, reader):
    name = reader.name()
    if name == "default_catalog":
        raise SqlError("Getting analyzing error. Detail message: default_catalog is not support.")
    raise SqlError(f"Getting analyzing error. Detail message: Unknown catalog '{name}'.")


def engines(session, reader):
    return of_texts(["Engine", "Support", "Comment", "Transactions", "XA", "Savepoints"],
                    [["OLAP", "YES", "Default storage engine of StarRocks", "NO", "NO", "NO"],
                     ["MySQL", "YES", "MySQL server which data is in it", "NO", "NO", "NO"],
                     ["ELASTICSEARCH", "YES", "ELASTICSEARCH cluster which data is in it", "NO", "NO", "NO"],
                     ["HIVE", "YES", "HIVE database which data is in it", "NO", "NO", "NO"],
                     ["ICEBERG", "YES", "ICEBERG data lake which data is in it", "NO", "NO", "NO"]])


def charset(session, reader):
    test = like(reader)
    rows = [["utf8", "UTF-8 Unicode", "utf8_general_ci", "3"]]
    return Filter(reader).result(["Charset", "Description", "Default collation", "Maxlen"], [r for r in rows if test(r[0])])


def collation(session, reader):
    test = like(reader)
    rows = [["utf8_general_ci", "utf8", "33", "Yes", "Yes", "1"]]
    return Filter(reader).result(["Collation", "Charset", "Id", "Default", "Compiled", "Sortlen"],
                                 [r for r in rows if test(r[0])])


def privileges(session, reader):
    rows = [["Alter", "Tables", "To alter the table"], ["Create", "Databases,Tables,Indexes", "To create new databases and tables"],
            ["Delete", "Tables", "To delete existing rows"], ["Drop", "Databases,Tables", "To drop databases, tables, and views"],
            ["Insert", "Tables", "To insert data into tables"], ["Select", "Tables", "To retrieve rows from table"]]
    return of_texts(["Privilege", "Context", "Comment"], rows)


STATEMENTS = [
    (("DATABASES",), databases), (("SCHEMAS",), databases), (("TABLES",), tables), (("TABLE", "STATUS"), table_status),
    (("VIEWS",), views), (("MATERIALIZED", "VIEWS"), materialized_views), (("CREATE", "TABLE"), show_tables.create_table),
    (("CREATE", "VIEW"), show_tables.create_view), (("CREATE", "MATERIALIZED", "VIEW"), show_tables.create_table),
    (("CREATE", "DATABASE"), create_database), (("CREATE", "SCHEMA"), create_database),
    (("CREATE", "CATALOG"), create_catalog), (("CREATE", "EXTERNAL", "CATALOG"), create_catalog),
    (("COLUMNS",), show_tables.columns), (("FIELDS",), show_tables.columns), (("ALTER",), alter_table),
    (("TRANSACTION",), show_cluster.transaction), (("PROC",), show_proc.run), (("BACKENDS",), show_cluster.backends),
    (("COMPUTE", "NODES"), show_cluster.compute_nodes), (("FRONTENDS",), show_cluster.frontends),
    (("VARIABLES",), variables.show), (("GLOBAL", "VARIABLES"), variables.show_global),
    (("SESSION", "VARIABLES"), variables.show), (("LOCAL", "VARIABLES"), variables.show),
    (("VERBOSE", "VARIABLES"), variables.show_verbose), (("WARNINGS",), warnings), (("ERRORS",), warnings),
    (("GRANTS",), rights.show_grants), (("USERS",), accounts.show_users), (("ROLES",), rights.show_roles),
    (("AUTHENTICATION",), accounts.show_authentication), (("ALL", "AUTHENTICATION"), accounts.show_all_authentication),
    (("PROPERTY",), accounts.show_property), (("PROCESSLIST",), admin.processlist),
    (("PARTITIONS",), show_tables.show_partitions), (("TABLET",), show_tables.tablets), (("TABLETS",), show_tables.tablets),
    (("DATA",), show_tables.sizes), (("DYNAMIC", "PARTITION", "TABLES"), dynamic_partition_tables),
    (("INDEX",), show_tables.index), (("INDEXES",), show_tables.index), (("KEYS",), show_tables.index),
    (("KEY",), show_tables.index), (("CATALOGS",), catalogs), (("ENGINES",), engines), (("STORAGE", "ENGINES"), engines),
    (("CHARSET",), charset), (("CHAR", "SET"), charset), (("CHARACTER", "SET"), charset), (("COLLATION",), collation),
    (("PRIVILEGES",), privileges), (("LOAD",), show_loads.loads), (("STREAM", "LOAD"), show_loads.stream_loads),
    (("ALL", "STREAM", "LOAD"), show_loads.stream_loads), (("DELETE",), show_loads.deletes),
]
