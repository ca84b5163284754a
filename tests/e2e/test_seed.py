"""A reader of the guide that walrock replaces keeps every file and every key of it."""
import pytest

from tests.support import seed, shop, verify
from tests.support.pg_server import REPLICATOR
from tests.support.walrock import Walrock


class Guide:
    """The guide's step 1 (its PostgreSQL) and step 2 (its StarRocks database), followed to the letter."""

    def __init__(self, pg, rockpool, folder):
        self.pg, self.rockpool, self.folder = pg, rockpool, folder
        statements = seed.printed("init_postgres.sql").split("\\c demo")[1]
        pg.execute("postgres", "CREATE DATABASE demo")
        pg.execute("demo", statements)
        rockpool.execute("CREATE DATABASE demo")

    def step_6_tables(self):
        self.pg.execute("demo", *shop.SEED_TABLES[1:], *list(shop.fill_statements(1000, 200, 50))[1:])

    def give_rights(self):
        """What the guide forgets: it says itself that the role needs SELECT, and a publication needs an owner."""
        self.pg.execute("demo", f"GRANT CREATE ON DATABASE demo TO {REPLICATOR}",
                        *[f"ALTER TABLE {table} OWNER TO {REPLICATOR}" for (table,) in self.pg.execute(
                            "demo", "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")])

    def write(self, text):
        path = self.folder / "application.yml"
        path.write_text(seed.fitted(text, self.pg, self.rockpool), encoding="utf-8")
        return path

    def assert_identical(self, *tables):
        found = verify.compare(self.pg.dsn("demo"), self.rockpool.mysql_address,
                               [(f"public.{table}", f"demo.{table}") for table in tables])
        assert all(comparison.identical for comparison in found), "\n".join(map(str, found))


@pytest.fixture
def guide(pg, rockpool, tmp_path):
    pg.drop_database("demo")
    rockpool.execute("DROP DATABASE IF EXISTS demo FORCE")
    yield Guide(pg, rockpool, tmp_path)
    pg.drop_database("demo")
    rockpool.execute("DROP DATABASE IF EXISTS demo FORCE")


@pytest.fixture
def start(guide):
    """Runs a job file of the guide until its tables are ready; ends it at the end of the test."""
    running = []

    def start_job(text, *tables):
        walrock = Walrock(guide.write(text), {"HOME": str(guide.folder)})
        running.append(walrock)
        walrock.start()
        walrock.wait_until_ready(*[f"public.{table}" for table in tables])
        return walrock

    yield start_job
    for walrock in running:
        walrock.kill()


def follow_step_4_5(guide, walrock, *tables):
    """The guide's own check: an insert and an update show up."""
    guide.pg.execute("demo",
                     "INSERT INTO users (id, name, email, updated_at) VALUES (100, 'Bob', 'bob@example.com', NOW())",
                     "UPDATE users SET name = 'Alice Updated' WHERE id = 1")
    walrock.wait_until_flushed(guide.pg.current_lsn())
    guide.assert_identical(*tables)


def test_the_printed_application_yml_copies_and_follows(guide, start):
    guide.give_rights()
    walrock = start(seed.printed("application.yml"), "users")
    guide.assert_identical("users")
    follow_step_4_5(guide, walrock, "users")


def test_what_the_seeds_values_mean_here_is_said_at_start(guide, start):
    guide.give_rights()
    walrock = start(seed.printed("application.yml"), "users")
    for key in ("checkpoint.interval", "restart-attempts", "format", "parallelism"):
        assert key in walrock.log(), f"nothing is said about {key}"


def test_an_empty_unique_key_table_of_step_2_becomes_a_primary_key_table(guide, start):
    guide.give_rights()
    guide.rockpool.execute(*filter(str.strip, seed.printed("create_starrocks_tables.sql").split(";")), database="demo")
    walrock = start(seed.printed("application.yml"), "users")
    assert "PRIMARY KEY" in guide.rockpool.execute("SHOW CREATE TABLE demo.users")[0][1]
    guide.pg.execute("demo", "DELETE FROM users WHERE id = 1")
    follow_step_4_5(guide, walrock, "users")


def test_a_filled_unique_key_table_is_set_aside_with_the_sql(guide):
    guide.give_rights()
    guide.rockpool.execute(*filter(str.strip, seed.printed("create_starrocks_tables.sql").split(";")), database="demo")
    guide.rockpool.execute("INSERT INTO demo.users VALUES (7, 'old', 'old@example.com', '2020-01-01 00:00:00')")
    with Walrock(guide.write(seed.printed("application.yml"))).start() as walrock:
        table = walrock.wait_until_table("public.users", "errored")
        assert "UNIQUE" in table["reason"]
        assert "DROP TABLE" in table["reason"] or "CREATE TABLE" in table["reason"] or "SWAP" in table["reason"]
    assert guide.rockpool.count("demo.users") == 1, "the rows that were there must stay"


def test_the_rights_the_guide_forgets_are_named_as_sql(guide):
    walrock = Walrock(guide.write(seed.printed("application.yml")))
    found = walrock.command("check")
    assert found.returncode == 3, found.stdout + found.stderr
    said = found.stdout + found.stderr
    assert "GRANT" in said or "CREATE PUBLICATION" in said or "OWNER TO" in said
    assert "replicator_pass" not in said


@pytest.mark.parametrize("parts", [
    ["step6_table_list.yml"], ["step6_table_list.yml", "step6_tables.yml"],
    ["step6_whole_schema.yml"], ["step6_whole_schema.yml", "step6_tables.yml"]], ids="+".join)
def test_several_tables_of_step_6_each_go_to_a_table_of_their_name(guide, start, parts):
    guide.step_6_tables()
    guide.give_rights()
    text = seed.without_line(seed.printed("application.yml"), "table-name: users")
    for part in parts:
        text = seed.with_part(text, seed.printed(part))
    walrock = start(text, "users", "orders", "products")
    follow_step_4_5(guide, walrock, "users", "orders", "products")


@pytest.mark.parametrize("compress_type", ["LZ4", "ZSTD", "NO_COMPRESSION"])
def test_parallelism_and_compression_of_step_8_are_taken(guide, start, compress_type):
    guide.give_rights()
    text = seed.with_part(seed.printed("application.yml"), seed.printed("step8_parallelism.yml"))
    part = seed.printed("step8_compress_type.yml").replace("LZ4", compress_type)
    walrock = start(seed.with_part(text, part), "users")
    follow_step_4_5(guide, walrock, "users")


def test_latest_offset_of_step_8_takes_new_changes_only(guide, start):
    guide.give_rights()
    text = seed.without_line(seed.printed("application.yml"), "scan.startup.mode: initial")
    walrock = start(seed.with_part(text, seed.printed("step8_startup.yml")), "users")
    guide.pg.execute("demo", "INSERT INTO users (id, name) VALUES (100, 'Bob')")
    walrock.wait_until_flushed(guide.pg.current_lsn())
    assert guide.rockpool.execute("SELECT id, name FROM demo.users") == [["100", "Bob"]]
