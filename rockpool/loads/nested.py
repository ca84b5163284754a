"""ARRAY, MAP and STRUCT values written as text."""
import re

from rockpool.loads import convert
from rockpool.loads.dates import FAILED


class NestedText:
    """Reads [v,...], {k:v,...} and {"f":v,...} as query results print them: a backslash before quotes and backslashes."""

    def __init__(self, text):
        self.text, self.at = text, 0

    def skip(self):
        while self.at < len(self.text) and self.text[self.at] == " ":
            self.at += 1

    def sees(self, mark):
        self.skip()
        return self.text.startswith(mark, self.at)

    def accept(self, mark):
        if self.sees(mark):
            self.at += len(mark)
            return True
        return False

    def need(self, mark):
        if not self.accept(mark):
            raise ValueError(f"{mark} is missing")

    def word(self, stops):
        """A bare or quoted word: (text, was it quoted)."""
        self.skip()
        if self.sees('"') or self.sees("'"):
            return self._quoted(self.text[self.at]), True
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in stops:
            self.at += 1
        return self.text[start:self.at].strip(" "), False

    def _quoted(self, mark):
        found = re.compile(rf"((?:[^\\{mark}]|\\.)*){mark}", re.S).match(self.text, self.at + 1)
        if not found:
            raise ValueError("a quote is open")
        self.at = found.end()
        return re.sub(r"\\(.)", r"\1", found.group(1), flags=re.S)

    def value(self, kind, stops):
        if kind.name == "ARRAY":
            return self._null() or self._array(kind)
        if kind.name == "MAP":
            return self._null() or self._map(kind)
        if kind.name == "STRUCT":
            return self._null() or self._struct(kind)
        text, quoted = self.word(stops)
        if not quoted and text in ("null", "NULL", "\\N"):
            return None
        read = convert.json_document if kind.name == "JSON" else convert.from_text(kind)
        value = read(text)
        if value is FAILED:
            raise ValueError(text)
        return value

    def _null(self):
        if self.accept("null"):
            return NULL_PART
        return None

    def _array(self, kind):
        self.need("[")
        found = []
        while not self.accept("]"):
            found.append(plain(self.value(kind.parts[0], ",]")))
            if not self.sees("]"):
                self.need(",")
        return found

    def _map(self, kind):
        self.need("{")
        found = {}
        while not self.accept("}"):
            key = plain(self.value(kind.parts[0], ":"))
            self.need(":")
            found[key] = plain(self.value(kind.parts[1], ",}"))
            if not self.sees("}"):
                self.need(",")
        return list(found.items())

    def _struct(self, kind):
        self.need("{")
        found = {}
        while not self.accept("}"):
            name, _ = self.word(":")
            self.need(":")
            if name not in kind.names:
                raise ValueError(name)
            found[name] = plain(self.value(kind.parts[kind.names.index(name)], ",}"))
            if not self.sees("}"):
                self.need(",")
        return {n: found.get(n) for n in kind.names}


NULL_PART = object()


def plain(value):
    return None if value is NULL_PART else value


def nested_text(kind, escaped=True):
    """A reader of a nested value that a query printed."""
    def read(text):
        try:
            reader = NestedText(text)
            value = reader.value(kind, "")
            reader.skip()
            return value if reader.at == len(text) and value is not NULL_PART else FAILED
        except ValueError:
            return FAILED
    return read


# ---------------------------------------------------------------- fields of CSV bodies
QUOTED = {"CHAR", "VARCHAR", "DATE", "DATETIME", "JSON", "VARBINARY"}  # what stands in double quotes inside a nested value
STRUCT_MARK = "\x02"  # between the fields of a STRUCT, as Hive writes it


def csv_text(kind, lenient=False):
    """Reads the ARRAY, MAP or STRUCT of a CSV field exactly as it stands: no blanks, only double quotes, null in small
    letters. lenient: an element that does not convert is NULL (not strict); else it fails the field."""
    if kind.name == "ARRAY":
        return _array_of(_part(kind.parts[0], lenient))
    if kind.name == "MAP":
        return _map_of(_part(kind.parts[0], False), _part(kind.parts[1], lenient))
    return _struct_of(kind)


def _part(kind, lenient):
    """Reads an element: a value, None, or FAILED."""
    read = csv_text(kind, lenient) if kind.parts else _quoted_part(kind)

    def part(text):
        if text == "null":
            return None
        value = read(text)
        return None if value is FAILED and lenient else value
    return part


def _quoted_part(kind):
    if kind.name not in QUOTED:
        return convert.from_text(kind)
    # lengths of elements are not looked at
    read = (lambda text: text) if kind.is_text else convert.from_text(kind)

    def quoted(text):
        if len(text) < 2 or text[0] != '"' or text[-1] != '"':
            return FAILED
        return read(text[1:-1].replace('""', '"') if kind.is_text else text[1:-1])
    return quoted


def _split(text, opening, closing, marks):
    """[(what ended it, piece)] of a text at marks outside quotes and brackets; None when these do not match."""
    pieces, quoted, depth, start = [], False, 0, 0
    for at, mark in enumerate(text):
        if mark == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif mark == opening:
            depth += 1
        elif mark == closing:
            depth -= 1
        elif depth == 0 and mark in marks:
            pieces.append((mark, text[start:at]))
            start = at + 1
    pieces.append(("", text[start:]))
    return None if quoted or depth else pieces


def _array_of(part):
    def read(text):
        if len(text) < 2 or text[0] != "[" or text[-1] != "]":
            return FAILED
        pieces = [] if text == "[]" else _split(text[1:-1], "[", "]", ",")
        if pieces is None:
            return FAILED
        found = [part(piece) for _, piece in pieces]
        return FAILED if any(value is FAILED for value in found) else found
    return read


def _map_of(key, part):
    def read(text):
        if len(text) < 2 or text[0] != "{" or text[-1] != "}":
            return FAILED
        pieces = [] if text == "{}" else _split(text[1:-1], "{", "}", ":,")
        if pieces is None or len(pieces) % 2 or any(not piece for _, piece in pieces) or any(
                mark != ":" for mark, _ in pieces[::2]) or any(mark == ":" for mark, _ in pieces[1::2]):
            return FAILED
        last = {k: v for (_, k), (_, v) in zip(pieces[::2], pieces[1::2])}  # of equal keys the last is kept
        found = [(key(k), part(v)) for k, v in last.items()]
        return FAILED if any(k is FAILED or k is None or v is FAILED for k, v in found) else found
    return read


def _struct_of(kind):
    def read(text):
        pieces = text.split(STRUCT_MARK)
        if len(pieces) != len(kind.parts):
            return FAILED
        found = {}
        for name, part, piece in zip(kind.names, kind.parts, pieces):
            value = None if piece == "\\N" else convert.from_text(part)(piece)
            if value is FAILED:
                return FAILED
            found[name] = value
        return found
    return read
