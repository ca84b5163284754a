"""SET, ADMIN and KILL; the session variables that clients ask for."""
import difflib
import re

from rockpool.errors import SqlError
from rockpool.mysql.wire import of_texts
from rockpool.sql import rights

DEFAULTS = {
    "auto_increment_increment": "1", "autocommit": "1", "batch_size": "4096", "big_query_profile_threshold": "0s",
    "catalog": "default_catalog", "character_set_client": "utf8", "character_set_connection": "utf8",
    "character_set_database": "utf8", "character_set_results": "utf8", "character_set_server": "utf8",
    "chunk_size": "4096", "collation_connection": "utf8_general_ci", "collation_database": "utf8_general_ci",
    "collation_server": "utf8_general_ci", "enable_insert_partial_update": "true", "enable_insert_strict": "true",
    "enable_profile": "false", "exec_mem_limit": "2147483648", "foreign_key_checks": "1", "unique_checks": "1",
    "group_concat_max_len": "1024", "init_connect": "", "insert_timeout": "14400", "interactive_timeout": "3600",
    "license": "Apache License 2.0", "lower_case_table_names": "0", "max_allowed_packet": "33554432",
    "net_buffer_length": "16384", "net_read_timeout": "60", "net_write_timeout": "60", "new_planner_optimize_timeout": "3000",
    "parallel_fragment_exec_instance_num": "1", "partial_update_mode": "auto", "performance_schema": "0",
    "pipeline_dop": "0", "query_cache_size": "1048576", "query_cache_type": "0", "query_timeout": "300",
    "resource_group": "", "session_track_schema": "1", "sql_auto_is_null": "0", "sql_mode": "ONLY_FULL_GROUP_BY",
    "sql_safe_updates": "0", "sql_select_limit": "9223372036854775807", "system_time_zone": "UTC",
    "time_zone": "Asia/Shanghai", "transaction_isolation": "REPEATABLE-READ", "transaction_read_only": "OFF",
    "tx_isolation": "REPEATABLE-READ", "tx_read_only": "OFF", "tx_visible_wait_timeout": "10", "version_comment": "",
    "wait_timeout": "28800", "max_execution_time": "0", "sql_dialect": "StarRocks", "enable_strict_type": "false",
    "hash_join_push_down_right_table": "true", "default_table_compression": "lz4_frame", "storage_engine": "olap",
    "default_rowset_type": "alpha", "div_precision_increment": "4", "event_scheduler": "OFF", "profiling": "false"}


def value_of(session, name):
    """The value of a system variable; 1193 when there is none."""
    name = name.lower()
    version = session.world.version
    if name == "version":
        return version.mysql_version
    if name == "version_comment":
        return version.current_version
    if name in session.variables:
        return session.variables[name]
    if name in session.world.global_variables:
        return session.world.global_variables[name]
    if name in DEFAULTS:
        return DEFAULTS[name]
    raise SqlError(f"Unknown system variable '{name}', the most similar variables are {{'{_nearest(name)}'}}",
                   version.code(1193))


def _nearest(name):
    return (difflib.get_close_matches(name, DEFAULTS, 1, 0) or ["version"])[0]


def all_of(session):
    names = sorted({*DEFAULTS, "version", *session.variables})
    return [(n, value_of(session, n)) for n in names]


async def run(session, reader):
    reader.expect("SET")
    if reader.accept("PASSWORD"):
        return await rights.set_password(session, reader)
    if reader.accept("NAMES") or reader.accept("CHARSET") or reader.accept("CHARACTER", "SET"):
        reader.next()
        if reader.accept("COLLATE"):
            reader.next()
        return None
    if reader.accept("CATALOG"):
        name = reader.string()
        if name != "default_catalog":
            raise SqlError(f"Unknown catalog '{name}'")
        return None
    if reader.sees("ROLE") or reader.sees("DEFAULT", "ROLE") or reader.sees("TRANSACTION") or (
            reader.ahead().upper == "TRANSACTION"):
        return None
    while True:
        await _assignment(session, reader)
        if not reader.accept(","):
            break
    reader.end()
    return None


async def _assignment(session, reader):
    scope = "SESSION"
    if reader.token.upper in ("GLOBAL", "SESSION", "LOCAL", "PERSIST") and reader.ahead().kind in ("word", "quoted"):
        scope = reader.next().upper
    name = reader.next().value
    if not reader.accept("="):
        reader.expect(":=")
    value = await _value(session, reader)
    if name.startswith("@") and not name.startswith("@@"):
        session.user_variables[name[1:].lower()] = value
        return
    found = re.fullmatch(r"(?:@@)?(?:(global|session|local)\.)?(\w+)", name, re.I)
    if not found:
        raise reader.unexpected("a variable")
    if (found.group(1) or "").lower() == "global":
        scope = "GLOBAL"
    name = found.group(2).lower()
    value_of(session, name)  # 1193 for an unknown one
    if value is None and name.startswith("character_set"):
        value = "utf8"
    (session.world.global_variables if scope == "GLOBAL" else session.variables)[name] = value


async def _value(session, reader):
    if reader.sees("("):
        rows = (await session.one(reader.bracketed())).rows
        return rows[0][0] if rows else None
    sign = "-" if reader.accept("-") else ""
    token = reader.next()
    if token.upper == "NULL":
        return None
    if token.upper == "DEFAULT":
        return DEFAULTS.get(reader.tokens[reader.at - 3].value.lower(), "")
    if token.text.startswith("@@"):
        return value_of(session, token.text[2:].split(".")[-1])
    if token.text.startswith("@"):
        return session.user_variables.get(token.text[1:].lower())
    text = sign + token.value
    return {"TRUE": "true", "FALSE": "false", "ON": "true", "OFF": "false"}.get(token.upper, text)


# ---------------------------------------------------------------- ADMIN
CONFIG_COLUMNS = ("Key", "AliasNames", "Value", "Type", "IsMutable", "Comment")


def frontend_config(world):
    known = {"max_running_txn_num_per_db": (str(world.txns.max_running), "int"),
             "label_keep_max_num": (str(world.txns.keep_number), "int"),
             "label_keep_max_second": (str(world.txns.keep_seconds), "int"),
             "empty_load_as_error": (str(world.empty_load_as_error).lower(), "boolean"),
             "stream_load_default_timeout_second": ("600", "int"), "max_stream_load_timeout_second": ("259200", "int"),
             "prepared_transaction_default_timeout_second": ("86400", "int"), "mysql_server_version":
             (world.version.mysql_version, "String"), "http_port": (str(world.ports["fe_http"]), "int"),
             "query_port": (str(world.ports.get("mysql", 0)), "int"), "alter_table_timeout_second": ("86400", "int"),
             "transaction_clean_interval_second": ("30", "int"), "enable_fast_schema_evolution": ("true", "boolean"),
             "max_create_table_timeout_second": ("600", "int"), "default_replication_num": ("3", "short")}
    for name, value in world.frontend_config.items():
        known[name] = (value, known.get(name, ("", "String"))[1])
    return known


async def admin(session, reader):
    reader.expect("ADMIN")
    if reader.accept("SHOW"):
        reader.expect("FRONTEND", "CONFIG")
        pattern = reader.string() if reader.accept("LIKE") else "%"
        test = re.compile(re.escape(pattern).replace("%", ".*").replace(r"\%", ".*").replace("_", "."), re.I)
        rows = [[k, "[]", v, t, "true", ""] for k, (v, t) in sorted(frontend_config(session.world).items())
                if test.fullmatch(k)]
        return of_texts(CONFIG_COLUMNS, rows)
    reader.expect("SET", "FRONTEND", "CONFIG")
    for name, value in reader.properties().items():
        session.world.frontend_config[name] = value
        if name in session.world.settings():
            session.world.set({name: value})
    return None


async def kill(session, reader):
    reader.expect("KILL")
    reader.accept("QUERY") or reader.accept("CONNECTION")
    number = reader.integer()
    found = session.world.mysql.connections.get(number)
    if found is None:
        raise SqlError(f"Unknown thread id: {number}", session.world.version.code(1094))
    found.writer.close()
