"""ADMIN SHOW and SET FRONTEND CONFIG, KILL, SHOW PROCESSLIST."""
import re
import time

from rockpool.errors import SqlError
from rockpool.mysql.wire import of_texts

CONFIG_COLUMNS = ("Key", "AliasNames", "Value", "Type", "IsMutable", "Comment")
PROCESSES = ("Id", "User", "Host", "Db", "Command", "ConnectionStartTime", "Time", "State", "Info", "IsPending")
SHOWN_CHARACTERS = 100  # of a statement, without FULL


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
             "max_create_table_timeout_second": ("600", "int"), "default_replication_num": ("3", "short"),
             "ssl_force_secure_transport": (str(world.require_tls).lower(), "boolean"),
             "enable_https": (str("fe_https" in world.ports).lower(), "boolean"),
             "https_port": (str(world.ports.get("fe_https", 8443)), "int")}
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
        if name == "ssl_force_secure_transport":
            session.world.require_tls = value.lower() == "true"
    return None


# ---------------------------------------------------------------- connections
async def kill(session, reader):
    """KILL [CONNECTION] id cuts a connection; one's own, or any with OPERATE."""
    reader.expect("KILL")
    only_query = reader.accept("QUERY")
    only_query or reader.accept("CONNECTION")
    number = reader.integer()
    reader.end()
    found = session.world.mysql.connections.get(number)
    if found is None:
        raise SqlError(f"Unknown thread id: {number}", session.world.version.code(1094))
    if found.session.user.user is not session.user.user:
        session.require("OPERATE", "SYSTEM")
    if only_query:
        found.session.cancel()
    elif found.session is not session:
        found.channel.close()
    else:
        found.leaving = True


def processlist(session, reader):
    """All connections to who may operate the system, else one's own."""
    whole, now = getattr(reader, "full", False), time.time()
    everybody = session.world.users.may_any(session.user, "OPERATE", "SYSTEM")
    rows = [_process(c, now, whole) for c in session.world.mysql.connections.values()
            if c.admitted and (everybody or c.session.user.name == session.user.name)]
    return of_texts(PROCESSES, rows)


def _process(c, now, whole):
    busy = c.busy_since is not None
    text = (c.statement or "") if busy else ""
    return [c.id, c.session.user.name, c.channel.address, c.session.database, "Query" if busy else "Sleep",
            time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(c.started)), int(now - (c.busy_since or c.last_at)), "OK",
            text if whole else text[:SHOWN_CHARACTERS], "false"]
