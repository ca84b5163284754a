"""The messages of Arrow Flight SQL: protobuf, read and written by hand, as only a few fields of a few are needed."""

PREFIX = "type.googleapis.com/arrow.flight.protocol.sql."
VARINT, BYTES = 0, 2


class Malformed(Exception):
    pass


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, value):
    """One field: bytes, text, or a number."""
    if isinstance(value, int):
        return varint(number << 3 | VARINT) + varint(value & (1 << 64) - 1)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | BYTES) + varint(len(value)) + value


def message(**fields):
    """fields: f<number>=value; what is None is left out."""
    return b"".join(field(int(name[1:]), value) for name, value in fields.items() if value is not None)


def read(body):
    """{field number: [values]}: numbers, or bytes."""
    found, at = {}, 0
    while at < len(body):
        key, at = _varint(body, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(body, at)
        elif kind == BYTES:
            size, at = _varint(body, at)
            value, at = body[at:at + size], at + size
            if at > len(body):
                raise Malformed("a field is longer than its message")
        else:
            raise Malformed(f"field {number} has wire type {kind}")
        found.setdefault(number, []).append(value)
    return found


def _varint(body, at):
    number = shift = 0
    while True:
        if at >= len(body) or shift > 63:
            raise Malformed("a number ends too early")
        byte, at = body[at], at + 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return number, at


def numbers(values):
    """A repeated number, packed or not."""
    found = []
    for value in values:
        if isinstance(value, int):
            found.append(value)
            continue
        at = 0
        while at < len(value):
            number, at = _varint(value, at)
            found.append(number)
    return found


def wrapped(name, body):
    """A message in a google.protobuf.Any."""
    return message(f1=PREFIX + name, f2=body)


def unwrapped(packed):
    """(name of the message, its fields) of an Any; the name is empty when it is none of Flight SQL's."""
    outer = read(packed)
    url = outer.get(1, [b""])[0]
    name = url.decode("utf-8", "replace") if isinstance(url, bytes) else ""
    if not name.startswith(PREFIX):
        return "", {}
    return name[len(PREFIX):], read(outer.get(2, [b""])[0])


def first(fields, number=1):
    """A bytes field's value, empty when it is not there."""
    value = fields.get(number, [b""])[0]
    return value if isinstance(value, bytes) else b""
