"""Starts rockpool, the local stand-in for StarRocks, as a program of its own."""
import json
import os
import select
import signal
import subprocess
from pathlib import Path

import pymysql
import requests
from pymysql.converters import encoders

from tests.support.programs import end_of, rockpool_program
from tests.support.waiting import NotReached, wait_until


class Rockpool:
    """One rockpool process on free ports; after the first start its ports stay the same."""

    def __init__(self, folder, program=None, count=False, version=None, frontends=1):
        self.folder = Path(folder)
        self._program = program or rockpool_program()
        self._options = (["--count"] if count else []) + (["--version", version] if version else [])
        self._child = None
        self.fe_ports, self.be_ports, self.mysql_ports = [0] * frontends, [0, 0], [0] * frontends

    # -- life ---------------------------------------------------------------------------------

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self, seconds=60):
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [str(self._program), "--data", str(self.folder / "data"), "--fe-http", ",".join(map(str, self.fe_ports)),
                   "--be-http", ",".join(map(str, self.be_ports)), "--mysql", ",".join(map(str, self.mysql_ports)),
                   *self._options]
        if len(self.fe_ports) > 1:
            command += ["--frontends", str(len(self.fe_ports))]
        with open(self.log_path, "ab") as log:
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                             text=True, start_new_session=True)
        ports = json.loads(self._first_line(seconds))
        servers = ports.get("frontends") or [ports]
        self.fe_ports = [server["fe_http"] for server in servers]
        self.mysql_ports = [server["mysql"] for server in servers]
        self.be_ports = ports["be_http"]

    def stop(self):
        if self._child is not None:
            self.resume()
            self._end(signal.SIGTERM)

    def kill(self):
        if self._child is not None:
            self._end(signal.SIGKILL)

    def restart(self):
        self.stop()
        self.start()

    def pause(self):
        """Stops the process where it stands: connections stay open, nothing answers."""
        self._child.send_signal(signal.SIGSTOP)

    def resume(self):
        self._child.send_signal(signal.SIGCONT)

    # -- use ----------------------------------------------------------------------------------

    @property
    def log_path(self):
        return self.folder / "rockpool.log"

    @property
    def fe_port(self):
        return self.fe_ports[0]

    @property
    def mysql_port(self):
        return self.mysql_ports[0]

    @property
    def fe_address(self):
        return f"127.0.0.1:{self.fe_port}"

    @property
    def mysql_address(self):
        return f"127.0.0.1:{self.mysql_port}"

    def connect(self, database=None, user="root", password=""):
        # Without decoders every value comes as the text the server sent.
        return pymysql.connect(host="127.0.0.1", port=self.mysql_port, user=user, password=password,
                               database=database, charset="utf8mb4", autocommit=True, conv=dict(encoders))

    def execute(self, *statements, database=None):
        """Runs statements; returns the rows of the last one as lists of text."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                rows = ()
                for statement in statements:
                    cursor.execute(statement)
                    rows = cursor.fetchall()
                return [list(row) for row in rows]
        finally:
            connection.close()

    def count(self, table):
        """The number of rows, or None where there is no such table (yet)."""
        try:
            return int(self.execute(f"SELECT count(*) FROM {table}")[0][0])
        except pymysql.MySQLError:
            return None

    def stats(self):
        answer = requests.get(f"http://{self.fe_address}/_rockpool/stats", timeout=20)
        answer.raise_for_status()
        return answer.json()

    def order_fault(self, **rule):
        """Orders one fault, such as point="lost_answer", at="commit", count=1; `rockpool --help` names the points."""
        answer = requests.post(f"http://{self.fe_address}/_rockpool/faults", json=rule, timeout=20)
        assert answer.ok, answer.text

    def fired_faults(self):
        """The faults that have struck so far."""
        return requests.get(f"http://{self.fe_address}/_rockpool/faults", timeout=20).json()["fired"]

    def clear_faults(self):
        requests.delete(f"http://{self.fe_address}/_rockpool/faults", timeout=20).raise_for_status()

    def restart_backends(self):
        """The backends forget their open loads, as restarted processes do."""
        requests.post(f"http://{self.fe_address}/_rockpool/restart_be", timeout=20).raise_for_status()

    # -- inside -------------------------------------------------------------------------------

    def _first_line(self, seconds):
        stdout = self._child.stdout

        def line():
            if self._child.poll() is not None:
                raise NotReached(f"rockpool ended at its start:\n{end_of(self.log_path)}")
            ready, _, _ = select.select([stdout], [], [], 0)
            return stdout.readline() if ready else None

        return wait_until("rockpool's line with its ports", line, seconds)

    def _end(self, by_signal):
        os.kill(self._child.pid, by_signal)
        try:
            self._child.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child.stdout.close()
        self._child = None
