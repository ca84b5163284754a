"""System variables: what there are, their values, SHOW VARIABLES. Their texts are kept; SELECT @@x has the type's value."""
import difflib
import re

from sqlglot import exp

from rockpool.errors import SqlError
from rockpool.mysql.wire import of_texts

BOOLEANS = {
    "autocommit": True, "cbo_enable_low_cardinality_optimize": True, "enable_adaptive_sink_dop": True,
    "enable_filter_unused_columns_in_scan_stage": True, "enable_global_runtime_filter": True,
    "enable_group_execution": False, "enable_insert_partial_update": True, "enable_insert_strict": True,
    "enable_large_in_predicate": True, "enable_materialized_view_rewrite": True, "enable_pipeline_engine": True,
    "enable_populate_datacache": True, "enable_prepare_stmt": True, "enable_profile": False, "enable_query_cache": False,
    "enable_query_queue_select": False, "enable_scan_datacache": True, "enable_short_circuit": False, "enable_spill": False,
    "enable_sort_aggregate": False, "enable_strict_type": False, "enable_tablet_internal_parallel": True,
    "enable_udf": False, "enable_audit_execute_stmt": False, "foreign_key_checks": True, "forward_to_leader": False,
    "hash_join_push_down_right_table": True, "performance_schema": False, "profiling": False, "sql_auto_is_null": False,
    "lower_upper_support_utf8": False, "unique_checks": True, "use_compute_nodes_only": False, "prefer_compute_node": False,
    "activate_all_roles_on_login": False, "transaction_read_only": False, "tx_read_only": False}
NUMBERS = {
    "auto_increment_increment": 1, "batch_size": 4096, "big_query_log_cpu_second_threshold": 480, "chunk_size": 4096,
    "connector_io_tasks_per_scan_operator": 16, "div_precision_increment": 4, "exec_mem_limit": 2147483648,
    "group_concat_max_len": 1024, "insert_max_filter_ratio": 0, "insert_timeout": 14400, "interactive_timeout": 3600,
    "io_tasks_per_scan_operator": 4, "load_mem_limit": 0, "lower_case_table_names": 0, "max_allowed_packet": 33554432,
    "max_execution_time": 0, "net_buffer_length": 16384, "net_read_timeout": 60, "net_write_timeout": 60,
    "new_planner_optimize_timeout": 3000, "parallel_fragment_exec_instance_num": 1, "pipeline_dop": 0,
    "query_cache_size": 1048576, "query_cache_type": 0, "query_delivery_timeout": 300, "query_mem_limit": 0,
    "query_timeout": 300, "session_track_schema": 1, "sql_safe_updates": 0, "sql_select_limit": 9223372036854775807,
    "tx_visible_wait_timeout": 10, "wait_timeout": 28800}
TEXTS = {
    "big_query_profile_threshold": "0s", "catalog": "default_catalog", "character_set_client": "utf8",
    "character_set_connection": "utf8", "character_set_database": "utf8", "character_set_results": "utf8",
    "character_set_server": "utf8", "collation_connection": "utf8_general_ci", "collation_database": "utf8_general_ci",
    "collation_server": "utf8_general_ci", "custom_query_id": "", "default_rowset_type": "alpha",
    "default_table_compression": "lz4_frame", "event_scheduler": "OFF", "init_connect": "",
    "language": "/starrocks/share/english/", "license": "Apache License 2.0", "partial_update_mode": "auto",
    "resource_group": "", "runtime_profile_report_interval": "10", "sql_dialect": "StarRocks", "sql_mode": "ONLY_FULL_GROUP_BY",
    "spill_mode": "auto", "storage_engine": "olap", "system_time_zone": "Asia/Shanghai", "time_zone": "Asia/Shanghai",
    "transaction_isolation": "REPEATABLE-READ", "tx_isolation": "REPEATABLE-READ",
    "version": "", "version_comment": "", "warehouse": "default_warehouse"}
DEFAULTS = {**{n: str(v).lower() for n, v in BOOLEANS.items()}, **{n: str(v) for n, v in NUMBERS.items()}, **TEXTS}
READ_ONLY = {"version", "version_comment", "license", "language", "lower_case_table_names", "system_time_zone",
             "performance_schema"}
GLOBAL_ONLY = {"default_rowset_type", "query_cache_size", "init_connect", "activate_all_roles_on_login"}


def value_of(session, name, scope="SESSION"):
    """The text of a system variable; 1193 when there is none."""
    name = name.lower()
    version = session.world.version
    if name == "version":
        return version.mysql_version
    if name == "version_comment":
        return version.current_version
    if scope == "SESSION" and name in session.variables:
        return session.variables[name]
    if name in session.world.global_variables:
        return session.world.global_variables[name]
    if name in DEFAULTS:
        return DEFAULTS[name]
    raise unknown(session, name)


def unknown(session, name):
    nearest = difflib.get_close_matches(name, DEFAULTS, 3, 0)
    similar = ", ".join(f"'{n}'" for n in nearest)
    return SqlError(f"Unknown system variable '{name}', the most similar variables are {{{similar}}}",
                    session.world.version.code(1193))


def literal_of(session, node):
    """The value of @@name, @@session.name or @@global.name in a query."""
    scope = str(node.args.get("kind") or "").upper()
    name, text = node.name, value_of(session, node.name, "GLOBAL" if scope == "GLOBAL" else "SESSION")
    if name.lower() in BOOLEANS:
        return exp.Boolean(this=text == "true")
    if name.lower() in NUMBERS and text is not None and re.fullmatch(r"-?\d+", text):
        return exp.Literal.number(text)
    return exp.Null() if text is None else exp.Literal.string(text)


class Number(str):
    """The value of a user variable that was set to a number."""


def user_literal(session, name):
    """The value of @name in a query; NULL where it was never set."""
    value = session.user_variables.get(name.lower())
    if value is None:
        return exp.Null()
    return exp.Literal.number(value) if isinstance(value, Number) else exp.Literal.string(value)


def all_of(session, scope="SESSION"):
    return [(n, value_of(session, n, scope)) for n in sorted(DEFAULTS)]


# ---------------------------------------------------------------- SHOW VARIABLES
def show(session, reader, scope="SESSION"):
    """SHOW VARIABLES [LIKE 'pattern' | WHERE conditions on variable_name and value joined by AND or OR]"""
    test = _filter(reader)
    return of_texts(["Variable_name", "Value"], [[n, v] for n, v in all_of(session, scope) if test(n, v)])


def show_global(session, reader):
    return show(session, reader, "GLOBAL")


def show_verbose(session, reader):
    """With what a variable was before it was changed."""
    test = _filter(reader)
    rows = [[n, v, DEFAULTS[n] or v, int(bool(DEFAULTS[n]) and v != DEFAULTS[n])] for n, v in all_of(session) if test(n, v)]
    return of_texts(["Variable_name", "Value", "Default_value", "Is_changed"], rows)


def _filter(reader):
    if reader.accept("LIKE"):
        matches = _like(reader.string())
        return lambda name, value: matches(name)
    if not reader.accept("WHERE"):
        reader.end()
        return lambda name, value: True
    either = [_conjunction(reader)]
    while reader.accept("OR"):
        either.append(_conjunction(reader))
    return lambda name, value: any(all(t(name, value) for t in every) for every in either)


def _conjunction(reader):
    found = [_condition(reader)]
    while reader.accept("AND"):
        found.append(_condition(reader))
    return found


def _condition(reader):
    """variable_name or value, compared by =, LIKE, IN or <>."""
    of_name = reader.name().lower() == "variable_name"
    negated = reader.accept("NOT")
    word = reader.one_of("=", "LIKE", "IN", "<>", "!=")
    if word == "IN":
        reader.expect("(")
        wanted = {reader.string().lower()}
        while reader.accept(","):
            wanted.add(reader.string().lower())
        reader.expect(")")
        matches = wanted.__contains__
    elif word == "LIKE":
        matches = _like(reader.string())
    else:
        wanted = reader.string().lower()
        matches = wanted.__eq__
    differs = negated or word in ("<>", "!=")

    def test(name, value):
        return matches((name if of_name else str(value)).lower()) != differs
    return test


def _like(pattern):
    regex = "".join(".*" if ch == "%" else "." if ch == "_" else re.escape(ch) for ch in pattern)
    return lambda text: re.fullmatch(regex, text, re.I | re.S) is not None
