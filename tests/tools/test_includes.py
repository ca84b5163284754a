"""Who may include whom (ARCHITECTURE.md): the straight line stays straight because a stray include fails here."""
import re
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parent.parent.parent / "src"

# A folder may include itself and, transitively, what its row names.
MAY_INCLUDE = {
    "base": set(),
    "model": {"base"},
    "config": {"model"}, "postgres": {"model"}, "starrocks": {"model"}, "checkpoint": {"model"},
    "pgoutput": {"model"}, "schema": {"model"}, "transform": {"model"}, "encode": {"model"},
    "pipeline": {"pgoutput", "schema", "transform", "encode"},
    "runtime": {"pipeline", "postgres", "starrocks", "checkpoint", "config"},
    "operate": {"schema", "encode", "postgres", "starrocks", "checkpoint", "config"},
    "http": {"runtime"},
    "cli": {"http", "operate"},
}

# Foreign headers that belong to one folder alone.
OWNERS = {
    "libpq": (r"libpq-fe\.h|libpq/", {"postgres"}),
    "libcurl": (r"curl/", {"starrocks"}),
    "libmariadb": (r"mysql\.h|mariadb/|mysql/", {"starrocks"}),
    "SQLite": (r"sqlite3\.h", {"checkpoint"}),
    "cpp-httplib": (r"httplib\.h", {"http", "cli"}),
    "CLI11": (r"CLI/", {"cli"}),
    "yaml-cpp": (r"yaml-cpp/", {"config"}),
}

# pgoutput, schema, transform and encode turn bytes and values into bytes and values, and nothing else.
PURE = {"pgoutput", "schema", "transform", "encode"}
IMPURE = re.compile(r"sys/socket\.h|unistd\.h|thread|mutex|fstream|filesystem|base/log\.h|base/mutex\.h|base/channel\.h|poll\.h")
THREADS = re.compile(r"thread|mutex|condition_variable|future|base/mutex\.h|base/channel\.h|sys/socket\.h|poll\.h")


def reachable(folder):
    if folder == "http":  # it shows a status and posts commands; it cannot reach a connection
        return {"http", "runtime", "model", "base"}
    found, left = {folder}, [folder]
    while left:
        for other in MAY_INCLUDE[left.pop()] - found:
            found.add(other)
            left.append(other)
    return found


def includes(path):
    """(line number, what is included, whether in quotes)"""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if found := re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line):
            yield number, found[2], found[1] == '"'


def folders():
    return sorted(path.name for path in SOURCES.iterdir() if path.is_dir())


def files_of(folder):
    return sorted(path for path in (SOURCES / folder).rglob("*") if path.suffix in (".h", ".cpp"))


def test_every_folder_of_src_has_its_place_in_the_line():
    assert set(folders()) <= set(MAY_INCLUDE)


@pytest.mark.parametrize("folder", folders())
def test_a_folder_includes_only_what_stands_below_it(folder):
    allowed = reachable(folder)
    strays = [f"{path.relative_to(SOURCES)}:{number}: {what}" for path in files_of(folder)
              for number, what, quoted in includes(path)
              if quoted and what.split("/")[0] in MAY_INCLUDE and what.split("/")[0] not in allowed]
    assert not strays, "\n".join(strays)


def test_http_sees_only_status_and_commands_of_runtime():
    # The words of what it may see; runtime's connections and machines are out of its reach.
    strays = [f"{path.relative_to(SOURCES)}:{number}: {what}" for path in files_of("http")
              for number, what, quoted in includes(path)
              if quoted and what.startswith("runtime/") and not re.search(r"status|command", what)
              and not path.name.endswith("_test.cpp")]
    assert not strays, "\n".join(strays)


@pytest.mark.parametrize("library", sorted(OWNERS))
def test_a_foreign_library_is_included_by_its_owner_only(library):
    pattern, owners = OWNERS[library]
    strays = [f"{path.relative_to(SOURCES)}:{number}: {what}" for folder in folders() if folder not in owners
              for path in files_of(folder) for number, what, _ in includes(path) if re.match(pattern, what)]
    assert not strays, "\n".join(strays)


@pytest.mark.parametrize("folder", sorted(PURE))
def test_a_pure_stage_touches_no_socket_thread_file_or_log(folder):
    assert not impure_includes(folder, IMPURE)


def test_the_pipeline_creates_no_thread_and_calls_no_socket():
    assert not impure_includes("pipeline", THREADS)


def impure_includes(folder, pattern):
    return [f"{path.relative_to(SOURCES)}:{number}: {what}" for path in files_of(folder)
            if not path.name.endswith("_test.cpp") for number, what, _ in includes(path) if pattern.fullmatch(what)]
