"""Counting mode: what a load would store is only counted. No value is looked at.

Rows of a CSV body are its row delimiters, less blank lines, plus a last row without one. The checksum is an adler32
over the bytes as they came; a table's checksum is the sum over its bodies, so the order of loads does not matter.
"""
import json
import zlib

import numpy as np

from rockpool.loads.compress import Decompressor
from rockpool.loads.sink import Counts
from rockpool.loads.stream import LoadStream


class CountStream:
    """Has the face of LoadStream."""

    def __init__(self, plan):
        self.plan = plan
        self.counts = Counts()
        self.mark = plan.options.row_delimiter.encode("utf-8", "surrogateescape")
        self.is_json = plan.options.format == "json"
        self.json_body = []
        self.decompressor = None
        self.tail = b""  # the last bytes that came: as long as a delimiter, less one, and one before it
        self.rows = -plan.options.skip_header
        self.blank = 0
        self.size = 0
        self.checksum = 1
        self.sums = 0
        self.error = None

    def feed(self, chunk):
        self.size += len(chunk)
        self.checksum = zlib.adler32(chunk, self.checksum)
        if self.plan.options.compression:
            if self.decompressor is None:
                self.decompressor = Decompressor(self.plan.options.compression)
            chunk = self.decompressor.feed(chunk)
        if not chunk:
            return
        if self.is_json:
            self.json_body.append(chunk)
        elif len(self.mark) == 1:
            self._single(chunk)
        else:
            self._several(chunk)

    def _single(self, chunk):
        found = np.frombuffer(chunk, np.uint8) == self.mark[0]
        self.rows += int(np.count_nonzero(found))
        before = self.tail[-1:] or self.mark
        if found[0] and before == self.mark:
            self.blank += 1
        double = self.mark * 2
        if chunk.find(double) >= 0:
            self.blank += int(np.count_nonzero(found[1:] & found[:-1]))
        self.tail = chunk[-1:]

    def _several(self, chunk):
        """Delimiters of more than one byte may be cut between chunks: the part behind the last one is kept."""
        whole = self.tail + chunk  # begins where a row begins
        self.rows += whole.count(self.mark)
        self.blank += whole.startswith(self.mark)
        if self.mark * 2 in whole:
            self.blank += sum(not row for row in whole.split(self.mark)[1:-1])
        stop = whole.rfind(self.mark)
        self.tail = whole[stop + len(self.mark):] if stop >= 0 else whole

    def end_body(self):
        self.sums = (self.sums + self.checksum) & 0xFFFFFFFFFFFFFFFF
        self.checksum = 1
        self.decompressor = None
        if self.is_json and self.json_body:
            body, self.json_body = b"".join(self.json_body), []
            self.rows += json_rows(body)

    def finish(self):
        if not self.is_json:
            open_row = self.tail and not (len(self.mark) == 1 and self.tail == self.mark)
            self.rows += 1 if open_row else 0
        rows = max(0, self.rows - self.blank)
        self.counts.total = self.counts.loaded = rows
        return None

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
