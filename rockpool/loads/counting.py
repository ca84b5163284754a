"""Counting mode: what a load would store is only counted. No value is looked at.

Rows of a CSV body are its row delimiters, less blank lines, plus a last row without one; rows of a JSON body are the
objects of its outer array, or its whole documents. The checksum is the CRC-32 of a body's bytes as they came; a table's
checksum is the sum over its bodies, so the order of loads does not matter.
"""
import re

import numpy as np
from isal import isal_zlib

from rockpool.errors import LoadError
from rockpool.loads import json_tape
from rockpool.loads.compress import Decompressor
from rockpool.loads.csv_rows import Csv
from rockpool.loads.json_rows import Json
from rockpool.loads.sink import Counts
from rockpool.loads.stream import LoadStream

BLOCK = 1 << 18  # bytes compared at once: what is made of them stays in the processor's cache


class CountStream:
    """Has the face of LoadStream. Keeps no byte of what it is fed, which may be a view of a buffer used again."""

    csv = None

    def __init__(self, plan):
        self.plan = plan
        self.counts = Counts()
        self.is_json = plan.options.format == "json"
        self.rows = counter(plan)
        self.decompressor = None
        self.size = 0
        self.checksum = 0
        self.sums = 0

    def feed(self, chunk):
        self.size += len(chunk)
        self.checksum = isal_zlib.crc32(chunk, self.checksum)
        if self.plan.options.compression:
            if self.decompressor is None:
                self.decompressor = Decompressor(self.plan.options.compression)
            chunk = self.decompressor.feed(chunk)
        if len(chunk):
            self.rows.feed(chunk)

    def end_body(self):
        self.sums = (self.sums + self.checksum) & 0xFFFFFFFFFFFFFFFF
        self.checksum = 0
        if self.decompressor is not None:
            self.decompressor.finish()
            self.decompressor = None
        self.rows.end_body()

    def finish(self):
        self.counts.total = self.counts.loaded = max(0, self.rows.finish())

    def abandon(self):
        self.rows = None


def counter(plan):
    """What counts the rows of a load."""
    options = plan.options
    if options.format == "json":
        return ParsedJson(plan) if options.json_root else JsonRows()
    if options.enclose or options.escape or options.skip_header:
        return ParsedCsv(plan)
    mark = options.row_delimiter.encode("utf-8", "surrogateescape")
    if len(mark) == 1:
        return Lines(mark)
    if mark[:1] in mark[1:]:  # may overlap with itself
        return SplitRows(mark)
    return MarkedRows(mark)


class Lines:
    """Rows that end in one byte."""

    def __init__(self, mark):
        self.mark, self.rows = mark[0], 0
        self.after_mark = True  # the last byte ended a row, or there was none
        self.equal = np.empty(BLOCK, bool)
        self.pairs = np.empty(BLOCK - 1, bool)

    def feed(self, chunk):
        found = np.frombuffer(chunk, np.uint8)
        for at in range(0, len(found), BLOCK):
            self._block(found[at:at + BLOCK])

    def _block(self, found):
        equal, pairs = self.equal[:len(found)], self.pairs[:len(found) - 1]
        np.equal(found, self.mark, out=equal)
        np.logical_and(equal[1:], equal[:-1], out=pairs)
        blank = int(self.after_mark and equal[0]) + int(np.count_nonzero(pairs))
        self.rows += int(np.count_nonzero(equal)) - blank
        self.after_mark = bool(equal[-1])

    def end_body(self):
        """The bodies of a load are one stream of rows."""

    def finish(self):
        return self.rows + (not self.after_mark)


class MarkedRows:
    """Rows that end in several bytes."""

    def __init__(self, mark):
        self.mark, self.rows = mark, 0
        self.carry = b""  # the last bytes that came, one less than a delimiter has
        self.open = 0  # bytes since the last delimiter

    def feed(self, chunk):
        with memoryview(chunk) as view:
            for at in range(0, len(view), BLOCK):
                self._block(self.carry + bytes(view[at:at + BLOCK]))

    def _block(self, whole):
        """Counts delimiters, and takes off those that end a blank line."""
        width, carried = len(self.mark), len(self.carry)
        self.carry = whole[-(width - 1):]
        found = np.frombuffer(whole, np.uint8)
        last = len(found) - width + 1
        marks = found[:max(last, 0)] == self.mark[0]
        for n in range(1, width):
            marks &= found[n:max(last, 0) + n] == self.mark[n]
        count = int(np.count_nonzero(marks))
        if count == 0:
            self.open += len(whole) - carried
            return
        first, final = whole.find(self.mark), whole.rfind(self.mark)
        blank = int(first == carried - self.open) + int(np.count_nonzero(marks[width:] & marks[:-width]))
        self.rows += count - blank
        self.open = len(whole) - final - width

    def end_body(self):
        """The bodies of a load are one stream of rows."""

    def finish(self):
        return self.rows + (self.open > 0)


class SplitRows:
    """Rows that end in a delimiter such as \\n\\n: found by splitting; what follows the last one is kept."""

    def __init__(self, mark):
        self.mark, self.rows, self.rest = mark, 0, b""

    def feed(self, chunk):
        *rows, self.rest = (self.rest + bytes(chunk)).split(self.mark)
        self.rows += sum(1 for row in rows if row)

    def end_body(self):
        """The bodies of a load are one stream of rows."""

    def finish(self):
        return self.rows + bool(self.rest)


class ParsedCsv:
    """Rows with enclose, escape or a header: the server's own reader knows where they end."""

    def __init__(self, plan):
        self.csv, self.rows = Csv(plan.options, len(plan.fields)), 0

    def feed(self, chunk):
        self._add(self.csv.feed(bytes(chunk)))

    def _add(self, block):
        if block is not None:
            self.rows += block.rows + block.refused_count

    def end_body(self):
        """The bodies of a load are one stream of rows."""

    def finish(self):
        self._add(self.csv.finish())
        return self.rows


BRACKETS_AND_QUOTES = b'{}[]"'
OTHERS = bytes(set(range(256)) - set(BRACKETS_AND_QUOTES))
ESCAPED = re.compile(rb"\\.", re.DOTALL)
OPENS = 0x02  # the bit that { and [ have, } and ] have not


class JsonRows:
    """Objects at the top of a JSON body or in its outer array, by brackets outside strings. Values are not checked."""

    def __init__(self):
        self.rows = 0
        self._begin()

    def _begin(self):
        self.quoted = self.escaped = False  # whether what came ends inside a string, or behind a backslash
        self.depth, self.level = 0, None  # level: depth of a row, known from the first bracket

    def feed(self, chunk):
        body = bytes(chunk)
        if self.escaped:
            body, self.escaped = body[1:], False
        if b"\\" in body:
            body = ESCAPED.sub(b"", body)
            self.escaped = body.endswith(b"\\")
        found = np.frombuffer(body.translate(None, OTHERS), np.uint8)
        if len(found):
            self._brackets(found)

    def _brackets(self, found):
        quotes = found == ord('"')
        inside = np.logical_xor.accumulate(quotes)
        if self.quoted:
            np.logical_not(inside, out=inside)
        self.quoted = bool(inside[-1])
        brackets = found[~(inside | quotes)]
        if not len(brackets):
            return
        if self.level is None:
            self.level = 2 if brackets[0] == ord("[") else 1
        opens = (brackets & OPENS) != 0
        depths = np.cumsum(np.where(opens, np.int32(1), np.int32(-1)), dtype=np.int32) + np.int32(self.depth)
        if depths.min() < 0:
            raise broken("a bracket closes what was not opened")
        self.rows += int(np.count_nonzero((depths == self.level - 1) & (brackets == ord("}"))))
        self.depth = int(depths[-1])

    def end_body(self):
        if self.level == 2 and self.depth:  # the last of several documents may lack its end: it is no row
            raise broken(json_tape.ENDED_EARLY)
        self._begin()

    def finish(self):
        return self.rows


class ParsedJson:
    """Rows under a json_root: whole bodies are parsed."""

    def __init__(self, plan):
        self.json, self.parts, self.rows = Json(plan.options, plan), [], 0

    def feed(self, chunk):
        self.parts.append(bytes(chunk))

    def end_body(self):
        body, self.parts = b"".join(self.parts), []
        if body:
            self.rows += self.json.block(body).rows

    def finish(self):
        return self.rows


def broken(what):
    return LoadError("DATA_QUALITY_ERROR", f"parse error. error: {what}")


def make(plan, folder, key, counting):
    return CountStream(plan) if counting else LoadStream(plan, folder, key)
