"""SQL transactions, from 3.5: BEGIN, INSERTs (from 4.0 UPDATE and DELETE too) into tables of one database, COMMIT.

Nothing written is seen before COMMIT, not even by the session itself. Every statement reads what was committed before it.
"""
import uuid

from rockpool.errors import LoadError, SqlError
from rockpool.mysql.wire import Result

ALLOWED = {"SELECT", "WITH", "(", "VALUES", "INSERT", "UPDATE", "DELETE", "SET", "SHOW", "DESC", "DESCRIBE", "BEGIN", "START",
           "COMMIT", "ROLLBACK", "EXECUTE"}
TIMEOUT = 300


class SqlTransaction:
    """The writes of one open transaction. Its StarRocks transaction begins with the first of them."""

    def __init__(self, world):
        self.world = world
        self.label = str(uuid.uuid4())
        self.txn = None
        self.database = None
        self.tables = []
        self.written, self.inserted = set(), set()  # ids of tables
        self.segments = []
        self.statements = []  # (table, statement of the store): UPDATE and DELETE, carried out at COMMIT
        self.rows = 0

    @property
    def id(self):
        return self.txn.id if self.txn is not None else -1

    def note(self, state):
        return Result(note=f"{{'label':'{self.label}', 'status':'{state}', 'txnId':'{self.id}'}}")

    def admit(self, user, table, inserts):
        """Takes a table into the transaction, or raises what forbids it."""
        version = self.world.version
        owner = self.world.catalog.database_of(table)
        if self.database not in (None, owner.name):
            raise SqlError("Cannot execute cross-database transactions. All DML target tables must belong to the same db",
                           version.code(5304))
        again = table.id in self.written
        if again and not version.has("updates in transactions"):
            raise SqlError("NOT allowed to read or write tables that have been subjected to DML operations before",
                           version.code(5303))
        if again and not inserts:
            raise SqlError(f"An UPDATE or DELETE of table '{table.name}' must be the first statement that writes it in an "
                           "explicit transaction", version.code(5306))
        if self.txn is None:
            try:
                self.txn = self.world.txns.begin(owner, [table], self.label, TIMEOUT, source="INSERT_STREAMING",
                                                 kind="INSERT", user=user.name)
            except LoadError as e:
                raise SqlError(e.message) from None
        elif not again:
            self.txn.tables.append(table.name)
            self.txn.table_ids.append(table.id)
        self.database = owner.name
        self.written.add(table.id)
        if table not in self.tables:
            self.tables.append(table)

    def drop(self, reason):
        for segment in self.segments:
            segment.forget()
        if self.txn is not None and not self.txn.is_finished:
            self.world.abort(self.txn, reason)


def check(session, reader):
    """Only queries, DML, SET and SHOW stand in a transaction."""
    if session.transaction is None:
        return
    word, version = reader.token.upper, session.world.version
    overwrite = word == "INSERT" and reader.ahead().upper == "OVERWRITE"
    update = word in ("UPDATE", "DELETE") and not version.has("updates in transactions")
    if word not in ALLOWED or overwrite or update:
        raise SqlError("Explicit transactions support queries, INSERT, UPDATE, DELETE, SET and SHOW statements only",
                       version.code(5305))


async def begin(session, reader):
    if reader.accept("START"):
        reader.expect("TRANSACTION")
        reader.accept("WITH", "CONSISTENT", "SNAPSHOT")
    else:
        reader.expect("BEGIN")
        reader.accept("WORK")
    reader.end()
    if not session.world.version.has("sql transactions"):
        return None
    if session.transaction is None:  # a second BEGIN goes on with the first one's transaction
        session.transaction = SqlTransaction(session.world)
    return session.transaction.note("PREPARE")


def _ending(reader):
    """[WORK] [AND [NO] CHAIN] [[NO] RELEASE], which mean nothing more."""
    reader.accept("WORK")
    if reader.accept("AND"):
        reader.accept("NO")
        reader.expect("CHAIN")
    if reader.accept("NO"):
        reader.expect("RELEASE")
    else:
        reader.accept("RELEASE")
    reader.end()


async def locking(session, reader):
    """LOCK TABLES and UNLOCK TABLES are read and do nothing, for programs that dump tables."""
    word = reader.next().upper
    reader.expect("TABLES")
    if word == "UNLOCK":
        reader.end()


async def commit(session, reader):
    reader.expect("COMMIT")
    _ending(reader)
    made, session.transaction = session.transaction, None
    if made is None:
        return None
    if made.txn is None:
        return made.note("VISIBLE")
    world, txn = session.world, made.txn
    if txn.is_finished:
        made.drop("timeout")
        raise SqlError(f"transaction {txn.id} is {txn.state}: {txn.reason}")
    txn.loaded = txn.total = made.rows
    for table, statement in made.statements:
        await world.storage.run(table, statement)
    world.txns.commit(txn, made.segments)
    if hasattr(world, "visible"):
        await world.visible(txn, txn.timeout)
    return made.note(txn.state)


async def rollback(session, reader):
    reader.expect("ROLLBACK")
    _ending(reader)
    made, session.transaction = session.transaction, None
    if made is None:
        return None
    made.drop("rollback by user")
    return made.note("ABORTED")


def leave(session):
    """A session that ends takes its open transaction with it."""
    if session.transaction is not None:
        session.transaction.drop("the session ended")
        session.transaction = None
