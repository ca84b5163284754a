"""What StarRocks does not have: /_rockpool/… tells what arrived and orders faults. No login."""
import json

from aiohttp import web

from rockpool.rest import answers


class Control:
    def __init__(self, world):
        self.world = world

    def routes(self, router):
        router.add_get("/_rockpool/stats", self.stats)
        router.add_delete("/_rockpool/stats", self.reset)
        router.add_get("/_rockpool/faults", self.faults)
        router.add_post("/_rockpool/faults", self.add_fault)
        router.add_delete("/_rockpool/faults", self.clear_faults)
        router.add_post("/_rockpool/restart_be", self.restart_backends)
        router.add_post("/_rockpool/backends", self.backends)
        router.add_post("/_rockpool/settings", self.settings)
        router.add_post("/_rockpool/tick", self.tick)
        router.add_get("/", self.page)

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
        """Backends forget their open loads, as restarted processes do: ?be=0 or 1, both without it."""
        wanted = request.query.get("be")
        for backend in self.world.backends:
            if wanted is None or int(wanted) == backend.number:
                backend.restart()
        return answers.plain_json({"status": "OK"})

    async def backends(self, request):
        """{"dead": [0]}: backends that the frontend takes for dead."""
        for rule in await self._body(request):
            self.world.dead_backends = set(rule.get("dead", []))
        return answers.plain_json({"status": "OK", "dead": sorted(self.world.dead_backends)})

    async def settings(self, request):
        try:
            for given in await self._body(request):
                self.world.set(given)
        except (ValueError, TypeError, KeyError) as e:
            return answers.plain_json({"status": "FAILED", "message": str(e)}, 400)
        return answers.plain_json({"status": "OK", "settings": self.world.settings()})

    async def tick(self, request):
        """Runs the clockwork now: timeouts, and the cleaning of labels that else comes every 30 s."""
        self.world.expire()
        self.world.txns.forget_old()
        return answers.plain_json({"status": "OK"})

    async def page(self, request):
        shown = self.world.stats.shown(20)
        rows = "".join(f"<tr><td>{h['txn_id']}<td>{h['label']}<td>{h['database']}.{','.join(h['tables'])}<td>{h['state']}"
                       f"<td>{h['rows']}<td>{h['bytes']}" for h in reversed(shown["history"]))
        tables = sum(len(d.tables) for d in self.world.catalog.databases.values())
        return web.Response(content_type="text/html", text=(
            f"<!doctype html><title>rockpool</title><h1>rockpool {self.world.version.text}</h1><p>A local stand-in. This is "
            f"not StarRocks.<p>{tables} tables, {shown['counts'].get('visible', 0)} loads visible, "
            f"{shown['counts'].get('rows', 0)} rows.<table border=1><tr><th>txn<th>label<th>table<th>state<th>rows"
            f"<th>bytes{rows}</table>"))
