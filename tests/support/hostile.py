"""Servers that speak wrongly: interceptors for a Wire in front of an honest server, each with a seed.

They change how things are said (frames, lengths, counts, positions, statuses), never the text of a value: that a value
is another one nobody behind the wire can know, only TLS.
"""
import json
import random
import struct
import threading

from tests.support.network import Cut, Interceptor

ENDLESS_PIECE = b"\x2a" * 65536


def endless(head, most_bytes):
    """`head`, then a great many bytes: more than any memory limit of a test, yet bounded."""
    yield head
    for _ in range(most_bytes // len(ENDLESS_PIECE)):
        yield ENDLESS_PIECE
    raise Cut


class Mood:
    """When interceptors lie, how often, and what they did. Shared by the connections of a wire."""

    def __init__(self, seed, probability, kinds=None, most_bytes=600 << 20):
        self.dice = random.Random(seed)
        self.probability, self.kinds, self.most_bytes = probability, kinds, most_bytes
        self.is_hostile = True
        self.told = []  # the lies

    def pick(self, kinds):
        """A kind of lie, or None."""
        if not self.is_hostile or self.dice.random() >= self.probability:
            return None
        kind = self.dice.choice([kind for kind in kinds if self.kinds is None or kind in self.kinds] or [None])
        if kind:
            self.told.append(kind)
        return kind

    def bytes(self, most):
        return self.dice.randbytes(self.dice.randrange(most))


# -- PostgreSQL: frames of protocol 3 -------------------------------------------------------------

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104


class PgFrames(Interceptor):
    """Splits both directions into frames; subclasses change them."""

    def __init__(self):
        self._up, self._down = bytearray(), bytearray()
        self._is_started = False
        self._raw_answers = 0
        self.is_replication = False

    def up(self, data):
        self._up += data
        while len(self._up) >= 8:
            head = 0 if not self._is_started else 1
            size = struct.unpack_from(">I", self._up, head)[0] + head
            if len(self._up) < size:
                break
            frame = bytes(self._up[:size])
            del self._up[:size]
            if self._is_started:
                self.sent(frame[:1], frame[5:])
            elif struct.unpack_from(">I", frame, 4)[0] in (SSL_REQUEST, GSS_REQUEST):
                self._raw_answers += 1
            else:
                self._is_started = True
                self.is_replication = b"replication\0database\0" in frame
        return data

    def down(self, data):
        self._down += data
        out = bytearray()
        while self._raw_answers and self._down:
            out += self._down[:1]
            del self._down[:1]
            self._raw_answers -= 1
        while len(self._down) >= 5:
            size = struct.unpack_from(">I", self._down, 1)[0] + 1
            if len(self._down) < size:
                break
            frame = bytes(self._down[:size])
            del self._down[:size]
            told = self.told(frame[:1], frame[5:], frame)
            if not isinstance(told, (bytes, bytearray)):
                return _then(bytes(out), told)
            out += told
        return bytes(out)

    def sent(self, kind, body):
        """A frame towards the server, whole."""

    def told(self, _kind, _body, frame):
        """A frame from the server; returns the bytes that take its place."""
        return frame


def _then(first, rest):
    yield first
    yield from rest


def frame_of(kind, body):
    return kind + struct.pack(">I", len(body) + 4) + body


class HostileStream(PgFrames):
    """Lies in the replication stream: inside CopyData, and about what comes between."""

    KINDS = ("random", "truncated", "longer", "type", "lsn", "count", "foreign", "oversized", "length", "slow", "twice")

    def __init__(self, mood, on_commit=None, on_feedback=None):
        super().__init__()
        self._mood, self._on_commit, self._on_feedback = mood, on_commit, on_feedback
        self._is_slow = False
        self._has_begun = False

    def sent(self, kind, body):
        if self.is_replication and kind == b"d" and body[:1] == b"r" and self._on_feedback:
            written, flushed, applied = struct.unpack_from(">QQQ", body, 1)
            self._on_feedback(written, flushed, applied)

    def told(self, kind, body, frame):
        if not self.is_replication or kind not in (b"d", b"W"):
            return frame
        if kind == b"W":
            self._has_begun = True
            return frame
        if not self._has_begun:
            return frame
        if body[:1] == b"w" and body[25:26] == b"C" and self._on_commit:
            self._on_commit(struct.unpack_from(">Q", body, 25 + 2 + 8)[0])
        lie = self._mood.pick(self.KINDS)
        return frame if lie is None else getattr(self, f"_{lie}")(body, frame)

    def _random(self, body, _frame):
        head = body[:25] if body[:1] == b"w" and self._mood.dice.random() < 0.7 else b""
        return frame_of(b"d", head + self._mood.bytes(200))

    def _truncated(self, body, _frame):
        return frame_of(b"d", body[:self._mood.dice.randrange(len(body))])

    def _longer(self, body, _frame):
        return frame_of(b"d", body + self._mood.dice.randbytes(self._mood.dice.randrange(1, 40)))

    def _type(self, body, _frame):
        at = 25 if body[:1] == b"w" and self._mood.dice.random() < 0.8 else 0
        return frame_of(b"d", body[:at] + self._mood.dice.randbytes(1) + body[at + 1:])

    def _lsn(self, body, frame):
        """Positions that are not true: in a keepalive, a Begin, a Commit."""
        if body[:1] == b"k":
            places = (1,)
        elif body[25:26] == b"B":
            places = (26,)
        elif body[25:26] == b"C":
            places = (1, 27, 35)
        else:
            return frame  # the head of a row is not looked at by anybody
        at = self._mood.dice.choice(places)
        wrong = struct.unpack_from(">Q", body, at)[0] + self._mood.dice.choice((1, -1)) * (1 << self._mood.dice.randrange(3, 44))
        wrong %= 1 << 64
        return frame_of(b"d", body[:at] + struct.pack(">Q", wrong) + body[at + 8:])

    def _count(self, body, frame):
        """A relation, a count or a length inside a message."""
        if body[:1] != b"w" or len(body) < 40 or body[25:26] not in b"IUDRT":
            return frame
        places = {b"I": (26, 31, 33), b"D": (26, 31), b"U": (26, 31), b"R": (26,), b"T": (26,)}[body[25:26]]
        at = self._mood.dice.choice(places)
        return frame_of(b"d", body[:at] + self._mood.dice.randbytes(2) + body[at + 2:])

    def _foreign(self, _body, frame):
        between = self._mood.dice.choice((
            frame_of(b"c", b""), frame_of(b"Z", b"I"), frame_of(b"E", self._mood.bytes(80)), frame_of(b"D", b"\xff\xff"),
            frame_of(b"E", b"SERROR\0C58000\0Mthe disk is a lie\0\0"), frame_of(b"N", b"SNOTICE\0M" + b"x" * 60_000 + b"\0\0"),
            frame_of(b"S", b"client_encoding\0SQL_ASCII\0"), frame_of(b"A", self._mood.bytes(90)),
            frame_of(self._mood.dice.randbytes(1), self._mood.bytes(60)), frame_of(b"T", struct.pack(">H", 65535))))
        return between + frame

    def _oversized(self, _body, _frame):
        return endless(b"d" + struct.pack(">I", 0x3FFFFFFF) + b"w", self._mood.most_bytes)

    def _length(self, body, _frame):
        wrong = self._mood.dice.choice((0, 1, 3, 0x7FFFFFFF, 0xFFFFFFFF, len(body) // 2, len(body) + 4 + 100_000))
        return b"d" + struct.pack(">I", wrong) + body

    def _slow(self, _body, frame):
        return (frame[at:at + 1] for at in range(len(frame)))

    def _twice(self, body, frame):
        """A message comes twice; of a row nobody could tell, so only what opens and closes."""
        return frame + frame if body[25:26] in (b"B", b"C", b"S", b"c") else frame


class FailingStream(PgFrames):
    """Says in place of a message of the stream that the server failed inside, as long as it has orders to."""

    def __init__(self, sqlstates):
        super().__init__()
        self._sqlstates = sqlstates  # a list that all connections share; each is told once

    def told(self, kind, body, frame):
        if not self.is_replication or kind != b"d" or body[:1] != b"w" or not self._sqlstates:
            return frame
        state = self._sqlstates.pop().encode()
        return frame_of(b"E", b"SERROR\0C" + state + b"\0Mcould not map filenode to relation OID\0\0")


# -- HTTP -----------------------------------------------------------------------------------------


class HostileHttp(Interceptor):
    """Answers of StarRocks that are none. The request may have been done, or was not let through."""

    KINDS = ("status", "body", "headers", "endless", "short", "long", "json", "html", "empty", "chunks", "continues",
             "redirect", "deep", "undone", "cut")

    WORDS = ("FAILED", "Fail", "TXN_NOT_EXISTS", "TXN_IN_PROCESSING", "LABEL_ALREADY_EXISTS", "SERVICE_UNAVAILABLE", "SUCCESSFUL",
             "ok", "", "Publish Timeout ", "\x00OK")

    def __init__(self, mood):
        self._mood = mood
        self._path = b""

    def up(self, data):
        line = data.split(b"\r\n", 1)[0]
        if line.endswith(b" HTTP/1.1"):
            self._path = line.split(b" ")[1]
            if self._mood.pick(("undone",)):
                raise Cut
        return data

    def down(self, data):
        if data.startswith(b"HTTP/1.1 100"):
            return data
        lie = self._mood.pick([kind for kind in self.KINDS if kind != "undone"])
        return data if lie is None else getattr(self, f"_{lie}")(data)

    def _answer(self, body, status=200, headers=b""):
        return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), headers, body)

    def _status(self, _data):
        return self._answer(b"{}", self._mood.dice.choice((0, 101, 204, 301, 401, 404, 418, 500, 503, 599, 999)))

    def _body(self, _data):
        return self._answer(self._mood.bytes(2000))

    def _headers(self, _data):
        return endless(b"HTTP/1.1 200 OK\r\nX: ", self._mood.most_bytes // 8)

    def _endless(self, _data):
        return endless(b'HTTP/1.1 200 OK\r\n\r\n{"Status": "', self._mood.most_bytes // 8)

    def _short(self, data):
        raise Cut(data[:self._mood.dice.randrange(len(data))])

    def _long(self, _data):
        raise Cut(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{\"Status\": \"OK\"")

    def _json(self, data):
        """StarRocks' own keys with values of any kind."""
        told = {key: self._value() for key in ("Status", "Message", "Label", "TxnId", "NumberLoadedRows", "NumberFilteredRows",
                                               "NumberTotalRows", "status", "msg", "ErrorURL") if self._mood.dice.random() < 0.7}
        if self._mood.dice.random() < 0.6:
            told["Status"] = self._mood.dice.choice(self.WORDS)
        return self._answer(json.dumps(told).encode())

    def _value(self):
        return self._mood.dice.choice((None, True, -1, 1 << 63, 1e308, [], {}, "x" * 5000, ["a"], {"b": 1}, "http://127.0.0.1:1/"))

    def _html(self, _data):
        return self._answer(b"<html><body>" + b"x" * 3000, 200)

    def _empty(self, _data):
        raise Cut

    def _chunks(self, _data):
        return (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + self._mood.dice.choice((b"ffffffffffffffffff\r\n", b"-1\r\n", b"zz"))
                + self._mood.bytes(300))

    def _continues(self, data):
        return b"HTTP/1.1 100 Continue\r\n\r\n" * 3000 + data

    def _redirect(self, _data):
        target = self._mood.dice.choice((b"http://127.0.0.1:1" + self._path, b"/", b"http://127.0.0.1:99999999/", b"file:///etc/passwd",
                                         b"http://" + b"a" * 9000, b"", b"gopher://x" + self._path, b"http://u:p@127.0.0.1:1" + self._path))
        return self._answer(b"", 307, b"Location: " + target + b"\r\n")

    def _deep(self, _data):
        return self._answer(b'{"Status":' + b"[" * 900_000)

    def _cut(self, _data):
        raise Cut(b"HTTP/1.1 2")


# -- MySQL ----------------------------------------------------------------------------------------


class HostileMysql(Interceptor):
    """A MySQL server that lies: packets with false lengths, counts, numbers, types."""

    KINDS = ("random", "truncated", "count", "error", "length", "endless", "sequence", "rows", "handshake", "cut", "ok")

    def __init__(self, mood):
        self._mood, self._first = mood, True

    def down(self, data):
        lie = self._mood.pick(self.KINDS)
        is_first, self._first = self._first, False
        if lie is None or len(data) < 5:
            return data
        return getattr(self, f"_{lie}")(data, is_first)

    @staticmethod
    def _packet(number, body):
        return struct.pack("<I", len(body))[:3] + bytes([number & 255]) + body

    def _random(self, data, _first):
        return self._packet(data[3], self._mood.bytes(300))

    def _truncated(self, data, _first):
        body = data[4:4 + self._mood.dice.randrange(len(data) - 4)]
        return self._packet(data[3], body)

    def _count(self, data, _first):
        """A result set of very many columns."""
        count = self._mood.dice.choice((b"\xfc\xff\xff", b"\xfd\xff\xff\xff", b"\xfe" + b"\xff" * 8, b"\xfe\0\0\0\x80\0\0\0\0", b"\x09", b"\x00"))
        return self._packet(data[3], count) + data[5 + data[0]:]

    def _error(self, data, _first):
        return self._packet(data[3], b"\xff" + self._mood.dice.randbytes(2) + b"#HY000" + self._mood.bytes(600))

    def _length(self, data, _first):
        """A false length of the packet, or of the first cell in it."""
        if self._mood.dice.random() < 0.5:
            return self._mood.dice.randbytes(3) + data[3:]
        at = self._mood.dice.randrange(4, len(data))
        return data[:at] + self._mood.dice.choice((b"\xfe\xff\xff\xff\xff", b"\xfd\xff\xff\xff", b"\xfb", b"\xff")) + data[at + 1:]

    def _endless(self, _data, _first):
        return endless(b"\xff\xff\xff\x01", self._mood.most_bytes)

    def _rows(self, data, _first):
        """One column, and rows without an end."""
        field = b"\x03def\0\0\0\x01a\x01a\x0c\x2d\0\xff\xff\0\0\xfd\0\0\0\0\0"
        head = self._packet(1, b"\x01") + self._packet(2, field) + self._packet(3, b"\xfe\0\0\x02\0")
        row = b"".join(self._packet(number, b"\xfc\xe8\xfd" + b"r" * 65000) for number in range(4, 8))

        def rows():
            yield head
            for _ in range(self._mood.most_bytes // len(row)):
                yield row
            raise Cut
        return rows()

    def _sequence(self, data, _first):
        return data[:3] + bytes([(data[3] + 7) & 255]) + data[4:]

    def _handshake(self, data, is_first):
        return self._packet(0, b"\x0a" + self._mood.bytes(120)) if is_first else data[:4] + b"\xfe" + self._mood.bytes(30)

    def _cut(self, data, _first):
        raise Cut(data[:self._mood.dice.randrange(len(data))])

    def _ok(self, data, _first):
        return self._packet(data[3], b"\0\0\0\2\0\0\0")


# -- who checks what is acknowledged ----------------------------------------------------------------


class Watcher:
    """Compares every acknowledged position with what StarRocks holds at that moment.

    Each source transaction inserts exactly one row into an append-only table; the honest stream tells where each ends.
    """

    def __init__(self, count_rows, rows_before):
        self._count_rows, self._rows_before = count_rows, rows_before
        self._lock = threading.Lock()
        self._ends = set()
        self._highest = 0
        self.feedbacks = 0
        self.wrong = []

    def on_commit(self, end_lsn):
        with self._lock:
            self._ends.add(end_lsn)

    def on_feedback(self, _written, flushed, _applied):
        with self._lock:
            self.feedbacks += 1
            if flushed <= self._highest:
                return
            self._highest = flushed
            due = self._rows_before + sum(1 for end in self._ends if end <= flushed)
        there = self._count_rows()
        if there < due:
            self.wrong.append(f"{flushed:x} was acknowledged: {due} rows were due, StarRocks had {there}")
