"""MySQL's packets, as a StarRocks frontend writes them: protocol 4.1, EOF packets, no flags on columns."""
import struct
from dataclasses import dataclass, field

LONG_FLAG, CONNECT_WITH_DB, PROTOCOL_41, SECURE, PLUGIN_AUTH, CONNECT_ATTRS = 4, 8, 0x200, 0x8000, 0x80000, 0x100000
LENENC_AUTH = 0x200000
SSL = 0x800
SSL_REQUEST_SIZE = 32  # a login packet that ends before the user's name
SERVER = LONG_FLAG | CONNECT_WITH_DB | PROTOCOL_41 | SECURE | PLUGIN_AUTH | CONNECT_ATTRS
UTF8, BINARY = 33, 63
MORE_RESULTS = 0x0008

TINY, SHORT, LONG, FLOAT, DOUBLE, NULL, LONGLONG, DATE, DATETIME = 1, 2, 3, 4, 5, 6, 8, 10, 12
NEWDECIMAL, BLOB, VAR_STRING, STRING = 246, 252, 253, 254


@dataclass
class ResultColumn:
    name: str
    code: int = VAR_STRING
    length: int = 1048576
    charset: int = UTF8
    decimals: int = 0
    sql_type: str = ""  # as SHOW CREATE TABLE prints it, for HTTP


@dataclass
class Result:
    """Rows of texts, or an OK when there are no columns."""
    columns: list = field(default_factory=list)
    rows: list = field(default_factory=list)  # str, bytes or None
    affected: int = 0
    warnings: int = 0
    note: str = ""


def of_texts(names, rows):
    """A result of which every column is text."""
    return Result([ResultColumn(n) for n in names],
                  [[None if v is None else v if isinstance(v, (str, bytes)) else str(v) for v in row] for row in rows])


def lenenc(n):
    if n < 251:
        return bytes((n,))
    if n < 1 << 16:
        return b"\xfc" + n.to_bytes(2, "little")
    if n < 1 << 24:
        return b"\xfd" + n.to_bytes(3, "little")
    return b"\xfe" + n.to_bytes(8, "little")


def lenenc_bytes(raw):
    return lenenc(len(raw)) + raw


def handshake(version, connection_id, scramble, offered=SERVER):
    return (b"\x0a" + version.encode() + b"\0" + struct.pack("<I", connection_id) + scramble[:8] + b"\0"
            + struct.pack("<HBHH", offered & 0xFFFF, UTF8, 0, offered >> 16) + bytes((21,)) + b"\0" * 10
            + scramble[8:] + b"\0" + b"mysql_native_password\0")


def ok(result, status):
    note = result.note.encode()
    return (b"\0" + lenenc(result.affected) + lenenc(0) + struct.pack("<HH", status, result.warnings)
            + (lenenc_bytes(note) if note else b""))


def eof(status, warnings=0):
    return b"\xfe" + struct.pack("<HH", warnings, status)


def error(code, sqlstate, text):
    return b"\xff" + struct.pack("<H", code) + b"#" + sqlstate.encode() + (text or "Unknown error").encode()


def auth_switch(scramble):
    return b"\xfemysql_native_password\0" + scramble + b"\0"


def prepared(number, columns, marks):
    """The head of the answer to COM_STMT_PREPARE."""
    return b"\0" + struct.pack("<IHHBH", number, columns, marks, 0, 0)


def column(c, database="", table=""):
    name, table = c.name.encode(), lenenc_bytes(table.encode())
    return (lenenc_bytes(b"def") + lenenc_bytes(database.encode()) + table + table + lenenc_bytes(name)
            + lenenc_bytes(name) + b"\x0c"
            + struct.pack("<HIBHB", c.charset, c.length, c.code, 0, c.decimals) + b"\0\0")


def text_row(row):
    parts = []
    for value in row:
        if value is None:
            parts.append(b"\xfb")
        else:
            raw = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
            parts.append(lenenc(len(raw)))
            parts.append(raw)
    return b"".join(parts)


def binary_row(row, columns):
    bitmap = bytearray((len(columns) + 9) // 8)
    parts = []
    for n, (value, c) in enumerate(zip(row, columns)):
        if value is None:
            bitmap[(n + 2) // 8] |= 1 << ((n + 2) % 8)
        else:
            parts.append(binary_value(value, c.code))
    return b"\0" + bytes(bitmap) + b"".join(parts)


NUMBERS = {TINY: "<b", SHORT: "<h", LONG: "<i", LONGLONG: "<q"}


def binary_value(value, code):
    text = value if isinstance(value, str) else value.decode("latin-1")
    if code in NUMBERS:
        return struct.pack(NUMBERS[code], int(text))
    if code in (FLOAT, DOUBLE):
        return struct.pack("<f" if code == FLOAT else "<d", float(text))
    if code in (DATE, DATETIME):
        return binary_date(text)
    return lenenc_bytes(value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape"))


def binary_date(text):
    day, _, clock = text.partition(" ")
    year, month, date = map(int, day.split("-"))
    head = struct.pack("<HBB", year, month, date)
    if not clock:
        return b"\x04" + head
    seconds, _, fraction = clock.partition(".")
    hour, minute, second = map(int, seconds.split(":"))
    if fraction:
        return b"\x0b" + head + struct.pack("<BBBI", hour, minute, second, int(fraction.ljust(6, "0")[:6]))
    return b"\x07" + head + struct.pack("<BBB", hour, minute, second)


class Cursor:
    """Reads the fields of one packet."""

    def __init__(self, raw):
        self.raw, self.at = raw, 0

    @property
    def left(self):
        return len(self.raw) - self.at

    def take(self, n):
        piece = self.raw[self.at:self.at + n]
        self.at += n
        return piece

    def integer(self, n):
        return int.from_bytes(self.take(n), "little")

    def zero_ended(self):
        stop = self.raw.find(b"\0", self.at)
        stop = len(self.raw) if stop < 0 else stop
        piece = self.raw[self.at:stop]
        self.at = stop + 1
        return piece

    def lenenc(self):
        first = self.integer(1)
        return first if first < 251 else self.integer({0xfc: 2, 0xfd: 3, 0xfe: 8}[first])

    def lenenc_bytes(self):
        return self.take(self.lenenc())


@dataclass
class Login:
    user: str
    answer: bytes
    database: str = ""
    plugin: str = ""
    capabilities: int = 0


def login_capabilities(raw):
    return int.from_bytes(raw[:4], "little")


def changed_user(raw):
    """COM_CHANGE_USER: user, answer, database; a character set and a plugin may follow."""
    c = Cursor(raw)
    return Login(c.zero_ended().decode(), c.take(c.integer(1)), c.zero_ended().decode())


def login(raw):
    if len(raw) < SSL_REQUEST_SIZE:
        raise ValueError("a login packet is longer")
    c = Cursor(raw)
    capabilities = c.integer(4)
    c.take(28)
    found = Login(c.zero_ended().decode(), b"", capabilities=capabilities)
    if capabilities & LENENC_AUTH:
        found.answer = c.lenenc_bytes()
    elif capabilities & SECURE:
        found.answer = c.take(c.integer(1))
    else:
        found.answer = c.zero_ended()
    if capabilities & CONNECT_WITH_DB and c.left:
        found.database = c.zero_ended().decode()
    if capabilities & PLUGIN_AUTH and c.left:
        found.plugin = c.zero_ended().decode()
    return found


def parameters(c, count, types):
    """The values of COM_STMT_EXECUTE as SQL literals; types are kept between executions."""
    nulls = c.take((count + 7) // 8)
    if c.integer(1):
        types[:] = [c.integer(2) for _ in range(count)]
    return [None if nulls[n // 8] >> (n % 8) & 1 else parameter(c, types[n]) for n in range(count)]


def parameter(c, kind):
    code, unsigned = kind & 0xFF, bool(kind & 0x8000)
    sizes = {TINY: 1, SHORT: 2, LONG: 4, LONGLONG: 8, 9: 4, 13: 2}
    if code in sizes:
        return str(int.from_bytes(c.take(sizes[code]), "little", signed=not unsigned))
    if code in (FLOAT, DOUBLE):
        return repr(struct.unpack("<f" if code == FLOAT else "<d", c.take(4 if code == FLOAT else 8))[0])
    if code == NULL:
        return None
    if code in (DATE, 7, DATETIME):
        return quoted(date_text(c.take(c.integer(1))))
    if code == 11:
        return quoted(time_text(c.take(c.integer(1))))
    raw = c.lenenc_bytes()
    try:
        return quoted(raw.decode())
    except UnicodeDecodeError:
        return "x'" + raw.hex() + "'"


def quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def date_text(raw):
    if not raw:
        return "0000-00-00"
    text = "%04d-%02d-%02d" % struct.unpack("<HBB", raw[:4])
    if len(raw) >= 7:
        text += " %02d:%02d:%02d" % tuple(raw[4:7])
    if len(raw) >= 11:
        text += ".%06d" % int.from_bytes(raw[7:11], "little")
    return text


def time_text(raw):
    if not raw:
        return "00:00:00"
    negative, days, hour, minute, second = struct.unpack("<BIBBB", raw[:8])
    return f"{'-' if negative else ''}{days * 24 + hour:02d}:{minute:02d}:{second:02d}"
