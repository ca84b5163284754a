"""The MySQL port of the frontend: connections, logins and commands."""
import asyncio
import secrets

from rockpool.errors import SqlError
from rockpool.mysql import wire
from rockpool.sql.lexer import Reader
from rockpool.sql.prepared import Statement
from rockpool.sql.session import Session

MAX_PACKET = 0xFFFFFF
QUIT, INIT_DB, QUERY, FIELD_LIST, PING, CHANGE_USER, RESET = 1, 2, 3, 4, 14, 17, 31
PREPARE, EXECUTE, LONG_DATA, CLOSE, STMT_RESET = 22, 23, 24, 25, 26


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
                connection.writer.close()

    async def _serve(self, reader, writer):
        connection = Connection(self.world, reader, writer, self.next_id)
        self.connections[self.next_id] = connection
        self.next_id += 1
        try:
            await connection.run()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.connections.pop(connection.id, None)
            await connection.session.close()
            writer.close()


class Connection:
    def __init__(self, world, reader, writer, number):
        self.world, self.reader, self.writer, self.id = world, reader, writer, number
        self.session = Session(world, number)
        self.seq = 0
        self.prepared = {}
        self.next_statement = 1

    # ------------------------------------------------------------ packets
    async def read(self):
        parts = []
        while True:
            head = await self.reader.readexactly(4)
            size = int.from_bytes(head[:3], "little")
            self.seq = (head[3] + 1) & 0xFF
            parts.append(await self.reader.readexactly(size))
            if size < MAX_PACKET:
                return b"".join(parts)

    def send(self, *packets):
        out = []
        for packet in packets:
            while True:
                piece, packet = packet[:MAX_PACKET], packet[MAX_PACKET:]
                out.append(len(piece).to_bytes(3, "little") + bytes((self.seq,)))
                out.append(piece)
                self.seq = (self.seq + 1) & 0xFF
                if len(piece) < MAX_PACKET:
                    break
        self.writer.write(b"".join(out))

    def fail(self, e):
        self.send(wire.error(e.code, e.sqlstate, e.text))

    # ------------------------------------------------------------ login
    async def run(self):
        scramble = bytes(secrets.choice(range(33, 127)) for _ in range(20))
        self.send(wire.handshake(self.world.version.mysql_version, self.id, scramble))
        await self.writer.drain()
        given = wire.login(await self.read())
        if not await self._admit(given, scramble):
            return
        while True:
            self.seq = 0
            packet = await self.read()
            await self.world.faults.silence()
            if packet[0] == QUIT:
                return
            try:
                await self._command(packet[0], packet[1:], scramble)
            except SqlError as e:
                self.fail(e)
            except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                raise
            except Exception as e:
                self.world.log(f"mysql: {type(e).__name__}: {e}")
                self.fail(SqlError(f"{type(e).__name__}: {e}"))
            await self.writer.drain()

    async def _admit(self, given, scramble):
        answer = given.answer
        if given.plugin and given.plugin != "mysql_native_password" and given.capabilities & wire.PLUGIN_AUTH:
            self.send(wire.auth_switch(scramble))
            await self.writer.drain()
            answer = await self.read()
        user = self.world.users.check_scramble(given.user, scramble, answer)
        if user is None:
            used = "YES" if answer else "NO"
            self.fail(SqlError(f"Access denied for user '{given.user}' (using password: {used})",
                               self.world.version.code(1045)))
            await self.writer.drain()
            return False
        self.session.user = user
        if given.database:
            try:
                self.session.use(given.database)
            except SqlError as e:
                self.fail(e)
                return False
        self.send(wire.ok(wire.Result(), self.status))
        return True

    @property
    def status(self):
        return wire.IN_TRANSACTION if self.session.transaction is not None else wire.AUTOCOMMIT

    # ------------------------------------------------------------ commands
    async def _command(self, code, body, scramble):
        if code == QUERY:
            await self._query(body.decode("utf-8", "surrogateescape"))
        elif code == PING or code == RESET:
            if code == RESET:
                await self.session.reset()
                self.prepared.clear()
            self.send(wire.ok(wire.Result(), self.status))
        elif code == INIT_DB:
            self.session.use(body.decode())
            self.send(wire.ok(wire.Result(), self.status))
        elif code == FIELD_LIST:
            await self._fields(body)
        elif code == CHANGE_USER:
            await self._change_user(body, scramble)
        elif code == PREPARE:
            await self._prepare(body.decode())
        elif code == EXECUTE:
            await self._execute(body)
        elif code == LONG_DATA:
            statement = self.prepared[int.from_bytes(body[:4], "little")]
            number = int.from_bytes(body[4:6], "little")
            statement.long[number] = statement.long.get(number, b"") + body[6:]
        elif code == CLOSE:
            self.prepared.pop(int.from_bytes(body[:4], "little"), None)
        elif code == STMT_RESET:
            self.send(wire.ok(wire.Result(), self.status))
        else:
            raise SqlError(f"Unsupported command({code})", 1047, "08S01")

    async def _query(self, text):
        answered = False
        async for result, last in self.session.run(text):
            self._answer(result, self.status | (0 if last else wire.MORE_RESULTS))
            answered = True
            await self.writer.drain()
        if not answered:
            self.send(wire.ok(wire.Result(), self.status))

    def _answer(self, result, status, binary=False):
        if not result.columns:
            self.send(wire.ok(result, status))
            return
        self.send(wire.lenenc(len(result.columns)), *map(wire.column, result.columns), wire.eof(status))
        for at in range(0, len(result.rows), 5000):
            rows = result.rows[at:at + 5000]
            self.send(*((wire.binary_row(r, result.columns) for r in rows) if binary else map(wire.text_row, rows)))
        self.send(wire.eof(status, result.warnings))

    async def _fields(self, body):
        table = body.split(b"\0")[0].decode()
        columns = self.session.fields_of(table)
        self.send(*(wire.column(c) + b"\xfb" for c in columns), wire.eof(self.status))

    async def _change_user(self, body, scramble):
        c = wire.Cursor(body)
        name = c.zero_ended().decode()
        answer = c.take(c.integer(1))
        database = c.zero_ended().decode()
        await self.session.reset()
        await self._admit(wire.Login(name, answer, database), scramble)

    # ------------------------------------------------------------ prepared statements
    async def _prepare(self, text):
        self.session.check_preparable(Reader(text))
        statement, number = Statement(text), self.next_statement
        self.next_statement += 1
        self.prepared[number] = statement
        columns = await self.session.columns_of(statement.filled([None] * len(statement.marks)))
        head = b"\0" + number.to_bytes(4, "little") + len(columns).to_bytes(2, "little") + len(
            statement.marks).to_bytes(2, "little") + b"\0\0\0"
        packets = [head]
        if statement.marks:
            packets += [wire.column(wire.ResultColumn("?")) for _ in statement.marks] + [wire.eof(self.status)]
        if columns:
            packets += [wire.column(c) for c in columns] + [wire.eof(self.status)]
        self.send(*packets)

    async def _execute(self, body):
        c = wire.Cursor(body)
        statement = self.prepared.get(c.integer(4))
        if statement is None:
            raise SqlError("Unknown prepared statement handler", 1243)
        c.take(5)
        values = wire.parameters(c, len(statement.marks), statement.types) if statement.marks else []
        for number, raw in statement.long.items():
            values[number] = wire.quoted(raw.decode())
        statement.long = {}
        async for result, last in self.session.run(statement.filled(values)):
            self._answer(result, self.status, binary=True)
