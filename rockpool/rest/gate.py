"""Lets a call pass the faults that are ordered for it."""
from aiohttp import web


class Gate:
    def __init__(self, world):
        self.world = world

    async def __call__(self, request, at, table, label, work):
        """work() makes the answer; faults strike before and after it."""
        faults = self.world.faults
        self.world.stats.requests[at] += 1
        struck = await faults.before(at, table, label)
        if struck == "cut":
            return cut(request)
        if struck is not None:
            status, kind, text = struck
            return web.Response(status=status, text=text, content_type=kind)
        answer = await work()
        if faults.rules and faults.fire("lost_answer", at, table, label):
            return cut(request)
        return answer


def cut(request):
    """Ends the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
