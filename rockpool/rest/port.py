"""One HTTP port of a server: opened, closed as by a process that ends, and opened again with the same number."""
from aiohttp import web


class HttpPort:
    """max_line and max_field are in bytes."""

    def __init__(self, app, host, max_line=8190, max_field=32768):
        self.app, self.host, self.max_line, self.max_field = app, host, max_line, max_field
        self.number = 0
        self.runner = self.site = None

    async def open(self, number=None):
        """Listens; a free port unless a number is given or it had one. OSError when that is taken."""
        if self.runner is None:
            self.runner = web.AppRunner(
                self.app, access_log=None, keepalive_timeout=75, handle_signals=False, auto_decompress=False,
                shutdown_timeout=0.2, max_line_size=self.max_line, max_field_size=self.max_field, max_headers=512,
                read_bufsize=4 << 20)
            await self.runner.setup()
        self.site = web.TCPSite(self.runner, self.host, self.number if number is None else number, backlog=1024,
                                reuse_address=True)
        await self.site.start()
        self.number = self.runner.addresses[0][1]
        return self.number

    async def close(self):
        """Refuses connections and cuts those that are open."""
        if self.site is not None:
            await self.site.stop()
            self.site = None
        for connection in list(self.runner.server.connections):
            if connection.transport is not None:
                connection.transport.abort()

    async def end(self):
        if self.runner is not None:
            await self.runner.cleanup()
