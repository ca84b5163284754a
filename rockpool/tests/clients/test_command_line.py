"""The mysql (or mariadb) command line and its companions."""
import shutil
import subprocess

import pytest

PROGRAM = shutil.which("mysql") or shutil.which("mariadb")
pytestmark = pytest.mark.skipif(not PROGRAM, reason="the mysql command line is not installed")


def run(scene, *arguments, text=None, program=PROGRAM, user="root"):
    return subprocess.run([program, "-h", "127.0.0.1", "-P", str(scene.pool.ports["mysql"]), "-u", user, *arguments],
                          input=text, capture_output=True, text=True, timeout=30)


def test_statements_of_the_command_line(scene):
    found = run(scene, scene.name, "-N", "-e", "SELECT id, s, v FROM t WHERE id = 2; SHOW TABLES; SELECT database()")
    assert found.stdout == f"2\tNULL\tNULL\nn\nseen\nt\n{scene.name}\n", found.stderr


def test_statements_of_standard_input(scene):
    """As typed: use, a table, several statements on a line, an error that ends the run."""
    found = run(scene, "-t", text=f"use {scene.name}\nSELECT 1 AS one, 'x' AS two;\nSELECT * FROM ghost;\nSELECT 3;\n")
    assert "| one  | two  |" in found.stdout or "| one | two |" in found.stdout
    assert found.returncode == 1 and "ERROR 5502 (42602) at line 3" in found.stderr and "SELECT 3" not in found.stdout
    forced = run(scene, "-N", "--force", scene.name, text="SELECT * FROM ghost;\nSELECT 3;\n")
    assert forced.stdout == "3\n"


def test_source_and_status(scene, tmp_path):
    script = tmp_path / "script.sql"
    script.write_text("CREATE TABLE made (id INT NOT NULL) PRIMARY KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 "
                      "PROPERTIES('replication_num'='1');\nINSERT INTO made VALUES (1), (2);\n-- a remark\n"
                      "SELECT count(*) FROM made;\n")
    assert run(scene, scene.name, "-N", "-e", f"source {script}").stdout == "2\n"
    found = run(scene, "--skip-ssl", scene.name, "-e", r"\s").stdout
    assert "Server version:\t\t8.0.33 4.1.2-" in found and f"Current database:\t{scene.name}" in found
    assert "Current user:\t\t'root'@'%'" in found and "Not in use" in found


def test_affected_rows_and_warnings(scene):
    found = run(scene, "-vvv", scene.name, "-e", "INSERT INTO n VALUES (1000), (1001); show warnings").stdout
    assert "Query OK, 2 rows affected" in found and "{'label':'insert_" in found


def test_wrong_logins(scene):
    assert "ERROR 1045 (28000): Access denied for user 'nobody' (using password: NO)" in run(scene, "-e", "SELECT 1",
                                                                                           user="nobody").stderr
    assert "ERROR 1045 (28000)" in run(scene, "-pwrong", "-e", "SELECT 1").stderr
    assert "ERROR 5501 (3F000): Unknown database 'nowhere'" in run(scene, "nowhere", "-e", "SELECT 1").stderr


def test_compression_is_not_offered(scene):
    assert run(scene, "--compress", "-N", "-e", "SELECT repeat('x', 3)").stdout == "xxx\n"


def test_tls_and_who_is_trusted(scene, authority):
    assert "Cipher in use is TLS" in run(scene, "--ssl", "-e", r"\s").stdout
    trusted = run(scene, "--ssl", "--ssl-verify-server-cert", f"--ssl-ca={authority[0]}", "-N", "-e", "SELECT 1")
    assert trusted.stdout == "1\n", trusted.stderr
    stranger = run(scene, "--ssl", "--ssl-verify-server-cert", "-e", "SELECT 1")
    assert stranger.returncode and "TLS/SSL error" in stranger.stderr


@pytest.mark.skipif(not shutil.which("mysqladmin"), reason="mysqladmin is not installed")
def test_mysqladmin(scene):
    def admin(word):
        return run(scene, word, program="mysqladmin")
    assert "mysqld is alive" in admin("ping").stdout
    assert "Unsupported command(Statistics)" in admin("status").stdout + admin("status").stderr
    assert "| root |" in admin("processlist").stdout and "Variable_name" in admin("variables").stdout
