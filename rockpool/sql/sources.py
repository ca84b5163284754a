"""FROM: tables, views, subqueries, VALUES, table functions, and how they are joined."""
from sqlglot import exp

from rockpool.sql import arithmetic, casts, coercion, functions
from rockpool.sql.analysis import analyzing as failure
from rockpool.sql.scope import Column, Scope, Source, ident, unique
from rockpool.sql.terms import Term


class Sources:
    """Compiles what stands behind FROM; the names it brings are added to the scope."""

    def from_clause(self, node, scope, compiler):
        clause = node.args.get("from_") or node.args.get("from")
        if clause is None:
            return ""
        text = self._joined(clause.this, scope, compiler)
        for join in node.args.get("joins") or []:
            text = self._join(text, join, scope, compiler)
        for lateral in node.args.get("laterals") or []:
            text = f"{text} CROSS JOIN LATERAL {self._source(lateral, scope, compiler)}"
        return " FROM " + text

    def _joined(self, item, scope, compiler):
        """A source with the joins that hang on it."""
        text = self._source(item, scope, compiler)
        for join in item.args.get("joins") or []:
            text = self._join(text, join, scope, compiler)
        return text

    # ------------------------------------------------------------ joins
    def _join(self, left, join, scope, compiler):
        before = list(scope.sources)
        lateral = isinstance(join.this, (exp.Unnest, exp.Lateral)) or _is_table_function(join.this)
        right = self._joined(join.this, scope, compiler)
        side, kind = (join.side or "").upper(), (join.kind or "").upper()
        word = " ".join(w for w in (side, kind) if w)
        if lateral:
            return self._lateral(left, right, side, join, compiler)
        on, using = join.args.get("on"), join.args.get("using")
        if kind in ("SEMI", "ANTI"):
            condition = self._on(on, using, before, scope, compiler, True)
            hidden = before if side == "RIGHT" else scope.sources[len(before):]
            scope.sources = [s for s in scope.sources if s not in hidden]
            return f"{right} {kind} JOIN ({left}) {condition}" if side == "RIGHT" else f"{left} {kind} JOIN {right} {condition}"
        if on is None and not using:
            if side:
                raise failure(f"{word} JOIN requires an ON or USING clause.")
            return f"{left} CROSS JOIN {right}"
        condition = self._on(on, using, before, scope, compiler, False, side)
        return f"{left} {side or 'INNER'} JOIN {right} {condition}"

    def _lateral(self, left, right, side, join, compiler):
        if side == "LEFT":
            on = join.args.get("on")
            return f"{left} LEFT JOIN LATERAL {right} ON {compiler.condition(on) if on is not None else 'true'}"
        return f"{left} CROSS JOIN LATERAL {right}"

    def _on(self, on, using, before, scope, compiler, semi, side=""):
        if not using:
            return "ON " + (compiler.condition(on) if on is not None else "true")
        sides, after = [], [s for s in scope.sources if s not in before]
        for item in using:
            name = item.name.lower()
            left = next(((s, c) for s in before for c in s.named(name) if name not in s.merged), None)
            right = next(((s, c) for s in after for c in s.named(name)), None)
            if left is None or right is None:
                raise failure(f"Column '{item.name}' cannot be resolved.")
            a, b = scope.coalesced.get(name) or left[0].term(left[1]), right[0].term(right[1])
            sides.append(arithmetic.comparison("=", a, b).sql)
            if semi:
                continue
            right[0].merged.add(name)
            if side in ("FULL", "RIGHT"):
                kind = coercion.common(a.kind, b.kind)
                first, second = (b, a) if side == "RIGHT" else (a, b)
                scope.coalesced[name] = Term(f"coalesce({first.to(kind).sql}, {second.to(kind).sql})", kind)
        return "ON " + " AND ".join(sides)

    # ------------------------------------------------------------ one source
    def _source(self, item, scope, compiler):
        if isinstance(item, exp.Table):
            if isinstance(item.this, (exp.Func, exp.Anonymous)):
                return self._table_function(item, item.this, scope, compiler)
            return self._table(item, scope)
        if isinstance(item, exp.Unnest):
            return self._unnest(item, item.expressions, item.args.get("alias"), scope, compiler)
        if isinstance(item, exp.Lateral):
            inner = item.this
            if isinstance(inner, exp.Unnest):
                return self._unnest(item, inner.expressions, item.args.get("alias"), scope, compiler)
            if isinstance(inner, exp.Subquery):
                return self._derived(inner, item.args.get("alias"), scope, scope)
            return self._table_function(item, inner, scope, compiler)
        if isinstance(item, exp.Values):
            found = self.values(item)
            return self._named(found, item.args.get("alias"), scope, "values")
        if isinstance(item, exp.Subquery):
            if isinstance(item.this, exp.Table):  # a bracketed join
                return f"({self._joined(item.this, scope, compiler)})"
            return self._derived(item, item.args.get("alias"), scope, scope.outer)
        if isinstance(item, exp.Paren):
            return f"({self._joined(item.this, scope, compiler)})"
        raise failure(f"unsupported source {item.sql(dialect='starrocks')}")

    def _derived(self, item, alias, scope, outer):
        if alias is None:
            raise failure("Every derived table must have its own alias.")
        inner = item.copy()
        inner.set("alias", None)
        inner.set("joins", None)
        return self._named(self.query(inner, outer), alias, scope, "")

    def _named(self, query, alias, scope, default):
        """A query under an alias, with the alias' column names."""
        name = alias.name if alias is not None and alias.name else default
        given = [c.name for c in (alias.args.get("columns") if alias is not None else None) or []]
        if given and len(given) != len(query.columns):
            raise failure(f"Table '{name}' has {len(query.columns)} columns available but {len(given)} columns specified.")
        columns = unique([Column(g or c.name, c.kind) for g, c in zip(given or [None] * len(query.columns), query.columns)])
        self._add(scope, Source(name, columns))
        listed = ", ".join(ident(c.store) for c in columns)
        return f"({query.sql}) AS {ident(scope.sources[-1].store)}({listed})"

    @staticmethod
    def _add(scope, source):
        taken = {s.alias for s in scope.sources if s.database == source.database}
        if source.alias in taken:
            raise failure(f"Not unique table/alias: '{source.alias}'")
        source.store = source.alias or f"s{len(scope.sources)}_"
        if any(s.store.lower() == source.store.lower() for s in scope.sources):
            source.store += f":{len(scope.sources)}"
        scope.sources.append(source)

    def _table(self, item, scope):
        alias = item.args.get("alias")
        name = alias.name if alias is not None and alias.name else item.name
        if not item.db and item.name in self.ctes:
            store, columns = self.ctes[item.name]
            text, database = f"SELECT * FROM {ident(store)}", ""
        else:
            text, columns, database = self.resolver.table(item)
        given = [c.name for c in (alias.args.get("columns") if alias is not None else None) or []]
        columns = [Column(g, c.kind, c.store) for g, c in zip(given, columns)] if given else list(columns)
        self._add(scope, Source(name, columns, "" if alias is not None and alias.name else database))
        return f"({text}) AS {ident(scope.sources[-1].store)}"

    # ------------------------------------------------------------ rows out of values
    def _unnest(self, item, arrays, alias, scope, compiler):
        given = [compiler.term(a) for a in arrays]
        names = [c.name for c in (alias.args.get("columns") if alias is not None else None) or []]
        columns = []
        for n, g in enumerate(given):
            if g.kind is not None and g.kind.name not in ("ARRAY", "NULL"):
                raise functions.no_match("unnest", [t.kind for t in given])
            kind = g.kind.parts[0] if g.kind is not None and g.kind.parts else None
            columns.append(Column(names[n] if n < len(names) else "unnest", kind))
        columns = unique(columns)
        shown = ", ".join(f"unnest({g.sql}) AS {ident(c.store)}" for g, c in zip(given, columns))
        self._add(scope, Source(alias.name if alias is not None and alias.name else "unnest", columns))
        return f"(SELECT {shown}) AS {ident(scope.sources[-1].store)}"

    def _table_function(self, item, call, scope, compiler):
        if isinstance(call, exp.Anonymous) and call.name.lower() == "table":
            call = call.expressions[0]
        alias = item.args.get("alias")
        name = call.name.lower() if isinstance(call, exp.Anonymous) else call.sql_name().lower()
        given = call.expressions if isinstance(call, exp.Anonymous) else [call.this]
        if name == "unnest" or isinstance(call, exp.Unnest):
            return self._unnest(item, call.expressions, alias, scope, compiler)
        terms = [compiler.term(g) for g in given]
        names = [c.name for c in (alias.args.get("columns") if alias is not None else None) or []]
        if name == "generate_series":
            kind = coercion.LARGEINT if any(t.kind == coercion.LARGEINT for t in terms) else coercion.BIGINT
            columns = [Column(names[0] if names else "generate_series", kind)]
            numbers = ", ".join(t.to(coercion.BIGINT).sql for t in terms)
            body = f"SELECT unnest(generate_series({numbers})) AS {ident(columns[0].store)}"
        elif name == "json_each":
            columns = [Column(n, k) for n, k in zip(names or ["key", "value"], (coercion.VARCHAR, coercion.JSON))]
            pairs = f"sr_json_each({terms[0].to(coercion.JSON).sql})"
            body = (f"SELECT e_.k AS {ident(columns[0].store)}, e_.v AS {ident(columns[1].store)} FROM "
                    f"(SELECT unnest({pairs}) AS e_)")
        else:
            raise failure(f"Unknown table function '{name}({', '.join(functions.shown(t.kind) for t in terms)})'.")
        self._add(scope, Source(alias.name if alias is not None and alias.name else name, columns))
        return f"({body}) AS {ident(scope.sources[-1].store)}"

    def values(self, node):
        """VALUES as a query; every column has the type that holds all its values."""
        from rockpool.sql.expressions import Expressions
        from rockpool.sql.queries import Query
        compiler = Expressions(self.session, self, Scope())
        rows = []
        for row in node.expressions:
            cells = row.expressions if isinstance(row, exp.Tuple) else [row.this if isinstance(row, exp.Paren) else row]
            rows.append([compiler.term(c) for c in cells])
        if len({len(r) for r in rows}) > 1:
            raise failure("Values have unequal number of columns")
        kinds = [functions.common_kind("values", [r[n] for r in rows]) for n in range(len(rows[0]))]
        shown = ", ".join("(" + ", ".join(casts.cast(t.sql, t.kind, k) for t, k in zip(r, kinds)) + ")" for r in rows)
        columns = [Column(f"column_{n}", k) for n, k in enumerate(kinds)]
        names = ", ".join(ident(c.store) for c in columns)
        return Query(f"SELECT * FROM (VALUES {shown}) AS v_({names})", columns)


def _is_table_function(item):
    return isinstance(item, exp.Table) and isinstance(item.this, (exp.Func, exp.Anonymous))
