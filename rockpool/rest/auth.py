"""HTTP Basic, as both kinds of server read it."""
import base64
import binascii


def credentials(request):
    """(user, password) as a frontend reads them: two words, the first of which it does not look at. None when the
    header is missing or odd. `name@cluster` counts as `name`; a second @ leaves the name as it is."""
    words = request.headers.get("Authorization", "").split(" ")
    if len(words) != 2:
        return None
    name, password = _taken_apart(words[1])
    parts = name.split("@") if name is not None else ()
    return (parts[0] if len(parts) == 2 else name, password) if name is not None else None


def backend_credentials(request):
    """As a backend reads them: the word is `Basic`, spelled so; the name ends at the first @."""
    text = request.headers.get("Authorization", "")
    name, password = _taken_apart(text[6:]) if text.startswith("Basic ") else (None, None)
    return (name.split("@")[0], password) if name is not None else None


def _taken_apart(encoded):
    """name and password stand around the first colon."""
    try:
        name, mark, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None, None
    return (name, password) if mark else (None, None)


def denied(name, request):
    return f"Access denied for {name}@{request.remote}"


NO_INSERT = "Access denied; you need (at least one of) the INSERT privilege(s) for this operation"
NO_SELECT = "Access denied; you need (at least one of) the SELECT privilege(s) for this operation"
