#!/usr/bin/env python3
"""Writes the first inputs of every fuzz target: make_corpora.py FOLDER. The same every time."""
import struct
import sys
from pathlib import Path


def text(value):
    return value.encode() + b"\0"


def row(*cells):
    out = struct.pack(">H", len(cells))
    for cell in cells:
        out += {None: b"n", "toast": b"u"}.get(cell) or b"t" + struct.pack(">I", len(cell)) + cell.encode()
    return out


def relation(oid=1, identity=b"d", columns=(("id", 23, 1), ("v", 25, 0))):
    out = b"R" + struct.pack(">I", oid) + text("public") + text(f"t{oid}") + identity + struct.pack(">H", len(columns))
    for name, type_oid, flags in columns:
        out += bytes([flags]) + text(name) + struct.pack(">Ii", type_oid, -1)
    return out


def begin(lsn=200):
    return b"B" + struct.pack(">QqI", lsn, 1000, 7)


def commit(lsn=200, end=210):
    return b"C\0" + struct.pack(">QQq", lsn, end, 1000)


OID = struct.pack(">I", 1)
INSERT = b"I" + OID + b"N" + row("1", "one")
UPDATE = b"U" + OID + b"N" + row("1", "toast")
REKEY = b"U" + OID + b"K" + row("1", None) + b"N" + row("2", "two")
FULL = b"U" + OID + b"O" + row("1", "old") + b"N" + row("1", "toast")
DELETE = b"D" + OID + b"K" + row("1", None)
TRUNCATE = b"T" + struct.pack(">IB", 1, 3) + OID
MESSAGE = b"M\1" + struct.pack(">Q", 5) + text("prefix") + struct.pack(">I", 3) + b"abc"
TYPE = b"Y" + struct.pack(">I", 600) + text("public") + text("mood")
ORIGIN = b"O" + struct.pack(">Q", 9) + text("far")


def in_block(message, xid=50):
    return message[:1] + struct.pack(">I", xid) + message[1:]


STREAMED = [b"S" + struct.pack(">IB", 50, 1), in_block(relation()), in_block(INSERT), in_block(DELETE, 51), b"E",
            b"A" + struct.pack(">II", 50, 51), b"c" + struct.pack(">I", 50) + commit()[1:]]
PLAIN = [begin(), relation(), INSERT, UPDATE, REKEY, DELETE, TRUNCATE, MESSAGE, TYPE, ORIGIN, commit()]


def frames(messages, mark=b"\3"):
    return b"".join(mark + struct.pack(">H", len(message)) + message for message in messages)


VALUES = [b"infinity", b"-infinity", b"0044-03-15 BC", b"10000-01-01 00:00:00+00", b"2024-02-29 12:00:00.5+05:30", b"NaN",
          b"-12345.678", b"999.995", b"3.4028235e+38", b"caf\xe9 \xc3\xa9", b"\xf0\x9f\x98\x80abc", b"\\x00ff", b"t", b"null",
          b"[2:3]={7,8}", b"{{1,2},{3,NULL}}", b"\\N", b"\1\2"]
ANSWERS = [
    b'{"Status": "OK", "Message": "", "Label": "l", "TxnId": 7}',
    b'{"Status": "OK", "NumberTotalRows": 3, "NumberLoadedRows": 3, "NumberFilteredRows": 0, "NumberUnselectedRows": 0}',
    b'{"Status": "Fail", "Message": "too many filtered rows", "ErrorURL": "http://127.0.0.1:8040/api/_load_error_log?file=x"}',
    b'{"Status": "LABEL_ALREADY_EXISTS", "ExistingJobStatus": "RUNNING"}', b'{"state": "VISIBLE", "status": "OK", "code": "0"}',
    b'{"status": "FAILED", "code": "1", "msg": "database d not exists"}', b"<html>502</html>", b"[" * 200, b'{"Status": 1e999}',
]
ARRAYS = [b"{1,2,3}", b'{"a b","c\\"d",NULL}', b"{{1,2},{3,4}}", b"[2:3]={7,8}", b"{}", b'{"2024-01-01 00:00:00+00"}', b"{NaN,-Infinity}"]
NAMES = [b"\x0016/B374D848", b"\x01\0\3abc\0\4job_\1\0\2db\0\5table", b"\2http://be1:8040/api/d/t?label=x", b"\2https://[::1]:8030/",
         b"\3struct<a int(11), b array<decimal64(10, 2)>>", b"\4a:5432,b,[::1]:6000", b"\3tinyint(1)"]



def entry(kind, content):
    return struct.pack(">BI", kind, len(content)) + content


def log_record(end, *entries):
    """The content of a record of the durable spool, as it stands behind its check sum; not compressed."""
    content = b"".join(entries)
    return struct.pack(">QI", end, len(content)) + content


LOGGED = [log_record(210, *(entry(1, message) for message in PLAIN)), log_record(400, entry(2, struct.pack(">Q", 400))),
          log_record(0, entry(1, begin(500)), entry(1, INSERT)), log_record(510, entry(1, commit(500, 510))),
          log_record(900, entry(2, struct.pack(">Q", 900)))]
DESCRIBED = [log_record(100, entry(3, relation())), log_record(210, *(entry(1, message) for message in [begin(), INSERT, commit()])),
             log_record(900, entry(2, struct.pack(">Q", 900)))]

CORPORA = {
    "decoder": [frames(PLAIN, b"\0"), frames(STREAMED, b"\1"), frames([FULL, relation(2, b"f")], b"\0")],
    "stream_machine": [frames(PLAIN) + b"\0", frames(STREAMED) + b"\0", frames(PLAIN) + b"\1\t" + frames(STREAMED),
                       frames([begin(), relation(identity=b"f"), FULL, commit()]) + b"\0\2" + frames(PLAIN)],
    "copy_text": [b"\2one\ttwo", b"\3\\N\t\\\\\t\\x41\\101\\t", b"\1\\.", b"\0", b"\2a\\tb\tc"],
    "answer": [b"\1" + answer for answer in ANSWERS] + [b"\0" + ANSWERS[0]],
    "values": [bytes([kind, choice]) + value for kind in range(16) for choice in (0, 1, 2, 6, 18) for value in VALUES],
    "array_text": [bytes([shape]) + array for array in ARRAYS for shape in (0, 1, 3, 5, 7, 9)],
    "names": NAMES,
    "stream_log": [b"\0" + frames(LOGGED, b"\1"), b"\0" + frames(DESCRIBED, b"\1"), b"\1" + frames(LOGGED, b"\1"),
                   b"\0" + frames([struct.pack(">II", len(content), 7) + content for content in LOGGED], b"\0"),
                   b"\1\0\0\x10WLRKLOG\1\0\0\0\x08\0\0\0\0",
                   b"\0" + frames([log_record(900, entry(1, b"C1234"))], b"\1")],
}


def main(folder):
    for target, inputs in CORPORA.items():
        place = Path(folder) / target
        place.mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(inputs):
            (place / f"seed-{number}").write_bytes(content)


if __name__ == "__main__":
    main(sys.argv[1])
