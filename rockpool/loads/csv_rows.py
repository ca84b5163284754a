"""CSV bodies to columns of text, by the rules of the server's two readers.

Version 1 (no enclose, no escape): pure splitting. Version 2: the server's state machine with its traps.
Both give blocks: columns of text with NULL for \\N, and the rows that were refused with their reasons.
"""
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rockpool.errors import internal
from rockpool.loads.csv_quoted import QuotedRows

NULL = "\\N"
FEW_ROWS = 64
MAX_ROW = 512 << 20  # bytes


@dataclass
class Block:
    """Rows of equal width. refused: (reason, row text) of rows that did not become part of it."""
    columns: list  # arrays of text, one per field
    rows: int
    refused: list = field(default_factory=list)
    refused_count: int = 0
    raw: list | None = None  # row texts where they are at hand

    def refuse(self, reason, text):
        self.refused_count += 1
        if len(self.refused) < 50:
            self.refused.append((reason, text))

    def row_text(self, n, separator):
        if self.raw is not None:
            return self.raw[n]
        return separator.join(NULL if (v := c[n].as_py()) is None else v for c in self.columns)


def printable(delimiter):
    return "".join({"\t": "\\t", "\n": "\\n", "\r": "\\r"}.get(ch, ch if ch.isprintable() else f"\\x{ord(ch):02x}")
                   for ch in delimiter)


class Csv:
    """Cuts a stream of bytes into blocks of whole rows; the bytes of bodies in a row are one stream."""

    def __init__(self, options, width):
        self.width = width
        self.separator = options.column_separator
        self.delimiter = options.row_delimiter
        self.row_mark = options.row_delimiter.encode("utf-8", "surrogateescape")
        self.field_mark = options.column_separator.encode("utf-8", "surrogateescape")
        self.trim = options.trim_space
        self.enclose = options.enclose.encode("latin-1", "replace")
        self.escape = options.escape.encode("latin-1", "replace")
        self.to_skip = options.skip_header
        self.rest = bytearray() if self.is_quoted else b""

    @property
    def is_quoted(self):
        return bool(self.enclose or self.escape)

    def feed(self, chunk):
        """The block of rows that this chunk completes, or None."""
        if self.is_quoted:
            self.rest += chunk  # where a row ends depends on all before it: cut at the end only
            return None
        whole = self.rest + chunk if self.rest else chunk
        stop = self._last_mark(whole)
        if stop < 0:
            self.rest = whole
            if len(whole) > MAX_ROW:
                raise internal(f"CSV line length exceed limit {MAX_ROW}")
            return None
        self.rest = whole[stop + len(self.row_mark):]
        return self._block(whole[:stop])

    def _last_mark(self, whole):
        """Where the last delimiter begins; one that may overlap with itself is looked for from the left."""
        if self.row_mark[:1] in self.row_mark[1:]:
            return len(whole) - len(whole.split(self.row_mark)[-1]) - len(self.row_mark)
        return whole.rfind(self.row_mark)

    def finish(self):
        """The block of the last row, which may lack its delimiter."""
        rest, self.rest = self.rest, b""
        if not rest:
            return None
        if self.is_quoted:
            return self._quoted_block(bytes(rest))
        return self._block(rest)

    # ------------------------------------------------------------ version 1
    def _block(self, body):
        if self.to_skip:
            pieces = body.split(self.row_mark, self.to_skip)
            skipped = min(self.to_skip, len(pieces))
            self.to_skip -= skipped
            if len(pieces) == skipped:
                return None
            body = pieces[skipped]
        if body.count(self.row_mark) < FEW_ROWS:
            return self._slow(body)
        return self._fast(body) or self._slow(body)

    def _slow(self, body):
        block = Block([], 0, raw=[])
        columns = [[] for _ in range(self.width)]
        for raw in body.split(self.row_mark):
            if not raw:
                continue
            fields = raw.split(self.field_mark)
            if len(fields) != self.width:
                block.refuse(self._width_text(len(fields)), raw.decode("utf-8", "replace"))
                continue
            try:
                text = raw.decode()
            except UnicodeDecodeError:
                block.refuse("Invalid UTF-8 row", raw.decode("utf-8", "replace"))
                continue
            fields = text.split(self.separator)
            block.raw.append(text)
            for column, value in zip(columns, fields):
                if self.trim:
                    value = value.strip(" ")
                column.append(None if value == NULL else value)
        block.rows = len(block.raw)
        block.columns = [pa.array(c, pa.string()) for c in columns]
        return block

    def _width_text(self, actual):
        return (f"Value count does not match column count: expected = {self.width}, actual = {actual}. "
                f"Column separator: {printable(self.separator)}, Row delimiter: {printable(self.delimiter)}")

    def _fast(self, body):
        """Splits with Arrow. None when there is something that only the slow way gets right."""
        offsets = np.array([0, len(body)], np.int32)
        one = pa.StringArray.from_buffers(1, pa.py_buffer(offsets), pa.py_buffer(body))
        try:
            one.validate(full=True)
        except pa.ArrowInvalid:
            return None  # some row is not UTF-8
        rows = pc.split_pattern(one, self.delimiter).values
        lengths = pc.binary_length(rows)
        if pc.min(lengths).as_py() == 0:
            rows = rows.filter(pc.greater(lengths, 0))
        block = Block([], 0)
        fields = pc.split_pattern(rows, self.separator)
        widths = pc.list_value_length(fields)
        extremes = pc.min_max(widths)
        if extremes["min"].as_py() != self.width or extremes["max"].as_py() != self.width:
            fields = self._refuse_widths(block, rows, fields, widths)
        block.rows = len(fields)
        values = fields.flatten()
        has_null = NULL.encode() in body
        for n in range(self.width):
            block.columns.append(self._column(values, n, has_null))
        return block

    def _refuse_widths(self, block, rows, fields, widths):
        good = pc.equal(widths, self.width)
        bad = np.flatnonzero(~good.to_numpy(zero_copy_only=False))
        for n in bad[:50]:
            block.refuse(self._width_text(widths[int(n)].as_py()), rows[int(n)].as_py())
        block.refused_count = len(bad)
        return fields.filter(good)

    def _column(self, values, n, has_null):
        column = values.take(pa.array(np.arange(n, len(values), self.width)))
        if self.trim:
            column = pc.utf8_trim(column, " ")
        if has_null:
            column = pc.if_else(pc.equal(column, NULL), pa.scalar(None, pa.string()), column)
        return column

    # ------------------------------------------------------------ version 2
    def _quoted_block(self, body):
        block = Block([], 0, raw=[])
        columns = [[] for _ in range(self.width)]
        if self.to_skip:  # headers are cut off as lines, whatever quotes say
            body = body.split(self.row_mark, self.to_skip)[self.to_skip:]
            body, self.to_skip = body[0] if body else b"", 0
        for raw, fields in QuotedRows(self, body):
            if len(fields) != self.width:
                block.refuse(self._width_text(len(fields)), raw.decode("utf-8", "replace"))
                continue
            try:
                text = raw.decode()
                values = [f.decode("utf-8", "replace") for f in fields]  # a byte cut off a field may leave half a letter
            except UnicodeDecodeError:
                block.refuse("Invalid UTF-8 row", raw.decode("utf-8", "replace"))
                continue
            block.raw.append(text)
            for column, value in zip(columns, values):
                column.append(None if value == NULL else value)
        block.rows = len(block.raw)
        block.columns = [pa.array(c, pa.string()) for c in columns]
        return block
