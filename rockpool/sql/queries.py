"""Queries of StarRocks in DuckDB's words: FROM, joins, grouping, ordering, set operations.

Names are resolved here and not by the store, so that every column has its StarRocks type and every error its text.
"""
from dataclasses import dataclass

from sqlglot import exp

from rockpool.sql import coercion, functions
from rockpool.sql.analysis import analyzing as failure
from rockpool.sql.expressions import Expressions
from rockpool.sql.scope import Column, Scope, Source, converted, ident, unique
from rockpool.sql.sources import Sources
from rockpool.sql.terms import Term

SET_WORDS = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}


@dataclass
class Query:
    sql: str
    columns: list


class Queries(Sources):
    """Compiles the queries of one statement. resolver: finds tables and checks rights."""

    def __init__(self, session, resolver, ctes=None):
        self.session, self.resolver = session, resolver
        self.ctes = ctes or {}
        self.moment = None  # the time of the statement, when something asks for it
        self.windows = []

    def query(self, node, outer=None):
        """The Query of a tree."""
        kept = self.ctes
        prefix = self._with(node, outer)
        if isinstance(node, exp.Subquery):
            found = self._subquery(node, outer)
        elif isinstance(node, exp.SetOperation):
            found = self._set_operation(node, outer)
        elif isinstance(node, exp.Values):
            found = self.values(node)
        elif isinstance(node, exp.Select):
            found = Select(self, node, outer).compile()
        else:
            raise failure("a query is expected")
        self.ctes = kept
        return Query(prefix + found.sql, found.columns)

    def _with(self, node, outer):
        clause = node.args.get("with_") or node.args.get("with")
        if clause is None:
            return ""
        self.ctes = dict(self.ctes)
        texts = []
        for n, cte in enumerate(clause.expressions):
            name = cte.alias_or_name
            if clause.args.get("recursive") and isinstance(cte.this, exp.SetOperation):
                query = self._recursive(cte, name, outer)
            else:
                query = self.query(cte.this, outer)
            names = [c.name for c in cte.args["alias"].args.get("columns") or []]
            if names and len(names) != len(query.columns):
                raise failure(f"CTE '{name}' has {len(query.columns)} columns, {len(names)} names are given")
            columns = [Column(a or c.name, c.kind, c.store) for a, c in zip(names or [None] * len(query.columns), query.columns)]
            columns = unique(columns)
            store = f"cte_{len(self.ctes)}_{name}"
            self.ctes[name] = (store, columns)
            listed = ", ".join(ident(c.store) for c in columns)
            texts.append(f"{ident(store)}({listed}) AS ({query.sql})")
        return f"WITH {'RECURSIVE ' if clause.args.get('recursive') else ''}{', '.join(texts)} "

    def _recursive(self, cte, name, outer):
        """The first branch gives the types, the others may read the name."""
        first = self.query(cte.this.this, outer)
        names = [c.name for c in cte.args["alias"].args.get("columns") or []] or [c.name for c in first.columns]
        columns = unique([Column(n, c.kind) for n, c in zip(names, first.columns)])
        self.ctes[name] = (f"cte_{len(self.ctes)}_{name}", columns)
        again = self.query(cte.this.expression, outer)
        store = self.ctes.pop(name)
        assert store
        word = "UNION" if cte.this.args.get("distinct") else "UNION ALL"
        return Query(f"{first.sql} {word} {converted(again, [c.kind for c in columns])}", first.columns)

    def _subquery(self, node, outer):
        found = self.query(node.this, outer)
        tail = self._tail(node, found, outer)
        return Query(f"SELECT * FROM ({found.sql}) AS s_{tail}" if tail else found.sql, found.columns)

    # ------------------------------------------------------------ UNION, EXCEPT, INTERSECT
    def _set_operation(self, node, outer):
        left, right = self.query(node.this, outer), self.query(node.expression, outer)
        if len(left.columns) != len(right.columns):
            raise failure("Operands have unequal number of columns")
        kinds = []
        for a, b in zip(left.columns, right.columns):
            try:
                kinds.append(coercion.common(a.kind, b.kind))
            except coercion.NoCommonType as e:
                raise failure(f"Incompatible return types {e} of set operation") from None
        word = SET_WORDS[type(node)] + (" ALL" if node.args.get("distinct") is False else "")
        names = ", ".join(ident(c.store) for c in unique(left.columns))
        both = f"({converted(left, kinds)}) {word} ({converted(right, kinds)})"
        columns = unique([Column(c.name, k) for c, k in zip(left.columns, kinds)])
        found = Query(f"SELECT * FROM ({both}) AS s_({names})", columns)
        return Query(found.sql + self._tail(node, found, outer), columns)

    def _tail(self, node, query, outer):
        """ORDER BY, LIMIT of a set operation or a bracketed query: they see its result columns."""
        scope = Scope(outer)
        scope.sources.append(Source("s_", query.columns))
        compiler = Expressions(self.session, self, scope)
        return order_by(compiler, node.args.get("order"), query.columns, None) + limit(node)


def order_by(compiler, node, columns, select):
    """The ORDER BY clause. columns: of the result, for positions; select: resolves aliases, or None."""
    if node is None:
        return ""
    parts = []
    for e in node.expressions:
        inner = e.this if isinstance(e, exp.Ordered) else e
        parts.append(_ordered_term(compiler, inner, columns, select) + direction(e))
    return " ORDER BY " + ", ".join(parts)


def direction(e):
    """NULL is the smallest value."""
    if not isinstance(e, exp.Ordered):
        return " ASC NULLS FIRST"
    down = bool(e.args.get("desc"))
    first = e.args.get("nulls_first")
    first = (not down) if first is None else bool(first)
    return f" {'DESC' if down else 'ASC'} NULLS {'FIRST' if first else 'LAST'}"


def _ordered_term(compiler, node, columns, select):
    if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
        n = int(node.this)
        if not 1 <= n <= len(columns):
            raise failure(f"ORDER BY position {n} is not in select list")
        return _sortable(columns[n - 1].kind, str(n), select, n - 1)
    if select is not None:
        n = select.position_of(node)
        if n is not None:
            return _sortable(columns[n].kind, str(n + 1), select, n)
    compiler.aliases_first = True  # the result's names hide the tables' columns in ORDER BY
    term = compiler.term(node)
    compiler.aliases_first = False
    return f"sr_json_key({term.sql})" if term.kind == coercion.JSON else term.sql


def _sortable(kind, position, select, n):
    if kind == coercion.JSON and select is not None:
        return f"sr_json_key({select.terms[n].sql})"
    return position


def limit(node):
    found = ""
    if node.args.get("limit") is not None:
        clause = node.args["limit"]
        found += f" LIMIT {(clause.expression if isinstance(clause, exp.Limit) else clause.args['count']).sql()}"
    if node.args.get("offset") is not None:
        found += f" OFFSET {node.args['offset'].expression.sql()}"
    return found


def _of_tables(select):
    source = select.args.get("from_") or select.args.get("from")
    table = source.this if source is not None else None
    return isinstance(table, exp.Table) and table.db.lower() == "information_schema" and table.name.lower() == "tables"


class Select:
    """One SELECT."""

    def __init__(self, queries, node, outer):
        self.queries, self.node = queries, node
        self.scope = Scope(outer)
        self.compiler = Expressions(queries.session, queries, self.scope)
        self.names, self.terms, self.nodes = [], [], []

    def compile(self):
        node = self.node
        source = self.queries.from_clause(node, self.scope, self.compiler)
        where = self._condition("where")
        kept, self.queries.windows = self.queries.windows, node.args.get("windows") or []
        self._select_list()
        columns = unique([Column(n, t.kind) for n, t in zip(self.names, self.terms)])
        aliases = {a.lower(): self.terms[n] for n, a in reversed(list(enumerate(self.names)))
                   if isinstance(self.nodes[n], exp.Alias)}
        self.compiler.aliases = aliases
        group = self._group_by()
        having, qualify = self._having(where), self._condition("qualify")
        order = order_by(self.compiler, node.args.get("order"), columns, self)
        self.queries.windows = kept
        shown = ", ".join(f"{t.sql} AS {ident(c.store)}" for t, c in zip(self.terms, columns))
        distinct = "DISTINCT " if node.args.get("distinct") else ""
        return Query(f"SELECT {distinct}{shown}{source}{where}{group}{having}{qualify}{order}{limit(node)}", columns)

    def _condition(self, name):
        clause = self.node.args.get(name)
        return f" {name.upper()} ({self.compiler.condition(clause.this)})" if clause is not None else ""

    def _having(self, where):
        """HAVING of a query without aggregates is a further filter of its rows; drivers' metadata queries use it."""
        clause, node = self.node.args.get("having"), self.node
        if clause is None or node.args.get("group") or any(functions.aggregates_in(e) for e in (clause.this, *node.expressions)):
            return self._condition("having")
        condition = clause.this
        if _of_tables(node):  # where drivers filter what they have just renamed
            shown = {e.alias.lower(): e.this for e in node.expressions if isinstance(e, exp.Alias)}
            condition = condition.transform(lambda n: exp.Paren(this=shown[n.name.lower()].copy()) if (
                isinstance(n, exp.Column) and not n.table and n.name.lower() in shown) else n)
        text = self.compiler.condition(condition)
        return f" {'AND' if where else 'WHERE'} ({text})"

    # ------------------------------------------------------------ SELECT list
    def _select_list(self):
        for e in self.node.expressions:
            if isinstance(e, exp.Star):
                self._star(self.scope.sources, e)
            elif isinstance(e, exp.Column) and isinstance(e.this, exp.Star):
                parts = [p.name for p in e.parts[:-1]]
                found = self.scope._sources_named(parts)
                if not found:
                    raise failure(f"Unknown table '{'.'.join(parts)}'")
                self._star(found, e.this)
            else:
                self._add(functions.result_name(e), self.compiler.term(e), e)

    def _star(self, sources, star):
        if not sources:
            raise failure("No tables used")
        hidden = {c.name.lower() for c in star.args.get("except_") or star.args.get("except") or []}
        for s in sources:
            for c in s.columns:
                name = c.name.lower()
                if name in hidden or name in s.merged and len(sources) > 1:
                    continue
                self._add(c.name, self.scope.coalesced.get(name) if len(sources) > 1 and name in self.scope.coalesced
                          else s.term(c), None)

    def _add(self, name, term, node):
        if term.parts:
            raise failure("a row is not a column")
        self.names.append(name)
        self.terms.append(term if term.kind is None or term.kind.name != "NULL" else
                          Term("CAST(NULL AS BOOLEAN)", coercion.NULL, True))
        self.nodes.append(node)

    def position_of(self, node):
        """Which result column an ORDER BY expression names or repeats."""
        if isinstance(node, exp.Column) and not node.table:
            for n, (name, own) in enumerate(zip(self.names, self.nodes)):
                if name.lower() == node.name.lower() and isinstance(own, exp.Alias):
                    return n
        for n, own in enumerate(self.nodes):
            if own is not None and (own.this if isinstance(own, exp.Alias) else own) == node:
                return n
        if self.node.args.get("distinct") and isinstance(node, exp.Column):
            found = self.compiler.term(node)
            return next((n for n, t in enumerate(self.terms) if t.sql == found.sql), None)
        return None

    # ------------------------------------------------------------ GROUP BY
    def _group_by(self):
        clause = self.node.args.get("group")
        if clause is None:
            return ""
        parts = []
        for e in clause.expressions:
            parts.append(self._grouping(e))
        for key, word in (("rollup", "ROLLUP"), ("cube", "CUBE"), ("grouping_sets", "GROUPING SETS")):
            for e in clause.args.get(key) or []:
                if e.expressions:
                    parts.append(self._grouping(e))
                else:
                    parts = [f"{word} ({', '.join(parts)})"]
        return " GROUP BY " + ", ".join(parts)

    def _grouping(self, e):
        for kind, word in ((exp.Rollup, "ROLLUP"), (exp.Cube, "CUBE"), (exp.GroupingSets, "GROUPING SETS")):
            if isinstance(e, kind):
                return f"{word} ({', '.join(self._grouping(x) for x in e.expressions)})"
        if isinstance(e, (exp.Tuple, exp.Paren)):
            inner = e.expressions if isinstance(e, exp.Tuple) else [e.this]
            return "(" + ", ".join(self._grouping(x) for x in inner) + ")"
        if isinstance(e, exp.Literal) and not e.is_string and e.this.isdigit():
            n = int(e.this)
            if not 1 <= n <= len(self.terms):
                raise failure(f"Group by position {n} is not in select list.")
            return self._key(self.terms[n - 1])
        return self._key(self.compiler.term(e))

    @staticmethod
    def _key(term):
        return f"({term.sql})" if term.constant else term.sql


