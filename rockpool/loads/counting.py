"""Counting mode: what a load would store is only counted. No value is looked at.

Rows of a CSV body are its row delimiters, less blank lines, plus a last row without one. The checksum is the CRC-32
of a body's bytes as they came; a table's checksum is the sum over its bodies, so the order of loads does not matter.
"""
import json
import zlib

import numpy as np

from rockpool.loads.compress import Decompressor
from rockpool.loads.sink import Counts
from rockpool.loads.stream import LoadStream


class CountStream:
    """Has the face of LoadStream."""

    csv = None

    def __init__(self, plan):
        self.plan = plan
        self.counts = Counts()
        self.mark = plan.options.row_delimiter.encode("utf-8", "surrogateescape")
        self.repeats = self.mark[:1] in self.mark[1:]  # may overlap with itself
        self.is_json = plan.options.format == "json"
        self.json_body = []
        self.decompressor = None
        self.carry = b""  # the last bytes that came, one less than a delimiter has
        self.open = 0  # bytes since the last delimiter
        self.rows = -plan.options.skip_header
        self.size = 0
        self.checksum = 0
        self.sums = 0

    def feed(self, chunk):
        self.size += len(chunk)
        self.checksum = zlib.crc32(chunk, self.checksum)
        if self.plan.options.compression:
            if self.decompressor is None:
                self.decompressor = Decompressor(self.plan.options.compression)
            chunk = self.decompressor.feed(chunk)
        if not chunk:
            return
        if self.is_json:
            self.json_body.append(chunk)
        elif self.repeats:
            self._split(chunk)
        else:
            self._count(chunk)

    def _count(self, chunk):
        """Counts delimiters, and takes off those that end a blank line."""
        width, carried = len(self.mark), len(self.carry)
        whole = self.carry + chunk if carried else chunk
        if width > 1:
            self.carry = whole[-(width - 1):]
        found = np.frombuffer(whole, np.uint8)
        last = len(found) - width + 1
        marks = found[:max(last, 0)] == self.mark[0]
        for n in range(1, width):
            marks &= found[n:last + n] == self.mark[n]
        count = int(np.count_nonzero(marks))
        if count == 0:
            self.open += len(chunk)
            return
        first, final = whole.find(self.mark), whole.rfind(self.mark)
        blank = int(first == carried - self.open) + int(np.count_nonzero(marks[width:] & marks[:-width]))
        self.rows += count - blank
        self.open = len(whole) - final - width

    def _split(self, chunk):
        """A delimiter such as \n\n: found by splitting; what follows the last one is kept."""
        *rows, self.carry = (self.carry + chunk).split(self.mark)
        self.rows += sum(1 for row in rows if row)
        self.open = len(self.carry)

    def end_body(self):
        self.sums = (self.sums + self.checksum) & 0xFFFFFFFFFFFFFFFF
        self.checksum = 0
        self.decompressor = None
        if self.is_json and self.json_body:
            body, self.json_body = b"".join(self.json_body), []
            self.rows += json_rows(body)

    def finish(self):
        self.rows += 1 if self.open and not self.is_json else 0
        self.counts.total = self.counts.loaded = max(0, self.rows)

    def abandon(self):
        self.json_body = []


def json_rows(body):
    text = body.decode()
    start = text.lstrip()
    if start.startswith("["):
        return len(json.loads(text))
    decoder, at, count = json.JSONDecoder(), 0, 0
    while True:
        while at < len(text) and text[at] in " \t\r\n":
            at += 1
        if at == len(text):
            return count
        _, at = decoder.raw_decode(text, at)
        count += 1


def make(plan, folder, key, counting):
    if counting and not (plan.options.enclose or plan.options.escape):
        return CountStream(plan)
    return LoadStream(plan, folder, key)
