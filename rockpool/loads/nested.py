"""ARRAY, MAP and STRUCT values written as text."""
import re

from rockpool.loads import convert
from rockpool.loads.dates import FAILED


class NestedText:
    """Reads [v,…], {k:v,…} and {"f":v,…} of CSV fields. Strings are quoted, a doubled quote is one quote.

    escaped: as query results print them, with a backslash before quotes and backslashes.
    """

    def __init__(self, text, escaped=False):
        self.text, self.at, self.escaped = text, 0, escaped

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
        self.at += 1
        if self.escaped:
            found = re.compile(rf"((?:[^\\{mark}]|\\.)*){mark}", re.S).match(self.text, self.at)
            if not found:
                raise ValueError("a quote is open")
            self.at = found.end()
            return re.sub(r"\\(.)", r"\1", found.group(1), flags=re.S)
        pieces = []
        while True:
            stop = self.text.find(mark, self.at)
            if stop < 0:
                raise ValueError("a quote is open")
            pieces.append(self.text[self.at:stop])
            self.at = stop + 1
            if not self.text.startswith(mark, self.at):
                return mark.join(pieces)
            self.at += 1

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
        value = convert.from_text(kind)(text)
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


def nested_text(kind, escaped=False):
    def read(text):
        try:
            reader = NestedText(text, escaped)
            value = reader.value(kind, "")
            reader.skip()
            return value if reader.at == len(text) and value is not NULL_PART else FAILED
        except ValueError:
            return FAILED
    return read
