"""SQLAlchemy with StarRocks' own dialect from PyPI, alembic, and PyMySQL below them."""
import datetime
import decimal

import pymysql
import pytest

sqlalchemy = pytest.importorskip("sqlalchemy")
pytest.importorskip("starrocks")
from sqlalchemy import (Boolean, Column, Date, DateTime, Float, Integer, MetaData, Numeric, String, Table, bindparam, case,  # noqa: E402
                        cast, create_engine, delete, exists, func, inspect, insert, select, text, update)
from sqlalchemy.exc import DBAPIError  # noqa: E402
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column  # noqa: E402
from starrocks.datatype import ARRAY, BIGINT, JSON, LARGEINT  # noqa: E402


@pytest.fixture
def engine(scene):
    made = create_engine(f"starrocks://root@127.0.0.1:{scene.pool.ports['mysql']}/{scene.name}")
    yield made
    made.dispose()


def people(metadata):
    return Table("people", metadata, Column("id", Integer, primary_key=True, autoincrement=False),
                 Column("name", String(50), comment="who"), Column("born", Date), Column("seen", DateTime), Column("paid", Numeric(10, 2)),
                 Column("ok", Boolean), Column("score", Float), comment="everybody", starrocks_primary_key="id",
                 starrocks_distributed_by="HASH(id) BUCKETS 2", starrocks_properties={"replication_num": "1"})


def test_tables_are_created_and_reflected(engine, scene):
    metadata = MetaData()
    people(metadata)
    metadata.create_all(engine)
    metadata.create_all(engine)  # looks first
    seen = inspect(engine)
    assert seen.has_table("people") and not seen.has_table("nobody")
    assert set(seen.get_table_names()) == {"people", "t", "n"} and seen.get_view_names() == ["seen"]
    assert scene.name in seen.get_schema_names()
    columns = {c["name"]: c for c in seen.get_columns("people")}
    assert list(columns) == ["id", "name", "born", "seen", "paid", "ok", "score"]
    assert not columns["id"]["nullable"] and columns["name"]["comment"] == "who" and columns["name"]["type"].length == 50
    assert (columns["paid"]["type"].precision, columns["paid"]["type"].scale) == (10, 2)
    assert seen.get_pk_constraint("people")["constrained_columns"] == ["id"]
    assert seen.get_table_comment("people") == {"text": "everybody"}
    options = seen.get_table_options("people")
    assert options["starrocks_primary_key"] == "id" and options["starrocks_distributed_by"] == "HASH(`id`) BUCKETS 2"
    assert options["starrocks_properties"]["replication_num"] == "1"
    assert "SELECT" in seen.get_view_definition("seen").upper()
    assert seen.get_foreign_keys("people") == [] and seen.get_indexes("people") == []
    again = MetaData()
    again.reflect(engine)
    assert set(again.tables) >= {"people", "t", "n"} and again.tables["people"].c.paid.type.scale == 2
    metadata.drop_all(engine)
    assert not inspect(engine).has_table("people")


def test_every_type_is_reflected(engine):
    columns = {c["name"]: c["type"] for c in inspect(engine).get_columns("t")}
    assert isinstance(columns["l"], LARGEINT) and isinstance(columns["n"], BIGINT)
    assert isinstance(columns["j"], JSON) and isinstance(columns["a"], ARRAY)


def test_core_reads_and_writes(engine):
    metadata = MetaData()
    table = people(metadata)
    metadata.create_all(engine)
    rows = [dict(id=1, name="it's \\ \"x\" \u00fc", born=datetime.date(2024, 2, 3), seen=datetime.datetime(2024, 2, 3, 4, 5, 6),
                 paid=decimal.Decimal("1.50"), ok=True, score=1.5),
            dict(id=2, name=None, born=None, seen=None, paid=None, ok=False, score=None)]
    with engine.begin() as c:
        assert c.execute(insert(table), rows).rowcount == 2
        assert [dict(r._mapping) for r in c.execute(select(table).order_by(table.c.id))] == rows
        assert c.execute(select(func.count(), func.max(table.c.paid)).where(table.c.id.in_([1, 2, 3]))).one() == (
            2, decimal.Decimal("1.50"))
        assert c.scalar(select(cast(table.c.paid, String)).where(table.c.name.like("it's%"))) == "1.50"
        assert c.execute(update(table).where(table.c.id == 2).values(name="two", score=table.c.id + 0.5)).rowcount == 1
        assert c.scalars(select(case((table.c.ok, "yes"), else_="no")).order_by(table.c.id)).all() == ["yes", "no"]
        other, third = table.alias(), table.alias()
        joined = select(table.c.name, other.c.id).join(other, other.c.id == table.c.id).where(
            exists().where(third.c.id == table.c.id)).order_by(other.c.id).limit(1).offset(1)
        assert c.execute(joined).all() == [("two", 2)]
        assert c.execute(delete(table).where(table.c.id == bindparam("gone")), {"gone": 1}).rowcount == 1
        assert c.execute(text("SELECT id, score FROM people WHERE id = :id"), {"id": 2}).all() == [(2, 2.5)]
        window = select(func.row_number().over(order_by=table.c.id), func.now().is_not(None))
        assert c.execute(window).all() == [(1, 1)]


class Base(DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "folk"
    __table_args__ = {"starrocks_primary_key": "id", "starrocks_distributed_by": "HASH(id) BUCKETS 1",
                      "starrocks_properties": {"replication_num": "1"}}
    id = mapped_column(Integer, primary_key=True, autoincrement=False)
    name = mapped_column(String(50))


def test_orm(engine):
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Person(id=n, name=f"p{n}") for n in range(3)])
        session.commit()
        session.get(Person, 1).name = "changed"
        session.delete(session.get(Person, 2))
        session.commit()
        assert [(p.id, p.name) for p in session.scalars(select(Person).order_by(Person.id))] == [(0, "p0"), (1, "changed")]
        assert session.query(Person).filter_by(name="p0").one().id == 0
        session.rollback()


def test_errors_keep_their_codes(engine):
    with engine.connect() as c:
        for statement, code in (("SELECT * FROM ghost", 5502), ("SELEC", 1064), ("DROP DATABASE ghost", 1008)):
            with pytest.raises(DBAPIError) as found:
                c.execute(text(statement))
            assert found.value.orig.args[0] == code
    assert engine.dialect.server_version_info >= (4, 1)


def test_alembic_sees_what_differs(engine):
    alembic = pytest.importorskip("alembic.migration")
    import starrocks.alembic  # noqa: F401  (registers comparators)
    from alembic.autogenerate import compare_metadata
    metadata = MetaData()
    table = people(metadata)
    metadata.create_all(engine)

    def differences(wanted):
        with engine.connect() as c:
            context = alembic.MigrationContext.configure(c, opts={"target_metadata": wanted, "include_name": lambda name, kind, parents: (
                kind != "table" or name == "people")})
            return [d for d in compare_metadata(context, wanted) if d[0] != "drop_view"]  # the scene's own view
    assert differences(metadata) == []
    table.append_column(Column("extra", Integer))
    assert [d[0] for d in differences(metadata)] == ["add_column"]


def test_pooled_connections_are_pinged(scene):
    made = create_engine(f"starrocks://root@127.0.0.1:{scene.pool.ports['mysql']}/{scene.name}", pool_pre_ping=True, pool_size=2)
    with made.connect() as c:
        number = c.scalar(text("SELECT connection_id()"))
    scene.sql(f"KILL {number}")
    with made.connect() as c:
        assert c.scalar(text("SELECT connection_id()")) != number
    made.dispose()


# ---------------------------------------------------------------- PyMySQL by itself
def test_pymysql_converts_every_type(scene):
    with pymysql.connect(host="127.0.0.1", port=scene.pool.ports["mysql"], user="root", database=scene.name) as c, c.cursor() as cursor:
        cursor.execute("SELECT * FROM t ORDER BY id")
        assert cursor.fetchall() == (
            (1, 1, 9007199254740993, "170141183460469231731687303715884105727", decimal.Decimal("12345678.90"), 0.1, 1.5,
             datetime.date(2024, 2, 3), datetime.datetime(2024, 2, 3, 4, 5, 6, 7), "\u00fc", '{"a": 1}', b"[1,2]", b"\x00\xff"),
            (2, *[None] * 12))
        assert cursor.executemany("INSERT INTO n VALUES (%s)", [(n,) for n in range(500, 600)]) == 100
        cursor.execute("SELECT count(*) FROM n WHERE n >= %s", (500,))
        assert cursor.fetchone() == (100,)


def test_pymysql_streams_and_uses_dictionaries(scene):
    with scene.pool.connect(scene.name, cursorclass=pymysql.cursors.SSDictCursor) as c, c.cursor() as cursor:
        cursor.execute("SELECT a.n FROM n AS a CROSS JOIN n AS b")
        assert sum(int(row["n"]) for row in cursor) == 495000


def test_pymysql_over_tls(scene, authority):
    with pymysql.connect(host="127.0.0.1", port=scene.pool.ports["mysql"], user="root", ssl_ca=authority[0],
                         ssl_verify_cert=True, ssl_verify_identity=True) as c, c.cursor() as cursor:
        text_of_17_mb = "x" * (17 << 20)
        cursor.execute("SELECT %s", (text_of_17_mb,))
        assert cursor.fetchone() == (text_of_17_mb,)
    with pytest.raises(pymysql.OperationalError, match="certificate verify failed"):
        pymysql.connect(host="127.0.0.1", port=scene.pool.ports["mysql"], user="root", ssl_verify_cert=True,
                        ssl_ca=pytest.importorskip("certifi").where())


# ---------------------------------------------------------------- others of the family
def test_sqlalchemy_s_own_mysql_dialect(scene):
    made = create_engine(f"mysql+pymysql://root@127.0.0.1:{scene.pool.ports['mysql']}/{scene.name}")
    with made.connect() as c:
        assert c.execute(text("SELECT id, s FROM t ORDER BY id")).all() == [(1, "\u00fc"), (2, None)]
    assert made.dialect.server_version_info == (8, 0, 33) and set(inspect(made).get_table_names()) == {"t", "n"}
    made.dispose()


def test_asyncmy(scene):
    import asyncio
    asyncmy = pytest.importorskip("asyncmy")

    async def ask():
        connection = await asyncmy.connect(host="127.0.0.1", port=scene.pool.ports["mysql"], user="root", db=scene.name)
        async with connection.cursor() as cursor:
            await cursor.execute("SELECT id, m, day FROM t WHERE id = %s", (1,))
            found = await cursor.fetchall()
        connection.close()
        return found
    assert asyncio.run(ask()) == ((1, decimal.Decimal("12345678.90"), datetime.date(2024, 2, 3)),)
