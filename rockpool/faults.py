"""Faults that a test orders by HTTP or in a script file: what goes wrong, where, for whom and how often.

A rule has a point (the kind of fault) and may narrow it: `at` (a step), `when` (before the step, during it: the work is
done and the answer is not, after it), `database`, `table`, `label` (a regular expression; for a statement, looked for
in its text), `count` (how often; without it, until cleared), `after` (lets the first n pass), `probability` (drawn
from the seed, so that a run repeats).
"""
import asyncio
import json
import random
import re
import time

POINTS = {
    "publish_timeout": "the commit is durable, but visible only `seconds` later; the answer says so",
    "too_many_versions": "the load fails at its end because of too many versions",
    "reject_rows": "`rows` (1) rows more of the load are refused",
    "disk_full": "the load fails when it is planned: the disk of a backend is full",
    "schema_change": "the load fails at its end: the tablet is under schema change",
    "fail": "the call fails with `message`",
    "lost_answer": "the work is done, then the connection is cut without an answer",
    "cut": "the connection is cut before anything is done",
    "cut_request": "the connection is cut when `bytes` (0) bytes of the body have come",
    "cut_answer": "the work is done, the connection is cut after `bytes` (0) bytes of the answer's body",
    "slow": "waits `ms` (1000); `where` says when: head (before anything, default), continue (before 100 Continue), answer",
    "stop": "nothing is answered for `seconds` (10); without `at` and the like, by nobody, and at once",
    "http_500": "HTTP 500 without doing anything; `status` picks another number",
    "html": "an HTML page of a proxy, HTTP 502, without doing anything",
    "redirect_dead": "the redirect leads to an address where nobody listens",
    "restart_be": "the backend of the call restarts: open loads are forgotten; its port is closed for `seconds` (0)",
    "restart_fe": "the leader restarts: what is not prepared is forgotten; its ports are closed for `seconds` (0)",
    "away_be": "nobody reaches the backend of the call for `seconds`; it forgets nothing",
    "away_fe": "nobody reaches the leader for `seconds`; it forgets nothing",
    "leader_switch": "the next frontend becomes the leader, the old one is away for `seconds` (0)",
    "clock_jump": "the servers' clock jumps by `seconds`",
}
STEPS = ("begin", "load", "prepare", "commit", "rollback", "stream_load", "get_load_state", "cancel", "alter", "sql")
MOMENTS = ("before", "during", "after")
PLACES = ("head", "continue", "answer")
NARROW = ("at", "when", "database", "table", "label", "count", "after", "probability", "seed")
OWN = {"publish_timeout": ("seconds",), "reject_rows": ("rows",), "fail": ("message",), "disk_full": ("message",),
       "schema_change": ("message",), "cut_request": ("bytes",), "cut_answer": ("bytes",), "slow": ("ms", "where"),
       "stop": ("seconds",), "http_500": ("status",), "restart_be": ("seconds",), "restart_fe": ("seconds",),
       "away_be": ("seconds",), "away_fe": ("seconds",),
       "leader_switch": ("seconds", "fe"), "clock_jump": ("seconds",), "html": ("status",)}
SERVERS = ("restart_be", "restart_fe", "away_be", "away_fe", "leader_switch", "clock_jump")


class Rule:
    """One ordered fault and how often it may still strike."""

    def __init__(self, given, seed):
        self.given = given
        self.point = given["point"]
        self.at = None if given.get("at") in (None, "any") else given["at"]
        self.label = re.compile(given["label"]) if given.get("label") is not None else None
        self.left = given.get("count")
        self.skip = int(given.get("after", 0))
        self.chance = float(given.get("probability", 1))
        self.dice = random.Random(str(given.get("seed", seed)))

    def get(self, key, default):
        return self.given.get(key, default)

    def meets(self, call, when, where):
        """Whether a call is one that the rule is for; the count and the dice come after."""
        given = self.given
        if where is not None and given.get("where", "head") != where:
            return False
        if call.at == "sql" and self.at != "sql":  # statements are struck only when they are meant
            return False
        if self.at not in (None, call.at) or given.get("table") not in (None, call.table):
            return False
        if given.get("database") not in (None, call.database):
            return False
        if when is not None and given.get("when", "before") != when:
            return False
        return self.label is None or self.label.search(call.label or "") is not None

    def strikes(self):
        """Lets pass what `after` and `probability` let pass. The dice are thrown for every call that is met."""
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.chance < 1 and self.dice.random() >= self.chance:
            return False
        if self.left is not None:
            self.left -= 1
        return True

    def shown(self):
        return {**self.given, "left": self.left}


class Call:
    """What a fault rule looks at: the step and its names."""

    def __init__(self, at=None, table=None, label=None, database=None):
        self.at, self.table, self.label, self.database = at, table, label, database

    def __str__(self):
        return " ".join(f"{k}={v}" for k, v in self.__dict__.items() if v)


class Faults:
    def __init__(self, log=lambda text: None, seed=0):
        self.log, self.seed = log, seed
        self.rules = []
        self.ordered = 0
        self.silent_until = 0.0
        self.fired = []

    def add(self, given):
        """Takes a rule; ValueError says what is wrong with it."""
        check(given)
        if given["point"] == "stop" and all(given.get(k) is None for k in ("at", "table", "label", "database")):
            self.silent_until = time.monotonic() + float(given.get("seconds", 10))
            return
        self.ordered += 1
        self.rules.append(Rule(given, f"{self.seed}/{self.ordered}"))

    def clear(self):
        self.rules.clear()
        self.silent_until = 0.0

    def fire(self, point, at=None, table=None, label=None, database=None, when=None):
        """The rule that strikes now, or None."""
        return self.strike(point, Call(at, table, label, database), when) if self.rules else None

    def strike(self, point, call, when=None, where=None):
        for rule in self.rules:
            if rule.point == point and rule.meets(call, when, where) and rule.strikes():
                if rule.left is not None and rule.left <= 0:
                    self.rules.remove(rule)
                self.fired.append({"point": point, "at": call.at, "table": call.table, "label": call.label,
                                   "time": time.time()})
                del self.fired[:-1000]
                self.log(f"fault {point} {call}")
                return rule
        return None

    async def silence(self):
        """Waits while everything is told to be silent."""
        while (left := self.silent_until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.2))

    def shown(self):
        return {"rules": [r.shown() for r in self.rules], "fired": self.fired, "points": POINTS, "seed": self.seed}


def check(given):
    """Raises ValueError in words when a rule cannot be meant."""
    if not isinstance(given, dict):
        raise ValueError(f"a rule is a JSON object, not {given!r}")
    point = given.get("point")
    if point not in POINTS:
        raise ValueError(f"point {point!r} is not known; known points: {', '.join(POINTS)}")
    if given.get("at") not in (None, "any", *STEPS):
        raise ValueError(f"at {given['at']!r} is not known; known steps: {', '.join(STEPS)}")
    if given.get("when") not in (None, *MOMENTS):
        raise ValueError(f"when {given['when']!r} is not known; known: {', '.join(MOMENTS)}")
    if given.get("where") not in (None, *PLACES):
        raise ValueError(f"where {given['where']!r} is not known; known: {', '.join(PLACES)}")
    unknown = set(given) - {"point", *NARROW, *OWN.get(point, ())}
    if unknown:
        raise ValueError(f"unknown keys of {point}: {', '.join(sorted(unknown))}")
    for key in ("count", "after", "probability", "ms", "seconds", "status", "bytes", "rows", "fe"):
        if key in given and (isinstance(given[key], bool) or not isinstance(given[key], (int, float))):
            raise ValueError(f"{key} is a number, not {given[key]!r}")
    try:
        re.compile(given.get("label") or "")
    except re.error as e:
        raise ValueError(f"label is no regular expression: {e}") from None


def read_script(path):
    """The rules of a script file: a JSON array, or a JSON object per line; lines that begin with # are remarks."""
    with open(path, encoding="utf-8") as script:
        lines = [line for line in script if line.strip() and not line.lstrip().startswith("#")]
    text = "".join(lines)
    try:
        found = json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in lines]
    except ValueError as e:
        raise ValueError(f"{path}: {e}") from None
    for number, rule in enumerate(found, 1):
        try:
            check(rule)
        except ValueError as e:
            raise ValueError(f"{path}: rule {number}: {e}") from None
    return found
