"""Versions of tables that are kept for scans: a plan is made for a version, and what opens it later still reads that.

A pin is a connection to the store whose transaction began at that version. As long as it is open the store keeps what
newer versions replaced, so pins that nobody uses go after a while, and the oldest when there are many. Then, as on a
real server after compaction, the version is gone and the reader has to plan again.
"""
import asyncio
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa

from rockpool.scan.tablets import Layout

KEEP_SECONDS = 600  # since the last use
KEEP_NUMBER = 16
WINDOW_ROWS = 4 * 122_880  # rows looked at by one step of a scan; a whole number of the store's row groups


class Gone(Exception):
    """The version is not there any more."""


class Pin:
    def __init__(self, version, layout, cursor):
        self.version, self.layout, self.cursor = version, layout, cursor
        self.lock = threading.Lock()  # one statement at a time on the connection
        self.used = time.monotonic()
        self.readers = 0
        self._placement = None

    @property
    def table(self):
        return self.layout.table

    # ------------------------------------------------------------ in the scan's thread
    def windows(self, sql, tablet_ids):
        """Arrow tables with the rows of some tablets, a window of rows at a time."""
        with self.lock:
            if self._placement is None:
                self._placement = self.layout.placement(self.cursor)
        wanted = np.isin(self._placement, [self.layout.ids.index(t) for t in tablet_ids])
        for start in range(0, len(wanted), WINDOW_ROWS):
            rows = np.flatnonzero(wanted[start:start + WINDOW_ROWS])
            if len(rows):
                yield self._window(sql, start, rows + start)

    def _window(self, sql, start, rows):
        name = self.table.store_name
        source = (f"(SELECT * FROM {name} WHERE rowid >= {start} AND rowid < {start + WINDOW_ROWS} "
                  f"AND rowid IN (SELECT at_ FROM wanted_))")
        with self.lock:
            self.cursor.register("wanted_", pa.table({"at_": rows}))
            try:
                return self.cursor.sql(with_source(sql, name, source)).to_arrow_table()
            finally:
                self.cursor.unregister("wanted_")

    def close(self):
        with self.lock:
            self.cursor.close()


def with_source(sql, name, source):
    """A statement of the store that reads from another source wherever it names a table; not in texts and names."""
    pieces = re.compile(rf"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\b{name}\b(?!\.)")
    return pieces.sub(lambda found: source if found.group() == name else found.group(), sql)


class Pins:
    def __init__(self, world, tablets):
        self.world, self.tablets = world, tablets
        self.known = {}  # (table id, version) -> Pin
        self.threads = ThreadPoolExecutor(2, "scan-reader")
        self.gate = asyncio.Lock()

    async def newest(self, table):
        """A pin of the version that is visible now."""
        async with self.gate:
            layout = await Layout.of(self.world, self.tablets, table)
            version = self.world.storage.versions.of(table.id)
            found = self.known.get((table.id, version))
            if found is None or found.layout.table.schema_version != table.schema_version:
                cursor = await self.world.storage.snapshot([table.id])  # takes what is visible before it first waits
                found = Pin(version, layout, cursor)
                self._keep(found)
            found.used = time.monotonic()
            return found

    async def of(self, table_id, version):
        """The pin of a version; Gone when there is none and the table has moved on. None: there is no such table."""
        found = self.known.get((table_id, version))
        if found is None:
            table = self.world.catalog.by_id.get(table_id)
            if table is None:
                return None
            found = await self.newest(table)
            if found.version != version:
                raise Gone()
        found.used = time.monotonic()
        return found

    def _keep(self, pin):
        old = self.known.pop((pin.table.id, pin.version), None)
        if old is not None and not old.readers:
            self._close(old)
        self.known[(pin.table.id, pin.version)] = pin
        idle = sorted((p for p in self.known.values() if not p.readers and p is not pin), key=lambda p: p.used)
        for extra in idle[:max(0, len(self.known) - KEEP_NUMBER)]:
            self.drop(extra)

    def drop(self, pin):
        self.known.pop((pin.table.id, pin.version), None)
        if not pin.readers:
            self._close(pin)

    def let_go(self, pin):
        """A scan has ended."""
        pin.readers -= 1
        pin.used = time.monotonic()
        if not pin.readers and self.known.get((pin.table.id, pin.version)) is not pin:
            self._close(pin)

    def tidy(self):
        """Closes what was not used for long. Called now and then."""
        late = time.monotonic() - KEEP_SECONDS
        for pin in [p for p in self.known.values() if not p.readers and p.used < late]:
            self.drop(pin)

    def forget(self, table_id):
        """The tablets of a table are gone. Scans that read them go on to their end, as on a server."""
        for pin in [p for p in self.known.values() if p.table.id == table_id]:
            self.drop(pin)

    def _close(self, pin):
        self.threads.submit(pin.close)

    def stop(self):
        self.threads.shutdown(wait=True, cancel_futures=True)
        for pin in self.known.values():
            pin.close()
        self.known.clear()
