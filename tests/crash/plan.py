"""The cases of the matrix, as values: where walrock is killed, under what, and what else dies.

A failpoint of src/base/failpoint_steps.h without a line in REACHED_BY fails a test: a new one needs one line here.
"""
import re
from dataclasses import dataclass, field, replace

from rockpool.faults import POINTS
from tests.crash.workload import ALL_TABLES, ROWS
from tests.support.programs import ROOT

STEPS_FILE = ROOT / "src" / "base" / "failpoint_steps.h"
SEMANTICS = ("exactly-once", "at-least-once")


@dataclass(frozen=True)
class Step:
    name: str
    code: str      # of the error that the action "fail" throws; internal: it cannot fail
    sentence: str


def read_steps():
    found = re.findall(r'^\s*X\((\w+), (\w+),\s*"([^"]*)"\)', STEPS_FILE.read_text(encoding="utf-8"), re.MULTILINE)
    return [Step(*row) for row in found]


@dataclass(frozen=True)
class Scene:
    """What a failpoint is reached in."""
    says: str = "fresh start and stream"
    earlier: tuple = ()              # failpoints at which earlier starts were killed
    nths: tuple = (1,)               # which time the place is reached
    tables: tuple = ALL_TABLES
    rows: int = ROWS
    faults: tuple = ()               # of rockpool, ordered before the start that is killed
    changes: dict = field(default_factory=dict)
    is_dropped: bool = False         # somebody drops the target of `events` while walrock is stopped
    is_slot_lost: bool = False       # somebody drops the slot while walrock is stopped; slot.lost says copy
    needs_server: int = 0            # the first version of PostgreSQL that has it
    is_failover_taken: bool = False  # somebody says while walrock is stopped that standbys need not keep the slot
    is_stateless: bool = False       # the checkpoint is in StarRocks
    existing: bool = False           # the target of `wiped` has foreign rows before the first start
    is_stopped: bool = False         # SIGTERM once it is ready
    sets_aside: bool = False         # a table may end set aside; it is copied again


STREAM = Scene()
START = Scene("first start")
COPY = Scene("first copy", nths=(1, 4))
AGAIN = Scene("start after a death in the copy", earlier=("after_copy_begin",))
DROPPED = Scene("start after a target was dropped", is_dropped=True)
LOST = Scene("start after the slot was lost", is_slot_lost=True)
FAILOVER = Scene("start after standbys lost the slot", needs_server=17, is_failover_taken=True,
                 changes={"source": {"postgres-cdc": {"slot.failover": True}}})
STATELESS = Scene("checkpoint in StarRocks", is_stateless=True)
TAKEN_OVER = replace(STATELESS, says="checkpoint in StarRocks after a death", earlier=("after_stream_prepare",))
SWAP = Scene("existing-rows: swap", tables=("wiped", "events"), existing=True,
             changes={"sink": {"starrocks": {"existing-rows": "swap"}}})
DURABLE = Scene("a durable spool", changes={"walrock": {"durable-spool": "log"}})

# Every few transactions something happens to a partition that only a copy can tell: it is begun while changes arrive.
PARTITIONS = Scene("partitions", tables=("parts", "keyed"), changes={"walrock": {"log-level": "debug"}})

# Every UPDATE that leaves a large value out, and every key change, asks the target for it.
READ_BACK = Scene("read-back", tables=("docs", "keyed"), changes={"sink": {"starrocks": {"unchanged-values": "read-back"}}})

# Every DELETE and UPDATE takes one of several equal rows, by its rank among those of the target.
EQUALS = Scene("equal rows without a key", tables=("equals", "keyed"))

KEEP = Scene("bad-rows: quarantine", tables=("narrow", "keyed"), changes={"sink": {"starrocks": {"bad-rows": "quarantine"}}})

# Tables whose epochs have one label each, and one that has more now and then.
TOGETHER = Scene("transactions across tables", tables=("keyed", "wide", "events", "docs"),
                 changes={"sink": {"starrocks": {"transactions": "across-tables", "sink.semantic": "exactly-once"}}})

# What is marked is not compared: afterwards it is removed.
SOFT = {"sink": {"starrocks": {"deletes": "soft"}}}

# Every step: the scenes in which both of its failpoints are reached, the representative one first.
REACHED_BY = {
    "start_incarnation": (START, replace(START, says="start after a death", earlier=("after_stream_prepare",))),
    "start_publication": (START,),
    "start_job_record": (START,),
    "start_slot": (START, LOST),
    "start_slot_failover": (FAILOVER,),
    "start_give_up": (LOST,),
    "start_slot_drop": (Scene("start after a death in a start", earlier=("after_start_slot",)),),
    "start_database": (START,),
    "start_table_record": (replace(START, nths=(1, 4)), DROPPED),
    "start_table": (replace(START, nths=(1, 4)), DROPPED),
    "start_twin_drop": (replace(SWAP, earlier=("after_start_twin",)),),
    "start_twin": (SWAP, LOST),
    "start_tables_record": (START, DROPPED, LOST, replace(START, says="start after a death", earlier=("after_stream_recorded",))),
    "copy_snapshot": (AGAIN, replace(PARTITIONS, nths=(1, 2))),
    "copy_read": (COPY, replace(AGAIN, nths=(2,)), replace(PARTITIONS, nths=(4,))),
    "copy_intended": (COPY, replace(PARTITIONS, nths=(4,))),
    "copy_begin": (COPY, replace(PARTITIONS, nths=(4,))),
    "copy_load": (COPY, replace(AGAIN, nths=(2,)), replace(PARTITIONS, nths=(4,))),
    "copy_prepare": (COPY, replace(PARTITIONS, nths=(4,))),
    "copy_commit": (COPY, replace(AGAIN, nths=(2,)), replace(PARTITIONS, nths=(4,)), replace(EQUALS, nths=(1,))),
    "copy_finished": (COPY, replace(PARTITIONS, nths=(4,))),
    "copy_empty_twin": (replace(SWAP, says="a swap without an answer",
                                faults=({"point": "cut", "at": "sql", "label": "SWAP", "count": 1},)),),
    "copy_swap": (SWAP, replace(LOST, nths=(1, 3))),
    "copy_twin_drop": (SWAP,),
    "state_init": (Scene("start after a death in the copy", earlier=("after_state_copying",)), PARTITIONS),
    "state_copying": (COPY, replace(PARTITIONS, nths=(4,))),
    "state_copied": (COPY, replace(PARTITIONS, nths=(4,))),
    "state_catching_up": (Scene("slow copy", faults=({"point": "slow", "at": "prepare", "ms": 1200, "count": 3},)),),
    "state_ready": (COPY,),
    "state_errored": (Scene("a row is refused", faults=({"point": "reject_rows", "table": "wiped", "count": 1},),
                            sets_aside=True),),
    "stream_start": (START, replace(STREAM, says="start after a death", earlier=("after_stream_commit",))),
    "stream_hand_over": (replace(STREAM, nths=(1, 5)),),
    "stream_replay": (STREAM,),
    "stream_describe": (STREAM,),
    "stream_intended": (replace(STREAM, nths=(1, 9)),),
    "stream_begin": (replace(STREAM, nths=(1, 9)),),
    "stream_load": (replace(STREAM, nths=(1, 9)),),
    "stream_read_back": (replace(STREAM, nths=(1, 3)), replace(READ_BACK, nths=(1, 5)), replace(EQUALS, nths=(1, 5))),
    "stream_prepare": (replace(STREAM, nths=(1, 9)),),
    "stream_recorded": (replace(STREAM, nths=(1, 9)), replace(READ_BACK, nths=(5,)), replace(EQUALS, nths=(5,))),
    "stream_commit": (replace(STREAM, nths=(1, 2, 9)), replace(READ_BACK, nths=(5,)), replace(EQUALS, nths=(5,))),
    "stream_applied": (replace(STREAM, nths=(1, 9)),),
    "stream_flushed": (replace(STREAM, nths=(1, 9)),),
    "stream_feedback": (replace(STREAM, nths=(1, 5)),),
    "log_segment": (DURABLE, replace(DURABLE, says="a durable spool goes on", earlier=("after_log_recorded:3",))),
    "log_append": (replace(DURABLE, nths=(1, 9)),),
    "log_sync": (replace(DURABLE, nths=(1, 9)),),
    "log_recorded": (replace(DURABLE, nths=(1, 9)),),
    "log_let_go": (replace(DURABLE, says="a durable spool goes on", earlier=("after_log_recorded:3",)),),
    "slot_look": (STREAM,),
    "truncate": (STREAM, replace(AGAIN, says="a copy is emptied"), replace(PARTITIONS, nths=(1, 3))),
    "add_columns": (STREAM,),
    "cut": (Scene("leftovers of an append-only table", earlier=("after_stream_load",), tables=("events",)),
            Scene("a committed leftover of an append-only table", earlier=("after_stream_commit",), tables=("events",),
                  nths=(1,), changes={"sink": {"starrocks": {"sink.semantic": "at-least-once"}}})),
    "rollback": (Scene("leftovers", earlier=("after_stream_load",)),
                 Scene("a load is lost", faults=({"point": "lost_answer", "at": "prepare", "count": 1},))),
    "cancel": (Scene("a backend restarts", faults=({"point": "restart_be", "at": "load", "when": "after", "count": 1},)),),
    "label_state": (Scene("a commit in doubt", faults=({"point": "lost_answer", "at": "commit", "count": 1},)),),
    "store_make": (STATELESS,),
    "store_claim": (STATELESS, TAKEN_OVER),
    "store_take_over": (STATELESS, TAKEN_OVER, replace(STATELESS, says="a claim that was not followed by a take-over",
                                                       earlier=("after_stream_recorded", "after_store_claim"))),
    "store_clear": (STATELESS, TAKEN_OVER),
    "store_write": (replace(STATELESS, nths=(1, 9, 40)), replace(TAKEN_OVER, nths=(9,))),
    "store_look": (replace(STATELESS, nths=(1, 9, 40)), TAKEN_OVER),
    "store_beat": (replace(STATELESS, nths=(1, 3)),),
    "store_release": (replace(STATELESS, says="checkpoint in StarRocks, stop", is_stopped=True),),
    "quarantine_table": (KEEP,),
    "quarantine_empty": (KEEP,),
    "quarantine_read": (replace(KEEP, says="rows in quarantine, after a death", earlier=("after_stream_commit",)),),
    "quarantine_begin": (replace(KEEP, nths=(1, 3)),),
    "quarantine_prepare": (replace(KEEP, nths=(1, 3)),),
    "checkpoint_commit": (replace(STREAM, nths=(1, 3, 12, 30)),),
    "stop_stream": (Scene("stop", is_stopped=True),),
    "stop_drain": (Scene("stop", is_stopped=True),),
    "copy_fill": (replace(LOST, says="start after the slot was lost, deletes: soft", changes=SOFT),),
    "group_begin": (replace(TOGETHER, nths=(1, 5)),),
    "group_load": (replace(TOGETHER, nths=(1, 3, 11)),),
    "group_commit": (replace(TOGETHER, nths=(1, 2, 9)),),
    "group_settle": (replace(TOGETHER, says="transactions across tables, after a death", earlier=("after_group_load:3",)),
                     replace(TOGETHER, says="a transaction across tables in doubt",
                             faults=({"point": "lost_answer", "at": "commit", "label": "_g[0-9]+_", "count": 1},
                                     {"point": "cut", "at": "get_load_state", "label": "_g[0-9]+_", "count": 2}))),
    "group_record": (replace(TOGETHER, says="transactions across tables, after a death", earlier=("after_group_commit:2",)),
                     replace(TOGETHER, says="transactions across tables, after a death in the load",
                             earlier=("after_group_load:3",))),
    "mark_deleted": (Scene("deletes: soft", tables=("wiped", "docs"), changes=SOFT),),
}

# Killed, and killed again while the death before is made good.
TWICE = (
    ("after_stream_intended", "before_rollback"), ("after_stream_intended", "after_rollback"),
    ("after_stream_load:3", "after_rollback"), ("after_stream_prepare", "before_stream_start"),
    ("after_stream_prepare", "after_stream_intended"), ("after_stream_prepare:4", "after_stream_prepare:3"),
    ("after_stream_recorded", "before_stream_commit"), ("after_stream_recorded", "after_stream_commit"),
    ("after_stream_recorded", "before_stream_applied"), ("after_stream_recorded", "after_start_tables_record"),
    ("after_stream_commit", "after_stream_commit"), ("before_stream_applied", "before_stream_applied"),
    ("before_stream_flushed:4", "before_stream_feedback"), ("after_copy_commit", "before_start_tables_record"),
    ("after_copy_commit", "before_truncate"), ("after_copy_commit", "after_truncate"),
    ("before_copy_finished", "after_copy_snapshot"), ("before_copy_finished", "before_state_copying"),
    ("after_state_copied:2", "after_copy_snapshot"), ("after_copy_load:3", "after_copy_load:3"),
    ("after_start_slot", "after_start_slot_drop"), ("after_stream_prepare", "after_rollback", "after_stream_commit"),
    ("after_stream_recorded:3", "after_stream_commit", "after_stream_applied"),
    ("after_copy_prepare", "after_rollback", "after_copy_prepare"),
    ("after_stream_read_back", "before_stream_read_back"), ("before_stream_read_back:2", "after_stream_recorded"),
)
# Likewise, while partitions have a table copied again.
TWICE_IN_PARTITIONS = (
    ("after_state_init", "after_state_init"), ("after_truncate", "after_copy_snapshot"),
    ("before_copy_finished:4", "before_state_copying"),
)
# And while rows are told apart by their rank.
TWICE_WITH_EQUALS = (
    ("after_stream_commit:3", "after_stream_read_back"), ("after_stream_recorded:4", "before_stream_commit"),
)


@dataclass(frozen=True)
class Case:
    """One test. `deaths` are failpoints at which one start after the other is killed."""
    id: str
    kind: str                 # kill, fail, twice, random, servers, fault
    semantic: str
    scene: Scene = STREAM
    deaths: tuple = ()
    fault: dict = None        # kind fault: what rockpool does
    dying: str = ""           # kind servers: who dies
    is_representative: bool = False


def at(failpoint, nth):
    return failpoint if nth == 1 else f"{failpoint}:{nth}"


def kill_cases(steps):
    for position, step in enumerate(steps):
        for side in ("before", "after"):
            for number, scene in enumerate(REACHED_BY.get(step.name, ())):
                for nth in scene.nths:
                    yield from both_semantics(position, side, number, scene, at(f"{side}_{step.name}", nth))


def forced_semantic(scene):
    return scene.changes.get("sink", {}).get("starrocks", {}).get("sink.semantic")


def both_semantics(position, side, number, scene, failpoint):
    """The representative part takes each failpoint once, in turn with either semantic."""
    forced = forced_semantic(scene)
    for semantic in SEMANTICS:
        if forced not in (None, semantic) or (failpoint.startswith(("before_stream_recorded", "after_stream_recorded"))
                                              and ":" in failpoint and semantic == "at-least-once"):
            continue
        turn = forced or SEMANTICS[(position + (side == "after")) % 2]
        if position == RECORDED:
            turn = "exactly-once"
        again = "" if number == 0 else f"-{scene.says.replace(' ', '_')}"
        yield Case(f"{failpoint.replace(':', '-')}{again}-{semantic}", "kill", semantic, scene, (*scene.earlier, failpoint),
                   is_representative=number == 0 and ":" not in failpoint and semantic == turn)


RECORDED = [step.name for step in read_steps()].index("stream_recorded")


def fail_cases(steps):
    """The step fails once, as it would when the server or the disk says no."""
    for position, step in enumerate(steps):
        if step.code == "internal" or step.name not in REACHED_BY:
            continue
        for side in ("before", "after"):
            semantic = SEMANTICS[(position + (side == "before")) % 2] if step.name != "stream_recorded" else "exactly-once"
            scene = REACHED_BY[step.name][0]
            semantic = forced_semantic(scene) or semantic
            yield Case(f"{side}_{step.name}-fail", "fail", semantic, scene, (*scene.earlier, f"{side}_{step.name}:fail"))


def twice_cases():
    for deaths in TWICE:
        for semantic in SEMANTICS:
            if semantic == "at-least-once" and any("recorded" in death for death in deaths):
                continue
            name = "-then-".join(death.replace(":", "-") for death in deaths)
            yield Case(f"{name}-{semantic}", "twice", semantic, replace(STREAM, says="twice"), deaths,
                       is_representative=deaths == TWICE[5] and semantic == "exactly-once")


    for deaths in TWICE_IN_PARTITIONS:
        for semantic in SEMANTICS:
            name = "-then-".join(death.replace(":", "-") for death in deaths)
            yield Case(f"{name}-partitions-{semantic}", "twice", semantic, PARTITIONS, deaths)
    for deaths in TWICE_WITH_EQUALS:
        for semantic in SEMANTICS:
            name = "-then-".join(death.replace(":", "-") for death in deaths)
            yield Case(f"{name}-equal_rows-{semantic}", "twice", semantic, EQUALS, deaths,
                       is_representative=deaths == TWICE_WITH_EQUALS[0] and semantic == "exactly-once")


def random_cases(count=12):
    for number in range(count):
        semantic = SEMANTICS[number % 2]
        yield Case(f"random_times-{number}-{semantic}", "random", semantic, is_representative=number == 0)
    for name, scene in (("partitions", PARTITIONS), ("equal_rows", EQUALS)):
        for number in range(4):
            semantic = SEMANTICS[number % 2]
            yield Case(f"random_times-{name}-{number}-{semantic}", "random", semantic, scene, is_representative=number == 0)


SERVERS = ("postgres", "postgres_immediate", "rockpool", "postgres_in_copy", "rockpool_in_copy", "walrock_and_postgres",
           "walrock_and_rockpool", "all_three")


def server_cases():
    for dying in SERVERS:
        for semantic in SEMANTICS:
            yield Case(f"{dying}-{semantic}", "servers", semantic, dying=dying,
                       is_representative=dying in ("postgres", "rockpool") and semantic == "exactly-once")


# Every fault of rockpool, at the steps where it can strike; walrock is killed when it has struck.
FAULTS = (
    *({"point": "lost_answer", "at": step, "count": 2} for step in ("begin", "load", "prepare", "commit", "rollback")),
    *({"point": "cut", "at": step, "count": 2} for step in ("begin", "load", "prepare", "commit")),
    {"point": "cut_request", "at": "load", "bytes": 20, "count": 2}, {"point": "cut_answer", "at": "prepare", "bytes": 10, "count": 2},
    {"point": "cut_answer", "at": "commit", "bytes": 10, "count": 2},
    {"point": "publish_timeout", "seconds": 1, "count": 2}, {"point": "too_many_versions", "count": 2},
    {"point": "reject_rows", "count": 1}, {"point": "disk_full", "count": 2}, {"point": "schema_change", "count": 2},
    {"point": "fail", "at": "prepare", "message": "told to fail", "count": 2},
    {"point": "fail", "at": "commit", "message": "told to fail", "count": 2},
    {"point": "slow", "at": "commit", "ms": 500, "where": "answer", "count": 2}, {"point": "stop", "at": "commit", "seconds": 1, "count": 2},
    {"point": "http_500", "at": "load", "count": 2}, {"point": "http_500", "at": "commit", "count": 2},
    {"point": "html", "at": "begin", "count": 2}, {"point": "html", "at": "commit", "count": 2},
    {"point": "redirect_dead", "count": 2},
    {"point": "restart_be", "at": "load", "when": "after", "count": 2}, {"point": "restart_be", "at": "prepare", "when": "during", "count": 1},
    {"point": "restart_fe", "at": "prepare", "when": "during", "count": 1}, {"point": "restart_fe", "at": "commit", "when": "during", "count": 1},
    {"point": "away_be", "at": "load", "seconds": 1, "count": 1}, {"point": "away_fe", "at": "commit", "seconds": 1, "count": 1},
    {"point": "leader_switch", "at": "commit", "when": "during", "count": 1}, {"point": "leader_switch", "at": "prepare", "when": "after", "count": 1},
    {"point": "clock_jump", "at": "commit", "when": "before", "seconds": 90000, "count": 1},
)


def fault_cases():
    for number, fault in enumerate(FAULTS):
        when = f"_{fault['when']}" if "when" in fault else ""
        step = fault.get("at", "any")
        for semantic in SEMANTICS:
            scene = Scene(f"rockpool: {fault['point']} at {step}", sets_aside=fault["point"] in SETTING_ASIDE)
            yield Case(f"{fault['point']}_at_{step}{when}-{semantic}", "fault", semantic, scene, fault=fault,
                       is_representative=number in (2, 3) and semantic == "exactly-once")


SETTING_ASIDE = ("reject_rows", "schema_change", "disk_full")


def all_cases():
    steps = read_steps()
    return [*kill_cases(steps), *twice_cases(), *fail_cases(steps), *random_cases(), *server_cases(), *fault_cases()]


def missing(steps):
    """What a complete plan must have and this one lacks."""
    names = {step.name for step in steps}
    return sorted([f"step {name} has no scene" for name in names - set(REACHED_BY)]
                  + [f"scene of {name}: there is no such step" for name in set(REACHED_BY) - names]
                  + [f"fault {point} of rockpool is not tried" for point in set(POINTS) - {f["point"] for f in FAULTS}])
