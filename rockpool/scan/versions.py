"""How often the rows of a table were changed: what StarRocks calls the visible version of a partition.

1 is a table that never had rows; every transaction that becomes visible and every rewrite adds one. A plan of a
scan names the version it was made for. Kept at once, so that a number never comes back with other rows.
"""

FIRST = 1


class Versions:
    def __init__(self, meta):
        self.meta = meta
        self.known = {key: kept["version"] for key, kept in meta.all("version")}
        self.on_reset = []  # called with the id of a table whose tablets are new: truncated or dropped

    def of(self, table_id):
        return self.known.get(table_id, FIRST)

    def bump(self, table_id):
        self.known[table_id] = self.of(table_id) + 1
        self.meta.put("version", table_id, {"version": self.known[table_id]})

    def reset(self, table_id):
        """New, empty tablets take the place of the old ones."""
        if self.known.pop(table_id, None) is not None:
            self.meta.remove("version", table_id)
        for listener in self.on_reset:
            listener(table_id)
