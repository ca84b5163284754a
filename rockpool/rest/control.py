"""What StarRocks does not have: /_rockpool/… tells what arrived and orders faults. No login."""
import json

from rockpool.errors import SqlError
from rockpool.rest import answers
from rockpool.rest.status_page import StatusPage


def in_words(handler):
    """What cannot be meant is answered with 400 and a text."""
    async def answered(request):
        try:
            return await handler(request)
        except KeyError as e:
            text = str(e.args[0]) if " " in str(e.args[0]) else f"{e} is missing"
        except (ValueError, TypeError, AttributeError, IndexError) as e:
            text = str(e)
        return answers.plain_json({"status": "FAILED", "message": text}, 400)
    return answered


class Control:
    def __init__(self, world):
        self.world = world
        self.page = StatusPage(world)

    def routes(self, router):
        router.add_get("/_rockpool/stats", in_words(self.stats))
        router.add_delete("/_rockpool/stats", in_words(self.reset))
        router.add_get("/_rockpool/faults", in_words(self.faults))
        router.add_post("/_rockpool/faults", in_words(self.add_fault))
        router.add_delete("/_rockpool/faults", in_words(self.clear_faults))
        router.add_post("/_rockpool/restart_be", in_words(self.restart_backends))
        router.add_post("/_rockpool/restart_fe", in_words(self.restart_frontend))
        router.add_post("/_rockpool/leader", in_words(self.leader))
        router.add_post("/_rockpool/clock", in_words(self.clock))
        router.add_post("/_rockpool/watch", in_words(self.watch))
        router.add_get("/_rockpool/watch", in_words(self.watched))
        router.add_delete("/_rockpool/watch", in_words(self.unwatch))
        router.add_post("/_rockpool/backends", in_words(self.backends))
        router.add_post("/_rockpool/settings", in_words(self.settings))
        router.add_post("/_rockpool/tick", in_words(self.tick))
        router.add_get("/", self.page.show)

    async def stats(self, request):
        last = request.query.get("last")
        shown = self.world.stats.shown(int(last) if last else None)
        wanted = request.query.get("table")
        if wanted:
            shown["history"] = [h for h in shown["history"] if wanted in h["tables"]]
        shown["settings"] = self.world.settings()
        return answers.plain_json(shown)

    async def reset(self, request):
        self.world.stats.reset()
        return answers.plain_json({"status": "OK"})

    async def faults(self, request):
        return answers.plain_json(self.world.faults.shown())

    async def _body(self, request):
        text = await request.text()
        found = json.loads(text) if text.strip() else {}
        return found if isinstance(found, list) else [found]

    async def add_fault(self, request):
        try:
            for rule in await self._body(request):
                self.world.faults.add(rule)
        except (ValueError, AttributeError) as e:
            return answers.plain_json({"status": "FAILED", "message": str(e)}, 400)
        return answers.plain_json({"status": "OK", **self.world.faults.shown()})

    async def clear_faults(self, request):
        self.world.faults.clear()
        return answers.plain_json({"status": "OK"})

    async def restart_backends(self, request):
        """Backends forget their open loads, as restarted processes do: ?be=0 or 1, both without it; ?seconds=N closes
        their ports for a while."""
        wanted, seconds = request.query.get("be"), float(request.query.get("seconds", 0))
        for backend in self.world.backends:
            if wanted is None or int(wanted) == backend.number:
                self.world.cluster.restart_backend(backend, seconds)
        return answers.plain_json({"status": "OK"})

    async def restart_frontend(self, request):
        """?fe=N, the leader without it; ?seconds=N closes its ports for a while (after this answer)."""
        return self._ordered(request, "restart_fe")

    async def leader(self, request):
        """?fe=N leads from now on, the next one without it; ?seconds=N leaves the cluster without a leader so long."""
        return self._ordered(request, "leader_switch")

    def _ordered(self, request, point):
        try:
            self.world.order(point, float(request.query.get("seconds", 0)), None, request.query.get("fe"))
        except (ValueError, IndexError) as e:
            return answers.plain_json({"status": "FAILED", "message": str(e)}, 400)
        return answers.plain_json({"status": "OK", "leader": self.world.cluster.leading})

    async def clock(self, request):
        """{"seconds": N}: the servers' clock jumps; timeouts and label cleaning run at once."""
        try:
            for given in await self._body(request):
                self.world.order("clock_jump", float(given["seconds"]))
        except (ValueError, KeyError, TypeError) as e:
            return answers.plain_json({"status": "FAILED", "message": f"seconds is a number: {e}"}, 400)
        return answers.plain_json({"status": "OK", "ahead": self.world.clock.ahead})

    async def backends(self, request):
        """{"dead": [0]}: backends that the frontend takes for dead."""
        for rule in await self._body(request):
            self.world.set_dead([int(n) for n in rule.get("dead", [])])
        return answers.plain_json({"status": "OK", "dead": sorted(self.world.dead_backends)})

    async def watch(self, request):
        """{"table": "db.t", "column": "id", "values": [1]}: notes when rows with these keys become visible."""
        try:
            for given in await self._body(request):
                self.world.watches.add(given)
        except SqlError as e:
            return answers.plain_json({"status": "FAILED", "message": str(e)}, 400)
        return answers.plain_json({"status": "OK"})

    async def watched(self, request):
        return answers.plain_json(self.world.watches.shown())

    async def unwatch(self, request):
        self.world.watches.clear()
        return answers.plain_json({"status": "OK"})

    async def settings(self, request):
        for given in await self._body(request):
            self.world.set(given)
        return answers.plain_json({"status": "OK", "settings": self.world.settings()})

    async def tick(self, request):
        """Runs the clockwork now: timeouts, and the cleaning of labels that else comes every 30 s."""
        self.world.expire()
        self.world.reading.expire(at_once=True)
        self.world.txns.forget_old()
        return answers.plain_json({"status": "OK"})
