"""The MySQL port of the frontend: connections and their commands."""
import asyncio
import ssl
import time

from rockpool.errors import SqlError
from rockpool.mysql import wire
from rockpool.mysql.channel import Channel
from rockpool.mysql.login import Login
from rockpool.mysql.statements import Prepared
from rockpool.sql import faulted
from rockpool.sql.session import Session

ROWS_AT_ONCE = 5000
# What the server calls its commands; those without a name here it does not know.
COMMANDS = {0: "Sleep", 1: "Quit", 2: "Init DB", 3: "Query", 4: "Field List", 5: "Create DB", 6: "Drop Db", 7: "Refresh",
            8: "Shutdown", 9: "Statistics", 10: "Processlist", 11: "Connect", 12: "Kill", 13: "Debug", 14: "Ping", 15: "Time",
            16: "DELETE_INSERT", 17: "Change user", 22: "COM_STMT_PREPARE", 23: "COM_STMT_EXECUTE",
            24: "COM_STMT_SEND_LONG_DATA", 25: "COM_STMT_CLOSE", 26: "COM_STMT_RESET", 29: "COM_DAEMON",
            31: "COM_RESET_CONNECTION"}
STATEMENTS = range(22, 26)
QUIT = 1


class MysqlServer:
    def __init__(self, world):
        self.world = world
        self.connections = {}
        self.next_id = 1
        self.server = None

    async def start(self, host, port):
        self.server = await asyncio.start_server(self._serve, host, port, limit=1 << 20)
        return self.server.sockets[0].getsockname()[1]

    async def stop(self):
        if self.server is not None:
            self.server.close()
            for connection in list(self.connections.values()):
                connection.channel.close()

    async def _serve(self, reader, writer):
        connection = Connection(self.world, Channel(reader, writer), self.next_id)
        self.connections[connection.id] = connection
        self.next_id += 1
        try:
            await connection.run()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            self.connections.pop(connection.id, None)
            await connection.session.close()
            writer.close()


class Connection:
    def __init__(self, world, channel, number):
        self.world, self.channel, self.id = world, channel, number
        self.session = Session(world, number)
        self.login = Login(world, channel, self.session)
        self.prepared = Prepared(self)
        self.admitted = self.leaving = False
        self.started = time.time()
        self.busy_since, self.statement = None, None  # of the command that is being carried out
        self.last_at = self.started
        self.work = {2: self._init_db, 3: self._query, 4: self._fields, 14: self._nothing, 17: self._change_user,
                     22: self.prepared.prepare, 23: self.prepared.execute, 25: self.prepared.close, 26: self._nothing,
                     31: self._reset}

    async def run(self):
        if not await self.login.run():
            return
        self.admitted = True
        while True:
            self.channel.seq = 0
            packet = await self.channel.read()
            await self.world.faults.silence()
            if not packet or packet[0] == QUIT:
                return
            self.busy_since = self.last_at = time.time()
            try:
                await self._command(packet[0], packet[1:])
            except SqlError as e:
                self.fail(e)
            except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError, ssl.SSLError):
                raise
            except Exception as e:
                self.world.log(f"mysql: {type(e).__name__}: {e}")
                self.fail(SqlError(f"{type(e).__name__}: {e}"))
            self.busy_since = self.statement = None
            self.last_at = time.time()
            await self.channel.drain()
            if self.leaving:
                return

    def fail(self, e):
        self.channel.send(wire.error(e.code, e.sqlstate, e.text))

    def done(self, result=None, status=None):
        self.channel.send(wire.ok(result or wire.Result(), self.session.status if status is None else status))

    # ------------------------------------------------------------ commands
    async def _command(self, code, body):
        name, version = COMMANDS.get(code), self.world.version
        if name is None or code in STATEMENTS and not version.has("prepared statements"):
            raise SqlError("Unknown command(null)", version.code(1047))
        work = self.work.get(code)
        if work is None:
            raise SqlError(f"Unsupported command({name})")
        await work(body)

    async def _nothing(self, body):
        self.done()

    async def _init_db(self, body):
        words = body.decode("utf-8", "replace").split()
        if len(words) == 2 and words[0].lower() == "catalog":
            self.session.use_catalog(words[1])
        elif len(words) == 2:
            raise SqlError("not supported command")
        else:
            self.session.use(body.decode("utf-8", "replace").strip())
        self.done()

    async def _query(self, body):
        self.statement = body.rstrip(b"\0").decode("utf-8", "surrogateescape")
        answered = False
        await faulted.strike(self.session, self.statement)
        async for result, last in self.session.run(self.statement):
            if last and faulted.lost(self.session, self.statement):
                raise ConnectionResetError("the answer is lost, as ordered")
            self.answer(result, 0 if last else wire.MORE_RESULTS)
            answered = True
            await self.channel.drain()
        if not answered:
            self.done()

    def answer(self, result, more=0, binary=False):
        status = self.session.status | more
        if not result.columns:
            self.done(result, status)
            return
        send = self.channel.send
        send(wire.lenenc(len(result.columns)), *map(wire.column, result.columns), wire.eof(status))
        for at in range(0, len(result.rows), ROWS_AT_ONCE):
            rows = result.rows[at:at + ROWS_AT_ONCE]
            send(*((wire.binary_row(r, result.columns) for r in rows) if binary else map(wire.text_row, rows)))
        send(wire.eof(status, result.warnings))

    async def _fields(self, body):
        name = body.split(b"\0")[0].decode("utf-8", "replace")
        session = self.session
        if not name:
            raise SqlError("Empty tableName")
        if session.database not in self.world.catalog.databases:
            raise SqlError(f"Unknown database({session.database})")
        if self.world.catalog.find(session.database, name) is None:
            raise SqlError(f"Unknown table({name})")
        self.channel.send(*(wire.column(c, session.database, name) + wire.lenenc_bytes((default or "").encode())
                            for c, default in session.fields_of(name)), wire.eof(session.status))

    async def _change_user(self, body):
        self.login.change_user(body)
        await self._reset(body)

    async def _reset(self, body):
        self.session.reset_variables()
        self.done()
