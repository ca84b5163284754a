"""Lets a call pass the faults that are ordered for it: before it is served, and between its work and its answer."""
import asyncio

from aiohttp import web

from rockpool.faults import SERVERS, Call

ANSWER_SECONDS = 0.05  # what an answer takes to leave
PROXY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


class Gate:
    def __init__(self, world, backend=None):
        self.world, self.backend = world, backend

    async def __call__(self, request, at, table, label, work, database=None):
        """work() makes the answer; faults strike before and after it."""
        self.world.stats.requests[at] += 1
        call = Call(at, table, label, database)
        refused = await self.before(request, call)
        return refused if refused is not None else await self.after(request, call, await work())

    async def before(self, request, call):
        """What strikes before a call is served: an answer in its place, or None."""
        faults = self.world.faults
        await faults.silence()
        if not faults.rules:
            return None
        if self._servers(call, "before") == "down":
            return cut(request)
        await self.slow(call, "head")
        stop = faults.strike("stop", call)
        if stop:
            await asyncio.sleep(float(stop.get("seconds", 10)))
        if faults.strike("cut", call):
            return cut(request)
        body_cut = faults.strike("cut_request", call)
        if body_cut:
            request["cut_after"] = int(body_cut.get("bytes", 0))
        broken = faults.strike("http_500", call)
        if broken:
            return web.Response(text="Internal Server Error", status=int(broken.get("status", 500)))
        page = faults.strike("html", call)
        if page:
            return web.Response(text=PROXY_PAGE, status=int(page.get("status", 502)), content_type="text/html")
        return None

    async def slow(self, call, place):
        """Waits where a rule `slow` says so: before anything, before 100 Continue, or before the answer."""
        rule = self.world.faults.strike("slow", call, where=place) if self.world.faults.rules else None
        if rule:
            await asyncio.sleep(float(rule.get("ms", 1000)) / 1000)

    async def after(self, request, call, answer):
        """What strikes when the work is done and the answer is not sent."""
        faults = self.world.faults
        if not faults.rules:
            return answer
        await self.slow(call, "answer")
        if self._servers(call, "during"):
            return cut(request)
        if faults.strike("lost_answer", call):
            return cut(request)
        torn = faults.strike("cut_answer", call)
        if torn:
            return await cut_in_answer(request, answer, int(torn.get("bytes", 0)))
        self._servers(call, "after", ANSWER_SECONDS)
        return answer

    def _servers(self, call, when, later=0.0):
        """Restarts, leader switches and clock jumps: whether one struck; `down` when it took the server of this call."""
        struck = False
        for point in SERVERS:
            rule = self.world.faults.strike(point, call, when)
            if rule is not None:
                seconds = float(rule.get("seconds", 0))
                own = point != "clock_jump" and point.endswith("_be") == (self.backend is not None)
                struck = "down" if own and seconds > 0 else struck or True
                given = (point, seconds, self.backend, rule.get("fe", None))
                if later and seconds:  # before the ports are closed the answer leaves
                    asyncio.get_running_loop().call_later(later, self.world.order, *given)
                else:
                    self.world.order(*given)
        return struck


def cut(request):
    """Ends the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def cut_in_answer(request, answer, size):
    """Sends the head of an answer and some bytes of its body, then ends the connection."""
    body = answer.body if isinstance(answer.body, bytes) else b""
    torn = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type,
                                                             "Content-Length": str(len(body))})
    await torn.prepare(request)
    await torn.write(body[:size])
    if request.transport is not None:
        transport = request.transport
        transport.close() if size else transport.abort()
    return torn


async def cut_in_body(request):
    """Takes some bytes of a body, then ends the connection."""
    left = request["cut_after"]
    while left > 0 and (piece := await request.content.read(min(left, 1 << 16))):
        left -= len(piece)
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionResetError("cut in the body, as ordered")
