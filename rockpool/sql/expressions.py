"""Expressions of StarRocks in DuckDB's words, each with its StarRocks type.

Every node becomes a Term; the type decides which conversions stand around the operands. Where a type is unknown the
store's own meaning is taken.
"""
from sqlglot import exp

from rockpool.errors import SqlError
from rockpool.sql import arithmetic, casts, coercion, dialect, functions, literals, variables
from rockpool.sql.coercion import BOOLEAN, JSON, NULL, VARCHAR
from rockpool.sql.scope import field_of
from rockpool.sql.terms import Term


class Expressions:
    """Compiles expressions in one scope. queries: compiles subqueries."""

    def __init__(self, session, queries, scope):
        self.session, self.queries, self.scope = session, queries, scope
        self.aliases = None  # lower-case select alias -> Term, where aliases may be used
        self.aliases_first = False

    def term(self, node):
        method = METHODS.get(type(node))
        if method is not None:
            return method(self, node)
        if isinstance(node, exp.Binary) and type(node) in OPERATORS:
            return self._operator(node)
        return self._by_the_store(node)

    def terms(self, nodes):
        return [self.term(n) for n in nodes]

    def condition(self, node):
        """A term as a truth value."""
        found = self.term(node)
        return found.sql if found.kind in (None, BOOLEAN) else found.to(BOOLEAN).sql

    def _by_the_store(self, node):
        """What has no rule here: its parts are compiled, the store gives it a meaning."""
        if isinstance(node, exp.Func):
            name = node.sql_name() if not isinstance(node, exp.Anonymous) else node.name
            raise functions.no_match(name, [])
        copy = node.copy()
        for key, value in list(node.args.items()):
            if isinstance(value, exp.Expression):
                copy.set(key, literals.Raw(this=self.term(value).sql))
        return Term(copy.sql(dialect="duckdb"), None)

    # ------------------------------------------------------------ names and literals
    def column(self, node):
        if isinstance(node.this, exp.Star):
            raise SqlError("Getting analyzing error. Detail message: '*' is not allowed here.")
        parts = [p.name for p in node.parts]
        if self.aliases_first and len(parts) == 1 and self.aliases and parts[0].lower() in self.aliases:
            return self.aliases[parts[0].lower()]
        found = self.scope.find(parts, self.aliases)
        if found is None and len(parts) == 1 and parts[0].lower() in WITHOUT_BRACKETS and not node.this.quoted:
            found = functions.call(self, parts[0].lower(), [])
        if found is None:
            raise unresolved(node, parts)
        return found

    def identifier(self, node):
        found = self.scope.find([node.name], self.aliases)
        if found is None:
            raise unresolved(node, [node.name])
        return found

    def dot(self, node):
        if isinstance(node.expression, exp.Func):
            return self.term(node.expression)  # db.function()
        return field_of(self.term(node.this), node.expression.name)

    def literal(self, node):
        if node.is_string:
            return Term(casts.quoted(node.this), VARCHAR, True, node.this)
        kind = coercion.of_number(node.this)
        return Term(f"CAST({literals.number(node.this, kind)} AS {kind.duckdb()})", kind, True, node.this)

    def null(self, node):
        return Term("NULL", NULL, True)

    def boolean(self, node):
        return Term("true" if node.this else "false", BOOLEAN, True, "1" if node.this else "0")

    def hex_string(self, node):
        text = node.name
        return Term(f"from_hex('{text if len(text) % 2 == 0 else '0' + text}')", coercion.VARBINARY, True)

    def session_variable(self, node):
        return self.term(variables.literal_of(self.session, node))

    def user_variable(self, node):
        return self.term(variables.user_literal(self.session, node.name))

    def paren(self, node):
        found = self.term(node.this)
        return Term(f"({found.sql})", found.kind, found.constant, found.literal, found.parts)

    def alias(self, node):
        return self.term(node.this)

    def row(self, node):
        parts = tuple(self.terms(node.expressions))
        return Term(f"({', '.join(p.sql for p in parts)})", None, parts=parts)

    # ------------------------------------------------------------ truth
    def pipes(self, node):
        mode = str(variables.value_of(self.session, "sql_mode")) if self.session is not None else ""
        if "PIPES_AS_CONCAT" in mode.upper():
            return functions.call(self, "concat", [node.this, node.expression])
        return Term(f"(({self.condition(node.this)}) OR ({self.condition(node.expression)}))", BOOLEAN)

    def logical(self, node):
        word = {exp.And: "AND", exp.Or: "OR"}[type(node)]
        sides = [f"({self.condition(n)})" for n in node.flatten()]
        return Term("(" + f" {word} ".join(sides) + ")", BOOLEAN)

    def negation(self, node):
        return Term(f"(NOT ({self.condition(node.this)}))", BOOLEAN)

    def exclusive(self, node):
        left, right = self.condition(node.this), self.condition(node.expression)
        return Term(f"(({left}) <> ({right}))", BOOLEAN)

    def is_(self, node):
        found, right = self.term(node.this), node.expression
        if isinstance(right, exp.Null) and found.kind == JSON:  # [R] a JSON null counts
            return Term(f"(coalesce({found.sql}, 'null') = 'null')", BOOLEAN, found.constant)
        if isinstance(right, exp.Null):
            return Term(f"({found.sql} IS NULL)", BOOLEAN, found.constant)
        truth = found.to(BOOLEAN).sql if found.kind is not None else found.sql
        return Term(f"({truth} IS {'TRUE' if right.this else 'FALSE'})", BOOLEAN)

    def comparison(self, node):
        return arithmetic.comparison(OPERATORS[type(node)], self.term(node.this), self.term(node.expression))

    def between(self, node):
        value, low, high = self.terms((node.this, node.args["low"], node.args["high"]))
        kind = coercion.compared_in([value.kind, low.kind, high.kind], True) if None not in (
            value.kind, low.kind, high.kind) else None
        a, b, c = (t.to(kind).sql if kind else t.sql for t in (value, low, high))
        word = "NOT BETWEEN" if node.args.get("negate") else "BETWEEN"
        return Term(f"({a} {word} {b} AND {c})", BOOLEAN)

    def in_(self, node):
        value = self.term(node.this)
        word = "NOT IN" if node.args.get("negate") else "IN"
        inner = node.args.get("query")
        if inner is not None:
            return self._in_query(value, inner, word)
        given = self.terms(node.expressions)
        if value.parts:
            rows = ", ".join("(" + ", ".join(p.to(v.kind).sql for p, v in zip(g.parts, value.parts)) + ")" for g in given)
            return Term(f"({value.sql} {word} ({rows}))", BOOLEAN)
        kind = arithmetic.kind_of_list(value, given)
        listed = ", ".join(g.to(kind).sql if kind else g.sql for g in given)
        return Term(f"({value.to(kind).sql if kind else value.sql} {word} ({listed}))", BOOLEAN)

    def _in_query(self, value, inner, word):
        query = self.queries.query(inner, self.scope)
        if value.parts:
            return Term(f"({value.sql} {word} ({query.sql}))", BOOLEAN)
        if len(query.columns) != 1:
            raise SqlError("Getting analyzing error. Detail message: Subquery must return a single column when used in "
                           "IN predicate.")
        kind = coercion.compared(value.kind, query.columns[0].kind, False)
        if kind is None:
            return Term(f"({value.sql} {word} ({query.sql}))", BOOLEAN)
        column = casts.cast("v_", query.columns[0].kind, kind)
        return Term(f"({value.to(kind).sql} {word} (SELECT {column} FROM ({query.sql}) AS q_(v_)))", BOOLEAN)

    def exists(self, node):
        query = self.queries.query(node.this, self.scope)
        return Term(f"EXISTS({query.sql})", BOOLEAN)

    def subquery(self, node):
        query = self.queries.query(node.this if isinstance(node, exp.Subquery) else node, self.scope)
        if len(query.columns) != 1:
            raise SqlError("Getting analyzing error. Detail message: A scalar subquery must return a single column.")
        return Term(f"({query.sql})", query.columns[0].kind)

    def like(self, node):
        value, pattern = (t.to(VARCHAR).sql for t in self.terms((node.this, node.expression)))
        word = "NOT LIKE" if node.args.get("negate") else "LIKE"
        return Term(f"({value} {word} {pattern} ESCAPE '\\')", BOOLEAN)

    def regular(self, node):
        value, pattern = (t.to(VARCHAR).sql for t in self.terms((node.this, node.expression)))
        found = f"regexp_matches({value}, {pattern})"
        return Term(f"(NOT {found})" if node.args.get("negate") else found, BOOLEAN)

    # ------------------------------------------------------------ values
    def _operator(self, node):
        left, right = node.this, node.expression
        for one, other, at_left in ((right, left, False), (left, right, True)):
            if isinstance(one, exp.Interval):
                return functions.shifted(self, other, one, isinstance(node, exp.Sub) and not at_left)
        return arithmetic.operation(OPERATORS[type(node)], self.term(left), self.term(right))

    def negative(self, node):
        if isinstance(node.this, exp.Literal) and not node.this.is_string:
            return self.literal(exp.Literal(this="-" + node.this.this, is_string=False))
        return arithmetic.negative(self.term(node.this))

    def bit_not(self, node):
        return arithmetic.bit_not(self.term(node.this))

    def cast(self, node):
        kind = dialect.type_of(node.to)
        found = self.term(node.this)
        if found.kind is not None and (found.kind.parts and not kind.parts and not coercion.is_text(kind)
                                       and kind.name != "JSON"):
            raise SqlError(f"Getting analyzing error. Detail message: Invalid type cast from {found.kind.shown()} to "
                           f"{kind.shown()} in sql `{node.this.sql(dialect='starrocks')}`.")
        return Term(casts.cast(found.sql, found.kind, kind), kind, found.constant, found.literal)

    def case(self, node):
        subject = node.this
        conditions = []
        for branch in node.args["ifs"]:
            if subject is None:
                conditions.append(self.condition(branch.this))
            else:
                conditions.append(arithmetic.comparison("=", self.term(subject), self.term(branch.this)).sql)
        values = self.terms([b.args["true"] for b in node.args["ifs"]])
        default = self.term(node.args["default"]) if node.args.get("default") is not None else Term("NULL", NULL)
        kind = functions.common_kind("case when", values + [default])
        branches = " ".join(f"WHEN {c} THEN {v.to(kind).sql}" for c, v in zip(conditions, values))
        return Term(f"CASE {branches} ELSE {default.to(kind).sql} END", kind)

    def if_(self, node):
        return functions.call(self, "if", [node.this, node.args["true"], node.args.get("false") or exp.null()])

    def array(self, node, kind=None):
        given = self.terms(node.expressions)
        kind = kind or functions.common_kind("array", given)
        if kind == NULL:
            kind = BOOLEAN if given else NULL
        sql = ", ".join(g.to(kind).sql for g in given)
        store = "NULL" if kind is None else "BOOLEAN" if kind == NULL else kind.duckdb()
        return Term(f"CAST([{sql}] AS {store}[])" if kind else f"[{sql}]", coercion.array(kind) if kind else None)

    def mapping(self, node):
        pairs = node.this.expressions
        keys = self.terms([p.this for p in pairs])
        values = self.terms([p.expression for p in pairs])
        return functions.made_map(keys, values)

    def subscript(self, node):
        found = self.term(node.this)
        return functions.element(found, self.term(node.expressions[0]))

    def arrow(self, node):
        return functions.call(self, "json_query", [node.this, node.expression])

    def interval(self, node):
        raise SqlError("Getting analyzing error. Detail message: INTERVAL is only allowed in date arithmetic.")

    def function(self, node):
        return functions.call(self, node.name.lower(), node.expressions, node)

    def group_concat(self, node):
        return functions.group_concat(self, node)

    def window(self, node):
        return functions.window(self, node)

    def extract(self, node):
        return functions.call(self, node.name.lower() if isinstance(node.this, str) else node.this.name.lower(), [node.expression])

    def position(self, node):
        return functions.call(self, "instr", [node.this, node.args["substr"]])

    def trim(self, node):
        """TRIM(x), TRIM(x, letters) and TRIM([BOTH | LEADING | TRAILING] [part] FROM x)"""
        side = str(node.args.get("position") or "").upper()
        part = node.args.get("expression")
        if not side:
            return functions.call(self, "trim", [node.this] + ([part] if part is not None else []))
        text = self.term(node.this).to(VARCHAR).sql
        mark = self.term(part).to(VARCHAR).sql if part is not None else "' '"
        return Term(f"sr_trimmed({text}, {mark}, '{side or 'BOTH'}')", VARCHAR)

    def filtered(self, node):
        found = self.term(node.this)
        return Term(f"{found.sql} FILTER (WHERE {self.condition(node.expression.this)})", found.kind)

    def ignored_nulls(self, node):
        return self.term(node.this)

    def collated(self, node):
        return self.term(node.this)


def unresolved(node, parts):
    """Column 'x' cannot be resolved, with its place."""
    first = node if isinstance(node, exp.Identifier) else node.parts[0]
    place = ""
    if first.meta.get("line"):
        start = (first.meta.get("col") or 1) - (first.meta["end"] - first.meta["start"] + 1)
        place = f" at line {first.meta['line']}, column {max(start, 0)}"
    return SqlError(f"Getting analyzing error{place}. Detail message: Column '{'.'.join(parts)}' cannot be resolved.")


WITHOUT_BRACKETS = ("current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "current_user",
                    "current_role")
OPERATORS = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%", exp.IntDiv: "DIV", exp.BitwiseAnd: "&",
             exp.BitwiseOr: "|", exp.BitwiseXor: "^", exp.BitwiseLeftShift: "<<", exp.BitwiseRightShift: ">>",
             exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=", exp.NullSafeEQ: "<=>"}
C = Expressions
METHODS = {exp.Column: C.column, exp.Identifier: C.identifier, exp.Dot: C.dot, exp.Literal: C.literal, exp.Null: C.null,
           exp.Boolean: C.boolean, exp.HexString: C.hex_string, exp.SessionParameter: C.session_variable,
           exp.Parameter: C.user_variable, exp.Paren: C.paren, exp.Alias: C.alias, exp.Tuple: C.row, exp.And: C.logical,
           exp.Or: C.logical, dialect.Pipes: C.pipes, exp.Not: C.negation, exp.Xor: C.exclusive, exp.Is: C.is_, exp.Between: C.between,
           exp.In: C.in_, exp.Exists: C.exists, exp.Subquery: C.subquery, exp.Select: C.subquery, exp.Like: C.like,
           exp.RegexpLike: C.regular, exp.Neg: C.negative, exp.BitwiseNot: C.bit_not, exp.Cast: C.cast,
           exp.TryCast: C.cast, exp.Case: C.case, exp.If: C.if_, exp.Array: C.array, exp.ToMap: C.mapping,
           exp.Bracket: C.subscript, dialect.Arrow: C.arrow, exp.Interval: C.interval, exp.Anonymous: C.function,
           exp.GroupConcat: C.group_concat, exp.Window: C.window, exp.Extract: C.extract, exp.StrPosition: C.position,
           exp.Trim: C.trim, exp.Filter: C.filtered, exp.IgnoreNulls: C.ignored_nulls, exp.Collate: C.collated,
           **{kind: C.comparison for kind in (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ)}}
