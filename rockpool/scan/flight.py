"""Arrow Flight SQL on the frontend (from 3.5.1): login with a name and a password for a token, statements, their results.

The library serves calls in threads of its own; statements run in the event loop. As in StarRocks a prepared statement
is the text of one statement without parameters, metadata other than the server's properties is announced and not
streamed, and updates are statements like any other. Results come from the frontend, as with the proxy that newer
versions have on by default.
"""
import asyncio
import base64
import binascii
import secrets
import threading
import time
import uuid

import pyarrow as pa
import pyarrow.flight as flight

from rockpool.scan import flight_messages as messages
from rockpool.scan import flight_results, flight_schemas
from rockpool.sql.session import Session

TOKEN_SECONDS = 3600 * 24 * 3  # arrow_token_cache_expire_second
TOKENS = 1024
RESULT_SECONDS = 600
END_SECONDS = 1.0
CHUNK_ROWS = 4096  # of a batch: clients refuse messages of more than some MB
PREPARED = pa.schema([pa.field("r", pa.string())])  # never empty: an empty one would mean an update
SINCE = (3, 5, 1)


class Connection:
    """What a token stands for: a session, its prepared statements and the results that wait to be fetched."""

    def __init__(self, world, user):
        self.session = Session(world, 0)
        self.session.user = user
        self.prepared = {}  # handle -> text
        self.results = {}  # query id -> (table, when)
        self.opened = time.monotonic()
        self.turn = asyncio.Lock()

    def keep(self, table):
        late = time.monotonic() - RESULT_SECONDS
        self.results = {k: v for k, v in self.results.items() if v[1] > late}
        key = str(uuid.uuid4())
        self.results[key] = (table, time.monotonic())
        return key


class Connections:
    def __init__(self, world):
        self.world = world
        self.known = {}  # token -> Connection, oldest first

    def open(self, name, password):
        user = self.world.users.check(name, password)
        if user is None:
            raise flight.FlightUnauthenticatedError(f"Access denied for user: {name}")
        late = time.monotonic() - TOKEN_SECONDS
        extra = list(self.known)[:max(0, len(self.known) - TOKENS + 1)]
        for token in extra + [t for t, c in self.known.items() if c.opened < late]:
            self.known.pop(token, None)
        token = str(uuid.UUID(int=secrets.randbits(128), version=4))
        self.known[token] = Connection(self.world, user)
        return token

    def of(self, token):
        found = self.known.get(token)
        if found is None:
            raise flight.FlightUnauthenticatedError(
                f"invalid bearer token [{token}], please try to reconnect. Maybe the token is expired or evicted, could "
                "modify fe.conf [arrow_token_cache_expire_second] and [arrow_token_cache_size]")
        return found


class NoHandshake(flight.ServerAuthHandler):
    """Login is by headers; the handshake call itself carries nothing."""

    def authenticate(self, outgoing, incoming):
        pass

    def is_valid(self, token):
        return ""


class Login(flight.ServerMiddlewareFactory):
    """Basic gives a token in the answer's headers; Bearer brings it back."""

    def __init__(self, port):
        self.port = port

    def start_call(self, info, headers):
        given = {k.lower(): v[0] for k, v in headers.items() if v}
        kind, _, value = str(given.get("authorization", "")).partition(" ")
        if kind.lower() == "bearer":
            return LoggedIn(value, given, answer=False)
        if kind.lower() != "basic":
            raise flight.FlightUnauthenticatedError("Need auth information.")
        try:
            name, _, password = base64.b64decode(value.strip() + "==").decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise flight.FlightUnauthenticatedError("Need auth information.") from None
        return LoggedIn(self.port.in_loop(self.port.login(name, password)), given, answer=True)


class LoggedIn(flight.ServerMiddleware):
    def __init__(self, token, headers, answer):
        self.token, self.headers, self.answer = token, headers, answer

    def sending_headers(self):
        return {"authorization": f"Bearer {self.token}"} if self.answer else {}


class FlightPort:
    def __init__(self, world):
        self.world = world
        self.connections = Connections(world)
        self.server = self.loop = None
        self.number = 0

    async def open(self, number):
        if not self.world.version.since(*SINCE):
            raise OSError(f"Arrow Flight SQL is there from 3.5.1, not in {self.world.version.text}")
        self.loop = asyncio.get_running_loop()
        try:
            self.server = Server(self, number)
        except (OSError, pa.ArrowException) as e:
            raise OSError(str(e)) from None
        self.number = self.server.port
        return self.number

    async def close(self):
        """Ends the service; a reader that does not read is not waited for."""
        if self.server is not None:
            ending = threading.Thread(target=self.server.shutdown, daemon=True)
            ending.start()
            await asyncio.get_running_loop().run_in_executor(None, ending.join, END_SECONDS)

    def in_loop(self, work):
        """Waits, in a thread of the library, for work in the event loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    # ------------------------------------------------------------ in the event loop
    async def login(self, name, password):
        await self.world.faults.silence()
        return self.connections.open(name, password)

    async def prepare(self, token, text):
        connection = self.connections.of(token)
        handle = str(uuid.uuid4())
        connection.prepared[handle] = text
        return handle

    async def unprepare(self, token, handle):
        self.connections.of(token).prepared.pop(handle, None)

    async def run(self, token, text, database=""):
        """Runs a statement; (its result's id, schema)."""
        await self.world.faults.silence()
        connection = self.connections.of(token)
        async with connection.turn:
            identity = uuid.uuid4()
            try:
                if database:
                    connection.session.use(database)
                table = await flight_results.answer(connection.session, text)
            except flight_results.Failed as e:
                raise flight.FlightInternalError(f"failed to process query [queryID={identity}] [error={e}]") from None
            except Exception as e:  # as the frontend: nothing a statement does ends the service
                self.world.log(f"arrow flight: {type(e).__name__}: {e}")
                raise flight.FlightInternalError(f"failed to process query [queryID={identity}] [error={e}]") from None
        return connection.keep(table), table.schema

    async def run_prepared(self, token, handle, database):
        text = self.connections.of(token).prepared.get(handle)
        if text is None:
            raise pa.ArrowKeyError(f"cannot find prepared statement [{handle}]")
        return await self.run(token, text, database)

    async def fetch(self, handle):
        """The result of <token>:<query id>; it is given out once."""
        token, _, query = handle.partition(":")
        found = self.connections.of(token).results.pop(query, None)
        if found is None:
            raise pa.ArrowKeyError(f"cannot find result of the query [{query}]")
        return found[0]

    async def end_session(self, token):
        self.connections.known.pop(token, None)


class Server(flight.FlightServerBase):
    def __init__(self, port, number):
        super().__init__(f"grpc://{port.world.backends[0].host}:{number}", auth_handler=NoHandshake(),
                         middleware={"login": Login(port)})
        self.own = port

    @property
    def place(self):
        return flight.Location.for_grpc_tcp(self.own.world.backends[0].host, self.port)

    @staticmethod
    def _login(context):
        return context.get_middleware("login")

    # ------------------------------------------------------------ the calls
    def get_flight_info(self, context, descriptor):
        name, fields = self._read(descriptor.command)
        login = self._login(context)
        database = str(login.headers.get("database", ""))
        if name == "CommandStatementQuery":
            query, schema = self.own.in_loop(self.own.run(login.token, messages.first(fields).decode()))
        elif name == "CommandPreparedStatementQuery":
            query, schema = self.own.in_loop(self.own.run_prepared(login.token, messages.first(fields).decode(), database))
        else:
            return self._info(descriptor, flight_schemas.of(name, fields), descriptor.command)
        ticket = messages.message(f1=f"{login.token}:{query}")
        return self._info(descriptor, schema, messages.wrapped("TicketStatementQuery", ticket))

    def _info(self, descriptor, schema, ticket):
        return flight.FlightInfo(schema, descriptor, [flight.FlightEndpoint(ticket, [self.place])], -1, -1)

    def do_get(self, context, ticket):
        name, fields = self._read(ticket.ticket)
        if name == "TicketStatementQuery":
            found = self.own.in_loop(self.own.fetch(messages.first(fields).decode()))
            return flight.RecordBatchStream(pa.RecordBatchReader.from_batches(found.schema, found.to_batches(CHUNK_ROWS)))
        if name == "CommandGetSqlInfo":
            return flight.RecordBatchStream(flight_schemas.server_properties(messages.numbers(fields.get(1, []))))
        raise NotImplementedError(f"{flight_schemas.stream_name(name)} unimplemented")

    def do_action(self, context, action):
        login, body = self._login(context), action.body.to_pybytes()
        if action.type == "CreatePreparedStatement":
            text = messages.first(self._read(body)[1]).decode()
            handle = self.own.in_loop(self.own.prepare(login.token, text))
            shape = PREPARED.serialize().to_pybytes()
            made = messages.message(f1=handle, f2=shape, f3=shape)
            return [flight.Result(messages.wrapped("ActionCreatePreparedStatementResult", made))]
        if action.type == "ClosePreparedStatement":
            self.own.in_loop(self.own.unprepare(login.token, messages.first(self._read(body)[1]).decode()))
            return []
        if action.type == "CloseSession":
            self.own.in_loop(self.own.end_session(login.token))
            return [flight.Result(messages.message(f1=1))]
        raise NotImplementedError(f"{action.type} unimplemented")

    def list_actions(self, context):
        return [("CreatePreparedStatement", ""), ("ClosePreparedStatement", ""), ("CloseSession", "")]

    def get_schema(self, context, descriptor):
        raise NotImplementedError("getSchemaStatement unimplemented")

    def do_put(self, context, descriptor, reader, writer):
        calls = {"CommandStatementUpdate": "acceptPutStatement",
                 "CommandPreparedStatementUpdate": "acceptPutPreparedStatementUpdate",
                 "CommandPreparedStatementQuery": "acceptPutPreparedStatementQuery"}
        name = self._read(descriptor.command)[0]
        raise NotImplementedError(f"{calls.get(name, name)} unimplemented")

    def list_flights(self, context, criteria):
        raise NotImplementedError("listFlights unimplemented")

    @staticmethod
    def _read(packed):
        try:
            return messages.unwrapped(packed or b"")
        except messages.Malformed as e:
            raise pa.ArrowInvalid(f"no message of Flight SQL: {e}") from None
