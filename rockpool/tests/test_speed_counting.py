"""Counting mode finds the rows that storing mode finds, however a body is cut on its way."""
import json
import random
import zlib
from types import SimpleNamespace

import pytest

from rockpool.errors import LoadError
from rockpool.loads import counting
from rockpool.loads.csv_rows import Csv

OPTIONS = dict(format="csv", row_delimiter="\n", column_separator=",", skip_header=0, enclose="", escape="",
               trim_space=False, compression="", json_root="", jsonpaths="", strip_outer_array=True)


def stream(**more):
    plan = SimpleNamespace(options=SimpleNamespace(**{**OPTIONS, **more}), fields=["a"])
    return counting.CountStream(plan)


def pieces(body, rng):
    at = 0
    while at < len(body):
        size = rng.choice([1, 2, 3, 7, 50, 1000])
        yield memoryview(bytearray(body[at:at + size]))
        at += size


def counted(made, body, rng):
    for piece in pieces(body, rng):
        made.feed(piece)
        piece.obj[:] = b"\n" * len(piece)  # the buffer is used again
    made.end_body()
    made.finish()
    return made.counts.loaded


def by_reading(body, **more):
    csv = Csv(SimpleNamespace(**{**OPTIONS, **more}), 1)
    return sum(b.rows + b.refused_count for b in (csv.feed(body), csv.finish()) if b is not None)


@pytest.mark.parametrize("mark", ["\n", "\x02", "\r\n", "||", "ab", "aba", "<br>"])
def test_csv_rows_are_counted_as_they_are_read(mark):
    seed = random.randrange(1 << 30)
    rng = random.Random(seed)
    for _ in range(200):
        parts = [mark, mark, "a", "b", ",", "xyz", mark[0], "\r", "0" * 40]
        body = "".join(rng.choice(parts) for _ in range(rng.randrange(60))).encode()
        assert counted(stream(row_delimiter=mark), body, rng) == by_reading(body, row_delimiter=mark), (seed, body)


def test_rows_are_counted_over_blocks_of_any_size():
    body = b"".join(b"x" * n + b"\n" * (n % 3) for n in range(1500))
    for mark in ("\n", "\nx"):
        made = stream(row_delimiter=mark)
        made.feed(body)
        made.end_body()
        made.finish()
        assert made.counts.loaded == by_reading(body, row_delimiter=mark) > 400


def test_enclosed_rows_are_counted_by_the_reader():
    body = b'"a\nb"\n\n"c"\nd'
    assert counted(stream(enclose='"'), body, random.Random(1)) == 3
    assert counted(stream(skip_header=2), b"\n\na\nb", random.Random(1)) == 2


def values(rng, depth=0):
    kind = rng.randrange(8 if depth < 3 else 4)
    if kind < 2:
        return "".join(rng.choice('ab{}[]"\\\n\u00e9,:') for _ in range(rng.randrange(8)))
    if kind < 4:
        return rng.choice([None, True, 1.5, -7])
    if kind < 6:
        return [values(rng, depth + 1) for _ in range(rng.randrange(3))]
    return {values(rng, 9) if rng.random() < .1 else f"k{n}\\": values(rng, depth + 1) for n in range(rng.randrange(3))}


def test_json_rows_are_counted_without_parsing():
    seed = random.randrange(1 << 30)
    rng = random.Random(seed)
    for _ in range(300):
        rows = [{"a": values(rng), "{": values(rng)} for _ in range(rng.randrange(5))]
        body = json.dumps(rows, indent=rng.choice([None, 1])) if rng.random() < .5 else \
            "\n".join(json.dumps(r, ensure_ascii=False) for r in rows)
        assert counted(stream(format="json"), body.encode(), rng) == len(rows), (seed, body)


@pytest.mark.parametrize("body", [b'[{"a": 1}', b'[{"a": "x', b"[{}]]", b'[{"a": "\\"}]'])
def test_a_json_body_cut_short_is_refused(body):
    with pytest.raises(LoadError):
        counted(stream(format="json"), body, random.Random(1))


def test_a_last_document_without_its_end_is_no_row():
    assert counted(stream(format="json"), b'{"a": 1} {"a": {}} {"a": "}', random.Random(1)) == 2


def test_the_checksum_is_the_sum_over_the_bodies():
    made = stream()
    for body in (b"1\n2\n", b"3\n"):
        made.feed(body)
        made.end_body()
    made.finish()
    assert (made.sums, made.size, made.counts.loaded) == (zlib.crc32(b"1\n2\n") + zlib.crc32(b"3\n"), 6, 3)
