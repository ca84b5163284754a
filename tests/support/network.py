"""A wire that can be broken: a TCP proxy on 127.0.0.1 in front of one server.

What goes wrong is said by attributes of the proxy (of all its connections, from any thread, at any time) and by
interceptors, which see the bytes of one connection before they go on:

    with Wire(server_port) as wire:
        wire.delay = 0.05                   # seconds that every piece waits
        wire.rate = 20_000                  # bytes per second and direction
        wire.piece = 1                      # bytes per packet
        wire.hold("down")                   # one-way loss: nothing arrives from the server, nothing is closed
        wire.release()
        wire.accepting = False              # new connections are taken by the kernel, and nobody serves them
        wire.cut_all()                      # every connection is reset
        wire.interceptor = lambda: MyInterceptor()

`up` is towards the server, `down` is towards walrock.
"""
import asyncio
import contextlib
import random
import socket
import struct
import threading

READ_BYTES = 65536


class Cut(Exception):
    """Raised by an interceptor: the connection ends here, both ways. `bytes` go through first, `down` or `up`."""

    def __init__(self, last_bytes=b""):
        super().__init__("cut")
        self.last_bytes = last_bytes


class Interceptor:
    """Sees one connection. Each call returns the bytes that go on (at once, in pieces), or raises Cut."""

    def up(self, data):
        return data

    def down(self, data):
        return data


class Wire:
    """The proxy. It runs in a thread of its own; use it with `with`."""

    def __init__(self, server_port, interceptor=Interceptor):
        self.server_port = server_port
        self.interceptor = interceptor
        self.delay, self.rate, self.piece = 0.0, None, None
        self.accepting = True
        self.connections, self.cuts, self.bytes_down, self.bytes_up = 0, 0, 0, 0
        self._held = set()
        self._open = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def __enter__(self):
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, sock=self._listener), self._loop).result(10)
        return self

    def __exit__(self, *_):
        self.release()
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # -- what goes wrong --------------------------------------------------------------------------

    def hold(self, *directions):
        """Nothing goes through in these directions; neither side hears of an end."""
        self._held = set(directions)

    def release(self):
        self._held = set()

    def cut_all(self):
        self._loop.call_soon_threadsafe(self._cut_open)

    def make_whole(self):
        """Everything goes through again; what is held is sent."""
        self.delay, self.rate, self.piece, self.accepting, self.interceptor = 0.0, None, None, True, Interceptor
        self.release()

    # -- inside -----------------------------------------------------------------------------------

    async def _shut(self):
        self._server.close()
        self._cut_open()
        mine = asyncio.current_task()
        left = [task for task in asyncio.all_tasks() if task is not mine]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _cut_open(self):
        for writers in list(self._open):
            self._reset(*writers)

    def _reset(self, *writers):
        self.cuts += 1
        for writer in writers:
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def _serve(self, reader, writer):
        while not self.accepting:
            await asyncio.sleep(0.02)
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.server_port)
        except OSError:
            self._reset(writer)
            return
        self.connections += 1
        for one in (writer, server_writer):
            one.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = (writer, server_writer)
        self._open.add(pair)
        between = self.interceptor()
        try:
            await asyncio.gather(self._carry("up", reader, server_writer, between.up),
                                 self._carry("down", server_reader, writer, between.down))
        except Cut as cut:
            with contextlib.suppress(OSError):
                writer.write(cut.last_bytes)
                await asyncio.wait_for(writer.drain(), 5)
            self._reset(*pair)
        except (OSError, asyncio.TimeoutError):
            self._reset(*pair)
        finally:
            self._open.discard(pair)
            for one in pair:
                one.close()

    async def _carry(self, direction, reader, writer, through):
        while data := await reader.read(READ_BYTES):
            if direction == "up":
                self.bytes_up += len(data)
            else:
                self.bytes_down += len(data)
            changed = through(data)
            async for piece in self._pieces(changed):
                while direction in self._held:
                    await asyncio.sleep(0.01)
                writer.write(piece)
                await writer.drain()
        while direction in self._held:
            await asyncio.sleep(0.01)
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def _pieces(self, data):
        """An interceptor may also return an iterator of bytes: an endless one never ends by itself."""
        chunks = [data] if isinstance(data, (bytes, bytearray)) else data
        for chunk in chunks:
            if self.delay:
                await asyncio.sleep(self.delay)
            at = 0
            while at < len(chunk):
                size = self.piece or len(chunk)
                if self.rate:
                    size = min(size, max(1, self.rate // 20))
                    await asyncio.sleep(size / self.rate)
                elif self.piece:
                    await asyncio.sleep(0)
                yield chunk[at:at + size]
                at += size


# -- what is looked for on the wire ---------------------------------------------------------------


class AtBytes(Interceptor):
    """Cuts once, `after` bytes of the first answer that follows a request with `pattern` in it."""

    def __init__(self, plan):
        self._plan, self._passed = plan, None

    def up(self, data):
        if not self._plan.is_done and self._plan.pattern in data:
            self._passed = 0
        return data

    def down(self, data):
        if self._passed is None or self._plan.is_done:
            return data
        left = self._plan.after - self._passed
        if len(data) > left:
            self._plan.is_done = True
            raise Cut(data[:left])
        self._passed += len(data)
        return data


class CutPlan:
    """One cut to come: `wire.interceptor = CutPlan(b"/transaction/commit", 17)`."""

    def __init__(self, pattern, after):
        self.pattern, self.after, self.is_done = pattern, after, False

    def __call__(self):
        return AtBytes(self)


class RandomFaults:
    """Turns the knobs of some wires by a seed: one fault at a time, then a whole wire again."""

    KINDS = ("cut", "delay", "throttle", "bytes", "refuse", "hold up", "hold down", "hold both", "cut in the middle")

    def __init__(self, seed, wires):
        self._dice, self._wires = random.Random(seed), list(wires)

    def strike(self):
        """Breaks one wire and returns what was done to which."""
        name, wire = self._dice.choice(self._wires)
        kind = self._dice.choice(self.KINDS)
        if kind == "cut":
            wire.cut_all()
        elif kind == "delay":
            wire.delay = self._dice.choice((0.02, 0.1, 0.3))
        elif kind == "throttle":
            wire.rate = self._dice.choice((2_000, 20_000))
        elif kind == "bytes":
            wire.piece = 1
        elif kind == "refuse":
            wire.accepting = False
            wire.cut_all()
        elif kind.startswith("hold"):
            wire.hold(*(("up", "down") if kind == "hold both" else (kind.split()[1],)))
        else:
            wire.interceptor = CutPlan(b"", self._dice.randrange(1, 3000))
            wire.cut_all()
        return f"{kind} at {name}"

    def heal(self, cuts):
        """Makes the wires whole; `cuts` also ends their connections, as a peer that gives up does."""
        for _, wire in self._wires:
            if cuts:
                wire.cut_all()
            wire.make_whole()
