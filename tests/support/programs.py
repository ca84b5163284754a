"""Where the programs under test are, and free ports for them."""
import os
import socket
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def walrock_program():
    return Path(os.environ.get("WALROCK_PROGRAM") or ROOT / "build" / "walrock")


def rockpool_program():
    return Path(os.environ.get("ROCKPOOL_PROGRAM") or ROOT / "build" / "rockpool")


def postgres_programs():
    return Path(os.environ.get("PG_BIN") or "/usr/lib/postgresql/15/bin")


def free_port():
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end_of(path, limit=4000):
    """The last characters of a log file, for error texts."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")[-limit:]
    except OSError:
        return "(no log)"
