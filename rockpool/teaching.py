"""What `rockpool --help` teaches. The commands of the lessons run as they stand: rockpool/tests/test_tool_help.py runs them."""
from typing import NamedTuple

from rockpool.faults import NARROW, OWN, POINTS, STEPS

ABOUT = """rockpool is a local stand-in for StarRocks, for tests of programs that talk to it. It is not StarRocks.

It serves the HTTP port of a frontend, the HTTP and Thrift ports of two backends and the MySQL port on 127.0.0.1, for the
user root without a password. When it serves, it prints one line on stdout that names the ports:

    {"fe_http": 8030, "be_http": [8040, 8041], "mysql": 9030, ...}

Everything else goes to stderr: one line per load. Data is kept in DIR and survives a stop and a kill. It ends on SIGTERM or
SIGINT. Exit status: 0, 1 when it cannot serve, 2 for options it does not know."""


class Try(NamedTuple):
    """A command and a part of what it prints; `ends` is its exit status."""
    remark: str
    command: str
    prints: str = ""
    ends: int = 0


class Lesson(NamedTuple):
    title: str
    text: str
    tries: tuple = ()


# What the lessons begin with; paste it into the shell first.
PRELUDE = """fe=http://127.0.0.1:8030
sql() { mysql -h 127.0.0.1 -P 9030 -u root "$@"; }
load() { curl -s --location-trusted -u root: -H 'Expect: 100-continue' -T - "$@"; }
call() { curl -s --location-trusted -u root: -H 'label: two' -H 'db: shop' -H 'table: users' "$@"; }"""
USERS = "$fe/api/shop/users/_stream_load"

LESSONS = (
    Lesson("start", "Without ports it takes free ones. The lessons use those of the second line, and the words defined below it.\n\n"
                    "  build/rockpool --data /tmp/pool\n"
                    "  build/rockpool --data /tmp/pool --fe-http 8030 --be-http 8040,8041 --mysql 9030\n\n"
                    + "\n".join("  " + line for line in PRELUDE.split("\n"))),
    Lesson("look around", "http://127.0.0.1:8030/ shows tables, loads, open transactions and faults in a browser.", (
        Try("the servers of the cluster", "sql -e 'SHOW BACKENDS'", "127.0.0.1"),
        Try("a database and a table; rockpool has two backends, so three replicas are too many",
            "sql -e \"CREATE DATABASE shop; CREATE TABLE shop.users (id INT NOT NULL, name VARCHAR(40)) \\\n"
            "        PRIMARY KEY (id) DISTRIBUTED BY HASH(id) PROPERTIES ('replication_num' = '1')\""),
        Try("is it alive", "curl -s $fe/api/health", '"online_backend_num":2'))),
    Lesson("load", "A load goes to the frontend, which redirects to a backend; name and password must follow. The answer is HTTP 200 "
                   "for a\nload that failed too: read Status.", (
        Try("CSV", f"printf '1,ann\\n2,bob\\n' | load -H 'label: one' -H 'column_separator: ,' -H 'strict_mode: true' {USERS}",
            '"Status": "Success"'),
        Try("JSON, one row deleted by __op",
            "echo '[{\"id\": 2, \"__op\": 1}, {\"id\": 3, \"name\": \"eve\"}]' | \\\n"
            f"      load -H 'format: json' -H 'strip_outer_array: true' {USERS}", '"NumberLoadedRows": 2'),
        Try("what became of a label", "curl -s -u root: \"$fe/api/shop/get_load_state?label=one\"", '"state":"VISIBLE"'),
        Try("read it", "sql -e 'SELECT * FROM shop.users'", "eve"))),
    Lesson("transactions", "begin, load (as often as needed), prepare, commit; what is prepared survives every restart.", (
        Try("", "call -X POST $fe/api/transaction/begin", '"Status": "OK"'),
        Try("", "printf '4,kim\\n' | call -H 'column_separator: ,' -T - $fe/api/transaction/load", '"Status": "OK"'),
        Try("", "call -X POST $fe/api/transaction/prepare", '"NumberLoadedRows": 1'),
        Try("who is open", "sql -e \"SHOW PROC '/transactions/shop/running'\"", "PREPARED"),
        Try("", "call -X POST $fe/api/transaction/commit", '"Status": "OK"'))),
    Lesson("faults", "A rule says what goes wrong (point), and may say where, for whom and how often. POST takes a rule or a list of "
                     "rules; GET\nshows them and what struck, DELETE clears them. --faults FILE orders them from the start (a JSON "
                     "array, or a rule per\nline; # begins a remark), --seed N makes probabilities repeat.\n\n{faults}\n", (
        Try("the next load of the table is done and its answer is lost (curl ends with 52)",
            "curl -s -d '{\"point\": \"lost_answer\", \"at\": \"stream_load\", \"table\": \"users\", \"count\": 1}' $fe/_rockpool/faults",
            '"status":"OK"'),
        Try("", f"printf '5,liz\\n' | load -H 'label: lost' -H 'column_separator: ,' {USERS}", "", 52),
        Try("", "curl -s -u root: \"$fe/api/shop/get_load_state?label=lost\"", '"state":"VISIBLE"'),
        Try("one load passes, then three run into too many versions; and no more of it",
            "curl -s -d '{\"point\": \"too_many_versions\", \"after\": 1, \"count\": 3}' $fe/_rockpool/faults", '"too_many_versions"'),
        Try("", "curl -s -X DELETE $fe/_rockpool/faults", '"status":"OK"'))),
    Lesson("restarts, leaders, clock", "By hand. With --frontends 3 there are three frontends, of which the first leads; "
                                       "POST /_rockpool/leader lets the next one\nlead. None of /_rockpool asks for a login.", (
        Try("the backends forget their open loads, as restarted processes do", "curl -s -X POST $fe/_rockpool/restart_be",
            '"status":"OK"'),
        Try("backend 1 is dead for the frontend; and lives again", "curl -s -d '{\"dead\": [1]}' $fe/_rockpool/backends", '"dead":[1]'),
        Try("", "curl -s -d '{\"dead\": []}' $fe/_rockpool/backends", '"dead":[]'),
        Try("three days later: timeouts have struck and old labels are forgotten",
            "curl -s -d '{\"seconds\": 259200}' $fe/_rockpool/clock", '"status":"OK"'))),
    Lesson("what arrived", "Counters, and the newest 20,000 transactions with the times of begin, prepare, commit and visibility. With "
                           "--count rows\nand bytes are counted and not stored: for measuring a loader.", (
        Try("", "curl -s \"$fe/_rockpool/stats?last=3&table=users\"", '"visible"'),
        Try("when does a row become visible: watch a table, load, ask",
            "curl -s -d '{\"table\": \"shop.users\", \"column\": \"id\"}' $fe/_rockpool/watch", '"status":"OK"'),
        Try("", "sql -e \"INSERT INTO shop.users VALUES (6, 'tom')\"; curl -s $fe/_rockpool/watch", '"6"'))),
    Lesson("versions", "--version 3.3.2 behaves like that version: its server version string, its error codes (before 3.4 nearly all "
                       "are 1064),\nno header and no statement that came later. 2.5 is the oldest.", (
        Try("", "sql -N -e 'SELECT current_version()'", "-"),)),
)


def fault_points():
    lines = [f"  {name:18}{meaning}" for name, meaning in POINTS.items()]
    own = sorted({key for keys in OWN.values() for key in keys})
    return "\n".join([*lines, "", f"  keys of a rule: point, {', '.join(NARROW)}", f"  keys of some points: {', '.join(own)}",
                      f"  steps for at: {', '.join(STEPS)}"])


def taught(lesson):
    lines = [lesson.title.upper(), *("  " + line if line else "" for line in lesson.text.split("\n"))]
    for one in lesson.tries:
        lines += ([f"  # {one.remark}"] if one.remark else []) + [f"    {one.command}"]
    return "\n".join(line.rstrip() for line in lines)


def lessons():
    """The text below the options."""
    return "\n\n".join(taught(lesson) for lesson in LESSONS).replace("{faults}", fault_points().replace("\n", "\n  "))
