"""Faults of statements on the MySQL port. A rule's `label` is looked for in the text of the statement."""
import asyncio

from rockpool.errors import SqlError
from rockpool.faults import SERVERS, Call

READING = {"SELECT", "WITH", "SHOW", "DESC", "DESCRIBE", "EXPLAIN", "SET", "USE", "(", "KILL", "VALUES"}


async def strike(session, text):
    """What strikes before a statement: waits, raises SqlError, or ends the connection (ConnectionResetError)."""
    world = session.world
    if world.faults.rules:
        await _ordered(world, Call("sql", None, text, session.database))
    if world.cluster.leader_is_away and text.lstrip().split(None, 1)[:1] and text.split(None, 1)[0].upper() not in READING:
        raise SqlError("Failed to forward the statement to the leader: connect() failed: Connection refused")


async def _ordered(world, call):
    faults = world.faults
    for point in SERVERS:
        rule = faults.strike(point, call, "before")
        if rule is not None:
            world.order(point, float(rule.get("seconds", 0)), None, rule.get("fe", None))
    slow = faults.strike("slow", call, where="head") or faults.strike("stop", call)
    if slow:
        await asyncio.sleep(float(slow.get("ms", 1000)) / 1000 if slow.point == "slow" else float(slow.get("seconds", 10)))
    failing = faults.strike("fail", call)
    if failing:
        raise SqlError(failing.get("message", "the statement failed"))
    if faults.strike("cut", call):
        raise ConnectionResetError("cut, as ordered")


def lost(session, text):
    """Whether the answer of a statement is lost after its work."""
    faults = session.world.faults
    return bool(faults.rules) and faults.strike("lost_answer", Call("sql", None, text, session.database)) is not None
