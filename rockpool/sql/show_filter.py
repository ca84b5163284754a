"""LIKE, WHERE, ORDER BY and LIMIT of SHOW statements."""
import re

from rockpool.mysql.wire import of_texts
from rockpool.sql.analysis import analyzing

COMPARISONS = {"=": lambda a, b: a == b, "<=>": lambda a, b: a == b, "!=": lambda a, b: a != b, "<>": lambda a, b: a != b,
               "<": lambda a, b: a < b, ">": lambda a, b: a > b, "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b}


def like_pattern(pattern, exact=False):
    """The test of LIKE 'pattern': % any text, _ any character, a backslash takes their meaning away."""
    regex = ""
    at = 0
    while at < len(pattern):
        ch = pattern[at]
        if ch == "\\" and at + 1 < len(pattern):
            at += 1
            regex += re.escape(pattern[at])
        else:
            regex += ".*" if ch == "%" else "." if ch == "_" else re.escape(ch)
        at += 1
    compiled = re.compile(regex, re.S if exact else re.S | re.I)
    return lambda text: text is not None and compiled.fullmatch(text) is not None


def like(reader):
    """The test of LIKE 'pattern', or one that everything passes."""
    if not reader.accept("LIKE"):
        return lambda text: True
    return like_pattern(reader.string())


class Filter:
    """What stands behind a SHOW: a test of rows, an order, a limit. Names are checked when the rows are there."""

    def __init__(self, reader):
        self.test = _either(reader) if reader.accept("WHERE") else None
        self.order, self.limit, self.offset = [], None, 0
        if reader.accept("ORDER", "BY"):
            while True:
                name = reader.name()
                descending = reader.accept("DESC")
                reader.accept("ASC")
                self.order.append((name, descending))
                if not reader.accept(","):
                    break
        if reader.accept("LIMIT"):
            self.limit = reader.integer()
            if reader.accept(","):
                self.offset, self.limit = self.limit, reader.integer()
            elif reader.accept("OFFSET"):
                self.offset = reader.integer()
        reader.end()

    def result(self, names, rows, allowed=None):
        """The filtered result. allowed: the columns that WHERE may name, all when not told."""
        rows = [[None if v is None else v if isinstance(v, str) else str(v) for v in row] for row in rows]
        at = {n.lower(): i for i, n in enumerate(names)}
        if self.test is not None:
            known = at if allowed is None else {n.lower(): at[n.lower()] for n in allowed}
            rows = [r for r in rows if self.test(r, known, names if allowed is None else allowed)]
        if self.order and self.order[-1][1]:
            rows.reverse()  # of equals the newest comes first
        for name, descending in reversed(self.order):
            if name.lower() not in at:
                raise analyzing(f"Title name[{name}] does not exist")
            key = at[name.lower()]
            rows.sort(key=lambda r: _sortable(r[key]), reverse=descending)
        if self.limit is not None:
            rows = rows[self.offset:self.offset + self.limit]
        return of_texts(names, rows)


def _sortable(text):
    if text is None:
        return (0, 0, "")
    return (1, float(text), "") if re.fullmatch(r"-?\d+(\.\d+)?", text) else (2, 0, text)


def _either(reader):
    tests = [_all(reader)]
    while reader.accept("OR"):
        tests.append(_all(reader))
    return tests[0] if len(tests) == 1 else lambda *row: any(t(*row) for t in tests)


def _all(reader):
    tests = [_one(reader)]
    while reader.accept("AND"):
        tests.append(_one(reader))
    return tests[0] if len(tests) == 1 else lambda *row: all(t(*row) for t in tests)


def _one(reader):
    if reader.accept("("):
        test = _either(reader)
        reader.expect(")")
        return test
    if reader.accept("NOT"):
        test = _one(reader)
        return lambda *row: not test(*row)
    name = reader.name()
    negated = reader.accept("NOT")
    if reader.accept("LIKE"):
        matches = like_pattern(reader.string())
        return _test(name, lambda v: matches(v) is not negated)
    if reader.accept("IN"):
        values = _values(reader)
        return _test(name, lambda v: (v in values) is not negated)
    if reader.accept("IS"):
        wanted = not reader.accept("NOT")
        reader.expect("NULL")
        return _test(name, lambda v: (v is None) is wanted)
    if reader.token.upper not in COMPARISONS:
        raise reader.unexpected("=", "LIKE", "IN")
    operator = COMPARISONS[reader.next().upper]
    value = ("-" if reader.accept("-") else "") + reader.string()
    return _test(name, lambda v: v is not None and _compared(operator, v, value))


def _compared(operator, one, other):
    numbers = all(re.fullmatch(r"-?\d+(\.\d+)?", t) for t in (one, other))
    return operator(float(one), float(other)) if numbers else operator(one, other)


def _values(reader):
    reader.expect("(")
    found = [reader.string()]
    while reader.accept(","):
        found.append(reader.string())
    reader.expect(")")
    return found


def _test(name, passes):
    def test(row, at, names):
        if name.lower() not in at:
            raise analyzing(f"The columns of {'/'.join(names)} are supported.")
        return passes(row[at[name.lower()]])
    return test
