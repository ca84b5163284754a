"""One MySQL connection's statements: which kind each is, and who carries it out."""
from rockpool.errors import SqlError
from rockpool.mysql.wire import Result
from rockpool.sql import alter, ddl, dml, insert, rights, select, show, variables
from rockpool.sql.lexer import Reader, statements

PREPARABLE = {"SELECT", "WITH", "SET", "SHOW", "INSERT", "UPDATE", "DELETE", "("}
NOT_PREPARABLE = "This command is not supported in the prepared statement protocol yet"


class Session:
    def __init__(self, world, number):
        self.world, self.id = world, number
        self.database = ""
        self.user = world.users.known["root"]
        self.variables = {}
        self.user_variables = {}
        self.transaction = None  # writes of an explicit SQL transaction
        self.prepared = {}  # of the PREPARE statement

    # ------------------------------------------------------------ state
    def use(self, name):
        name = name.split(".")[-1]
        if name.lower() in ("information_schema", "sys"):
            self.database = name.lower()
            return
        self.world.catalog.database(name)
        self.database = name

    async def reset(self):
        self.transaction = None
        self.variables.clear()
        self.user_variables.clear()

    async def close(self):
        self.transaction = None

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

    def demand(self, privilege, database, table):
        """Raises what a user without a privilege on a table reads."""
        if not self.world.users.may(self.user, privilege, database, table):
            raise SqlError(f"Access denied; you need (at least one of) the {privilege} privilege(s) on TABLE {table} for "
                           "this operation. Please ask the admin to grant permission(s) or try activating existing roles "
                           "using <set [default] role>. Current role(s): NONE. Inactivated role(s): NONE.",
                           self.world.version.code(5203, 1252))

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
        if work is None:
            raise reader.unexpected("ADMIN", "ALTER", "CREATE", "SELECT", "SHOW", "…")
        found = await work(self, reader)
        return found if found is not None else Result()

    async def columns_of(self, text):
        """The result columns of a statement to be prepared; empty where it gives none or is not asked yet."""
        first = Reader(text).token.upper
        try:
            if first in ("SELECT", "WITH"):
                return await select.describe(self, text)
            return (await self.one(text)).columns if first == "SHOW" else []
        except SqlError:
            return []

    def check_preparable(self, reader):
        word = reader.token.upper
        if word not in PREPARABLE or (word == "INSERT" and reader.ahead().upper == "OVERWRITE"):
            raise SqlError(NOT_PREPARABLE, 1295)

    def fields_of(self, name):
        return select.columns_of_table(self.table([name]))


async def use(session, reader):
    reader.expect("USE")
    session.use(".".join(reader.qualified()))
    reader.end()


KINDS = {
    "USE": use, "SELECT": select.run, "WITH": select.run, "(": select.run, "SHOW": show.run, "DESC": show.describe,
    "DESCRIBE": show.describe, "CREATE": ddl.create, "DROP": ddl.drop, "TRUNCATE": ddl.truncate, "RECOVER": ddl.recover,
    "REFRESH": ddl.nothing, "ANALYZE": ddl.nothing, "ALTER": alter.run, "CANCEL": alter.cancel, "INSERT": insert.insert,
    "DELETE": dml.delete, "UPDATE": dml.update, "BEGIN": dml.begin, "START": dml.begin, "COMMIT": dml.commit,
    "ROLLBACK": dml.rollback, "SET": variables.run, "ADMIN": variables.admin, "KILL": variables.kill,
    "PREPARE": dml.prepare, "EXECUTE": dml.execute, "DEALLOCATE": dml.deallocate, "GRANT": rights.grant,
    "REVOKE": rights.revoke, "VALUES": select.run,
}
