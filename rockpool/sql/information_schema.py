"""information_schema: tables made from the catalogue when they are asked for."""
import datetime
import json

import pyarrow as pa
from sqlglot import exp

from rockpool.catalog import MODELS
from rockpool.errors import SqlError
from rockpool.sql import variables
from rockpool.sql.columns import analyzing

TEXT, BIG, TIME, DOUBLE = pa.string(), pa.int64(), pa.timestamp("us"), pa.float64()
CHARSET = "utf8"


def build(session, owner, name, node):
    """(name to register, Arrow table) for information_schema.<name>."""
    maker = MAKERS.get(name)
    if maker is None:
        raise SqlError(f"Getting analyzing error. Detail message: Unknown table '{owner}.{name}'.",
                       session.world.version.code(5502))
    names, types, rows = maker(session, node)
    columns = list(zip(*rows)) if rows else [[] for _ in names]
    arrays = [pa.array(list(c), t) for c, t in zip(columns, types)]
    return f"is_{name}", pa.table(arrays, names=names)


def made(*columns):
    """Decorates a maker of rows with its columns: "NAME" is text, ("NAME", type) is not."""
    names = [c if isinstance(c, str) else c[0] for c in columns]
    types = [TEXT if isinstance(c, str) else c[1] for c in columns]

    def wrap(rows):
        def maker(session, node):
            return names, types, [list(r) for r in rows(session, node)]
        maker.names = names
        return maker
    return wrap


def _moment(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).replace(tzinfo=None) if seconds else None


def _tables(session):
    """(database name, Table) that the user may see."""
    users, user = session.world.users, session.user
    for database in session.world.catalog.databases.values():
        for table in database.tables.values():
            if any(users.may(user, p, database.name, table.name) for p in ("SELECT", "INSERT", "ALTER", "DROP")):
                yield database.name, table


def equal_to(node, name):
    """The literal that the query compares a column of this table with, or None."""
    select = node.find_ancestor(exp.Select)
    where = select.args.get("where") if select else None
    for equal in where.find_all(exp.EQ) if where else ():
        left, right = equal.this, equal.expression
        if isinstance(right, exp.Column):
            left, right = right, left
        if isinstance(left, exp.Column) and left.name.lower() == name and isinstance(right, exp.Literal):
            return right.this
    return None


@made("CATALOG_NAME", "SCHEMA_NAME", "DEFAULT_CHARACTER_SET_NAME", "DEFAULT_COLLATION_NAME", "SQL_PATH")
def schemata(session, node):
    visible = {d for d, _ in _tables(session)}
    for name in ["information_schema", *session.world.catalog.databases, "sys"]:
        if name in visible or name in ("information_schema", "sys") or "root" in session.user.roles:
            yield "def", name, CHARSET, "utf8_general_ci", None


@made("TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "TABLE_TYPE", "ENGINE", ("VERSION", BIG), "ROW_FORMAT",
      ("TABLE_ROWS", BIG), ("AVG_ROW_LENGTH", BIG), ("DATA_LENGTH", BIG), ("MAX_DATA_LENGTH", BIG), ("INDEX_LENGTH", BIG),
      ("DATA_FREE", BIG), ("AUTO_INCREMENT", BIG), ("CREATE_TIME", TIME), ("UPDATE_TIME", TIME), ("CHECK_TIME", TIME),
      "TABLE_COLLATION", ("CHECKSUM", BIG), "CREATE_OPTIONS", "TABLE_COMMENT")
def tables(session, node):
    for database, t in _tables(session):
        view = t.view_sql is not None
        rows = None if view else session.world.approximate_rows(t)
        yield ("def", database, t.name, "VIEW" if view else "BASE TABLE", None if view else "StarRocks", None, "", rows,
               None, None, None, None, None, None, _moment(t.created), _moment(t.updated), None, "utf8_general_ci", None,
               "", t.comment)
    for name, maker in MAKERS.items():
        yield ("def", "information_schema", name, "SYSTEM VIEW", "", None, "", None, None, None, None, None, None, None,
               None, None, None, "utf8_general_ci", None, "", "")


@made("TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME", ("ORDINAL_POSITION", BIG), "COLUMN_DEFAULT",
      "IS_NULLABLE", "DATA_TYPE", ("CHARACTER_MAXIMUM_LENGTH", BIG), ("CHARACTER_OCTET_LENGTH", BIG),
      ("NUMERIC_PRECISION", BIG), ("NUMERIC_SCALE", BIG), ("DATETIME_PRECISION", BIG), "CHARACTER_SET_NAME",
      "COLLATION_NAME", "COLUMN_TYPE", "COLUMN_KEY", "EXTRA", "PRIVILEGES", "COLUMN_COMMENT", ("COLUMN_SIZE", BIG),
      ("DECIMAL_DIGITS", BIG), "GENERATION_EXPRESSION", ("SRS_ID", BIG))
def columns(session, node):
    database, name = equal_to(node, "table_schema"), equal_to(node, "table_name")
    for owner, t in _tables(session):
        if database is not None and owner != database or name is not None and t.name != name:
            continue
        for position, c in enumerate(t.columns, 1):
            yield _column(session, owner, t, position, c)
    if database is None or database == "information_schema":
        for system, maker in MAKERS.items():
            for position, column in enumerate(maker.names, 1):
                yield ("def", "information_schema", system, column, position, None, "YES", "varchar", 1048576, 1048576,
                       None, None, None, CHARSET, "utf8_general_ci", "varchar(1048576)", "", "", "", "", 1048576, None,
                       "", None)


PRECISION = {"TINYINT": 3, "SMALLINT": 5, "INT": 10, "BIGINT": 19, "LARGEINT": 39, "FLOAT": 7, "DOUBLE": 15}


def _column(session, owner, t, position, c):
    kind = c.type
    data_type, column_type = kind.catalogued()
    length = kind.length if kind.is_text or kind.name == "VARBINARY" else None
    precision = kind.precision if kind.name == "DECIMAL" else PRECISION.get(kind.name)
    scale = kind.scale if kind.name == "DECIMAL" else 0 if kind.is_integer else None
    moment = 6 if kind.name == "DATETIME" and session.world.version.since(4, 1) else None
    key = {"PRIMARY": "PRI", "UNIQUE": "UNI", "DUPLICATE": "DUP", "AGGREGATE": "AGG"}.get(t.model, "") if c.is_key else ""
    return ("def", owner, t.name, c.name, position, c.default, "YES" if c.nullable else "NO", data_type, length, length,
            precision, scale, moment, CHARSET if kind.is_text else None, "utf8_general_ci" if kind.is_text else None,
            column_type, key, "auto_increment" if c.auto_increment else "", "", c.comment, length or precision, scale,
            c.generated or "", None)


def names_text(names):
    return ", ".join(f"`{n}`" for n in names)


@made("TABLE_SCHEMA", "TABLE_NAME", "TABLE_ENGINE", "TABLE_MODEL", "PRIMARY_KEY", "PARTITION_KEY", "DISTRIBUTE_KEY",
      "DISTRIBUTE_TYPE", ("DISTRIBUTE_BUCKET", pa.int32()), "SORT_KEY", "PROPERTIES", ("TABLE_ID", BIG))
def tables_config(session, node):
    for owner, t in _tables(session):
        if t.view_sql is not None:
            continue
        parts = t.partitioning
        keys = names_text(t.keys)
        yield (owner, t.name, "OLAP", MODELS[t.model], keys if t.model in ("PRIMARY", "UNIQUE") else "",
               names_text(parts.columns) if parts else "", names_text(t.hash_columns), t.distribution,
               t.buckets or 2, names_text(t.sort_key or t.keys),
               json.dumps(dict(sorted(t.properties.items())), separators=(",", ":")), t.id)


def _load_state(txn):
    return {"VISIBLE": "FINISHED", "COMMITTED": "FINISHED", "ABORTED": "CANCELLED", "PREPARED": "PREPARED"}.get(
        txn.state, "LOADING")


@made(("ID", BIG), "LABEL", "PROFILE_ID", "DB_NAME", "TABLE_NAME", "USER", "WAREHOUSE", "STATE", "PROGRESS", "TYPE",
      "PRIORITY", ("SCAN_ROWS", BIG), ("SCAN_BYTES", BIG), ("FILTERED_ROWS", BIG), ("UNSELECTED_ROWS", BIG),
      ("SINK_ROWS", BIG), "RUNTIME_DETAILS", ("CREATE_TIME", TIME), ("LOAD_START_TIME", TIME), ("LOAD_COMMIT_TIME", TIME),
      ("LOAD_FINISH_TIME", TIME), "PROPERTIES", "ERROR_MSG", "TRACKING_SQL", "REJECTED_RECORD_PATH", ("JOB_ID", BIG))
def loads(session, node):
    for t in session.world.txns.by_id.values():
        tracking = (f"select tracking_log from information_schema.load_tracking_logs where job_id={t.id}"
                    if t.tracking else "")
        yield (t.id, t.label, "", t.database, ",".join(t.tables), t.user, "default_warehouse", _load_state(t),
               "100%" if t.is_finished else "0%", t.kind, "NORMAL", t.total, t.bytes, t.filtered, t.unselected, t.loaded,
               "{}", _moment(t.begun), _moment(t.begun), _moment(t.committed), _moment(t.finished),
               json.dumps(t.headers), t.reason, tracking, "", t.id)


@made("LABEL", ("ID", BIG), "LOAD_ID", ("TXN_ID", BIG), "DB_NAME", "TABLE_NAME", "STATE", "ERROR_MSG", "TRACKING_URL",
      ("CHANNEL_NUM", BIG), ("PREPARED_CHANNEL_NUM", BIG), ("NUM_ROWS_NORMAL", BIG), ("NUM_ROWS_AB_NORMAL", BIG),
      ("NUM_ROWS_UNSELECTED", BIG), ("NUM_LOAD_BYTES", BIG), ("TIMEOUT_SECOND", BIG), ("CREATE_TIME_MS", TIME),
      ("BEFORE_LOAD_TIME_MS", TIME), ("START_LOADING_TIME_MS", TIME), ("START_PREPARING_TIME_MS", TIME),
      ("FINISH_PREPARING_TIME_MS", TIME), ("END_TIME_MS", TIME), "CHANNEL_STATE", "TYPE", "TRACKING_SQL")
def stream_loads(session, node):
    for t in session.world.txns.by_id.values():
        if t.kind != "STREAM":
            continue
        yield (t.label, t.id, "", t.id, t.database, ",".join(t.tables), _load_state(t), t.reason, t.tracking, 1, 0,
               t.loaded, t.filtered, t.unselected, t.bytes, int(t.timeout), _moment(t.begun), _moment(t.begun),
               _moment(t.begun), _moment(t.prepared), _moment(t.prepared), _moment(t.finished), "", "STREAM_LOAD", "")


@made(("JOB_ID", BIG), "LABEL", "DATABASE_NAME", "TRACKING_LOG", "TYPE")
def load_tracking_logs(session, node):
    label, job = equal_to(node, "label"), equal_to(node, "job_id")
    if label is None and job is None:
        raise analyzing("load_tracking_logs must specify label or job_id")
    for number, text in session.world.tracking_logs.items():
        txn = session.world.txns.by_id.get(number)
        if txn is not None:
            yield txn.id, txn.label, txn.database, text, txn.kind


@made(("PARTITION_ID", BIG), "DB_NAME", "TABLE_NAME", "PARTITION_NAME", ("VISIBLE_VERSION", BIG), ("ROW_COUNT", BIG),
      "PARTITION_KEY", "PARTITION_VALUE", "DISTRIBUTION_KEY", ("BUCKETS", pa.int32()), ("REPLICATION_NUM", pa.int32()))
def partitions_meta(session, node):
    for owner, t in _tables(session):
        if t.view_sql is None:
            yield (t.id + 1, owner, t.name, t.name, t.schema_version + 2, session.world.approximate_rows(t), "", "",
                   names_text(t.hash_columns), t.buckets or 2, int(t.properties.get("replication_num", 1)))


@made("TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "VIEW_DEFINITION", "CHECK_OPTION", "IS_UPDATABLE", "DEFINER",
      "SECURITY_TYPE", "CHARACTER_SET_CLIENT", "COLLATION_CONNECTION")
def views(session, node):
    for owner, t in _tables(session):
        if t.view_sql is not None:
            yield "def", owner, t.name, t.view_sql, "NONE", "NO", "", "", CHARSET, "utf8_general_ci"


@made("CONSTRAINT_CATALOG", "CONSTRAINT_SCHEMA", "CONSTRAINT_NAME", "TABLE_SCHEMA", "TABLE_NAME", "CONSTRAINT_TYPE")
def table_constraints(session, node):
    return []


@made("CONSTRAINT_CATALOG", "CONSTRAINT_SCHEMA", "CONSTRAINT_NAME", "TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME",
      "COLUMN_NAME", ("ORDINAL_POSITION", BIG))
def key_column_usage(session, node):
    return []


@made("TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", ("NON_UNIQUE", BIG), "INDEX_SCHEMA", "INDEX_NAME",
      ("SEQ_IN_INDEX", BIG), "COLUMN_NAME", "COLLATION", ("CARDINALITY", BIG), ("SUB_PART", BIG), "PACKED", "NULLABLE",
      "INDEX_TYPE", "COMMENT", "INDEX_COMMENT", "EXPRESSION")
def statistics(session, node):
    return []


@made("ENGINE", "SUPPORT", "COMMENT", "TRANSACTIONS", "XA", "SAVEPOINTS")
def engines(session, node):
    yield "OLAP", "YES", "Default storage engine of StarRocks", "NO", "NO", "NO"


@made("VARIABLE_NAME", "VARIABLE_VALUE")
def session_variables(session, node):
    return variables.all_of(session)


@made(("BE_ID", BIG), ("LOAD_ID", BIG), ("TXN_ID", BIG), ("PARTITION_ID", BIG), ("TABLET_ID", BIG),
      ("CREATE_TIME", BIG), ("COMMIT_TIME", BIG), ("PUBLISH_TIME", BIG), ("VERSION", BIG), ("NUM_ROW", BIG))
def be_txns(session, node):
    return []


@made(("BE_ID", BIG), "NAME", "VALUE", "TYPE", "DEFAULT", ("MUTABLE", pa.bool_()))
def be_configs(session, node):
    for backend in session.world.backends:
        yield backend.id, "be_http_port", str(backend.port), "int", "8040", False
        yield backend.id, "streaming_load_max_mb", "102400", "int", "102400", True


MAKERS = {"schemata": schemata, "tables": tables, "columns": columns, "tables_config": tables_config, "loads": loads,
          "stream_loads": stream_loads, "load_tracking_logs": load_tracking_logs, "partitions_meta": partitions_meta,
          "views": views, "table_constraints": table_constraints, "key_column_usage": key_column_usage,
          "statistics": statistics, "engines": engines, "session_variables": session_variables, "be_txns": be_txns,
          "be_configs": be_configs}
