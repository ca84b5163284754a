"""A case whose job reaches every server through a wire of its own."""
from contextlib import ExitStack

from tests.support import job_file
from tests.support.network import Wire


class Wires:
    """Wires in front of PostgreSQL and of rockpool's ports; `changes` is what a job needs to use them."""

    NAMES = ("pg", "fe", "mysql", "be0", "be1")

    def __init__(self, case):
        ports = (case.pg.port, case.rockpool.fe_port, case.rockpool.mysql_port, *case.rockpool.be_ports)
        self._all = {name: Wire(port) for name, port in zip(self.NAMES, ports)}
        self._stack = ExitStack()

    def __enter__(self):
        for wire in self._all.values():
            self._stack.enter_context(wire)
        return self

    def __exit__(self, *_):
        self._stack.close()

    def __getattr__(self, name):
        try:
            return self.__dict__["_all"][name]
        except KeyError:
            raise AttributeError(name) from None

    def named(self, *names):
        return [(name, self._all[name]) for name in names or self.NAMES]

    def each(self, *names):
        return [wire for _, wire in self.named(*names)]

    def make_whole(self):
        for wire in self._all.values():
            wire.make_whole()

    @property
    def changes(self):
        # The frontend's redirects name the backends' own ports.
        backends = {f"127.0.0.1:{wire.server_port}": wire.address for wire in self.each("be0", "be1")}
        return {
            "source": {"postgres-cdc": {"port": self.pg.port, "connect.timeout": "2s"}},
            "sink": {"starrocks": {"fe-nodes": self.fe.address, "mysql-port": self.mysql.port,
                                   "backend-hosts": backends, "connect.timeout": "2s"}},
            "walrock": {"freshness": "200ms", "restart-attempts": 100000, "restart-delay": "100ms"},
        }

    def job_changes(self, more=None):
        return job_file.merge(self.changes, more or {})
