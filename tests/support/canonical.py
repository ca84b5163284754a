"""One spelling for values that PostgreSQL and StarRocks write differently.

Each column gets a pair of functions, one per side, that turn the text a server sends into the same
canonical text where the values are equal. This knows the two servers, and nothing of the program
under test: that is what makes the comparison independent.
"""
import json
import re
import struct
from decimal import Decimal

INTEGERS = {"smallint", "integer", "bigint", "oid"}


def as_is(text):
    return text


def bool_of_source(text):
    return {"t": "1", "f": "0"}[text]


def bool_of_target(text):
    return {"true": "1", "false": "0"}.get(text.lower(), text)


def decimal(text):
    """Numbers of equal value get one text: 1.50, 1.5 and 15E-1 are '1.5'."""
    number = Decimal(text)
    if not number.is_finite():
        return str(number)
    plain = format(number, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "") else plain


def double(text):
    return repr(float(text))


def single(text):
    """float4: both sides are rounded to 32 bits, since they print different numbers of digits."""
    return repr(struct.unpack("f", struct.pack("f", float(text)))[0])


def moment(text):
    """Timestamps without zeros at the end of the fraction; an offset of +00 (the session's zone) is dropped."""
    text = text.replace("T", " ")
    if text.endswith("+00"):
        text = text[:-3]
    return text.rstrip("0").rstrip(".") if "." in text else text


def json_document(text):
    return json.dumps(plain_numbers(json.loads(text, parse_float=Decimal, parse_int=Decimal)), sort_keys=True)


def plain_numbers(value):
    if isinstance(value, Decimal):
        return {"number": decimal(str(value))}
    if isinstance(value, list):
        return [plain_numbers(inner) for inner in value]
    if isinstance(value, dict):
        return {key: plain_numbers(inner) for key, inner in value.items()}
    return value


def hex_of_source(text):
    return text.removeprefix("\\x")


def hex_of_target(value):
    return value.hex() if isinstance(value, bytes) else str(value).lower().removeprefix("\\x").removeprefix("0x")


def text_of_target(value):
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def is_text(target_type):
    return re.sub(r"\(.*", "", target_type).strip().lower() in ("varchar", "string", "char", "text")


def of_column(source_type, target_type):
    """The functions (for source text, for target text) of a column.

    `source_type` is format_type() of the base type; `target_type` is what DESC says.
    """
    source = re.sub(r"\(.*?\)", "", source_type).strip()
    target = re.sub(r"\(.*", "", target_type).strip().lower()
    kept_as_text = is_text(target)
    if source.endswith("[]") and not kept_as_text:
        return json_document, on_text(json_document)  # the source sends arrays by to_jsonb()
    if source == "boolean":
        return bool_of_source, on_text(bool_of_target)
    if source == "bytea":
        return hex_of_source, hex_of_target
    if source in ("json", "jsonb"):
        return (as_is, text_of_target) if kept_as_text and source == "json" else (json_document, on_text(json_document))
    if source == "numeric" and not kept_as_text:
        return decimal, on_text(decimal)
    if source in ("double precision", "real") and not kept_as_text:
        rounded = single if source == "real" else double
        return rounded, on_text(rounded)
    if source.startswith("timestamp") and not kept_as_text:
        return moment, on_text(moment)
    return as_is, text_of_target


def on_text(function):
    return lambda value: function(text_of_target(value))
