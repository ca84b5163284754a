"""JSON bodies to rows: one list of values per source field, None where a key is missing or null."""
import json
import operator
import re
from dataclasses import dataclass, field

from rockpool.errors import LoadError, invalid
from rockpool.loads import json_tape
from rockpool.loads.convert import RawNumber, _refuse, minified
from rockpool.segments import OP

BLANK = re.compile(r"[ \t\r\n]*")
NOT_OBJECT = f"Failed to iterate document stream as object. error: {json_tape.WRONG_TYPE}"
ARRAY_ADVICE = ("The value is array type in json document stream, you can set strip_outer_array=true to parse each element "
                "of the array as individual rows")
MISSING = RawNumber("0")  # an __op that is not there is 0; one that is null is NULL
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
    failed: dict = field(default_factory=dict)  # position of a field -> rows whose value is broken JSON

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
        self.debezium = options.envelope == "debezium"

    @staticmethod
    def _paths(text):
        if not text:
            return None
        try:
            found = json.loads(text)
        except ValueError:
            raise quality(f"Invalid json path: {text}") from None
        if not isinstance(found, list) or not all(isinstance(p, str) for p in found):
            raise invalid(f"Invalid json path: {text}")
        return [parse_path(p) for p in found]

    def block(self, body):
        """The rows of one body, or None for a blank body."""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise quality(f"{self._doing(body.lstrip()[:1] == b'[')} error: The input is not valid UTF-8") from None
        try:
            documents = self._documents(text)
        except ValueError:
            return self._broken(text)
        return JsonBlock(self._columns(documents), len(documents), documents=documents)

    def _columns(self, documents):
        if self.paths is None:
            return self._by_name(documents)
        found = []
        for n, name in enumerate(self.names):
            if name == OP and self.debezium:
                found.append([d.get(OP) for d in documents])
            elif n < len(self.paths):
                column = [walk(d, self.paths[n]) for d in documents]
                found.append([MISSING if v is None else v for v in column] if name == OP else column)
            else:
                found.append([MISSING if name == OP else None] * len(documents))
        return found

    def _by_name(self, documents):
        """A list per field. Where every document has every key, all keys of a document are fetched at once."""
        if len(self.names) > 1 and documents:
            try:
                return list(zip(*map(operator.itemgetter(*self.names), documents)))
            except KeyError:
                pass
        return [[d.get(n, missing) for d in documents] for n in self.names
                for missing in (MISSING if n == OP else None,)]

    # ------------------------------------------------------------ documents that are whole
    def _documents(self, text):
        """The objects that are rows. ValueError: the body is no JSON."""
        start = BLANK.match(text, 0).end()
        if start == len(text):
            return []
        if text[start] not in "{[":
            raise quality(f"illegal json started with {text[start]}")
        if text[start] == "[":
            return self._array(text, start)
        if self.strip and self.root is None:
            raise quality("the value should be array type with strip_outer_array=true, value: " + text[start:start + 64])
        found = []
        while start < len(text):
            value, start = self._one(text, start)
            if not isinstance(value, dict):
                raise quality(NOT_OBJECT if not isinstance(value, list) else NOT_OBJECT + " " + ARRAY_ADVICE)
            if self.debezium:
                found += debezium_row(value)
            else:
                found += [value] if self.root is None else self._under_root(value, "json document stream")
            start = BLANK.match(text, start).end()
        return found

    def _array(self, text, start):
        if not self.strip and self.root is None:
            raise quality(NOT_OBJECT + " " + ARRAY_ADVICE)
        values, stop = self._one(text, start)
        if not text[stop:].rstrip(" \t\r\n").endswith("]") and BLANK.match(text, stop).end() != len(text):
            raise quality(f"Failed to parse json as array. error: {json_tape.ENDED_EARLY}")
        if not all(isinstance(v, dict) for v in values):
            raise quality(f"Failed to iterate json array as object. error: {json_tape.WRONG_TYPE}")
        if self.root is None:
            return values
        return [row for element in values for row in self._under_root(element, "json array")]

    def _one(self, text, start):
        try:
            return self.decoder.raw_decode(text, start)
        except RecursionError:
            raise quality("parse error. error: The JSON document was too deep (too many nested objects and "
                          "arrays)") from None

    def _under_root(self, value, where):
        """The rows under json_root."""
        value = walk(value, self.root)
        shown = minified(value)[:64]
        if self.strip:
            if not isinstance(value, list):
                raise quality(f"the value under json root should be array type with strip_outer_array=true in {where} "
                              f"with root, value: {shown}")
            if not all(isinstance(v, dict) for v in value):
                raise quality(f"the value should be object type in expanded {where} with json root, value: {shown}")
            return value
        if not isinstance(value, dict):
            raise quality(f"the value should be object type in {where} with json root, value: {shown}")
        return [value]

    # ------------------------------------------------------------ documents with mistakes
    @staticmethod
    def _doing(is_array):
        return "Failed to parse json as array." if is_array else "Failed to iterate document stream as object."

    def _broken(self, text):
        """The rows of a body that is no JSON, as far as the server's parser gets."""
        is_array = text.lstrip(" \t\r\n")[0] == "["
        simple = self.root is None and self.paths is None and not self.debezium
        block = JsonBlock([], 0)
        try:
            rows = []
            for row in json_tape.Tape(text, not is_array).rows(set(self.names) if simple else None):
                if row.broken or row.failed and not simple:
                    block.refused_count += 1
                    block.refused.append((f"Data quality error: construct row in object order failed, error: "
                                          f"{json_tape.STRUCTURE}", minified(row.values)))
                else:
                    rows.append(row)
        except json_tape.Unreadable as e:
            raise quality(f"{self._doing(is_array)} error: {e}") from None
        documents = [row.values for row in rows]
        if not simple:
            documents = [r for d in documents for r in (debezium_row(d) if self.debezium else [d] if self.root is None
                                                        else self._under_root(d, "json document stream"))]
        block.columns, block.rows, block.documents = self._columns(documents), len(documents), documents
        if simple:
            for n, name in enumerate(self.names):
                failed = [at for at, row in enumerate(rows) if name in row.failed]
                if failed:
                    block.failed[n] = failed
        return block


def debezium_row(document):
    """The row of a Debezium event as a list, with its operation in __op; nothing for a tombstone."""
    payload = document.get("payload") if "payload" in document else document
    if payload is None:
        return []
    if not isinstance(payload, dict):
        raise quality("the payload of a debezium event should be an object")
    op = payload.get("op")
    if op not in ("c", "r", "u", "d"):
        raise quality("missing 'op' field in debezium event" if op is None else f"unknown debezium op: {op}")
    part = "before" if op == "d" else "after"
    row = payload.get(part)
    if not isinstance(row, dict):
        raise quality(f"'{part}' of a debezium event with op '{op}' should be an object")
    return [{**row, OP: 1 if op == "d" else 0}]
