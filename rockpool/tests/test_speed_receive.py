"""Large bodies in counting mode go past the HTTP library; the connection behaves as it does with small ones."""
import json
import socket
import zlib

import pytest

from rockpool.tests.pool import Pool, Scene, basic

ROWS = b"".join(b"%d,%s\n" % (n, b"x" * (n % 50)) for n in range(60_000))


@pytest.fixture(scope="module")
def counting(tmp_path_factory):
    pool = Pool(tmp_path_factory.mktemp("counting") / "data", "--count")
    yield pool
    pool.stop()


@pytest.fixture
def counted(counting):
    scene = Scene(counting, "c")
    scene.table("id INT NOT NULL, v VARCHAR(40) NULL")
    yield scene
    scene.close()
    counting.control("DELETE", "stats")


class Wire:
    """One connection to a backend, byte by byte."""

    def __init__(self, scene):
        self.socket = socket.create_connection(("127.0.0.1", scene.pool.ports["be_http"][0]), 10)
        self.socket.settimeout(10)
        self.scene, self.got = scene, b""

    def head(self, label, more, version="1.1"):
        return (f"PUT /api/{self.scene.name}/t/_stream_load HTTP/{version}\r\nHost: x\r\nAuthorization: {basic()}\r\n"
                f"column_separator: ,\r\nlabel: {label}\r\n{more}\r\n").encode()

    def answer(self):
        """The next answer: (status, body)."""
        while b"\r\n\r\n" not in self.got:
            self.got += self.piece()
        head, self.got = self.got.split(b"\r\n\r\n", 1)
        if head.startswith(b"HTTP/1.1 100"):
            return 100, None
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(self.got) < length:
            self.got += self.piece()
        body, self.got = self.got[:length], self.got[length:]
        return int(head.split()[1]), json.loads(body)

    def piece(self):
        piece = self.socket.recv(65536)
        assert piece, "the connection was closed"
        return piece


@pytest.fixture
def wire(counted):
    made = Wire(counted)
    yield made
    made.socket.close()


def test_calls_sent_in_one_go_behind_a_large_body_are_answered_in_turn(counted, wire):
    load = f"Content-Length: {len(ROWS)}\r\n"
    wire.socket.sendall(wire.head("p1", load) + ROWS + b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n"
                        + wire.head("p2", load) + ROWS + wire.head("p3", "Content-Length: 4\r\n") + b"1,a\n")
    answers = [wire.answer()[1] for _ in range(4)]
    assert [a.get("NumberLoadedRows") for a in answers] == [60_000, None, 60_000, 1]
    assert answers[1] == {"status": "OK", "msg": "To Be Added"}
    found = counted.pool.control("GET", "stats")["counting"]["c.t"]
    assert found == {"rows": 120_001, "bytes": 2 * len(ROWS) + 4, "loads": 3,
                     "checksum": 2 * zlib.crc32(ROWS) + zlib.crc32(b"1,a\n")}


def test_a_large_body_after_100_continue_and_in_small_pieces(counted, wire):
    wire.socket.sendall(wire.head("e1", f"Expect: 100-continue\r\nContent-Length: {len(ROWS)}\r\n"))
    assert wire.answer()[0] == 100
    for at in range(0, len(ROWS), 9973):
        wire.socket.sendall(ROWS[at:at + 9973])
    assert wire.answer()[1]["NumberLoadedRows"] == 60_000
    wire.socket.sendall(wire.head("e2", "Content-Length: 4\r\n") + b"1,a\n")
    assert wire.answer()[1]["NumberLoadedRows"] == 1


def test_a_chunked_body_is_counted_alike(counted, wire):
    wire.socket.sendall(wire.head("k1", "Transfer-Encoding: chunked\r\n"))
    for at in range(0, len(ROWS), 100_000):
        piece = ROWS[at:at + 100_000]
        wire.socket.sendall(b"%x;name=value\r\n%b\r\n" % (len(piece), piece))
    wire.socket.sendall(b"0\r\n\r\n")
    assert wire.answer()[1]["NumberLoadedRows"] == 60_000


def test_a_body_that_cannot_be_counted_fails_at_its_end_and_the_connection_goes_on(counted, wire):
    body = b"[{}]]" + b" " * 500_000
    wire.socket.sendall(wire.head("j1", f"format: json\r\nContent-Length: {len(body)}\r\n") + body)
    status, answer = wire.answer()
    assert (status, answer["Status"]) == (200, "Fail") and "parse error" in answer["Message"]
    wire.socket.sendall(wire.head("j1", "Content-Length: 4\r\n") + b"1,a\n")
    assert wire.answer()[1]["Status"] == "Success"


@pytest.mark.parametrize("sent", [1, 100_000, 500_000])
def test_a_client_that_goes_away_leaves_an_aborted_label(counted, wire, sent):
    wire.socket.sendall(wire.head(f"gone{sent}", f"Content-Length: {len(ROWS)}\r\n") + ROWS[:sent])
    counted.wait(lambda: counted.state(f"gone{sent}") == "PREPARE")
    wire.socket.close()
    counted.wait(lambda: counted.state(f"gone{sent}") == "ABORTED")
    assert "c.t" not in counted.pool.control("GET", "stats")["counting"]


def test_an_old_client_is_answered_and_left(counted, wire):
    wire.socket.sendall(wire.head("old", f"Content-Length: {len(ROWS)}\r\n", "1.0") + ROWS)
    got = b""
    while piece := wire.socket.recv(65536):
        got += piece
    assert b'"NumberLoadedRows": 60000' in got
