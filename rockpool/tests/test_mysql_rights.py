"""Users, roles, privileges: who may do what, and what the others read."""
import pymysql
import pytest

from rockpool.tests.pool import ONE

TABLE = f"(id INT NOT NULL, v INT) PRIMARY KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 {ONE}"


class Somebody:
    """A user without privileges, and what he is refused."""

    def __init__(self, scene, name):
        self.scene, self.name = scene, name
        scene.sql(f"CREATE USER {name} IDENTIFIED BY 'pw'")
        self.connection = scene.pool.connect(user=name, password="pw")

    def run(self, statement):
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def refused(self, statement):
        with pytest.raises(pymysql.MySQLError) as found:
            self.run(statement)
        return found.value.args

    def gains(self, statement, grant, privilege, place, gone=False):
        """A statement is refused until a privilege is granted."""
        code, text = self.refused(statement)
        assert code == 5203 and text == (
            f"Access denied; you need (at least one of) the {privilege} privilege(s) on {place} for this operation. Please ask "
            "the admin to grant permission(s) or try activating existing roles using <set [default] role>. Current role(s): NONE. "
            "Inactivated role(s): NONE."), (statement, text)
        self.scene.sql(f"GRANT {grant} TO USER {self.name}")
        self.run(statement)
        if not gone:
            self.scene.sql(f"REVOKE {grant} FROM USER {self.name}")


@pytest.fixture
def somebody(scene):
    scene.sql(f"CREATE TABLE t {TABLE}", "INSERT INTO t VALUES (1, 1)", "CREATE VIEW seen AS SELECT id FROM t")
    made = Somebody(scene, f"user_{scene.name}")
    yield made
    made.connection.close()
    scene.sql(f"DROP USER {made.name}")


def test_every_statement_asks_for_its_privilege(somebody, scene):
    d, table = scene.name, f"TABLE {scene.name}.t"
    somebody.gains(f"SELECT * FROM {d}.t", f"SELECT ON {table}", "SELECT", "TABLE t")
    somebody.gains(f"INSERT INTO {d}.t VALUES (2, 2)", f"INSERT ON {d}.t", "INSERT", "TABLE t")
    somebody.gains(f"UPDATE {d}.t SET v = 3 WHERE id = 1", f"UPDATE ON {table}", "UPDATE", "TABLE t")
    somebody.gains(f"DELETE FROM {d}.t WHERE id = 2", f"DELETE ON {table}", "DELETE", "TABLE t")
    somebody.gains(f"ALTER TABLE {d}.t ADD COLUMN w INT", f"ALTER ON {table}", "ALTER", "TABLE t")
    somebody.gains(f"TRUNCATE TABLE {d}.t", f"DELETE ON {table}", "DELETE", "TABLE t")
    somebody.gains(f"CREATE TABLE {d}.u {TABLE}", f"CREATE TABLE ON DATABASE {d}", "CREATE TABLE", f"DATABASE {d}")
    somebody.gains(f"DROP TABLE {d}.u FORCE", f"DROP ON TABLE {d}.u", "DROP", "TABLE u", gone=True)
    somebody.gains(f"SELECT * FROM {d}.seen", f"SELECT ON VIEW {d}.seen", "SELECT", "VIEW seen")
    somebody.gains(f"DROP VIEW {d}.seen", f"DROP ON VIEW {d}.seen", "DROP", "VIEW seen", gone=True)
    somebody.gains(f"CREATE DATABASE {d}_new", "CREATE DATABASE ON CATALOG default_catalog", "CREATE DATABASE",
                   "CATALOG default_catalog")
    somebody.gains(f"DROP DATABASE {d}_new", f"DROP ON DATABASE {d}_new", "DROP", f"DATABASE {d}_new", gone=True)
    somebody.gains("ADMIN SHOW FRONTEND CONFIG LIKE 'x'", "OPERATE ON SYSTEM", "OPERATE", "SYSTEM")
    somebody.gains("SET GLOBAL query_timeout = 300", "OPERATE ON SYSTEM", "OPERATE", "SYSTEM")
    somebody.gains("SHOW PROC '/transactions'", "OPERATE ON SYSTEM", "OPERATE", "SYSTEM")
    for what in ("BACKENDS", "FRONTENDS", "COMPUTE NODES"):
        somebody.gains(f"SHOW {what}", "OPERATE ON SYSTEM", "OPERATE/NODE", "SYSTEM")
    for statement in (f"DESC {d}.t", f"SHOW CREATE TABLE {d}.t", f"SHOW COLUMNS FROM {d}.t", f"SHOW PARTITIONS FROM {d}.t"):
        somebody.gains(statement, f"EXPORT ON {table}", "ANY", "TABLE t")
    somebody.gains(f"USE {d}", f"SELECT ON {table}", "ANY", f"DATABASE {d}")
    assert "GRANT privilege(s) on SYSTEM" in somebody.refused("CREATE USER another")[1]
    assert "GRANT privilege(s) on SYSTEM" in somebody.refused("SHOW USERS")[1]
    assert "GRANT privilege(s) on SYSTEM" in somebody.refused(f"GRANT SELECT ON {table} TO {somebody.name}")[1]


def test_privileges_end_with_their_object(somebody, scene):
    d = scene.name
    scene.sql(f"GRANT SELECT ON TABLE {d}.t TO {somebody.name}", "DROP TABLE t", "RECOVER TABLE t")
    somebody.run(f"SELECT * FROM {d}.t")
    scene.sql("DROP TABLE t FORCE", f"CREATE TABLE t {TABLE}")
    assert somebody.refused(f"SELECT * FROM {d}.t")[0] == 5203
    assert scene.sql(f"SHOW GRANTS FOR {somebody.name}") == []


def test_wide_grants(somebody, scene):
    d = scene.name
    for grant in (f"SELECT ON ALL TABLES IN DATABASE {d}", "SELECT ON ALL TABLES IN ALL DATABASES", f"SELECT ON {d}.*",
                  "SELECT ON *.*", f"ALL ON TABLE {d}.t", f"ALL PRIVILEGES ON {d}.t", f"SELECT, INSERT ON TABLE {d}.t"):
        somebody.gains(f"SELECT * FROM {d}.t", grant, "SELECT", "TABLE t")


def test_a_session_needs_no_rights_for_its_own(somebody, scene):
    somebody.run("SET PASSWORD = PASSWORD('mine')")
    scene.pool.connect(user=somebody.name, password="mine").close()
    somebody.run(f"ALTER USER {somebody.name} IDENTIFIED BY 'again'")
    scene.pool.connect(user=somebody.name, password="again").close()
    assert somebody.run("SHOW GRANTS") == () and somebody.run("SELECT current_user()") == ((f"'{somebody.name}'@'%'",),)
    assert [r[1] for r in somebody.run("SHOW PROCESSLIST")] == [somebody.name]
    assert "database_is_seen" not in str(somebody.run("SHOW DATABASES"))
    assert somebody.run(f"SELECT count(*) FROM information_schema.tables WHERE table_schema = '{scene.name}'") == (("0",),)


def test_roles_are_activated(somebody, scene):
    role, d = f"role_{scene.name}", scene.name
    scene.sql(f"CREATE ROLE {role}", f"GRANT SELECT ON TABLE {d}.t TO ROLE {role}", f"GRANT '{role}' TO USER {somebody.name}")
    text = somebody.refused(f"SELECT * FROM {d}.t")[1]
    assert f"Current role(s): NONE. Inactivated role(s): [{role}]." in text
    somebody.run(f"SET ROLE {role}")
    somebody.run(f"SELECT * FROM {d}.t")
    assert somebody.run("SELECT current_role()") == ((role,),)
    somebody.run("SET ROLE NONE")
    assert somebody.refused(f"SELECT * FROM {d}.t")[0] == 5203
    assert f"Role root is not granted to '{somebody.name}'@'%'" in somebody.refused("SET ROLE root")[1]
    scene.sql(f"SET DEFAULT ROLE {role} TO {somebody.name}")
    with scene.pool.connect(user=somebody.name, password="pw") as c, c.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {d}.t")
    assert scene.sql(f"SHOW GRANTS FOR ROLE {role}") == [[role, "default_catalog", f"GRANT SELECT ON TABLE {d}.t TO ROLE '{role}'"]]
    assert scene.sql(f"SHOW GRANTS FOR {somebody.name}") == [[f"'{somebody.name}'@'%'", None,
                                                           f"GRANT '{role}' TO '{somebody.name}'@'%'"]]
    assert role in [r[0] for r in scene.sql("SHOW ROLES")]
    scene.sql(f"CREATE ROLE {role}_above", f"GRANT {role} TO ROLE {role}_above", f"REVOKE {role} FROM USER {somebody.name}",
              f"GRANT {role}_above TO USER {somebody.name}", f"SET DEFAULT ROLE ALL TO {somebody.name}")
    with scene.pool.connect(user=somebody.name, password="pw") as c, c.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {d}.t")
    scene.sql(f"DROP ROLE {role}", f"DROP ROLE {role}_above")
    assert scene.sql(f"SHOW GRANTS FOR {somebody.name}") == []


def test_show_grants_and_what_it_prints(somebody, scene):
    name, d = f"'{somebody.name}'@'%'", scene.name
    scene.sql(f"GRANT SELECT, INSERT, ALTER ON TABLE {d}.t TO {somebody.name}", f"GRANT ALL ON CATALOG default_catalog TO {somebody.name}",
              f"GRANT DROP ON ALL DATABASES TO {somebody.name}", f"GRANT OPERATE ON SYSTEM TO {somebody.name} WITH GRANT OPTION",
              f"GRANT EXPORT ON ALL TABLES IN DATABASE {d} TO {somebody.name}")
    assert scene.sql(f"SHOW GRANTS FOR {somebody.name}") == [
        [name, "default_catalog", f"GRANT INSERT, SELECT, ALTER ON TABLE {d}.t TO USER {name}"],
        [name, "default_catalog", f"GRANT USAGE, CREATE DATABASE, DROP, ALTER ON CATALOG default_catalog TO USER {name}"],
        [name, "default_catalog", f"GRANT DROP ON ALL DATABASES TO USER {name}"],
        [name, None, f"GRANT OPERATE ON SYSTEM TO USER {name} WITH GRANT OPTION"],
        [name, "default_catalog", f"GRANT EXPORT ON ALL TABLES IN DATABASE {d} TO USER {name}"]]
    assert "CREATE PIPE ON ALL DATABASES TO ROLE 'root'" in str(scene.sql("SHOW GRANTS FOR ROLE root"))
    assert scene.sql("SHOW GRANTS")[0] == ["'root'@'%'", None, "GRANT 'root' TO 'root'@'%'"]
    somebody.run("SHOW PROC '/transactions'")
    scene.sql(f"CREATE USER {somebody.name}_2")
    somebody.run(f"GRANT OPERATE ON SYSTEM TO {somebody.name}_2")
    scene.sql(f"DROP USER {somebody.name}_2")


def test_administrators_of_the_system(somebody, scene):
    for role, may, may_not in (("db_admin", "CREATE DATABASE of_admin", "CREATE USER by_admin"),
                               ("user_admin", "CREATE USER by_admin", "CREATE DATABASE of_admin2"),
                               ("cluster_admin", "SHOW BACKENDS", f"SELECT * FROM {scene.name}.t")):
        scene.sql(f"GRANT {role} TO USER {somebody.name}")
        somebody.run(f"SET ROLE {role}")
        somebody.run(may)
        assert somebody.refused(may_not)[0] == 5203
        scene.sql(f"REVOKE {role} FROM USER {somebody.name}")
    scene.sql("DROP DATABASE of_admin", "DROP USER by_admin")


@pytest.mark.parametrize("statement, text", (
    ("CREATE USER root", "Operation CREATE USER failed for 'root'@'%' : user already exists"),
    ("DROP USER ghost", "Operation DROP USER failed for 'ghost'@'%' : user not exists"),
    ("DROP USER root", "cannot drop user 'root'@'%'"),
    ("ALTER USER ghost IDENTIFIED BY 'x'", "Operation ALTER USER failed for 'ghost'@'%' : user not exists"),
    ("GRANT SELECT ON TABLE d.t TO ghost", "cannot find db: d"),
    ("GRANT SELECT ON ALL TABLES IN ALL DATABASES TO ghost", "cannot find user 'ghost'@'%'!"),
    ("GRANT SELECT ON ALL TABLES IN ALL DATABASES TO ROLE ghost", "cannot find role ghost!"),
    ("GRANT SELECT ON SYSTEM TO root", "Cant grant SELECT to object SYSTEM"),
    ("GRANT NODE ON SYSTEM TO root", "cannot be granted to user or role directly"),
    ("GRANT ghost TO root", "cannot find role ghost!"), ("CREATE ROLE root", "role already exists"),
    ("DROP ROLE root", "role root is not mutable!"), ("DROP ROLE ghost", "role not exists"),
    ("SHOW GRANTS FOR ROLE ghost", "cannot find role ghost!"),
    ("CREATE USER x IDENTIFIED WITH nonsense BY 'x'", "cannot find auth plugin NONSENSE")))
def test_what_cannot_be_granted(scene, statement, text):
    code, found = scene.error(statement)
    assert code == 1064 and text in found


def test_users_of_hosts_and_their_passwords(scene):
    scene.sql("CREATE USER 'near'@'127.0.0.1' IDENTIFIED BY 'near'", "CREATE USER 'near'@'10.%' IDENTIFIED BY 'far'",
              "CREATE USER hashed IDENTIFIED WITH mysql_native_password AS '*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9'")
    with scene.pool.connect(user="near", password="near") as c, c.cursor() as cursor:
        cursor.execute("SELECT current_user(), user()")
        assert cursor.fetchone()[0] == "'near'@'127.0.0.1'"
    with pytest.raises(pymysql.MySQLError):
        scene.pool.connect(user="near", password="far")
    scene.pool.connect(user="hashed", password="123456").close()
    assert scene.error("SET PASSWORD FOR hashed = 'plain'") == (5201, "Password hash should be a 41-digit hexadecimal number")
    assert scene.sql("SHOW AUTHENTICATION FOR hashed") == [["'hashed'@'%'", "Yes", "MYSQL_NATIVE_PASSWORD", None]]
    scene.sql("DROP USER 'near'@'127.0.0.1'", "DROP USER 'near'@'10.%'", "DROP USER hashed")


def test_acting_as_somebody_else(somebody, scene):
    assert "IMPERSONATE privilege(s) on USER" in somebody.refused("EXECUTE AS root WITH NO REVERT")[1]
    with scene.pool.connect() as c, c.cursor() as cursor:
        cursor.execute(f"EXECUTE AS {somebody.name} WITH NO REVERT")
        cursor.execute("SELECT current_user()")
        assert cursor.fetchone() == (f"'{somebody.name}'@'%'",)


def test_users_and_roles_survive_a_restart(own):
    pool = own()
    with pool.connect() as c, c.cursor() as cursor:
        for statement in ("CREATE ROLE kept", "CREATE DATABASE d", f"CREATE TABLE d.t {TABLE}", "GRANT SELECT ON TABLE d.t TO ROLE kept",
                          "CREATE USER stays IDENTIFIED BY 'pw' DEFAULT ROLE kept"):
            cursor.execute(statement)
    pool.restart()
    with pool.connect("d", "stays", "pw") as c, c.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM t")


def test_loads_use_default_roles(somebody, scene):
    scene.sql(f"CREATE ROLE loads_{scene.name}", f"GRANT INSERT ON TABLE {scene.name}.t TO ROLE loads_{scene.name}",
              f"GRANT loads_{scene.name} TO USER {somebody.name}")
    assert scene.load("5,5\n", user=(somebody.name, "pw"))["status"] == "FAILED"
    scene.sql(f"SET DEFAULT ROLE ALL TO {somebody.name}")
    scene.ok(scene.load("5,5\n", user=(somebody.name, "pw")))
    scene.sql(f"DROP ROLE loads_{scene.name}")
