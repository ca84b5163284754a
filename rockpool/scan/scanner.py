"""The scans that readers have open on one backend: open, the next batch, close. Used by the event loop's thread; rows are
read in threads of their own.
"""
import asyncio
import uuid

import duckdb
import pyarrow as pa

from rockpool.scan import columns, plan, structs
from rockpool.scan.pins import Gone

CHUNK_ROWS = 4096  # the least a backend puts into a batch
MAX_CHUNK_ROWS = 65535
KEEP_ALIVE_MINUTES = 5
PASS_SECONDS = 300  # scan_context_gc_interval_min: idle scans are looked for this often
CHECKED_SIZE_SINCE = (3, 3)


class Refused(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code, self.text = code, text


class Context:
    """One open scan. pin is None when opening failed: the context stays until it is closed."""

    def __init__(self, keep_alive, now):
        self.id = str(uuid.uuid4())
        self.keep_alive = keep_alive  # minutes
        self.offset = 0
        self.used = now
        self.busy = asyncio.Lock()
        self.pin = self.batches = None
        self.opened = False


class Scanner:
    def __init__(self, reading, number):
        self.reading, self.world, self.number = reading, reading.world, number
        self.contexts = {}
        self.passed = self.world.clock.now()

    # ------------------------------------------------------------ the calls
    async def open_scanner(self, params):
        await self.world.faults.silence()
        keep = KEEP_ALIVE_MINUTES if params.keep_alive_min is None else params.keep_alive_min
        context = Context(keep, self.world.clock.now())
        self.contexts[context.id] = context
        described = []
        try:
            await self._open(context, params, described)
            context.opened = True
            status = structs.TStatus(status_code=structs.OK)
        except Refused as e:
            status = structs.TStatus(status_code=e.code, error_msgs=[e.text])
        return structs.TScanOpenResult(status=status, context_id=context.id, selected_columns=described)

    async def _open(self, context, params, described):
        size = self._batch_size(params.batch_size)
        try:
            scan = plan.read(params.opaqued_query_plan, self.reading.signer)
        except plan.BadPlan as e:
            raise Refused(structs.INVALID_ARGUMENT, str(e)) from None
        if scan.columns is None:
            raise Refused(structs.INVALID_ARGUMENT, plan.NOT_A_COLUMN)
        described += [structs.TScanColumnDesc(name=shown, type=structs.primitive(kind))
                      for (_, shown, _, _), kind in zip(scan.columns, scan.kinds())]
        for tablet in params.tablet_ids:
            if tablet not in scan.tablet_ids:
                raise Refused(structs.NOT_FOUND, f"tablet_id: {tablet} not found")
        if params.tablet_ids:
            await self._begin(context, scan, list(dict.fromkeys(params.tablet_ids)), size)

    def _batch_size(self, given):
        if self.world.version.since(*CHECKED_SIZE_SINCE):
            if given is None:
                raise Refused(structs.INVALID_ARGUMENT, "batch_size is not set")
            if not 0 < given <= MAX_CHUNK_ROWS:
                raise Refused(structs.INVALID_ARGUMENT, "batch_size is out of range, it must be in the range (0, "
                                                        f"{MAX_CHUNK_ROWS}], current value is [{given}]")
        return max(CHUNK_ROWS, given or 0)

    async def _begin(self, context, scan, tablet_ids, size):
        try:
            schema = _schema(scan, self.world.version)
        except columns.Unsupported as e:
            raise Refused(structs.INVALID_ARGUMENT, str(e)) from None
        try:
            pin = await self.reading.pins.of(scan.table_id, scan.version)
        except Gone:
            raise Refused(structs.NOT_FOUND, f"get_applied_rowsets(version {scan.version}) failed tablet:{tablet_ids[0]} "
                                             "the version is gone, plan again") from None
        for tablet in tablet_ids:
            if pin is None or tablet not in pin.layout.ids or self.number not in pin.layout.backends(tablet):
                raise Refused(structs.INTERNAL_ERROR, f"failed to get tablet. tablet_id={tablet}, with schema_hash="
                                                      f"{scan.schema_hash}, reason=tablet does not exist")
        pin.readers += 1
        context.pin = pin
        context.batches = _batches(pin.windows(scan.sql, tablet_ids), scan.kinds(), schema, size, self.world.version)

    async def get_next(self, params):
        await self.world.faults.silence()
        context = self.contexts.get(params.context_id or "")
        if context is None:
            return _failed(structs.NOT_FOUND, f"context_id: {params.context_id or ''} not found")
        async with context.busy:
            if (params.offset or 0) != context.offset:
                return _failed(structs.NOT_FOUND, f"context_id={context.id}, send_offset={params.offset or 0}, "
                                                  f"context_offset={context.offset}")
            try:
                return await self._next(context)
            finally:
                context.used = self.world.clock.now()

    async def _next(self, context):
        if not context.opened:
            return _failed(structs.INTERNAL_ERROR, "fragment_instance_id does not exists")
        done = structs.TScanBatchResult(status=structs.TStatus(status_code=structs.OK), eos=True)
        if context.batches is None:
            return done
        try:
            batch = await asyncio.get_running_loop().run_in_executor(self.reading.pins.threads, next, context.batches, None)
        except Refused as e:
            return _failed(e.code, e.text)
        except (duckdb.Error, pa.ArrowException) as e:
            self.reading.pins.drop(context.pin)  # its transaction ended with the error
            return _failed(structs.INTERNAL_ERROR, str(e).split("\n", 1)[0])
        if batch is None:
            return done
        rows, body = batch
        context.offset += rows
        return structs.TScanBatchResult(status=structs.TStatus(status_code=structs.OK), eos=False, rows=body)

    async def close_scanner(self, params):
        await self.world.faults.silence()
        self._drop(params.context_id or "")
        return structs.TScanCloseResult(status=structs.TStatus(status_code=structs.OK))

    # ------------------------------------------------------------ the end of scans
    def _drop(self, key):
        context = self.contexts.pop(key, None)
        if context is not None and context.pin is not None:
            self.reading.pins.let_go(context.pin)

    def expire(self, at_once=False):
        """Every 5 minutes (or at once): drops the scans that were idle for longer than they asked to be kept."""
        now = self.world.clock.now()
        if not at_once and now - self.passed < PASS_SECONDS:
            return
        self.passed = now
        for context in list(self.contexts.values()):
            if not context.busy.locked() and now - context.used > context.keep_alive * 60:
                self._drop(context.id)

    def forget(self):
        """The backend was restarted."""
        for key in list(self.contexts):
            self._drop(key)


def _failed(code, text):
    return structs.TScanBatchResult(status=structs.TStatus(status_code=code, error_msgs=[text]))


def _schema(scan, version):
    return pa.schema([pa.field(name, columns.scanned_type(kind, version), nullable)
                      for (name, _, _, nullable), kind in zip(scan.columns, scan.kinds())])


def _batches(windows, kinds, schema, size, version):
    """(number of rows, IPC stream) of every batch. In the scan's thread."""
    waiting, count = [], 0
    for window in windows:
        for kind in kinds:
            if kind.parts and window.num_rows and not version.since(*columns.COMPLEX_SINCE):
                raise Refused(structs.INTERNAL_ERROR, f"Not support to convert type {kind.name} to arrow type")
        if window.num_rows:
            waiting.append(pa.table([columns.convert(c, k, f.type) for c, k, f in zip(window.columns, kinds, schema)],
                                    schema=schema))
            count += window.num_rows
        while count >= size:
            batch, waiting, count = _cut(waiting, size)
            yield _packed(batch)
    if count:
        yield _packed(pa.concat_tables(waiting))


def _cut(waiting, size):
    whole = pa.concat_tables(waiting)
    rest = whole.slice(size)
    return whole.slice(0, size), [rest] if rest.num_rows else [], rest.num_rows


def _packed(rows):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        for batch in rows.combine_chunks().to_batches():
            writer.write_batch(batch)
    return rows.num_rows, sink.getvalue().to_pybytes()
