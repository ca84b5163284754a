"""HTTP Basic, as both kinds of server read it."""
import base64
import binascii


def credentials(request):
    """(user, password), or None when the header is missing or odd. `name@cluster` counts as `name`."""
    text = request.headers.get("Authorization", "")
    if not text.lower().startswith("basic "):
        return None
    try:
        name, mark, password = base64.b64decode(text[6:].strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name.split("@")[0], password) if mark else None


def denied(name, request):
    return f"Access denied for {name}@{request.remote}"


NO_INSERT = "Access denied; you need (at least one of) the INSERT privilege(s) for this operation"
NO_SELECT = "Access denied; you need (at least one of) the SELECT privilege(s) for this operation"
