"""The server's reader for enclose and escape: its state machine, with its traps.

A field is a stretch of the body. Inside it only positions of bytes to leave out are remembered, and of an enclosed field
the last byte is taken off, whatever it is: text behind a closing quote loses its end and keeps the quote.
"""
import re
from enum import Enum, auto


class State(Enum):
    START = auto()
    ORDINARY = auto()
    ENCLOSE = auto()  # inside quotes
    LITERAL = auto()  # the next byte means itself
    ESCAPE = auto()


class Field:
    """One field while it is read."""

    def __init__(self, start):
        self.start, self.enclosed, self.left_out, self.blank = start, False, [], None

    def value(self, body, stop):
        """Its bytes. stop: where the delimiter behind it begins."""
        last_taken = 0
        if self.blank is not None:  # trim_space: a blank behind the closing quote ends the field
            stop = self.blank
        elif self.enclosed:
            last_taken = 1
        pieces, at = [], self.start
        for position in self.left_out:
            if position >= stop:
                break
            pieces.append(body[at:position])
            at = position + 1
        found = b"".join([*pieces, body[at:stop]])
        if self.blank is not None:
            return found[:-1]
        return found[:-last_taken] if last_taken else found


class QuotedRows:
    """Yields (raw row, fields as bytes); blank rows are left out."""

    def __init__(self, csv, body):
        self.body = body if body.endswith(csv.row_mark) else body + csv.row_mark
        self.row_mark, self.field_mark, self.trim = csv.row_mark, csv.field_mark, csv.trim
        self.enclose, self.escape = csv.enclose or b"\0", csv.escape or b"\0"  # unset: the byte 0 stands for it
        quotes = re.escape(self.enclose) + re.escape(self.escape)
        self.in_quotes = re.compile(b"[" + quotes + b"]")
        self.outside = re.compile(b"[" + quotes + re.escape(self.field_mark[:1] + self.row_mark[:1]) + b"]")
        self.simple = self._simple(bool(csv.enclose))
        self.at = 0

    def _simple(self, may_enclose):
        """A pattern of fields that end as they began, without anything special inside; None when marks look alike."""
        specials = [self.enclose, self.escape, self.field_mark, self.row_mark]
        if len({m[0] for m in specials}) < len(specials) or self.trim and any(m[:1] == b" " for m in specials):
            return None
        first = b"".join(re.escape(m[:1]) for m in specials)
        ending = b"(?:(?P<field>%b)|%b)" % (re.escape(self.field_mark), re.escape(self.row_mark))
        plain = b"(?P<plain>[^%b]*+)%b" % (first, ending.replace(b"field", b"plain_field"))
        if not may_enclose:
            return re.compile(plain)
        mark = re.escape(self.enclose)
        quoted = b"%b%b(?P<quoted>[^%b]*+)%b%b" % (b" *+" if self.trim else b"", mark, mark + re.escape(self.escape), mark,
                                                   ending)
        return re.compile(quoted + b"|" + plain)

    def __iter__(self):
        while self.at < len(self.body):
            start = self.at
            fields, stop = self._row()
            if fields:
                yield self.body[start:stop], fields

    def _row(self):
        """(fields, where the row delimiter begins); no fields for a blank row."""
        fields = []
        while True:
            value, ending, stop = self._simple_field() or self._special_field()
            if ending == "row" and not fields and value is None:
                return [], stop
            fields.append(value or b"")
            if ending == "row":
                return fields, stop

    def _simple_field(self):
        """(bytes, None when nothing at all is there; what ended it; where that begins), or None."""
        found = self.simple.match(self.body, self.at) if self.simple is not None else None
        if found is None:
            return None
        self.at = found.end()
        if found.lastgroup in ("field", "plain_field"):
            ending, stop = "field", self.at - len(self.field_mark)
        else:
            ending, stop = "row", self.at - len(self.row_mark)
        value = found["plain"]
        if value is None:
            return found["quoted"], ending, stop
        return (value.lstrip(b" ") if self.trim else value) or None, ending, stop

    def _special_field(self):
        """The same by the reader's own rules, byte by byte."""
        field, ending, stop = self._field()
        return None if field.start == stop else field.value(self.body, stop), ending, stop

    def _sees(self, mark):
        return self.body.startswith(mark, self.at)

    def _field(self):
        """(Field, what ended it, where that begins)"""
        if self.trim:
            while self._sees(b" "):
                self.at += 1
        field = Field(self.at)
        ending = self._end_of_field()
        if ending:
            return field, *ending
        state = self._begin(field)
        if not isinstance(state, State):
            return field, *state
        before = State.ORDINARY
        while self.at < len(self.body):
            if state is State.LITERAL:
                self.at += 1
                state = before
            elif state is State.ENCLOSE:
                before = state
                state = self._enclosed(field)
            else:
                if state is State.ESCAPE and self._escaped():
                    state = before
                    continue
                ending = self._end_of_field()
                if ending:
                    return field, *ending
                before, state = State.ORDINARY, self._ordinary(field)
        # the body ends inside quotes: the delimiter that would have ended the row is cut off all the same
        return field, "row", len(self.body) - len(self.row_mark)

    def _begin(self, field):
        """The state behind the first byte, or the end of a field that is only a pair of quotes."""
        if self._sees(self.escape):
            field.left_out.append(self.at)
            self.at += 1
            return State.ESCAPE
        if not self._sees(self.enclose):
            self.at += 1
            return State.ORDINARY
        self.at += 1
        field.start = self.at
        if not self._sees(self.enclose):
            field.enclosed = True
            return State.ENCLOSE
        self.at += 1  # two quotes: an empty field, or the second one is text
        ending = self._end_of_field()
        if ending:
            field.enclosed = True
            return ending
        return State.ORDINARY

    def _end_of_field(self):
        """(what, where) when a delimiter comes next, which is taken."""
        for mark, name in ((self.row_mark, "row"), (self.field_mark, "field")):
            if self._sees(mark):
                self.at += len(mark)
                return name, self.at - len(mark)
        return None

    def _enclosed(self, field):
        found = self.in_quotes.search(self.body, self.at)
        if found is None:
            self.at = len(self.body)
            return State.ENCLOSE
        self.at = found.start()
        if self._sees(self.enclose):
            self.at += 1
            if self._sees(self.enclose):
                field.left_out.append(self.at - 1)
                return State.LITERAL
            if self.trim and self._sees(b" "):
                field.blank = self.at
            return State.ORDINARY
        field.left_out.append(self.at)
        self.at += 1
        return State.ESCAPE

    def _escaped(self):
        """Whether what comes is a byte or delimiter that an escape keeps; it is taken then."""
        for mark in (self.enclose, self.escape, self.row_mark, self.field_mark):
            if self._sees(mark):
                self.at += len(mark)
                return True
        return False

    def _ordinary(self, field):
        if self._sees(self.escape):
            field.left_out.append(self.at)
            self.at += 1
            return State.ESCAPE
        if self._sees(self.enclose):
            field.left_out.append(self.at)
            self.at += 1
            return State.LITERAL
        found = self.outside.search(self.body, self.at + 1)
        self.at = found.start() if found else len(self.body)
        return State.ORDINARY
