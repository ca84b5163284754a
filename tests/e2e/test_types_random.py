"""Random values of every type, by snapshot and by stream, compared by the independent program.

The seed is printed with a failure; WALROCK_SEED plays it again, WALROCK_RANDOM_ROWS makes it longer.
"""
import os
import random

import pytest

from tests.support import verify
from tests.support.pg_server import REPLICATOR

SEED = int(os.environ.get("WALROCK_SEED") or random.SystemRandom().randrange(1 << 32))
ROWS = int(os.environ.get("WALROCK_RANDOM_ROWS") or 120)

ALPHABETS = ["abc XYZ", "\\N\\\\\t\n\r\x01\x02\x03", "äß€日本😀\u200b\ufeff", '"\'`,;{}[]()<>|&', "0123456789.-+eE", "\x7f\x1b\x08\x0b\x0c"]


class Values:
    """Makes SQL literals of a type; the same seed makes the same ones."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self, most=40):
        size = self.random.choice([0, 1, 2, self.random.randrange(most), self.random.randrange(most * 50)])
        alphabet = "".join(self.random.sample(ALPHABETS, self.random.randint(1, len(ALPHABETS))))
        return "".join(self.random.choice(alphabet) for _ in range(size))

    def integer(self, bits):
        size = self.random.randrange(bits)
        return self.random.choice([-(1 << size), (1 << size) - 1, self.random.randrange(-(1 << size), 1 << size)])

    def double(self):
        return self.random.choice([self.random.random(), self.random.gauss(0, 1e9), self.random.uniform(-1, 1) * 10.0 **
                                   self.random.randint(-300, 300), float(self.integer(60)), 0.0])

    def digits(self, most):
        return "".join(self.random.choice("0123456789") for _ in range(self.random.randint(1, most)))

    def number(self, integers, fraction):
        return f"{self.random.choice(['', '-'])}{self.digits(integers)}.{self.digits(fraction)}"

    def moment(self):
        micros = self.random.choice(["", f".{self.random.randrange(10 ** 6):06}"])
        return (f"{self.random.choice([1, 9999, self.random.randint(1, 9999)]):04}-{self.random.randint(1, 12):02}-"
                f"{self.random.randint(1, 28):02} {self.random.randrange(24):02}:{self.random.randrange(60):02}:"
                f"{self.random.randrange(60):02}{micros}")

    def json(self, depth=3):
        kinds = [lambda: "null", lambda: "true", lambda: str(self.integer(53)), lambda: self.json_text()]
        if depth:
            kinds += [lambda: "[" + ", ".join(self.json(depth - 1) for _ in range(self.random.randrange(4))) + "]",
                      lambda: "{" + ", ".join(f'"k{i}": {self.json(depth - 1)}' for i in range(self.random.randrange(4))) + "}"]
        return self.random.choice(kinds)()

    def json_text(self):
        import json
        return json.dumps("".join(c for c in self.text(10)), ensure_ascii=self.random.random() < 0.5)

    def array(self, element, dimensions):
        if dimensions == 0:
            return element()
        return "{" + ",".join(self.array(element, dimensions - 1) for _ in range(2)) + "}"

    def quoted_element(self):
        return '"' + self.text(8).replace("\\", "\\\\").replace('"', '\\"') + '"'

    def many(self, element):
        return self.random.choice(["{}", self.array(lambda: self.random.choice(["NULL", element()]), self.random.randint(1, 3))])


KINDS = {
    "boolean": lambda v: v.random.choice(["t", "f"]),
    "smallint": lambda v: str(v.integer(16)), "integer": lambda v: str(v.integer(32)), "bigint": lambda v: str(v.integer(64)),
    "real": lambda v: str(v.random.choice([v.random.random(), v.random.gauss(0, 1e9), 16777217.0])),
    "double precision": lambda v: repr(v.double()),
    "numeric(12,4)": lambda v: v.number(8, 4), "numeric(38,19)": lambda v: v.number(19, 19), "numeric(20,0)": lambda v: v.digits(20),
    "numeric": lambda v: v.number(150, 80), "numeric(60,20)": lambda v: v.number(40, 20),
    "text": lambda v: v.text(), "varchar": lambda v: v.text(), "char(7)": lambda v: v.text(40)[:7],
    "bytea": lambda v: "\\x" + v.random.randbytes(v.random.randrange(200)).hex(),
    "bit varying": lambda v: "".join(v.random.choice("01") for _ in range(v.random.randrange(70))),
    "date": lambda v: v.moment()[:10], "timestamp": lambda v: v.moment(),
    "timestamptz": lambda v: "2" + v.moment()[1:] + v.random.choice(["+00", "-11:30", "+05:45"]),
    "time": lambda v: v.moment()[11:], "timetz": lambda v: v.moment()[11:] + "-03:30",
    "interval": lambda v: f"{v.integer(20)} months {v.integer(20)} days {v.integer(50)} microseconds",
    "json": lambda v: v.json(), "jsonb": lambda v: v.json(),
    "uuid": lambda v: v.random.randbytes(16).hex(),
    "inet": lambda v: ".".join(str(v.random.randrange(256)) for _ in range(4)) + v.random.choice(["", f"/{v.random.randrange(33)}"]),
    "point": lambda v: f"({v.double()!r},{v.double()!r})",
    "int4range": lambda v: v.random.choice(["empty", f"[{v.random.randrange(100)},{v.random.randrange(100, 200)}]", "(,)"]),
    "integer[]": lambda v: v.many(lambda: str(v.integer(32))), "text[]": lambda v: v.many(v.quoted_element),
    "boolean[]": lambda v: v.many(lambda: v.random.choice("tf")),
    "timestamp[]": lambda v: v.many(lambda: f'"{v.moment()}"'),
    "numeric[]": lambda v: "{" + ",".join(v.number(20, 20) for _ in range(3)) + "}",
    "double precision[]": lambda v: v.many(lambda: repr(v.double())),
}


def row(values):
    return [None if values.random.random() < 0.1 else make(values) for make in KINDS.values()]


def valid(cells):
    """PostgreSQL has no NUL, and jsonb no such escape."""
    return [cell.replace("\x00", "").replace("\\u0000", "") if isinstance(cell, str) else cell for cell in cells]


def differing_cells(case):
    """As the verifier reads both sides, cell by cell."""
    source = verify.Source(case.pg.dsn(case.name))
    target = verify.Target(case.rockpool.mysql_address)
    try:
        columns = source.columns("public.r")
        types = target.column_types(f"{case.name}.r")
        for column in columns:
            column.target_type = types[column.name]
        here = {cells[0]: cells for cells in source.rows("public.r", columns)}
        there = {cells[0]: cells for cells in target.rows(f"{case.name}.r", columns)}
    finally:
        source.close()
        target.close()
    found = [f"rows {sorted(here.keys() ^ there.keys())} are on one side only"] if here.keys() != there.keys() else []
    for key in here.keys() & there.keys():
        found += [f"row {key} {column.source_type} -> {column.target_type}: {one!r:.200} != {other!r:.200}"
                  for column, one, other in zip(columns, here[key], there[key]) if one != other]
    return found


@pytest.mark.parametrize("format_of_loads", ["csv", "json"])
def test_random_values_arrive_exactly(case, format_of_loads):
    print(f"WALROCK_SEED={SEED}")
    values = Values(SEED)
    columns = ", ".join(f"c{i} {kind}" for i, kind in enumerate(KINDS))
    case.source(f"CREATE TABLE r (id int PRIMARY KEY, {columns})")
    rows = [valid(row(values)) for _ in range(ROWS)]
    marks = ", ".join(f"%s::{kind}" for kind in KINDS)
    with case.transaction() as cursor:
        for i, cells in enumerate(rows[:ROWS // 3]):
            cursor.execute(f"INSERT INTO r VALUES ({i}, {marks})", cells)
    changes = {"sink": {"starrocks": {"load.properties": {"format": format_of_loads}}}}
    with case.walrock("r", changes) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.r")
        for i, cells in enumerate(rows[ROWS // 3:]):
            with case.transaction() as cursor:
                if i % 2:
                    cursor.execute(f"INSERT INTO r VALUES ({ROWS + i}, {marks})", cells)
                else:
                    cursor.execute(f"UPDATE r SET ({', '.join(f'c{k}' for k in range(len(KINDS)))}) = ROW({marks}) "
                                   f"WHERE id = {i % (ROWS // 3)}", cells)
        case.settle(walrock)
    found = differing_cells(case)
    assert not found, f"WALROCK_SEED={SEED}\n" + "\n".join(found[:20])
