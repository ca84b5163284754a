"""What a session knows of itself."""
from rockpool.sql import variables
from rockpool.sql.casts import quoted
from rockpool.sql.coercion import BIGINT, INT, NULL, TINYINT, VARCHAR
from rockpool.sql.functions.registry import define, special
from rockpool.sql.terms import Term


def _text(value):
    return Term("NULL", NULL, True) if value is None else Term(quoted(value), VARCHAR, True, value)


@special("database", "schema", "current_schema", "current_database")
def _database(compiler, nodes):
    return _text(compiler.session.database or None)


@special("user", "current_user", "session_user", "system_user")
def _user(compiler, nodes):
    return _text(compiler.session.user.identity)


@special("current_role")
def _role(compiler, nodes):
    return _text(", ".join(compiler.session.user.active) or "NONE")


@special("version")
def _version(compiler, nodes):
    return _text(compiler.session.world.version.mysql_version)


@special("current_version")
def _current_version(compiler, nodes):
    return _text(compiler.session.world.version.current_version)


@special("connection_id")
def _connection(compiler, nodes):
    return Term(f"CAST({compiler.session.id} AS BIGINT)", BIGINT, True)


@special("current_catalog", "catalog")
def _catalog(compiler, nodes):
    return _text("default_catalog")


@special("last_query_id")
def _last_query(compiler, nodes):
    return _text(None)


@special("current_timezone")
def _zone(compiler, nodes):
    return _text(str(variables.value_of(compiler.session, "time_zone")))


define("sleep", "i", TINYINT, "1::TINYINT")
define("host_name", "", VARCHAR, "'localhost'")
define("backend_id", "", INT, "10001")
