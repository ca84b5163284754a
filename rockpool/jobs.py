"""Schema change jobs: PENDING -> WAITING_TXN -> RUNNING -> FINISHED, or CANCELLED."""
import asyncio
import time
from dataclasses import dataclass, field

from rockpool.errors import SqlError

RUNNING = ("PENDING", "WAITING_TXN", "RUNNING")
PENDING_SECONDS = 0.1
STEP_SECONDS = 0.02


@dataclass
class Job:
    id: int
    database_id: int
    table_id: int
    table: str
    state: str = "PENDING"
    created: float = field(default_factory=time.time)
    finished: float = 0.0
    index_id: int = 0
    schema_version: int = 1
    schema_hash: int = 0
    txn_id: int = 0
    message: str = ""
    progress: str | None = None
    kind: str = "COLUMN"  # or ROLLUP, OPTIMIZE
    operation: str = ""  # of OPTIMIZE
    rollup: str = ""
    rollup_id: int = 0


STATES = {"COLUMN": "SCHEMA_CHANGE"}


class Jobs:
    def __init__(self, world):
        self.world = world
        self.known = {}
        self.tasks = {}
        self.deletes = []  # (database id, table, time, condition) of DELETEs on tables without a primary key
        for key, kept in world.meta.all("job"):
            job = self.known[key] = Job(**kept)
            if job.state in RUNNING:  # a restart loses the clauses of a job: it is cancelled
                self._end(job, "CANCELLED", "the frontend was restarted")

    def _save(self, job):
        self.world.meta.put("job", job.id, job.__dict__)

    def of(self, database_id):
        return [j for j in self.known.values() if j.database_id == database_id]

    def running(self, table_id):
        return next((j for j in self.known.values() if j.table_id == table_id and j.state in RUNNING), None)

    def _new(self, owner, table):
        number = self.world.meta.number("object", 10001)
        job = Job(number, owner.id, table.id, table.name, index_id=number + 1, schema_version=table.schema_version + 1,
                  schema_hash=(number * 2654435761) & 0x7FFFFFFF, txn_id=self.world.meta.number("txn"))
        self.known[job.id] = job
        self._save(job)
        return job

    def finished(self, owner, table):
        """A change that was done inside its statement: a finished job row still appears."""
        job = self._new(owner, table)
        self._end(job, "FINISHED", "")

    def _end(self, job, state, message):
        job.state, job.message, job.finished = state, message, time.time()
        job.progress = None
        self._save(job)

    def cancel(self, job, message):
        task = self.tasks.pop(job.id, None)
        if task is not None:
            task.cancel()
        self._end(job, "CANCELLED", message)
        self._normal(job)

    def _normal(self, job):
        table = self.world.catalog.by_id.get(job.table_id)
        if table is not None:
            table.state = "NORMAL"

    def start(self, owner, table, change):
        job = self._new(owner, table)
        job.kind, job.operation = change.kind, change.operation
        rollup = getattr(change, "rollup", None)
        if rollup is not None:
            job.rollup, job.rollup_id = rollup["name"], rollup["id"]
        self._save(job)
        table.state = STATES.get(job.kind, job.kind)
        self.tasks[job.id] = asyncio.ensure_future(self._run(job, table, change))

    async def _run(self, job, table, change):
        world = self.world
        try:
            await asyncio.sleep(PENDING_SECONDS)
            job.state = "WAITING_TXN"
            older = world.txns.unfinished_on(table.id)
            while any(not t.is_finished for t in older):
                await asyncio.sleep(STEP_SECONDS)
            job.state, job.progress = "RUNNING", "0%"
            if world.faults.rules:
                slow = world.faults.fire("slow", "alter", table.name, None)
                await asyncio.sleep(float(slow.get("ms", 1000)) / 1000 if slow else 0)
            await change.carry_out(world, table)
            self._end(job, "FINISHED", "")
        except SqlError as e:
            self._end(job, "CANCELLED", e.text)
        except asyncio.CancelledError:
            raise
        except Exception as e:
            world.log(f"schema change of {table.name} failed: {e}")
            self._end(job, "CANCELLED", str(e))
        finally:
            self.tasks.pop(job.id, None)
            self._normal(job)
