"""Rows on their way into a table: what one load leaves behind until it is merged into the store.

A segment's columns are named by column uid (c1, c2, ...), so renames and drops after the load do not matter.
Small ones live in memory and as a blob beside the labels; large ones in an Arrow file that is mapped when read.
"""
import os
from dataclasses import dataclass

import pyarrow as pa

OP = "__op"  # 0 upsert, 1 delete
FOR_NEW = "new_"  # before a uid: values of a partial update for keys that are not in the table yet
SPILL_BYTES = 256 << 10  # a load larger than this goes to a file


@dataclass
class Segment:
    id: int
    table_id: int
    rows: int
    size: int  # bytes
    table: pa.Table | None = None
    path: str | None = None
    partial: bool = False  # only the listed columns of existing rows change
    condition: int | None = None  # uid of the merge condition column
    seq: int = 0  # order of commit; 0 while not committed

    def head(self):
        return {"rows": self.rows, "size": self.size, "partial": self.partial, "condition": self.condition}

    def read(self):
        if self.table is not None:
            return self.table
        with pa.memory_map(self.path) as source:
            return pa.ipc.open_file(source).read_all()

    def body(self):
        """The bytes to keep, None when the file has them."""
        if self.path is not None:
            return None
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.table.schema) as writer:
            writer.write_table(self.table)
        return sink.getvalue().to_pybytes()

    def forget(self):
        if self.path is not None:
            try:
                os.unlink(self.path)
            except FileNotFoundError:
                pass

    @staticmethod
    def restored(key, table_id, seq, head, path, body):
        table = pa.ipc.open_stream(body).read_all() if body is not None else None
        return Segment(key, table_id, head["rows"], head["size"], table, path, head["partial"], head["condition"], seq)


class SegmentWriter:
    """Collects the record batches of one load; moves them to a file when they get large."""

    def __init__(self, folder, key):
        self.path = os.path.join(folder, f"{key}.arrow")
        self.key = key
        self.tables = []
        self.rows = 0
        self.size = 0
        self.held = 0
        self.writer = None

    def add(self, table):
        if table.num_rows == 0:
            return
        self.tables.append(table)
        self.rows += table.num_rows
        self.size += table.nbytes
        self.held += table.nbytes
        if self.held > SPILL_BYTES:
            self._spill()

    def _spill(self):
        if self.writer is None:
            self.writer = pa.ipc.new_file(self.path, self.tables[0].schema)
        for table in self.tables:
            self.writer.write_table(table)
        self.tables, self.held = [], 0

    def finish(self, table_id, partial=False, condition=None):
        """The segment, or None when no row came."""
        if self.rows == 0:
            self.abandon()
            return None
        table, path = None, None
        if self.writer is not None:
            self._spill()
            self.writer.close()
            path = self.path
        else:
            table = self.tables[0] if len(self.tables) == 1 else pa.concat_tables(self.tables)
        self.writer, self.tables = None, []
        return Segment(self.key, table_id, self.rows, self.size, table, path, partial, condition)

    def abandon(self):
        self.tables = []
        if self.writer is not None:
            self.writer.close()
            self.writer = None
            os.unlink(self.path)
