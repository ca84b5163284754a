"""The forms in which frontends and backends answer."""
import json
import urllib.parse

from aiohttp import web


def backend(body, as_json=True):
    """A backend's answer: pretty-printed, HTTP 200 whatever the outcome. A list is one object after the other.

    Backends before 3.3 name no type, and libevent's own stands there; so do refusals of a transaction's load."""
    text = "".join(map(pretty, body)) if isinstance(body, list) else pretty(body)
    if as_json:
        return web.Response(text=text, content_type="application/json")
    return web.Response(body=text.encode(), headers={"Content-Type": "text/html; charset=ISO-8859-1"})


def pretty(body):
    return json.dumps(body, indent=4, ensure_ascii=False)


def frontend(body, status=200):
    """A frontend's transaction answer: pretty-printed, called text/html as it is."""
    return web.Response(text=json.dumps(body, indent=2, ensure_ascii=False), status=status, content_type="text/html")


def compact(body, status=200, headers=None, kind="text/html"):
    return web.Response(text=json.dumps(body, separators=(",", ":"), ensure_ascii=False), status=status,
                        content_type=kind, headers=headers)


def plain_json(body, status=200):
    return compact(body, status, kind="application/json")


def failed(message, status="FAILED"):
    return frontend({"Status": status, "Message": message})


def exception(message, kind="com.starrocks.common.DdlException"):
    return failed(f"class {kind}: {message}")


def result_ok(**more):
    return {**more, "status": "OK", "code": "0", "msg": "Success", "message": "OK"}


def result_failed(message):
    return {"status": "FAILED", "code": "1", "msg": message, "message": message}


def unauthorized(message):
    return compact(result_failed(message), 401, {"WWW-Authenticate": 'Basic realm=""'})


# What java.net.URI leaves as it is in a path and in a query: the frontend takes an address apart and builds it anew.
IN_PATH = "_-!.~'()*,;:$&+=@/"
IN_QUERY = IN_PATH + "?[]"


def redirect(host, port, request):
    """307 to another server: absolute, always http, without credentials."""
    path, mark, query = request.raw_path.partition("?")
    place = f"http://{host}:{port}{quoted(path, IN_PATH)}" + (f"?{quoted(query, IN_QUERY)}" if mark else "")
    return web.Response(status=307, headers={"Location": place}, content_type="text/html")


def quoted(text, safe):
    return urllib.parse.quote(urllib.parse.unquote_to_bytes(text), safe=safe)


def lower_headers(request):
    """Headers by lower-case name; bytes that are not UTF-8 stay as surrogates."""
    return {k.decode("latin-1").lower(): v.decode("utf-8", "surrogateescape").strip()
            for k, v in request.raw_headers}


def unquoted(request, name):
    """A part of the path, its escapes decoded."""
    return request.match_info.get(name, "")


def as_written(request, name):
    """A part of the path with the escapes left in: how backends before 3.5.1 take names."""
    parts = request.raw_path.partition("?")[0].split("/")
    return parts[{"db": 2, "table": 3}[name]]


def not_found(text):
    """What a server answers where it has no such address or no such method for it: 404 in both cases."""
    @web.middleware
    async def guard(request, handler):
        try:
            return await handler(request)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            return web.Response(status=404, text=text, content_type="text/html")
    return guard
