"""The frontends and which of them leads; restarts of servers, and their ports while they are away.

What a frontend keeps in memory alone (the backend of a label, tasks of many tables) and PREPARE transactions, which
are not in the journal, are lost when the leader restarts or another one takes over.
"""
import asyncio


class Cluster:
    def __init__(self, world):
        self.world = world
        self.leading = 0  # number of the leader
        self.away = {}  # server -> when it is back (loop time)
        self.tasks = set()

    @property
    def frontends(self):
        return self.world.frontends

    @property
    def leader(self):
        return self.frontends[self.leading]

    @property
    def leader_is_away(self):
        return self.leader in self.away

    def role(self, frontend):
        return "LEADER" if frontend is self.leader else "FOLLOWER"

    # ------------------------------------------------------------ restarts
    def restart_backend(self, backend, seconds=0.0):
        """Open loads are forgotten; the port is closed for a while."""
        backend.restart()
        self._leave(backend, seconds)

    def restart_frontend(self, frontend, seconds=0.0):
        frontend.restart()
        if frontend is self.leader:
            self._forget("cancelled after FE restart")
        self._leave(frontend, seconds)

    def switch(self, number=None, seconds=0.0):
        """Another frontend takes over. While the old one is away the others still send to it (`seconds`)."""
        if len(self.frontends) < 2:
            raise ValueError("there is one frontend; start with --frontends 3")
        number = (self.leading + 1) % len(self.frontends) if number is None else int(number)
        if not 0 <= number < len(self.frontends):
            raise ValueError(f"there are frontends 0 to {len(self.frontends) - 1}")
        if number == self.leading:
            return
        old = self.leader
        old.restart()
        self._forget("cancelled after FE restart")
        if not seconds:
            self.leading = number
            return
        self._leave(old, seconds)
        self._later(seconds, setattr, self, "leading", number)

    def _forget(self, reason):
        """A new leader begins from the journal."""
        self.world.txns.forget_open()
        self.world.multi.cancel_all(reason)

    # ------------------------------------------------------------ ports
    def cut_off(self, server, seconds):
        """Nobody reaches a server for a while; it forgets nothing."""
        self._leave(server, seconds)

    def _leave(self, server, seconds):
        if seconds > 0 and server not in self.away:
            self.away[server] = seconds
            self._run(self._closed(server, seconds))

    async def _closed(self, server, seconds):
        await server.close_ports()
        try:
            await asyncio.sleep(seconds)
        finally:
            await server.open_ports()
            self.away.pop(server, None)

    def _later(self, seconds, work, *arguments):
        asyncio.get_running_loop().call_later(seconds, work, *arguments)

    def _run(self, work):
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def stop(self):
        for task in self.tasks:
            task.cancel()
