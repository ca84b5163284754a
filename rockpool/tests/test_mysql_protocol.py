"""Packets of the MySQL port, spoken by hand: the handshake's bits, AuthSwitch, SSLRequest, commands, flags."""
import hashlib
import socket
import ssl
import struct

import pymysql
import pytest

from rockpool.mysql import wire

LONG_PASSWORD, COMPRESS, LOCAL_FILES, TRANSACTIONS, MULTI_STATEMENTS, DEPRECATE_EOF = 1, 0x20, 0x80, 0x2000, 0x10000, 0x1000000
OFFERED = wire.LONG_FLAG | wire.CONNECT_WITH_DB | wire.PROTOCOL_41 | wire.SECURE | wire.PLUGIN_AUTH | wire.CONNECT_ATTRS
WANTED = wire.PROTOCOL_41 | wire.SECURE | wire.PLUGIN_AUTH


class Wire:
    """One connection, packet by packet."""

    def __init__(self, pool):
        self.socket = socket.create_connection(("127.0.0.1", pool.ports["mysql"]), 5)
        greeting = self.read()
        end = greeting.index(b"\0", 1)
        self.protocol, self.version = greeting[0], greeting[1:end].decode()
        rest = greeting[end + 1:]
        self.number = int.from_bytes(rest[:4], "little")
        low, self.charset, self.status, high, size = struct.unpack("<HBHHB", rest[13:21])
        self.capabilities = low | high << 16
        self.scramble = rest[4:12] + rest[31:43]
        assert size == 21 and rest[12:13] == rest[43:44] == b"\0" and rest[44:] == b"mysql_native_password\0"

    def exactly(self, n):
        found = b""
        while len(found) < n:
            piece = self.socket.recv(n - len(found))
            if not piece:
                raise ConnectionError("closed")
            found += piece
        return found

    def read(self):
        head = self.exactly(4)
        self.seq = head[3]
        return self.exactly(int.from_bytes(head[:3], "little"))

    def write(self, body, seq):
        self.socket.sendall(len(body).to_bytes(3, "little") + bytes((seq,)) + body)

    def login(self, user="root", answer=b"", plugin="mysql_native_password", capabilities=WANTED, seq=1, database=b""):
        body = struct.pack("<IIB", capabilities, 1 << 24, 33) + b"\0" * 23 + user.encode() + b"\0"
        body += bytes((len(answer),)) + answer + database
        self.write(body + (plugin.encode() + b"\0" if capabilities & wire.PLUGIN_AUTH else b""), seq)
        return self.read()

    def command(self, code, body=b""):
        self.write(bytes((code,)) + body, 0)
        return self.read()


def error_of(packet):
    """(code, SQLSTATE, text) of an ERR packet."""
    assert packet[0] == 0xFF and packet[3:4] == b"#", packet
    return int.from_bytes(packet[1:3], "little"), packet[4:9].decode(), packet[9:].decode()


def native(password, scramble):
    one = hashlib.sha1(password.encode()).digest()
    mask = hashlib.sha1(scramble + hashlib.sha1(one).digest()).digest()
    return bytes(a ^ b for a, b in zip(one, mask))


# ---------------------------------------------------------------- handshake
def test_the_greeting(pool):
    found = Wire(pool)
    assert (found.protocol, found.version, found.charset, found.status) == (10, "8.0.33", 33, 0)
    assert found.capabilities & OFFERED == OFFERED
    assert not found.capabilities & (LONG_PASSWORD | COMPRESS | LOCAL_FILES | TRANSACTIONS | MULTI_STATEMENTS | DEPRECATE_EOF | wire.SSL)
    assert len(found.scramble) == 20 and found.number != Wire(pool).number


def test_other_plugins_are_switched(pool, scene):
    scene.sql("CREATE USER IF NOT EXISTS switcher IDENTIFIED BY 'pw'")
    found = Wire(pool)
    request = found.login("switcher", b"nonsense", "caching_sha2_password")
    assert request == b"\xfemysql_native_password\0" + found.scramble + b"\0"
    found.write(native("pw", found.scramble), found.seq + 1)
    assert found.read()[0] == 0
    found = Wire(pool)
    found.login("switcher", b"nonsense", "caching_sha2_password")
    found.write(native("wrong", found.scramble), found.seq + 1)
    assert error_of(found.read()) == (1045, "28000", "Access denied for user 'switcher' (using password: YES)")
    scene.sql("DROP USER switcher")


def test_a_client_without_plugins_logs_in(pool):
    """As 5.1 clients do."""
    assert Wire(pool).login(capabilities=wire.PROTOCOL_41 | wire.SECURE)[0] == 0


def test_wrong_logins_end_the_connection(pool):
    found = Wire(pool)
    assert error_of(found.login("nobody"))[0] == 1045
    with pytest.raises(ConnectionError):
        found.read()
    found = Wire(pool)
    assert error_of(found.login(capabilities=WANTED | wire.CONNECT_WITH_DB, database=b"nowhere\0")) == (
        5501, "3F000", "Unknown database 'nowhere'")
    found = Wire(pool)
    found.write(b"\x01\x02", 1)
    assert error_of(found.read())[0] == 1251


def test_tls_that_is_not_there_is_refused(pool):
    found = Wire(pool)
    found.write(struct.pack("<IIB", WANTED | wire.SSL, 1 << 24, 33) + b"\0" * 23, 1)
    assert error_of(found.read()) == (5400, "XX000", "Failed to change to SSL connection")


def test_tls_and_its_enforcement(own):
    """--tls makes a certificate; the client's hello may come in the same segment as its request."""
    pool = own("--tls", "--require-tls")
    assert Wire(pool).capabilities & wire.SSL
    assert error_of(Wire(pool).login()) == (5205, "HY000", "Connections using insecure transport are prohibited")
    found = Wire(pool)
    context = ssl.create_default_context(cafile=pool.folder / "tls.crt")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        hello.do_handshake()
    request = struct.pack("<IIB", WANTED | wire.SSL, 1 << 24, 33) + b"\0" * 23
    found.socket.sendall(len(request).to_bytes(3, "little") + b"\1" + request + outgoing.read())
    assert found.socket.recv(1) == b"\x16"  # a handshake record
    found.socket.sendall(b"no record of TLS" * 10)  # ends this connection and no other
    with pool.connect(ssl={"ca": str(pool.folder / "tls.crt")}) as c, c.cursor() as cursor:
        cursor.execute("ADMIN SHOW FRONTEND CONFIG LIKE 'ssl_force_secure_transport'")
        assert cursor.fetchone()[2] == "true"
        cursor.execute("ADMIN SET FRONTEND CONFIG ('ssl_force_secure_transport' = 'false')")
    pool.connect().close()
    assert "Traceback" not in pool.folder.with_suffix(".log").read_text()


# ---------------------------------------------------------------- commands
@pytest.fixture
def open_wire(pool):
    found = Wire(pool)
    assert found.login() == b"\0\0\0\0\0\0\0"  # OK: no rows, no id, no flags, no warnings
    return found


def test_ping_quit_and_reset(open_wire):
    for code in (14, 31, 26):
        assert open_wire.command(code) == b"\0\0\0\0\0\0\0"
    open_wire.write(b"\1", 0)
    with pytest.raises(ConnectionError):
        open_wire.read()


def test_commands_that_are_not_served(open_wire):
    assert error_of(open_wire.command(9)) == (1064, "HY000", "Unsupported command(Statistics)")
    assert error_of(open_wire.command(12, b"\1\0\0\0"))[2] == "Unsupported command(Kill)"
    assert error_of(open_wire.command(24, b"\1\0\0\0\0\0x"))[2] == "Unsupported command(COM_STMT_SEND_LONG_DATA)"
    for code in (27, 28, 99):  # COM_SET_OPTION, COM_STMT_FETCH and none at all
        assert error_of(open_wire.command(code)) == (1047, "08S01", "Unknown command(null)")
    assert open_wire.command(14)[0] == 0


def test_init_db(open_wire, scene):
    assert open_wire.command(2, scene.name.encode())[0] == 0
    assert open_wire.command(2, f"default_catalog.{scene.name}".encode())[0] == 0
    assert open_wire.command(2, b"catalog default_catalog")[0] == 0
    assert error_of(open_wire.command(2, b"nowhere")) == (5501, "3F000", "Unknown database 'nowhere'")
    assert error_of(open_wire.command(2, b"catalog nowhere"))[0] == 5078


def test_field_list(open_wire, scene):
    scene.sql("CREATE TABLE f (id INT NOT NULL, s VARCHAR(7) DEFAULT 'x') PRIMARY KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 "
              "PROPERTIES('replication_num'='1')")
    assert error_of(open_wire.command(4, b"\0"))[2] == "Empty tableName"
    assert error_of(open_wire.command(4, b"f\0"))[2] == "Unknown database()"
    open_wire.command(2, scene.name.encode())
    assert error_of(open_wire.command(4, b"ghost\0"))[2] == "Unknown table(ghost)"
    first = wire.Cursor(open_wire.command(4, b"f\0"))
    assert [first.lenenc_bytes() for _ in range(6)] == [b"def", scene.name.encode(), b"f", b"f", b"id", b"id"]
    assert first.take(1) == b"\x0c" and struct.unpack("<HIBHB", first.take(10))[2:4] == (wire.LONG, 0)
    assert first.take(2) == b"\0\0" and first.lenenc_bytes() == b"" and first.left == 0
    assert open_wire.read().endswith(b"\1x") and open_wire.read()[0] == 0xFE


def test_change_user(open_wire, scene):
    scene.sql("CREATE USER changed IDENTIFIED BY 'pw'")
    open_wire.command(3, b"SET query_timeout = 7")

    def change(name, answer, database=b""):
        return open_wire.command(17, name + b"\0" + bytes((len(answer),)) + answer + database + b"\0\x21\0")
    assert error_of(change(b"changed", b"x" * 20))[0] == 1045
    assert asked(open_wire, "SELECT current_user(), @@query_timeout") == [b"'root'@'%'", b"7"]
    assert change(b"changed", native("pw", open_wire.scramble), b"information_schema")[0] == 0
    assert asked(open_wire, "SELECT current_user(), database(), @@query_timeout") == [b"'changed'@'%'", b"information_schema", b"300"]
    scene.sql("DROP USER changed")


def asked(connection, query):
    """The only row of a query."""
    count = connection.command(3, query.encode())[0]
    for _ in range(count + 1):
        connection.read()
    row = wire.Cursor(connection.read())
    values = [row.lenenc_bytes() for _ in range(count)]
    assert connection.read()[0] == 0xFE
    return values


def test_more_results_bit(open_wire):
    """On every packet that ends a result but the last one's."""
    assert open_wire.command(3, b"SET @a = 1; SELECT @a; SET @b = 2\0\0") == b"\0\0\0\x08\0\0\0"
    assert open_wire.read() == b"\1"
    open_wire.read()
    assert open_wire.read() == b"\xfe\0\0\x08\0" and open_wire.read() == b"\x011" and open_wire.read() == b"\xfe\0\0\x08\0"
    assert open_wire.read() == b"\0\0\0\0\0\0\0"


def test_an_error_ends_a_text_of_several_statements(open_wire):
    assert open_wire.command(3, b"SET @a = 1; SELECT * FROM ghost.t; SET @b = 2") == b"\0\0\0\x08\0\0\0"
    assert error_of(open_wire.read())[0] == 5501
    assert open_wire.command(14)[0] == 0


def test_a_trailing_semicolon_or_none_at_all(open_wire):
    assert open_wire.command(3, b"SET @a = 1;") == b"\0\0\0\0\0\0\0"
    assert open_wire.command(3, b"")[0] == 0


def test_empty_error_text():
    assert wire.error(1064, "HY000", "") == b"\xff\x28\x04#HY000Unknown error"


def test_reset_keeps_what_is_not_a_variable(open_wire, scene):
    open_wire.command(2, scene.name.encode())
    open_wire.command(3, b"SET query_timeout = 9")
    assert open_wire.command(31)[0] == 0
    assert asked(open_wire, "SELECT @@query_timeout, database()") == [b"300", scene.name.encode()]


def test_filtered_rows_are_warnings(scene):
    scene.table("id INT NOT NULL, v INT NOT NULL", key="DUPLICATE KEY(id)")
    with scene.connection.cursor() as cursor:
        assert cursor.execute("INSERT INTO t PROPERTIES('max_filter_ratio' = '1') VALUES (1, 1), (2, NULL)") == 1
        assert cursor._result.warning_count == 1


def test_kill(scene):
    victim = scene.pool.connect()
    number = victim.thread_id()
    assert [r[0] for r in scene.sql("SHOW PROCESSLIST")].count(str(number)) == 1
    scene.sql(f"KILL {number}")
    with pytest.raises(pymysql.OperationalError), victim.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert scene.error(f"KILL {number}") == (1094, f"Unknown thread id: {number}")
    assert scene.error("KILL CONNECTION 99999999")[0] == 1094


def test_a_user_s_connections_are_limited(scene):
    scene.sql("CREATE USER few", "SET PROPERTY FOR 'few' 'max_user_connections' = '1'")
    first = scene.pool.connect(user="few")
    with pytest.raises(pymysql.MySQLError) as found:
        scene.pool.connect(user="few")
    assert found.value.args[0] == 1203
    first.close()
    scene.wait(lambda: all(r[1] != "few" for r in scene.sql("SHOW PROCESSLIST")), what="the end of a connection")
    scene.pool.connect(user="few").close()
    assert ["max_user_connections", "1"] in scene.sql("SHOW PROPERTY FOR 'few'")
    scene.sql("DROP USER few")
