"""Runs the program under test the way a person does: by its command line, its log, its status."""
import json
import os
import signal
import subprocess
from pathlib import Path

from tests.support.programs import end_of, walrock_program
from tests.support.waiting import NotReached, wait_until


def parse_lsn(text):
    high, low = text.split("/")
    return (int(high, 16) << 32) | int(low, 16)


class Walrock:
    """One job file and, while it runs, one process `walrock run JOB`."""

    def __init__(self, job_path, environment=None):
        self.job_path = Path(job_path)
        self.log_path = self.job_path.with_suffix(".log")
        self._environment = {**os.environ, **(environment or {})}
        self._child = None
        self.exit_code = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    # -- life ---------------------------------------------------------------------------------

    def set_environment(self, changes):
        """For the starts that follow."""
        self._environment |= changes

    def start(self, *arguments, output=None):
        """Starts `walrock run JOB`; stdout and stderr go to the log, one run after the other, or to `output`."""
        with open(self.log_path, "ab") as log:
            self._child = subprocess.Popen(
                [str(walrock_program()), "run", str(self.job_path), *arguments], stdin=subprocess.DEVNULL,
                stdout=log if output is None else output, stderr=subprocess.STDOUT, env=self._environment,
                cwd=self.job_path.parent, start_new_session=True)
        self.exit_code = None
        return self

    @property
    def pid(self):
        return self._child.pid

    @property
    def is_running(self):
        return self._child is not None and self._child.poll() is None

    def stop(self, seconds=30):
        """SIGTERM; returns the exit code."""
        self._child.send_signal(signal.SIGTERM)
        return self.wait_for_exit(seconds)

    def signal(self, number):
        self._child.send_signal(number)

    def kill(self):
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def wait_for_exit(self, seconds=60):
        try:
            self.exit_code = self._child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise NotReached(f"walrock was still running after {seconds} s:\n{self.end_of_log()}") from None
        self._child = None
        return self.exit_code

    # -- looking ------------------------------------------------------------------------------

    def command(self, name, *arguments, seconds=60, stdin=""):
        """Runs another command on the same job file; returns the CompletedProcess with text output."""
        return subprocess.run([str(walrock_program()), name, str(self.job_path), *arguments], input=stdin,
                              capture_output=True, text=True, timeout=seconds, env=self._environment,
                              cwd=self.job_path.parent, check=False)

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def end_of_log(self):
        return end_of(self.log_path)

    def status(self):
        """What `walrock status JOB --json` prints, or None while nothing answers."""
        answer = self.command("status", "--json")
        try:
            return json.loads(answer.stdout)
        except ValueError:
            return None

    def table(self, name):
        """The status of one table, such as 'public.users', or None."""
        status = self.status()
        return next((table for table in (status or {}).get("tables", []) if table["name"] == name), None)

    def peak_memory_bytes(self):
        """VmHWM: the largest resident memory the process ever had."""
        for line in Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise NotReached("the process is gone")

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    # -- waiting ------------------------------------------------------------------------------

    def wait_until(self, what, ask, seconds=60.0, every=0.05):
        """Waits for ask() to be true; fails at once when walrock ends."""
        def ask_while_running():
            answer = ask()
            if not answer and not self.is_running:
                raise NotReached(f"walrock ended while waiting for {what}:\n{self.end_of_log()}")
            return answer

        try:
            return wait_until(what, ask_while_running, seconds, every)
        except NotReached as late:
            raise NotReached(f"{late}\nstatus: {self.status()}\n{self.end_of_log()}") from None

    def wait_until_table(self, name, *states, seconds=60.0):
        """Waits for a table to be in one of the states; returns its status."""
        def in_state():
            table = self.table(name)
            return table if table and table["state"] in states else None

        return self.wait_until(f"{name} to be {' or '.join(states)}", in_state, seconds)

    def wait_until_ready(self, *tables, seconds=120.0):
        """Waits for all named tables (all there are, without names) to be ready.

        While walrock starts, the status shows what the checkpoint says of them.
        """
        def all_ready():
            status = self.status() or {}
            if status.get("state") == "starting":
                return False
            found = {table["name"]: table for table in status.get("tables", [])}
            wanted = tables or list(found)
            stuck = [found[name] for name in wanted if name in found and found[name]["state"] == "errored"]
            if stuck:
                raise NotReached(f"set aside: {stuck}\n{self.end_of_log()}")
            return bool(wanted) and all(name in found and found[name]["state"] == "ready" for name in wanted)

        return self.wait_until("the tables to be ready", all_ready, seconds)

    def wait_until_flushed(self, lsn, seconds=60.0):
        """Waits for everything up to `lsn` (text such as 0/15F9220) to be committed in the target."""
        def flushed():
            status = self.status() or {}
            seen = status.get("flushed_lsn")
            return bool(seen) and status.get("state") != "starting" and parse_lsn(seen) >= parse_lsn(lsn)

        return self.wait_until(f"flushed_lsn {lsn}", flushed, seconds)
