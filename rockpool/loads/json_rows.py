"""JSON bodies to rows: one list of values per source field, None where a key is missing or null."""
import json
import re
from dataclasses import dataclass, field

from rockpool.errors import LoadError
from rockpool.loads.convert import RawNumber, _refuse, minified
from rockpool.segments import OP

BLANK = re.compile(r"[ \t\r\n]*")
STEP = re.compile(r"\.?(?:\"((?:[^\"\\]|\\.)*)\"|([^.\[\]\"]+))|\[(\d+)\]|\[\"((?:[^\"\\]|\\.)*)\"\]")


def quality(message):
    return LoadError("DATA_QUALITY_ERROR", message)


@dataclass
class JsonBlock:
    columns: list  # one list of JSON values per field
    rows: int
    refused: list = field(default_factory=list)
    refused_count: int = 0
    documents: list = field(default_factory=list)

    def row_text(self, n, separator):
        return minified(self.documents[n])


def parse_path(text):
    """A JSON path as a list of keys and positions: $.a."b.c"[0]"""
    text = text.strip()
    if not text.startswith("$"):
        raise quality(f"Invalid json path: {text}")
    steps, at = [], 1
    while at < len(text):
        found = STEP.match(text, at)
        if not found or found.end() == at:
            raise quality(f"Invalid json path: {text}")
        quoted, plain, position, bracketed = found.groups()
        steps.append(int(position) if position is not None else
                     json.loads(f'"{quoted if quoted is not None else bracketed}"')
                     if quoted is not None or bracketed is not None else plain)
        at = found.end()
    return steps


def walk(value, steps):
    for step in steps:
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return None
            value = value[step]
        else:
            if not isinstance(value, dict) or step not in value:
                return None
            value = value[step]
    return value


class Json:
    """Parses whole bodies. Every body is a payload of its own."""

    def __init__(self, options, plan):
        self.strip = options.strip_outer_array
        self.root = parse_path(options.json_root) if options.json_root else None
        self.decoder = json.JSONDecoder(parse_float=RawNumber, parse_constant=_refuse)
        self.paths = self._paths(options.jsonpaths)
        self.names = plan.fields
        if self.paths is not None and len(self.paths) < len([n for n in self.names if n != OP]):
            raise quality("The number of jsonpaths is less than the number of columns")

    @staticmethod
    def _paths(text):
        if not text:
            return None
        try:
            found = json.loads(text)
        except ValueError:
            raise quality(f"Invalid json path: {text}") from None
        if not isinstance(found, list) or not all(isinstance(p, str) for p in found):
            raise quality(f"Invalid json path: {text}")
        return [parse_path(p) for p in found]

    def block(self, body):
        """The rows of one body, or None for a blank body."""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise quality("parse error: the JSON body is not valid UTF-8") from None
        documents = self._documents(text)
        if self.paths is not None:
            rows = [[walk(d, p) for d in documents] for p in self.paths[:len(self.names)]]
            rows += [[d.get(n) if isinstance(d, dict) else None for d in documents]
                     for n in self.names[len(self.paths):]]
        else:
            rows = [[d.get(n) for d in documents] for n in self.names]
        return JsonBlock(rows, len(documents), documents=documents)

    def _documents(self, text):
        start = BLANK.match(text, 0).end()
        if start == len(text):
            return []
        if text[start] not in "{[":
            raise quality(f"illegal json started with {text[start]}")
        if text[start] == "[":
            return self._array(text, start)
        found = []
        while start < len(text):
            value, start = self._one(text, start)
            if not isinstance(value, dict):
                raise quality("Failed to iterate document stream as object. error: The JSON element does not have the "
                              "requested type.")
            found += self._rows_of(value)
            start = BLANK.match(text, start).end()
        return found

    def _array(self, text, start):
        if not self.strip and self.root is None:
            raise quality("Failed to iterate document stream as object. error: The JSON element does not have the "
                          "requested type. The value is array type in json document stream, you can set "
                          "strip_outer_array=true to parse each element of the array as individual rows")
        value, stop = self._one(text, start)
        if BLANK.match(text, stop).end() != len(text):
            raise quality("Failed to parse json as array. error: Extra content behind the array")
        if self.root is not None:
            return [row for element in value for row in self._rows_of(element)]
        return self._objects(value)

    def _one(self, text, start):
        try:
            return self.decoder.raw_decode(text, start)
        except (ValueError, RecursionError) as e:
            raise quality(f"parse error. error: {e}") from None

    def _rows_of(self, value):
        """The rows of one document: itself, or what is under json_root."""
        if self.root is None:
            if self.strip:
                raise quality("the value should be array type with strip_outer_array=true, value: "
                              + minified(value)[:100])
            return [value]
        value = walk(value, self.root)
        if self.strip:
            if not isinstance(value, list):
                raise quality("the value under json_root should be array type with strip_outer_array=true")
            return self._objects(value)
        if not isinstance(value, dict):
            raise quality("the value under json_root should be object type with strip_outer_array=false")
        return [value]

    def _objects(self, values):
        if self.paths is None and not all(isinstance(v, dict) for v in values):
            raise quality("Failed to iterate json array as object. error: The JSON element does not have the "
                          "requested type.")
        return values
