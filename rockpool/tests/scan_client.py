"""A reader of the scanner service, as connectors are built: it knows the wire, the structs and Arrow."""
import base64
import json
from types import SimpleNamespace

import pyarrow as pa
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException, TMessageType, TType
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TMemoryBuffer

from rockpool.tests.pool import call

ANSWERS = {
    "open_scanner": {1: "status", 2: "context_id", 3: "selected_columns"}, "close_scanner": {1: "status"},
    "get_next": {1: "status", 2: "eos", 3: "rows"}}
INNER = {"status": {1: "status_code", 2: "error_msgs"}, "selected_columns": {1: "name", 2: "type"}}


def read_value(protocol, kind, names=None):
    """Any value, structs by the names of their fields; a text as bytes."""
    if kind == TType.STRUCT:
        found = SimpleNamespace(**{n: None for n in (names or {}).values()})
        protocol.readStructBegin()
        while True:
            _, inner, number = protocol.readFieldBegin()
            if inner == TType.STOP:
                return found
            name = (names or {}).get(number, f"f{number}")
            setattr(found, name, read_value(protocol, inner, INNER.get(name)))
    if kind == TType.LIST:
        inner, count = protocol.readListBegin()
        return [read_value(protocol, inner, names) for _ in range(count)]
    if kind == TType.MAP:
        key, value, count = protocol.readMapBegin()
        return {read_value(protocol, key): read_value(protocol, value) for _ in range(count)}
    return {TType.STRING: protocol.readBinary, TType.I16: protocol.readI16, TType.I32: protocol.readI32,
            TType.I64: protocol.readI64, TType.BOOL: protocol.readBool}[kind]()


class Reader:
    """One connection to a Thrift port."""

    def __init__(self, port, seconds=30):
        self.socket = TSocket("127.0.0.1", port)
        self.socket.setTimeout(seconds * 1000)
        self.transport = TBufferedTransport(self.socket)
        self.transport.open()
        self.protocol = TBinaryProtocol(self.transport)
        self.number = 0

    def call(self, method, **fields):
        """fields: name=(number, type, value), lists of i64 as (number, LIST, values)."""
        self.number += 1
        p = self.protocol
        p.writeMessageBegin(method, TMessageType.CALL, self.number)
        p.writeStructBegin("args")
        p.writeFieldBegin("params", TType.STRUCT, 1)
        for name, (number, kind, value) in fields.items():
            if value is not None:
                p.writeFieldBegin(name, kind, number)
                self._write(kind, value)
        p.writeFieldStop()
        p.writeFieldStop()
        p.writeMessageEnd()
        self.transport.flush()
        return self._answer(method)

    def _write(self, kind, value):
        p = self.protocol
        if kind == TType.LIST:
            p.writeListBegin(TType.I64, len(value))
            for v in value:
                p.writeI64(v)
            return
        {TType.STRING: p.writeString, TType.I16: p.writeI16, TType.I32: p.writeI32, TType.I64: p.writeI64}[kind](value)

    def _answer(self, method):
        _, kind, number = self.protocol.readMessageBegin()
        assert number == self.number
        if kind == TMessageType.EXCEPTION:
            found = TApplicationException()
            found.read(self.protocol)
            raise found
        _, inner, number = self.protocol.readFieldBegin()
        assert (inner, number) == (TType.STRUCT, 0)
        found = read_value(self.protocol, TType.STRUCT, ANSWERS[method])
        assert self.protocol.readFieldBegin()[1] == TType.STOP
        return found

    # ------------------------------------------------------------ the calls
    def open(self, plan, tablets, batch_size=4096, keep_alive_min=None, **more):
        return self.call("open_scanner", cluster=(1, TType.STRING, "default_cluster"), database=(2, TType.STRING, "d"),
                         table=(3, TType.STRING, "t"), tablet_ids=(4, TType.LIST, tablets),
                         opaqued_query_plan=(5, TType.STRING, plan), batch_size=(6, TType.I32, batch_size),
                         limit=(8, TType.I64, more.get("limit")), user=(9, TType.STRING, more.get("user")),
                         passwd=(10, TType.STRING, more.get("passwd")), keep_alive_min=(11, TType.I16, keep_alive_min),
                         query_timeout=(12, TType.I32, 100), mem_limit=(13, TType.I64, 1 << 30))

    def next(self, context, offset):
        return self.call("get_next", context_id=(1, TType.STRING, context), offset=(2, TType.I64, offset))

    def close(self, context):
        return self.call("close_scanner", context_id=(1, TType.STRING, context))

    def batches(self, opened):
        """The Arrow tables of a scan up to its end, which is then closed."""
        assert opened.status.status_code == 0, opened.status
        context, offset, found = opened.context_id.decode(), 0, []
        while True:
            batch = self.next(context, offset)
            assert batch.status.status_code == 0, batch.status
            if batch.eos:
                assert batch.rows is None
                assert self.close(context).status.status_code == 0
                return found
            with pa.ipc.open_stream(batch.rows) as stream:
                parts = list(stream)
            assert len(parts) == 1 and parts[0].num_rows
            found.append(pa.Table.from_batches(parts))
            offset += parts[0].num_rows

    def rows(self, opened):
        return [row for table in self.batches(opened) for row in table.to_pylist()]

    def end(self):
        self.transport.close()


def plan_of(scene, sql, table="t", method="POST", user=("root", "")):
    return call(f"{scene.pool.fe}/api/{scene.name}/{table}/_query_plan", method, {},
                json.dumps({"sql": sql.format(db=scene.name)}), user)


def planned(scene, sql, table="t"):
    answer = plan_of(scene, sql, table)
    assert answer.status_code == 200, answer.text
    return answer.json()


def tables_of(scene, sql, table="t", batch_size=4096):
    """Reads all tablets of a query, each at the backend that its routing names: [(tablet id, Arrow table)]."""
    plan, found = planned(scene, sql, table), []
    for tablet, place in plan["partitions"].items():
        reader = Reader(int(place["routings"][0].rsplit(":", 1)[1]))
        for batch in reader.batches(reader.open(plan["opaqued_query_plan"], [int(tablet)], batch_size)):
            found.append((int(tablet), batch))
        reader.end()
    return found


def rows_of(scene, sql, table="t"):
    return [row for _, batch in tables_of(scene, sql, table) for row in batch.to_pylist()]


def unpacked(plan):
    """The TQueryPlanInfo in an opaque plan."""
    return read_value(TBinaryProtocol(TMemoryBuffer(base64.b64decode(plan))), TType.STRUCT)
