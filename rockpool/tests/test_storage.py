"""Committed rows: kept over kills, put back when a merge fails, larger than memory."""
import asyncio
import base64
import random
import signal
import threading
import time

import pytest

from rockpool.meta import Meta
from rockpool.segments import SegmentWriter
from rockpool.storage import MERGING_BYTES, Storage
from rockpool.tests.pool import Pool, Scene

PAIR = "id BIGINT NOT NULL, v VARCHAR(400) NULL"


class Loader(threading.Thread):
    """Loads rows with numbers of its own, small and large, and remembers which were answered with Success."""

    def __init__(self, pool, number, table):
        super().__init__(daemon=True)
        self.pool, self.number, self.table = pool, number, table
        self.rng = random.Random(number)
        self.kept, self.sent, self.at = [], [], number * 10_000_000

    def run(self):
        scene = Scene.__new__(Scene)
        scene.pool, scene.name, scene.numbers = self.pool, "d", 0
        try:
            while True:
                rows = range(self.at, self.at + self.rng.choice([1, 1, 2, 30, 4000]))
                self.at = rows.stop
                self.sent.append(rows)
                body = "".join(f"{n},{'x' * (n % 200)}\n" for n in rows)
                label = f"l{self.number}_{self.at}"
                if self.rng.random() < .5:
                    for operation, text in (("begin", ""), ("load", body), ("prepare", ""), ("commit", "")):
                        answer = scene.txn(operation, label, text, table=self.table)
                else:
                    answer = scene.load(body, self.table, label=label)
                if answer["Status"] in ("OK", "Success"):
                    self.kept.append(rows)
        except (OSError, ValueError):
            return  # the server is gone


def has_kept(loaders, *tables):
    return all(any(x.kept for x in loaders if x.table == table) for table in tables)


@pytest.mark.parametrize("seconds", [0.7, 1.9])
def test_what_was_answered_survives_kills_once_and_only_once(own, seconds):
    pool = own()
    scene = Scene(pool, "d")
    for table, key in (("dup", "DUPLICATE KEY(id)"), ("pk", "PRIMARY KEY(id)")):
        scene.table(PAIR, key, name=table)
    for kill in range(2):
        loaders = [Loader(pool, kill * 3 + n, "pk" if n == 2 else "dup") for n in range(3)]
        for loader in loaders:
            loader.start()
        end = time.monotonic() + seconds
        # readers have queues merged all the time; on a busy machine the first answer comes late
        while time.monotonic() < end or (time.monotonic() < end + 60 and not has_kept(loaders, "dup", "pk")):
            scene.value("SELECT count(*) FROM dup")
        pool.restart(signal.SIGKILL)
        scene.connection.close()
        scene.connection = pool.connect("d")
        for table in ("dup", "pk"):
            twice = scene.sql(f"SELECT id, count(*) FROM {table} GROUP BY id HAVING count(*) > 1")
            assert twice == []
            found = {int(r[0]) for r in scene.sql(f"SELECT id FROM {table} WHERE id >= {kill * 30_000_000}")}
            mine = [x for x in loaders if x.table == table]
            assert sum(len(x.kept) for x in mine) > 0
            for rows in (r for x in mine for r in x.kept):
                assert found.issuperset(rows)
            for rows in (r for x in mine for r in x.sent):
                assert found.issuperset(rows) or found.isdisjoint(rows)  # a load is whole or not there


def test_a_kill_while_prepared_loads_wait_keeps_them(own):
    pool = own()
    scene = Scene(pool, "d")
    scene.table(PAIR)
    for n in range(5):
        for operation in ("begin", "load", "prepare"):
            scene.txn(operation, f"p{n}", f"{n},a\n" if operation == "load" else "")
    pool.restart(signal.SIGKILL)
    for n in (3, 1, 0):
        assert scene.txn("commit", f"p{n}")["Status"] == "OK"
    pool.restart(signal.SIGKILL)
    for n in (2, 4):
        assert scene.txn("commit", f"p{n}")["Status"] == "OK"
    scene.connection = pool.connect("d")
    assert scene.value("SELECT group_concat(id ORDER BY id) FROM t") == "0,1,2,3,4"


def test_rows_outlive_the_memory_of_their_label(own):
    pool = own()
    scene = Scene(pool, "d")
    scene.table(PAIR)
    pool.control("POST", "settings", {"label_keep_max_num": 2})
    for n in range(10):
        scene.ok(scene.load(f"{n},a\n", label=f"f{n}"))
    pool.control("POST", "tick")
    assert scene.state("f1") == "UNKNOWN" and scene.state("f9") == "VISIBLE"
    pool.restart(signal.SIGKILL)
    scene.connection = pool.connect("d")
    assert scene.value("SELECT count(*) FROM t") == "10"


# ---------------------------------------------------------------- the store alone
class Kept:
    """A store with one PRIMARY table (k BIGINT, v BIGINT), without servers."""

    def __init__(self, folder):
        from types import SimpleNamespace

        from rockpool.sqltypes import BIGINT
        columns = [SimpleNamespace(uid=n, store_name=f"c{n}", type=BIGINT, is_key=n == 1, nullable=False,
                                   generated=None, aggregation=None, has_default=False) for n in (1, 2)]
        self.table = SimpleNamespace(id=7, name="t", store_name="t7", model="PRIMARY", columns=columns)
        self.meta = Meta(str(folder / "meta.sqlite"))
        self.lines = []
        self.store = Storage(str(folder), self.meta, SimpleNamespace(by_id={7: self.table}), self.lines.append)
        self.seq = 0

    def segment(self, *rows):
        import pyarrow as pa
        writer = SegmentWriter(self.store.spool, self.meta.number("segment"))
        writer.add(pa.table({f"c{n + 1}": pa.array([r[n] for r in rows], pa.int64()) for n in (0, 1)}))
        found = writer.finish(7)
        self.seq += 1
        found.seq = self.seq
        self.meta.add_segment(found.id, self.seq, 7, self.seq, found.head(), found.path, found.body())
        return found

    async def rows(self):
        cursor = await self.store.snapshot([7])
        try:
            return cursor.execute("SELECT c1, c2 FROM t7 ORDER BY 1").fetchall()
        finally:
            cursor.close()


def test_loads_of_a_merge_that_fails_come_back_in_order(tmp_path):
    async def scenario():
        kept = Kept(tmp_path)
        store = kept.store
        await store.write(lambda db: db.execute("CREATE TABLE elsewhere AS SELECT 1"))  # no t7 yet: merges fail
        store.commit([kept.segment((1, 10), (2, 20))])
        jobs = [asyncio.ensure_future(store.settle([7]))]
        await asyncio.sleep(0)
        store.commit([kept.segment((1, 11))])  # comes while the first is on its way
        jobs.append(asyncio.ensure_future(store.settle([7])))
        assert all(isinstance(e, Exception) for e in await asyncio.gather(*jobs, return_exceptions=True))
        with pytest.raises(Exception, match="t7"):
            await kept.rows()
        assert len(kept.meta.segments()) == 2 and store.waiting_bytes > 0 and store.merging_bytes == 0
        store.commit([kept.segment((3, 30))])
        await store.write(lambda db: db.execute("CREATE TABLE t7 (c1 BIGINT, c2 BIGINT)"))
        assert await kept.rows() == [(1, 11), (2, 20), (3, 30)]
        assert kept.meta.segments() == [] and store.waiting_bytes == 0 and store.estimate(kept.table) == 3
        assert kept.lines and all("merging" in line for line in kept.lines)
        store.close()
    asyncio.run(scenario())


def test_a_later_load_is_not_merged_before_one_that_failed(tmp_path):
    async def scenario():
        kept = Kept(tmp_path)
        store = kept.store
        await store.write(lambda db: db.execute("CREATE TABLE t7 (c1 BIGINT, c2 BIGINT)"))
        first, second = kept.segment((1, 10)), kept.segment((1, 11))
        rows, first.table, first.path = first.table, None, str(tmp_path / "nowhere")  # cannot be read
        store.commit([first])
        one = store._settle(store._take([7]))
        store.commit([second])
        two = store._settle(store._take([7]))
        found = await asyncio.gather(one, two, return_exceptions=True)
        assert all(isinstance(e, Exception) for e in found) and "earlier loads" in str(found[1])
        assert [s.seq for s in store.queues[7].segments] == [1, 2]
        first.table, first.path = rows, None
        assert await kept.rows() == [(1, 11)]
        store.close()
    asyncio.run(scenario())


def test_loads_wait_while_too_much_is_being_merged(tmp_path):
    async def scenario():
        store = Kept(tmp_path).store
        await asyncio.wait_for(store.room(), 1)
        segment = type("Segment", (), {"table_id": 7, "rows": 1, "size": MERGING_BYTES, "seq": 1})()
        store.queues[7].add(segment)
        batches = store._take([7])
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(store.room(), .05)
        store._discard = lambda queue: None
        store._merged(batches, {})
        await asyncio.wait_for(store.room(), 1)
        store.close()
    asyncio.run(scenario())


# ---------------------------------------------------------------- larger than memory
def test_a_table_several_times_the_memory_is_loaded_upserted_and_summed(own):
    pool = own("--memory", "40MB", "--quiet")
    scene = Scene(pool, "d")
    scene.table("id BIGINT NOT NULL, n BIGINT NULL, v VARCHAR(300) NULL")
    rng, rows, step = random.Random(5), 400_000, 50_000

    def noise():
        return base64.b64encode(rng.randbytes(222))
    for first in range(0, rows, step):
        body = b"".join(b"%d,%d,%b\n" % (n, n, noise()) for n in range(first, first + step))
        scene.ok(scene.load(body), step)
    for shift in range(0, 4):  # scattered over the whole table; every eighth is deleted
        body = b"".join(b"%d,%d,%b,%d\n" % (n, n + 1, noise(), n % 8 == 3) for n in range(shift, rows, 8))
        scene.ok(scene.load(body, columns="id,n,v,__op"), rows // 8)
    left = [n for n in range(rows) if n % 8 != 3]
    expected = sum(n + (n % 8 < 3) for n in left)
    found = scene.sql("SELECT count(*), sum(n), count(DISTINCT id) FROM t")
    assert found == [[str(len(left)), str(expected), str(len(left))]]
    lines = dict(line.split(":", 1) for line in open(f"/proc/{pool.process.pid}/status").read().splitlines())
    assert int(lines["VmHWM"].split()[0]) < 600_000  # kB


# ---------------------------------------------------------------- a schema change and a kill
class Killed(BaseException):
    pass


@pytest.mark.parametrize("cut", ["before the store has it", "before the catalogue has it"])
def test_a_schema_change_that_a_kill_cuts_is_there_or_can_be_made(tmp_path, monkeypatch, cut):
    from rockpool.server import World
    from rockpool.sql.session import Session

    async def run(world, *texts):
        session = Session(world, 0)
        for text in texts:
            found = await session.one(text)
        return [list(row) for row in found.rows]

    def dies(*_):
        raise Killed

    async def scenario():
        world = World(str(tmp_path), quiet=True)
        await run(world, "CREATE DATABASE d", "CREATE TABLE d.t (k INT NOT NULL) PRIMARY KEY(k) DISTRIBUTED BY HASH(k) "
                  "PROPERTIES('fast_schema_evolution' = 'true', 'replication_num' = '1')", "INSERT INTO d.t VALUES (1)")
        with monkeypatch.context() as killing:
            killing.setattr(world.storage if "store" in cut else world.catalog,
                            "_transaction" if "store" in cut else "save", dies)
            with pytest.raises(Killed):
                await run(world, "ALTER TABLE d.t ADD COLUMN v INT DEFAULT '7'")
        world.storage.close()
        world.meta.close()

        world = World(str(tmp_path), quiet=True)
        assert ("v" in [c.name for c in world.catalog.table("d", "t").columns]) == ("catalogue" in cut)
        if "store" in cut:
            await run(world, "ALTER TABLE d.t ADD COLUMN v INT DEFAULT '7'")
        assert await run(world, "ALTER TABLE d.t ADD COLUMN w INT DEFAULT '8'", "SELECT * FROM d.t") == [["1", "7", "8"]]
        world.storage.close()
        world.meta.close()
    asyncio.run(scenario())
