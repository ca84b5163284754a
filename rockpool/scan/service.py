"""The Thrift port of a backend: TStarrocksExternalService in the binary protocol over plain buffered connections.

A thread of its own reads and writes each connection, one call after the other, as the server's threaded server does;
the calls run in the event loop.
"""
import asyncio
import socket
import threading

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException, TMessageType, TType
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport

from rockpool.scan import structs

MAX_BYTES = 100 << 20  # of one text or list in a message

CALLS = {"open_scanner": structs.TScanOpenParams, "get_next": structs.TScanNextBatchParams,
         "close_scanner": structs.TScanCloseParams}


class Closed(Exception):
    """The connection is to be closed: what came is no call."""


def arguments_of(kind):
    return structs.struct("arguments", params=(1, structs.record(kind)))


ARGUMENTS = {name: arguments_of(kind) for name, kind in CALLS.items()}


class ScanPort:
    def __init__(self, scanner, host):
        self.scanner, self.host = scanner, host
        self.number = 0
        self.listener = self.loop = None
        self.connections = set()

    async def open(self, number=None):
        """Listens; on the number it had unless one is given. OSError when that is taken."""
        self.loop = asyncio.get_running_loop()
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.host, self.number if number is None else number))
            listener.listen(128)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
        self.listener, self.number = listener, listener.getsockname()[1]
        self.loop.add_reader(listener, self._accept)
        return self.number

    async def reopen(self):
        """Listens again on its number; nothing before it was opened first."""
        if self.number and self.listener is None:
            await self.open()

    def _accept(self):
        try:
            connection, _ = self.listener.accept()
        except OSError:
            return
        connection.setblocking(True)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections.add(connection)
        threading.Thread(target=self._serve, args=(connection,), name="scan-connection", daemon=True).start()

    async def close(self):
        """Refuses connections and cuts those that are open."""
        if self.listener is not None:
            self.loop.remove_reader(self.listener)
            self.listener.close()
            self.listener = None
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    # ------------------------------------------------------------ in the connection's thread
    def _serve(self, connection):
        wire = TSocket()
        wire.setHandle(connection)
        transport = TBufferedTransport(wire, 64 << 10)
        protocol = TBinaryProtocol(transport, strictRead=False, strictWrite=True, string_length_limit=MAX_BYTES,
                                   container_length_limit=MAX_BYTES)
        try:
            while True:
                self._call(protocol)
                transport.flush()
        except Exception:  # the end of the connection, or bytes that are no call: a server closes without a word
            pass
        finally:
            self.connections.discard(connection)
            connection.close()

    def _call(self, protocol):
        name, kind, sequence = protocol.readMessageBegin()
        if kind not in (TMessageType.CALL, TMessageType.ONEWAY):
            raise Closed()
        if name not in CALLS:
            protocol.skip(TType.STRUCT)
            protocol.readMessageEnd()
            return self._answer_exception(protocol, name, sequence)
        found = ARGUMENTS[name]()
        found.read(protocol)
        protocol.readMessageEnd()
        params = found.params or CALLS[name]()
        if structs.missing(params):
            raise Closed()
        answer = asyncio.run_coroutine_threadsafe(getattr(self.scanner, name)(params), self.loop).result()
        protocol.writeMessageBegin(name, TMessageType.REPLY, sequence)
        protocol.writeStructBegin("result")
        protocol.writeFieldBegin("success", TType.STRUCT, 0)
        answer.write(protocol)
        protocol.writeFieldEnd()
        protocol.writeFieldStop()
        protocol.writeStructEnd()
        protocol.writeMessageEnd()

    @staticmethod
    def _answer_exception(protocol, name, sequence):
        protocol.writeMessageBegin(name, TMessageType.EXCEPTION, sequence)
        TApplicationException(TApplicationException.UNKNOWN_METHOD, f"Invalid method name: '{name}'").write(protocol)
        protocol.writeMessageEnd()
