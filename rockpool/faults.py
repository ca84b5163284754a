"""Faults that a test orders by HTTP: what goes wrong, where, for whom and how often.

A rule has a point (the kind of fault) and may name `at` (begin, load, prepare, commit, rollback, stream_load),
`table`, `label` (a regular expression), `count` (how often; without it, until cleared) and `probability`.
"""
import asyncio
import random
import re
import time

POINTS = {
    "publish_timeout": "the commit is durable, but visible only `seconds` later; the answer says so",
    "too_many_versions": "the load fails because of too many versions",
    "lost_answer": "the work is done, then the connection is cut without an answer",
    "cut": "the connection is cut before anything is done",
    "http_500": "HTTP 500 without doing anything; `status` picks another number",
    "html": "an HTML page of a proxy, HTTP 502, without doing anything",
    "slow": "waits `ms` before doing anything",
    "stop": "nothing is answered for `seconds`",
    "redirect_dead": "the redirect leads to an address where nobody listens",
    "reject_rows": "one row of the load is refused",
    "restart_be": "the backend forgets its open loads before the call is served",
    "fail": "the call fails with `message`",
}
STEPS = ("begin", "load", "prepare", "commit", "rollback", "stream_load", "alter")


class Faults:
    def __init__(self):
        self.rules = []
        self.silent_until = 0.0
        self.fired = []

    def add(self, rule):
        """Takes a rule; ValueError says what is wrong with it."""
        point = rule.get("point")
        if point not in POINTS:
            raise ValueError(f"point {point!r} is not known; known points: {', '.join(POINTS)}")
        if rule.get("at") not in (None, "any", *STEPS):
            raise ValueError(f"at {rule['at']!r} is not known; known steps: {', '.join(STEPS)}")
        unknown = set(rule) - {"point", "at", "table", "label", "count", "probability", "ms", "seconds", "status",
                               "message", "after"}
        if unknown:
            raise ValueError(f"unknown keys: {', '.join(sorted(unknown))}")
        if point == "stop" and rule.get("at") is None and rule.get("table") is None:
            self.silent_until = time.monotonic() + float(rule.get("seconds", 10))
            return
        self.rules.append({**rule, "left": rule.get("count"), "skip": int(rule.get("after", 0))})

    def clear(self):
        self.rules.clear()
        self.silent_until = 0.0

    def fire(self, point, at=None, table=None, label=None):
        """The rule that strikes now, or None."""
        if not self.rules:
            return None
        for rule in self.rules:
            if rule["point"] == point and self._meets(rule, at, table, label):
                if rule["skip"] > 0:
                    rule["skip"] -= 1
                    continue
                if rule["left"] is not None:
                    rule["left"] -= 1
                    if rule["left"] <= 0:
                        self.rules.remove(rule)
                self.fired.append({"point": point, "at": at, "table": table, "label": label, "time": time.time()})
                del self.fired[:-1000]
                return rule
        return None

    @staticmethod
    def _meets(rule, at, table, label):
        if rule.get("at") not in (None, "any", at):
            return False
        if rule.get("table") is not None and rule["table"] != table:
            return False
        if rule.get("label") is not None and not re.search(rule["label"], label or ""):
            return False
        return random.random() < float(rule.get("probability", 1))

    async def silence(self):
        """Waits while everything is told to be silent."""
        while (left := self.silent_until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.2))

    async def before(self, at, table, label):
        """What strikes before a call is served: waits, or gives (status, content type, text), or 'cut'."""
        await self.silence()
        if not self.rules:
            return None
        slow = self.fire("slow", at, table, label)
        if slow:
            await asyncio.sleep(float(slow.get("ms", 1000)) / 1000)
        stop = self.fire("stop", at, table, label)
        if stop:
            await asyncio.sleep(float(stop.get("seconds", 10)))
        if self.fire("cut", at, table, label):
            return "cut"
        broken = self.fire("http_500", at, table, label)
        if broken:
            return int(broken.get("status", 500)), "text/plain", "Internal Server Error"
        if self.fire("html", at, table, label):
            return 502, "text/html", "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
        return None

    def shown(self):
        return {"rules": [{k: v for k, v in r.items() if k != "skip"} for r in self.rules], "fired": self.fired,
                "points": POINTS}
