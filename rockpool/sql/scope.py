"""Which columns a name can mean."""
from dataclasses import dataclass, field

from rockpool.errors import SqlError
from rockpool.sql import casts
from rockpool.sql.terms import Term


def ident(name):
    return '"' + name.replace('"', '""') + '"'


@dataclass
class Column:
    """A column of a source or a result: its name, its StarRocks type (None: unknown), its name in the store."""
    name: str
    kind: object
    store: str = ""

    def __post_init__(self):
        self.store = self.store or self.name


@dataclass
class Source:
    """What stands in FROM. merged: lower-case names that USING shows once, taken from an earlier source."""
    alias: str
    columns: list
    database: str = ""
    merged: set = field(default_factory=set)
    store: str = ""  # its name in the store where that differs: two databases may have tables of one name

    def term(self, column):
        return Term(f"{ident(self.store or self.alias)}.{ident(column.store)}", column.kind)

    def named(self, name):
        name = name.lower()
        return [c for c in self.columns if c.name.lower() == name]


class Scope:
    def __init__(self, outer=None):
        self.outer = outer
        self.sources = []
        self.coalesced = {}  # lower-case name -> Term of a column that a FULL JOIN … USING merges
        self.variables = {}  # of lambdas: lower-case name -> Term

    def inner(self, variables):
        """The same scope with a lambda's variables."""
        found = Scope(self.outer)
        found.sources, found.coalesced = self.sources, self.coalesced
        found.variables = {**self.variables, **variables}
        return found

    def find(self, parts, aliases=None):
        """The Term of a name of one to four parts, None when nothing has that name."""
        if len(parts) == 1:
            name = parts[0].lower()
            if name in self.variables:
                return self.variables[name]
            found = self._column(name)
            if found is None and aliases and name in aliases:
                return aliases[name]
        else:
            found = self._qualified(parts)
        if found is None and self.outer is not None:
            return self.outer.find(parts)
        return found

    def _column(self, name):
        if name in self.coalesced:
            return self.coalesced[name]
        found = [(s, c) for s in self.sources for c in s.named(name) if name not in s.merged]
        if len(found) > 1:
            raise SqlError(f"Getting analyzing error. Detail message: Column '{name}' is ambiguous.")
        return found[0][0].term(found[0][1]) if found else None

    def _qualified(self, parts):
        for take in (1, 2, 3):
            if take >= len(parts):
                break
            for source in self._sources_named(parts[:take]):
                columns = source.named(parts[take])
                if len(columns) > 1:
                    raise SqlError(f"Getting analyzing error. Detail message: Column '{parts[take]}' is ambiguous.")
                if columns:
                    return self._fields(source.term(columns[0]), parts[take + 1:])
        first = self.variables.get(parts[0].lower()) or self._column(parts[0].lower())
        if first is not None and first.kind is not None and first.kind.name in ("STRUCT", "JSON"):
            return self._fields(first, parts[1:])
        return None

    def _sources_named(self, parts):
        exact = [s for s in self.sources if s.alias == parts[-1]] or [s for s in self.sources
                                                                     if s.alias.lower() == parts[-1].lower()]
        if len(parts) > 1:
            exact = [s for s in exact if s.database == parts[-2]]
        return exact

    @staticmethod
    def _fields(term, names):
        for name in names:
            term = field_of(term, name)
        return term


def field_of(value, name):
    """struct.field; of JSON the key."""
    if value.kind is not None and value.kind.name == "STRUCT":
        for own, part in zip(value.kind.names, value.kind.parts):
            if own.lower() == name.lower():
                return Term(casts.field(value.sql, own), part)
        raise SqlError(f"Getting analyzing error. Detail message: Struct subfield '{name}' cannot be resolved.")
    if value.kind is not None and value.kind.name == "JSON":
        return Term(f"sr_json_query({value.sql}, {casts.quoted('$.' + name)})", value.kind)
    return Term(f"struct_extract({value.sql}, {casts.quoted(name)})", None)


def unique(columns):
    """The columns with names in the store that are told apart."""
    seen, made = set(), []
    for n, c in enumerate(columns):
        store = c.name
        while store.lower() in seen:
            store += f":{n}"
        seen.add(store.lower())
        made.append(Column(c.name, c.kind, store))
    return made


def converted(query, kinds):
    """A query's text with its columns cast to other types."""
    if all(c.kind == k for c, k in zip(query.columns, kinds)):
        return query.sql
    names = [f"c{n}" for n in range(len(kinds))]
    shown = ", ".join(f"{casts.cast(n, c.kind, k)} AS {n}" for n, c, k in zip(names, query.columns, kinds))
    return f"SELECT {shown} FROM ({query.sql}) AS u_({', '.join(names)})"
