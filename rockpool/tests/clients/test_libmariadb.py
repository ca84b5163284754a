"""Prepared statements and commands through libmariadb, from a small C program."""
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "c" / "statements.c"
TYPED = "1|1|9007199254740993|170141183460469231731687303715884105727|12345678.90|0.1|1.5|2024-02-03|"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    flags = [shutil.which(p) for p in ("mariadb_config", "gcc")]
    if not all(flags):
        pytest.skip("gcc and libmariadb-dev are not installed")
    asked = subprocess.run([flags[0], "--cflags", "--libs"], capture_output=True, text=True).stdout.split()
    target = tmp_path_factory.mktemp("c") / "statements"
    made = subprocess.run(["gcc", "-Wall", "-o", target, SOURCE, *asked], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return target


def ran(program, scene, *more):
    ended = subprocess.run([program, str(scene.pool.ports["mysql"]), scene.name, *more], capture_output=True, text=True,
                           timeout=30)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return dict(line.split("=", 1) for line in ended.stdout.splitlines())


def test_every_type_in_both_directions(program, scene):
    found = ran(program, scene)
    assert found["server"] == "8.0.33" and found["tls"] == "no"
    assert found["rows0"].startswith(TYPED + "2024-02-03 04:05:06") and found["rows0"].endswith(
        "|\u00fc|{\"a\": 1}|[1,2];2" + "|NULL" * 11 + ";")
    assert found["rows1"] == found["rows0"] and found["rows2"] == "2" + "|NULL" * 11 + ";"
    assert found["own"] == "1 1 9007199254740993 0.1 1.5 2024-2-3 2024-2-3 4:5:6.000007"
    assert found["marks"] == "11"
    assert found["parameters"] == ("-7|250|-300|70000|-9007199254740993|1.5|0.1|it's \\ \"x\"?|2024-02-03|"
                                   "2024-02-03 04:05:06.000007|NULL;")
    assert found["again"] == found["parameters"].replace("-7|", "-6|", 1)
    assert found["cursor"] == "1 Commands out of sync; you can't run this command now"


def test_what_is_refused(program, scene):
    """Only queries are prepared; long data is no command of the server, and its refusal comes in place of the rows."""
    found = ran(program, scene)
    assert found["refused0"] == "1 1295 HY000 This command is not supported in the prepared statement protocol yet"
    assert found["refused1"].startswith("1 5502 42602 Getting analyzing error") and found["refused2"].startswith("1 1064")
    assert found["long"] == "1 Unsupported command(COM_STMT_SEND_LONG_DATA)"


def test_commands(program, scene):
    found = ran(program, scene)
    assert found["ping"] == "0" and found["stat"] == "Unsupported command(Statistics)"
    assert found["select_db"] == "1" and found["select_db_error"] == "5501 Unknown database 'nowhere'"
    assert found["change_user"] == "1" and found["change_user_error"] == "1045 Access denied for user 'nobody' (using password: YES)"
    assert found["change_user_again"] == "0" and found["reset"] == "0"
    assert found["option"] == "1"  # COM_SET_OPTION is unknown, yet several statements are carried out
    assert found["fields"] == f"13 {scene.name} t id" and found["several"] == "1,a;b,3,"


def test_tls(program, scene, authority):
    assert ran(program, scene, "ca", authority[0])["tls"] == "yes"
