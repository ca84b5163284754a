"""The start of a connection: handshake, TLS, authentication, the first database; and COM_CHANGE_USER."""
import secrets
import ssl

from rockpool.errors import SqlError
from rockpool.mysql import tls, wire
from rockpool.sql.accounts import connection_limit

# A client that announces one of these is not asked to switch.
PLUGINS = ("mysql_native_password", "mysql_clear_password")


class Login:
    """One connection's login. After admit() the session has its user and database."""

    def __init__(self, world, channel, session):
        self.world, self.channel, self.session = world, channel, session
        self.scramble = bytes(secrets.choice(range(33, 127)) for _ in range(20))
        self.secured = False

    def capabilities(self):
        found = wire.SERVER
        if self.world.version.has("mysql 8"):
            found |= wire.LENENC_AUTH
        return found | wire.SSL if self.world.tls is not None else found

    async def run(self):
        """True when somebody is logged in, else the ERR packet is sent."""
        try:
            await self._negotiate()
            return True
        except SqlError as e:
            self.channel.send(wire.error(e.code, e.sqlstate, e.text))
            await self.channel.drain()
            return False

    async def _negotiate(self):
        channel, version = self.channel, self.world.version
        channel.send(wire.handshake(version.mysql_version, self.session.id, self.scramble, self.capabilities()))
        await channel.drain()
        packet = await channel.read()
        if len(packet) == wire.SSL_REQUEST_SIZE and wire.login_capabilities(packet) & wire.SSL:
            packet = await self._secure()
        try:
            given = wire.login(packet)
        except (IndexError, KeyError, ValueError):
            raise SqlError("Client does not support authentication protocol requested by server; consider upgrading "
                           "MySQL client", version.code(1251), None) from None
        if self.world.require_tls and not self.secured:
            raise tls.required(version)
        answer = given.answer
        if given.plugin and given.plugin not in PLUGINS:
            channel.send(wire.auth_switch(self.scramble))
            await channel.drain()
            answer = await channel.read()
        self._enter(given.user, answer)
        if given.database:
            self.session.use(given.database)
        channel.send(wire.ok(wire.Result(), self.session.status))

    async def _secure(self):
        if self.world.tls is None:
            raise tls.failed(self.world.version)
        try:
            await self.channel.secure(self.world.tls)
        except ssl.SSLError as e:
            self.world.log(f"mysql: no TLS with {self.channel.address}: {e.reason}")
            raise ConnectionError("TLS was not agreed on") from None
        self.secured = True
        return await self.channel.read()

    def _enter(self, name, answer):
        actor = self.world.users.check_scramble(name, self.scramble, answer)
        if actor is None:
            used = "YES" if answer else "NO"
            raise SqlError(f"Access denied for user '{name}' (using password: {used})", self.world.version.code(1045))
        same = sum(c.session.user.user is actor.user for c in self.world.mysql.connections.values() if c.admitted)
        if same >= connection_limit(actor.user):
            raise SqlError(f"User {name} already has more than 'max_user_connections' active connections",
                           self.world.version.code(1203))
        self.session.user = actor

    def change_user(self, body):
        """COM_CHANGE_USER: with the scramble of the first handshake. When it fails, the former user goes on."""
        given = wire.changed_user(body)
        former, place = self.session.user, self.session.database
        try:
            self._enter(given.user, given.answer)
            if given.database:
                self.session.use(given.database)
        except SqlError:
            self.session.user, self.session.database = former, place
            raise
