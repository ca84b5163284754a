"""The forms in which frontends and backends answer."""
import json
import urllib.parse

from aiohttp import web


def backend(body):
    """A backend's answer: pretty-printed, HTTP 200 whatever the outcome."""
    return web.Response(text=json.dumps(body, indent=4, ensure_ascii=False), content_type="application/json")


def frontend(body, status=200):
    """A frontend's transaction answer: pretty-printed, called text/html as it is."""
    return web.Response(text=json.dumps(body, indent=2, ensure_ascii=False), status=status, content_type="text/html")


def compact(body, status=200, headers=None):
    return web.Response(text=json.dumps(body, separators=(",", ":"), ensure_ascii=False), status=status,
                        content_type="text/html", headers=headers)


def plain_json(body, status=200):
    return web.Response(text=json.dumps(body, ensure_ascii=False), status=status, content_type="application/json")


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


def redirect(host, port, request, close=False):
    """307 to another server: absolute, always http, without credentials."""
    answer = web.Response(status=307, headers={"Location": f"http://{host}:{port}{request.raw_path}"})
    if close:
        answer.force_close()
    return answer


def lower_headers(request):
    """Headers by lower-case name; bytes that are not UTF-8 stay as surrogates."""
    return {k.decode("latin-1").lower(): v.decode("utf-8", "surrogateescape").strip()
            for k, v in request.raw_headers}


def unquoted(request, name):
    return urllib.parse.unquote(request.match_info.get(name, ""))
