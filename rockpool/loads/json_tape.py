"""JSON with mistakes in it, as the server's parser reads it: on demand, token by token.

The server looks only for the keys it wants and steps over everything else by its brackets, so a mistake is found
late or never. A mistake in the structure of a value that is wanted makes the parser give up its place: the value fails,
what follows in the row is NULL, and what follows in an array is dropped without a word; in a stream of documents the
next document cannot be found, which fails the load. A single bad string, number or word fails alone.
"""
import json
import re

from rockpool.loads.convert import RawNumber

TOKEN = re.compile(r'[ \t\r\n]*(?:([{}\[\]:,])|("(?:[^"\\]|\\.)*"?)|([^ \t\r\n{}\[\]:,"]+))', re.S)
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
CONTROL = re.compile(r"[\x00-\x1f]")
WORDS = {"true": True, "false": False, "null": None}
STRUCTURE = ("The JSON document has an improper structure: missing or superfluous commas, braces, missing keys, etc.")
WRONG_TYPE = "The JSON element does not have the requested type."
UNCLOSED = "A string is opened, but never closed."
UNESCAPED = "Within strings, some characters must be escaped, we found unescaped characters"
ENDED_EARLY = "JSON document ended early in the middle of an object or array."
BAD = object()  # a string, number or word that is none


class Unreadable(Exception):
    """No document, or the next one, can be found. The text is the parser's."""


class GivenUp(Exception):
    """The structure of a value is broken."""


class Row:
    """What was read of one object. failed: names whose value is broken; broken: the object itself is."""

    def __init__(self):
        self.values, self.failed, self.broken = {}, set(), False


class Tape:
    def __init__(self, text, streaming):
        self.tokens, self.at = [], 0
        self.streaming, self.lost = streaming, False  # lost: the parser has given up its place
        at, closed = 0, True
        while (found := TOKEN.match(text, at)) is not None:
            at = found.end()
            self.tokens.append(found.group(1) or found.group(2) or found.group(3))
            string = found.group(2)
            if string is not None:
                closed = re.fullmatch(r'"(?:[^"\\]|\\.)*"', string, re.S) is not None
                if CONTROL.search(string):
                    raise Unreadable(UNESCAPED)
        if not closed and not streaming:
            raise Unreadable(UNCLOSED)
        if streaming:
            del self.tokens[len(self.tokens) - (not closed):]
            self._drop_incomplete()

    def _drop_incomplete(self):
        """A last document that is not complete is dropped silently."""
        open_brackets, tokens = {"{": 0, "[": 0}, self.tokens
        pairs = {"}": "{", "]": "["}
        for n in range(len(tokens) - 1, -1, -1):
            mark = tokens[n]
            if mark in ":,":
                continue
            if mark in pairs:
                open_brackets[pairs[mark]] -= 1
                continue
            if mark in open_brackets:
                open_brackets[mark] += 1
            if n and tokens[n - 1] in "{[:,":
                continue
            if any(open_brackets.values()):
                del tokens[n:]
            return

    # ------------------------------------------------------------ rows
    def rows(self, wanted):
        """The Row of every object. wanted: the keys that are columns, None for all. May end in Unreadable."""
        return self._documents(wanted) if self.streaming else self._elements(wanted)

    def _documents(self, wanted):
        while self.at < len(self.tokens):
            if self._take() != "{":
                raise Unreadable(WRONG_TYPE if self.tokens[self.at - 1] not in ":,}]" else STRUCTURE)
            row = self._row(wanted)
            yield row
            if self.lost and self.at < len(self.tokens):
                raise Unreadable(STRUCTURE)

    def _elements(self, wanted):
        if self.tokens[-1] != "]":
            raise Unreadable(ENDED_EARLY)
        self._take()
        if self.tokens[self.at] == "]":
            return
        while True:
            if self._take() != "{":
                raise Unreadable(WRONG_TYPE)
            row = self._row(wanted)
            yield row
            if self.lost:
                return
            mark = self._take()
            if mark == "]":
                return
            if mark != ",":
                raise Unreadable(STRUCTURE)

    def _row(self, wanted):
        row, self.lost = Row(), False
        try:
            for name in self._fields():
                if wanted is not None and name not in wanted:
                    self._skip()
                elif not self._read(row, name):
                    break
        except GivenUp:
            row.broken = self.lost = True
        return row

    def _read(self, row, name):
        """Reads the value of a key; whether the parser knows where it is afterwards."""
        try:
            value = self.value()
        except GivenUp:
            row.failed.add(name)
            self.lost = True
            return False
        if value is BAD:
            row.failed.add(name)
        else:
            row.failed.discard(name)
            row.values[name] = value
        return True

    # ------------------------------------------------------------ values
    def _take(self):
        if self.at >= len(self.tokens):
            raise GivenUp
        self.at += 1
        return self.tokens[self.at - 1]

    def _fields(self):
        """The keys of an object whose bracket is taken; the caller takes each value."""
        if self.at < len(self.tokens) and self.tokens[self.at] == "}":
            self.at += 1
            return
        while True:
            key = _string(self._take())
            if key is BAD or self._take() != ":":
                raise GivenUp
            yield key
            mark = self._take()
            if mark == "}":
                return
            if mark != ",":
                raise GivenUp

    def value(self):
        """One value, BAD, or GivenUp. Bad parts of an array or object are null."""
        mark = self._take()
        if mark == "{":
            found = {}
            for key in self._fields():
                found[key] = _or_null(self.value())
            return found
        if mark == "[":
            return self._array()
        if mark in "}]:,":
            raise GivenUp
        return _string(mark) if mark[0] == '"' else _word(mark)

    def _array(self):
        found = []
        if self.at < len(self.tokens) and self.tokens[self.at] == "]":
            self.at += 1
            return found
        while True:
            found.append(_or_null(self.value()))
            mark = self._take()
            if mark == "]":
                return found
            if mark != ",":
                raise GivenUp

    def _skip(self):
        """Steps over a value by its brackets; what is between them does not matter."""
        depth = 0
        while True:
            mark = self._take()
            depth += (mark in "{[") - (mark in "}]")
            if depth <= 0:
                return


def _or_null(value):
    return None if value is BAD else value


def _string(token):
    if token[0] != '"':
        return BAD
    try:
        return json.loads(token)
    except ValueError:
        return BAD


def _word(token):
    if token in WORDS:
        return WORDS[token]
    if token.lstrip("-") in ("NaN", "Infinity"):
        raise Unreadable(STRUCTURE)
    found = NUMBER.fullmatch(token)
    if not found:
        return BAD
    return RawNumber(token) if found.group(1) or found.group(2) else int(token)
