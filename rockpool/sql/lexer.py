"""Splits SQL text into tokens, and reads them one after the other."""
import re
from dataclasses import dataclass

from rockpool.errors import SqlError

PATTERN = re.compile(r"""
    (?P<space>\s+|--[^\n]*|\#[^\n]*|/\*.*?\*/)
  | (?P<string>'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'|"[^"\\]*(?:(?:\\.|"")[^"\\]*)*")
  | (?P<quoted>`(?:[^`]|``)*`)
  | (?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)
  | (?P<word>@@?[\w.$]+|[^\W\d][\w$]*)
  | (?P<op><=>|->>|->|<=|>=|<>|!=|:=|\|\||&&|.)
""", re.X | re.S)
# Words that are no identifiers without backticks (the documentation's list, 3.1 and later).
RESERVED = frozenset("""
    ADD ALL ALTER ANALYZE AND ARRAY AS ASC BETWEEN BIGINT BITMAP BOTH BY CASE CHAR CHARACTER CHECK COLLATE COLUMN COMPACTION CONVERT
    CREATE CROSS CUBE CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURRENT_ROLE DATABASE DATABASES DECIMAL DECIMALV2
    DECIMAL32 DECIMAL64 DECIMAL128 DEFAULT DELETE DENSE_RANK DESC DESCRIBE DISTINCT DOUBLE DROP DUAL DEFERRED ELSE EXCEPT EXISTS
    EXPLAIN FALSE FIRST_VALUE FLOAT FOR FORCE FROM FULL FUNCTION GRANT GROUP GROUPS GROUPING GROUPING_ID HAVING HLL HOST IF IGNORE
    IN INDEX INFILE INNER INSERT INT INTEGER INTERSECT INTO IS IMMEDIATE JOIN JSON KEY KEYS KILL LAG LARGEINT LAST_VALUE LATERAL
    LEAD LEFT LIKE LIMIT LOAD LOCALTIME LOCALTIMESTAMP MAXVALUE MINUS MOD NTILE NOT NULL ON OR ORDER OUTER OUTFILE OVER PARTITION
    PERCENTILE PRIMARY PROCEDURE QUALIFY RANGE RANK READ REGEXP RELEASE RENAME REPLACE REVOKE RIGHT RLIKE ROW ROWS ROW_NUMBER
    SCHEMA SCHEMAS SELECT SET SET_VAR SHOW SMALLINT SYSTEM TABLE TERMINATED TEXT THEN TINYINT TO TRUE UNION UNIQUE UNSIGNED UPDATE
    USE USING VALUES VARCHAR WHEN WHERE WITH""".split())
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a"}


@dataclass(frozen=True, slots=True)
class Token:
    kind: str  # string, quoted, number, word, op, end
    text: str  # as written
    start: int
    stop: int

    @property
    def value(self):
        if self.kind == "string":
            return unquote(self.text)
        if self.kind == "quoted":
            return self.text[1:-1].replace("``", "`")
        return self.text

    @property
    def upper(self):
        return self.text.upper() if self.kind == "word" else self.text if self.kind == "op" else ""


def unquote(text):
    """The value of a string literal: backslash escapes and doubled quotes."""
    mark, body = text[0], text[1:-1]
    body = body.replace(mark * 2, mark)
    if "\\" not in body:
        return body
    return re.sub(r"\\(.)", lambda m: m.group(0) if m.group(1) in "%_" else ESCAPES.get(m.group(1), m.group(1)),
                  body, flags=re.S)


def tokens(text):
    found, at = [], 0
    while at < len(text):
        match = PATTERN.match(text, at)
        at = match.end()
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, match.group(), match.start(), at))
    found.append(Token("end", "<EOF>", len(text), len(text)))
    return found


def statements(text):
    """(statement text, its tokens) for every statement of a text separated by semicolons."""
    result, begin = [], []
    for token in tokens(text):
        if token.text == ";" and token.kind == "op" or token.kind == "end":
            if begin:
                first, last = begin[0].start, begin[-1].stop
                piece = text[first:last]
                shifted = [Token(t.kind, t.text, t.start - first, t.stop - first) for t in begin]
                result.append((piece, shifted + [Token("end", "<EOF>", len(piece), len(piece))]))
            begin = []
        else:
            begin.append(token)
    return result


class Reader:
    """Reads the tokens of one statement. Words compare without case."""

    def __init__(self, text, found=None):
        self.text = text
        self.tokens = found or tokens(text)
        self.at = 0

    @property
    def token(self):
        return self.tokens[self.at]

    def ahead(self, n=1):
        return self.tokens[min(self.at + n, len(self.tokens) - 1)]

    def next(self):
        token = self.token
        if token.kind != "end":
            self.at += 1
        return token

    def sees(self, *words):
        return all(self.ahead(n).upper == w for n, w in enumerate(words))

    def accept(self, *words):
        if self.sees(*words):
            self.at += len(words)
            return True
        return False

    def expect(self, *words):
        for word in words:
            if not self.accept(word):
                raise self.unexpected(word)

    def one_of(self, *words):
        for word in words:
            if self.accept(word):
                return word
        raise self.unexpected(*words)

    def name(self):
        token = self.next()
        if token.kind not in ("word", "quoted"):
            self.at -= 1 if token.kind != "end" else 0
            raise self.unexpected("a legal identifier")
        return token.value

    def identifier(self):
        """A name that is no reserved word, unless it stands in backticks."""
        if self.token.upper in RESERVED:
            raise self.unexpected("a legal identifier")
        return self.name()

    def names(self):
        """( name, name, … )"""
        self.expect("(")
        found = [self.identifier()]
        while self.accept(","):
            found.append(self.identifier())
        self.expect(")")
        return found

    def string(self):
        token = self.next()
        if token.kind not in ("string", "word", "quoted", "number"):
            raise self.unexpected("a string")
        return token.value

    def integer(self):
        token = self.next()
        if token.kind != "number" or not token.text.isdigit():
            self.at -= 1
            raise self.unexpected("INTEGER_VALUE")
        return int(token.text)

    def properties(self):
        """( "key" = "value", … )"""
        found = {}
        self.expect("(")
        while not self.accept(")"):
            key = self.string()
            self.expect("=")
            found[key] = self.string()
            if not self.sees(")"):
                self.expect(",")
        return found

    def bracketed(self):
        """The text between a bracket that comes next and its partner, without them."""
        self.expect("(")
        start, depth = self.token.start, 1
        while True:
            token = self.next()
            if token.kind == "end":
                raise self.unexpected("')'")
            depth += (token.upper == "(") - (token.upper == ")")
            if depth == 0:
                return self.text[start:token.start].strip()

    def qualified(self):
        """a, a.b or a.b.c as a list."""
        found = [self.identifier()]
        while self.accept("."):
            found.append(self.name())
        return found

    def end(self):
        if self.token.kind != "end":
            raise self.unexpected("<EOF>", "';'")

    def unexpected(self, *wanted):
        token = self.token
        before = self.text[:token.start]
        line, column = before.count("\n") + 1, token.start - (before.rfind("\n") + 1)
        guess = ", ".join(f"'{w}'" if w.isupper() and w != "<EOF>" else w for w in wanted)
        return SqlError(f"Getting syntax error at line {line}, column {column}. Detail message: Unexpected input "
                        f"'{token.text}', the most similar input is {{{guess}}}.")
