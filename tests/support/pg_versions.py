"""The PostgreSQL servers that tests may run, by major version.

WALROCK_PG_BINS ("16=/path,17=/path") names folders of programs; PG_BIN or the distribution's is always there.
"""
import os
import subprocess
from pathlib import Path

from tests.support.programs import postgres_programs


def server_programs():
    """{major: folder of programs}, in the order of the versions."""
    named = dict(part.split("=", 1) for part in os.environ.get("WALROCK_PG_BINS", "").split(",") if "=" in part)
    found = {int(major): Path(folder) for major, folder in named.items()}
    own = postgres_programs()
    shown = subprocess.run([own / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    found[int(shown.split()[2].split(".")[0].rstrip("betarc"))] = own
    return dict(sorted(found.items()))
