"""One MySQL connection's statements: which kind each is, and who carries it out."""
import asyncio

import duckdb

from rockpool.errors import SqlError
from rockpool.mysql import wire
from rockpool.mysql.wire import Result
from rockpool.sql import (accounts, admin, alter, assignments, ddl, dml, explicit, insert, permits, rights, select, show,
                          variables)
from rockpool.sql.lexer import Reader, statements

QUERIES = {"SELECT", "WITH", "(", "VALUES"}
PREPARING = {"PREPARE", "EXECUTE", "DEALLOCATE"}
PREPARED_BEFORE = {"SET", "SHOW", "INSERT", "UPDATE", "DELETE"}
NOT_PREPARABLE = "This command is not supported in the prepared statement protocol yet"


class Session:
    def __init__(self, world, number):
        self.world, self.id = world, number
        self.database = ""
        self.user = world.users.acting(world.users.find("root"))
        self.variables = {}
        self.user_variables = {}
        self.transaction = None  # writes of an explicit SQL transaction
        self.prepared = {}  # of the PREPARE statement
        self.temporary_tables = []  # dropped when the session ends
        self.running, self.cancelled = None, False  # what interrupts the query under way; whether that was done

    # ------------------------------------------------------------ state
    def use(self, name):
        catalog, _, name = name.rpartition(".")
        if catalog:
            self.use_catalog(catalog)
        if name.lower() in ("information_schema", "sys"):
            self.database = name.lower()
            return
        self.world.catalog.database(name)
        permits.may_use(self, name)
        self.database = name

    async def while_running(self, cursor, work):
        """Waits for a query's work in the store; query_timeout and KILL QUERY end it."""
        self.running, self.cancelled = cursor, False
        seconds = int(variables.value_of(self, "query_timeout"))
        waiting = asyncio.ensure_future(work)
        try:
            return await asyncio.wait_for(asyncio.shield(waiting), seconds if seconds > 0 else None)
        except asyncio.TimeoutError:
            cursor.interrupt()
            await asyncio.wait([waiting])
            waiting.exception()
            raise self._timed_out(seconds) from None
        except duckdb.InterruptException:
            raise SqlError("Cancelled by the user: killed by kill statement") from None
        finally:
            self.running = None

    def _timed_out(self, seconds):
        version = self.world.version
        if not version.has("codes"):
            return SqlError("Query timeout. Increase the query_timeout session variable and retry")
        return SqlError(f"Query reached its timeout of {seconds} seconds, please increase the 'query_timeout' session "
                        "variable and retry", 5024)

    def cancel(self):
        """KILL QUERY: ends the query that runs in this session."""
        if self.running is not None:
            self.cancelled = True
            self.running.interrupt()

    def use_catalog(self, name):
        if name != "default_catalog":
            raise SqlError(f"Unknown catalog '{name}'", self.world.version.code(5078))

    @property
    def status(self):
        """The status flags of OK and EOF packets: the server sets none but the one for further results."""
        return 0

    def reset_variables(self):
        """COM_RESET_CONNECTION and COM_CHANGE_USER: the session's variables are new."""
        self.variables.clear()

    async def close(self):
        explicit.leave(self)
        await ddl.drop_temporary(self)

    def resolve(self, parts):
        """(database, table) of a name of one to three parts."""
        if len(parts) == 3:
            parts = parts[1:]
        if len(parts) == 2:
            return parts[0], parts[1]
        if not self.database:
            raise SqlError("No database selected", self.world.version.code(1046))
        return self.database, parts[0]

    def table(self, parts):
        return self.world.catalog.table(*self.resolve(parts))

    def demand(self, privilege, database, name):
        """Raises what a user without a privilege on a table or view reads."""
        found = self.world.catalog.find(database, name)
        kind = "VIEW" if found is not None and found.view_sql is not None else "TABLE"
        if not self.world.users.may(self.user, privilege, database, name, kind):
            self.refuse(privilege, kind, name)

    def require(self, privilege, kind, name=""):
        """The same for a privilege on a database, a catalog or the system."""
        if not self.world.users.may_any(self.user, privilege, kind, name or "*"):
            self.refuse(privilege, kind, name)

    def refuse(self, privilege, kind, name=""):
        version = self.world.version
        if not version.has("roles") and kind == "TABLE":
            raise SqlError(f"{privilege} command denied to user '{self.user.name}'@'127.0.0.1' for table '{name}'")
        place = f"{kind} {name}" if name else kind
        text = f"Access denied; you need (at least one of) the {privilege} privilege(s) on {place} for this operation"
        if version.has("privilege codes"):
            active, idle = (f"[{', '.join(roles)}]" if roles else "NONE"
                            for roles in (self.user.active, self.user.inactive))
            text += (". Please ask the admin to grant permission(s) or try activating existing roles using "
                     f"<set [default] role>. Current role(s): {active}. Inactivated role(s): {idle}.")
        raise SqlError(text, version.denied_code)

    # ------------------------------------------------------------ running
    async def run(self, text):
        """Yields (result, is it the last) for every statement of a text."""
        found = statements(text)
        for n, (statement, tokens) in enumerate(found):
            yield await self.one(statement, tokens), n == len(found) - 1

    async def one(self, text, tokens=None):
        reader = Reader(text, tokens)
        word = reader.token.upper
        if word == "EXPLAIN" or (word in ("DESC", "DESCRIBE") and reader.ahead().upper in ("SELECT", "INSERT", "WITH")):
            return show.explain(self, reader)
        work = KINDS.get(word)
        if word in PREPARING and not self.world.version.has("prepared statements"):
            work = None
        if work is None:
            raise reader.unexpected("ADMIN", "ALTER", "CREATE", "SELECT", "SHOW", "…")
        permits.check(self, reader)
        explicit.check(self, reader)
        found = await work(self, reader)
        if word == "DROP":
            rights.forget_dropped(self.world)
        return found if found is not None else Result()

    async def columns_of(self, text):
        """The result columns of a statement to be prepared; empty where it gives none or is not asked yet."""
        first = Reader(text).token.upper
        try:
            if first in QUERIES:
                return await select.describe(self, text)
            return (await self.one(text)).columns if first == "SHOW" else []
        except SqlError:
            if first in QUERIES:
                raise
            return []

    def check_preparable(self, reader):
        """Before 3.3 DML could be prepared too; the JDBC drivers prepare by themselves what is refused here."""
        word, version = reader.token.upper, self.world.version
        if word not in QUERIES and (version.has("queries only") or word not in PREPARED_BEFORE) or (
                word == "INSERT" and reader.ahead().upper == "OVERWRITE"):
            raise SqlError(NOT_PREPARABLE, version.code(1295))

    def fields_of(self, name):
        """[(column, its default)] of a table of the database in use."""
        table = self.table([name])
        return list(zip(select.columns_of_table(table), (c.default for c in table.columns)))


async def use(session, reader):
    reader.expect("USE")
    session.use(".".join(reader.qualified()))
    reader.end()


async def execute(session, reader):
    """EXECUTE a prepared statement, or EXECUTE AS somebody else."""
    return await (accounts.execute_as if reader.ahead().upper == "AS" else dml.execute)(session, reader)


KINDS = {
    "USE": use, "SELECT": select.run, "WITH": dml.with_clause, "(": select.run, "SHOW": show.run, "DESC": show.describe,
    "DESCRIBE": show.describe, "CREATE": ddl.create, "DROP": ddl.drop, "TRUNCATE": ddl.truncate, "RECOVER": ddl.recover,
    "REFRESH": ddl.nothing, "ANALYZE": ddl.nothing, "ALTER": alter.run, "CANCEL": alter.cancel, "INSERT": insert.insert,
    "DELETE": dml.delete, "UPDATE": dml.update, "BEGIN": explicit.begin, "START": explicit.begin, "COMMIT": explicit.commit,
    "ROLLBACK": explicit.rollback, "LOCK": explicit.locking, "UNLOCK": explicit.locking, "SET": assignments.run, "ADMIN": admin.admin, "KILL": admin.kill,
    "PREPARE": dml.prepare, "EXECUTE": execute, "DEALLOCATE": dml.deallocate, "GRANT": rights.grant,
    "REVOKE": rights.revoke, "VALUES": select.run,
}
