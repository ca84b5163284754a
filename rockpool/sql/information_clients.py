"""Tables of information_schema that clients ask for besides tables and columns. Most are empty on StarRocks too."""
import pyarrow as pa

from rockpool.sql import variables

BIG, TIME = pa.int64(), pa.timestamp("us")
CONSTRAINT = ("CONSTRAINT_CATALOG", "CONSTRAINT_SCHEMA", "CONSTRAINT_NAME")
TABLE = ("TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME")
GRANTED = ("PRIVILEGE_TYPE", "IS_GRANTABLE")
EMPTY = {
    "materialized_views": (("MATERIALIZED_VIEW_ID", BIG), "TABLE_SCHEMA", "TABLE_NAME", "REFRESH_TYPE", "IS_ACTIVE",
                           "INACTIVE_REASON", "PARTITION_TYPE", ("TASK_ID", BIG), "TASK_NAME", ("LAST_REFRESH_START_TIME", TIME),
                           ("LAST_REFRESH_FINISHED_TIME", TIME), ("LAST_REFRESH_DURATION", pa.float64()), "LAST_REFRESH_STATE",
                           "LAST_REFRESH_FORCE_REFRESH", "LAST_REFRESH_START_PARTITION", "LAST_REFRESH_END_PARTITION",
                           "LAST_REFRESH_BASE_REFRESH_PARTITIONS", "LAST_REFRESH_MV_REFRESH_PARTITIONS",
                           "LAST_REFRESH_ERROR_CODE", "LAST_REFRESH_ERROR_MESSAGE", ("TABLE_ROWS", BIG),
                           "MATERIALIZED_VIEW_DEFINITION", "EXTRA_MESSAGE", "QUERY_REWRITE_STATUS", "CREATOR"),
    "referential_constraints": (*CONSTRAINT, "UNIQUE_CONSTRAINT_CATALOG", "UNIQUE_CONSTRAINT_SCHEMA", "UNIQUE_CONSTRAINT_NAME",
                                "MATCH_OPTION", "UPDATE_RULE", "DELETE_RULE", "TABLE_NAME", "REFERENCED_TABLE_NAME"),
    "key_column_usage": (*CONSTRAINT, *TABLE, "COLUMN_NAME", ("ORDINAL_POSITION", BIG), ("POSITION_IN_UNIQUE_CONSTRAINT", BIG),
                         "REFERENCED_TABLE_SCHEMA", "REFERENCED_TABLE_NAME", "REFERENCED_COLUMN_NAME"),
    "routines": ("SPECIFIC_NAME", "ROUTINE_CATALOG", "ROUTINE_SCHEMA", "ROUTINE_NAME", "ROUTINE_TYPE", "DTD_IDENTIFIER",
                 "ROUTINE_BODY", "ROUTINE_DEFINITION", "EXTERNAL_NAME", "EXTERNAL_LANGUAGE", "PARAMETER_STYLE",
                 "IS_DETERMINISTIC", "SQL_DATA_ACCESS", "SQL_PATH", "SECURITY_TYPE", ("CREATED", TIME), ("LAST_ALTERED", TIME),
                 "SQL_MODE", "ROUTINE_COMMENT", "DEFINER", "CHARACTER_SET_CLIENT", "COLLATION_CONNECTION", "DATABASE_COLLATION"),
    "triggers": ("TRIGGER_CATALOG", "TRIGGER_SCHEMA", "TRIGGER_NAME", "EVENT_MANIPULATION", "EVENT_OBJECT_CATALOG",
                 "EVENT_OBJECT_SCHEMA", "EVENT_OBJECT_TABLE", ("ACTION_ORDER", BIG), "ACTION_CONDITION", "ACTION_STATEMENT",
                 "ACTION_ORIENTATION", "ACTION_TIMING", "ACTION_REFERENCE_OLD_TABLE", "ACTION_REFERENCE_NEW_TABLE",
                 "ACTION_REFERENCE_OLD_ROW", "ACTION_REFERENCE_NEW_ROW", ("CREATED", TIME), "SQL_MODE", "DEFINER",
                 "CHARACTER_SET_CLIENT", "COLLATION_CONNECTION", "DATABASE_COLLATION"),
    "events": ("EVENT_CATALOG", "EVENT_SCHEMA", "EVENT_NAME", "DEFINER", "TIME_ZONE", "EVENT_BODY", "EVENT_DEFINITION",
               "EVENT_TYPE", ("EXECUTE_AT", TIME), "INTERVAL_VALUE", "INTERVAL_FIELD", "SQL_MODE", ("STARTS", TIME), ("ENDS", TIME),
               "STATUS", "ON_COMPLETION", ("CREATED", TIME), ("LAST_ALTERED", TIME), ("LAST_EXECUTED", TIME), "EVENT_COMMENT",
               ("ORIGINATOR", BIG), "CHARACTER_SET_CLIENT", "COLLATION_CONNECTION", "DATABASE_COLLATION"),
    "column_privileges": ("GRANTEE", *TABLE, "COLUMN_NAME", *GRANTED)}
FILLED = {
    "character_sets": ("CHARACTER_SET_NAME", "DEFAULT_COLLATE_NAME", "DESCRIPTION", ("MAXLEN", BIG)),
    "collations": ("COLLATION_NAME", "CHARACTER_SET_NAME", ("ID", BIG), "IS_DEFAULT", "IS_COMPILED", ("SORTLEN", BIG)),
    "global_variables": ("VARIABLE_NAME", "VARIABLE_VALUE"), "user_privileges": ("GRANTEE", "TABLE_CATALOG", *GRANTED),
    "schema_privileges": ("GRANTEE", "TABLE_CATALOG", "TABLE_SCHEMA", *GRANTED), "table_privileges": ("GRANTEE", *TABLE, *GRANTED)}


def _granted(session, *kinds):
    """(user, database, object, privilege, grantable) of the grants that somebody may see: his own, or all."""
    users = session.world.users
    everybody = users.may_any(session.user, "GRANT", "SYSTEM")
    for user in users.known.values():
        if everybody or user is session.user.user:
            for privilege, kind, database, name, passed_on in user.grants:
                if kind in kinds:
                    yield user.identity, database, name, privilege, "YES" if passed_on else "NO"


def user_privileges(session, node):
    for grantee, _, _, privilege, passed_on in _granted(session, "SYSTEM", "CATALOG"):
        yield grantee, "def", privilege, passed_on


def schema_privileges(session, node):
    for grantee, database, _, privilege, passed_on in _granted(session, "DATABASE"):
        yield grantee, "def", database, privilege, passed_on


def table_privileges(session, node):
    for grantee, database, name, privilege, passed_on in _granted(session, "TABLE", "VIEW"):
        yield grantee, "def", database, name, privilege, passed_on


def character_sets(session, node):
    yield "utf8", "utf8_general_ci", "UTF-8 Unicode", 3


def collations(session, node):
    yield "utf8_general_ci", "utf8", 33, "Yes", "Yes", 1


def global_variables(session, node):
    return variables.all_of(session, "GLOBAL")


def makers(made):
    """{name: maker} for information_schema; made: its decorator."""
    found = {name: made(*columns)(lambda session, node: []) for name, columns in EMPTY.items()}
    found.update({name: made(*columns)(globals()[name]) for name, columns in FILLED.items()})
    return found
