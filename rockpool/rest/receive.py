"""Takes large bodies straight from the socket into one buffer, past the HTTP library.

aiohttp copies a body three times on its way to a handler, which costs more than counting it does. So for the rest of
a body of known length the connection gets a protocol of its own, which never reads past the body's end; then aiohttp
has its connection back, with a parser that begins afresh.
"""
import asyncio

from aiohttp.http import HttpRequestParser
from aiohttp.web_protocol import MAX_MSG_QUEUE_SIZE, RequestPayloadError

LEAST = 64 << 10  # a rest smaller than this is not worth the change
BUFFER = memoryview(bytearray(256 << 10))  # fits the processor's cache; all connections are read in one thread


class BodyProtocol(asyncio.BufferedProtocol):
    """Feeds what comes until the body is complete. A failure of feed is raised when the whole body is here."""

    def __init__(self, handler, feed, missing):
        self.handler, self.feed, self.missing = handler, feed, missing
        self.failure = None
        self.complete = asyncio.get_running_loop().create_future()

    def get_buffer(self, _):
        return BUFFER[:self.missing] if self.missing < len(BUFFER) else BUFFER

    def buffer_updated(self, size):
        self.missing -= size
        if self.failure is None:
            try:
                self.feed(BUFFER[:size])
            except Exception as e:
                self.failure = e
        if self.missing == 0:
            self.handler.transport.pause_reading()  # what follows is for aiohttp
            self._end(self.failure)

    def _end(self, failure):
        if self.complete.done():
            return
        if failure is None:
            self.complete.set_result(None)
        else:
            self.complete.set_exception(failure)

    def eof_received(self):
        return False  # closes: a client that sends no more has not sent all

    def connection_lost(self, exc):
        self._end(exc if isinstance(exc, ConnectionError) else ConnectionResetError("Connection lost"))
        self.handler.connection_lost(exc)

    def pause_writing(self):
        self.handler.pause_writing()

    def resume_writing(self):
        self.handler.resume_writing()


def is_large(request, received):
    """Whether the rest of a body is of known and sufficient length."""
    return ("Transfer-Encoding" not in request.headers and request.transport is not None
            and (request.content_length or 0) - received >= LEAST)


async def rest_of_body(request, received, feed):
    """Feeds views of all bytes of a body that come after the received ones; a view is valid during the call only."""
    handler, transport = request.protocol, request.transport
    while piece := request.content.read_nowait():
        received += len(piece)
        feed(piece)
    if received == request.content_length:
        return
    taking = BodyProtocol(handler, feed, request.content_length - received)
    transport.set_protocol(taking)
    try:
        await taking.complete
    finally:
        if handler.transport is not None:
            _give_back(request, handler, transport, taking)


def _give_back(request, handler, transport, taking):
    if taking.missing:  # cancelled in mid-body: nobody can tell what comes next
        handler.force_close()
        return
    handler._parser = HttpRequestParser(
        handler, asyncio.get_running_loop(), handler._read_bufsize, max_line_size=handler.max_line_size,
        max_field_size=handler.max_field_size, max_headers=handler.max_headers, payload_exception=RequestPayloadError,
        auto_decompress=False, max_msg_queue_size=MAX_MSG_QUEUE_SIZE)
    request.content.feed_eof()
    transport.set_protocol(handler)
    transport.resume_reading()
