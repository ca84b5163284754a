"""The page of the frontend's port for people: what is there, what arrived last, what is open. Plain HTML, no login."""
import time
from html import escape

from aiohttp import web

LOADS_SHOWN = 30
TABLES_SHOWN = 200
REFRESH_SECONDS = 3
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222; background: #fff }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem } .note { color: #666 }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #ddd }
td.n, th.n { text-align: right } td.bad { color: #b00 }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818 } td, th { border-color: #444 } td.bad { color: #f77 } }
"""


class StatusPage:
    def __init__(self, world):
        self.world = world

    async def show(self, request):
        parts = (self._head(), self._tables(), self._open(), self._loads(), self._faults(), "</body></html>\n")
        return web.Response(text="".join(parts), content_type="text/html", charset="utf-8",
                            headers={"Cache-Control": "no-store"})

    def _head(self):
        world, counts = self.world, self.world.stats.counts
        backends = ", ".join(f"{port}{' (dead)' if n in world.dead_backends else ''}"
                             for n, port in enumerate(world.ports.get("be_http", ())))
        counting = " It counts what is loaded and stores nothing." if world.counting else ""
        return (f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>rockpool</title>'
                f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}"><style>{STYLE}</style></head><body>'
                f"<h1>rockpool</h1><p>A local stand-in that behaves like StarRocks {escape(world.version.text)}. "
                f"<strong>This is not StarRocks.</strong>{counting}</p>"
                f'<p class="note">Frontend {world.ports.get("fe_http")}, backends {backends}, MySQL {world.ports.get("mysql")}. '
                f"Up {duration(time.time() - world.stats.started)}: {counts['visible']:,} loads visible with "
                f"{counts['rows']:,} rows in {size(counts['bytes'])}, {counts['aborted']:,} aborted. "
                f"This page renews itself; programs ask <code>/_rockpool/stats</code>.</p>")

    def _tables(self):
        found = [(database.name, table) for database in self.world.catalog.databases.values()
                 for table in database.tables.values() if table.view_sql is None]
        rows = [(f"{name}.{table.name}", number(self._rows(name, table)), table.model, number(len(table.columns)))
                for name, table in sorted(found, key=lambda pair: (pair[0], pair[1].name))[:TABLES_SHOWN]]
        more = f'<p class="note">{len(found) - TABLES_SHOWN} more.</p>' if len(found) > TABLES_SHOWN else ""
        return grid("Tables", ("table", "~rows", "key", "~columns"), rows, "No table yet.") + more

    def _rows(self, database, table):
        counted = self.world.stats.counting.get(f"{database}.{table.name}")
        return counted["rows"] if counted else self.world.approximate_rows(table)

    def _open(self):
        now = time.time()
        found = [t for t in self.world.txns.by_id.values() if not t.is_finished]
        rows = [(t.label, f"{t.database}.{','.join(t.tables)}", t.state, number(t.loaded), size(t.bytes), duration(now - t.begun))
                for t in reversed(found[-LOADS_SHOWN:])]
        return grid(f"Open transactions ({len(found)})", ("label", "table", "state", "~rows", "~bytes", "~open for"), rows, "None.")

    def _loads(self):
        history = self.world.stats.shown(LOADS_SHOWN)["history"]
        rows = [(clock(h["begun"]), h["label"], f"{h['database']}.{','.join(h['tables'])}", h["state"], number(h["rows"]),
                 size(h["bytes"]), h["reason"]) for h in reversed(history)]
        return grid("Last loads", ("begun", "label", "table", "state", "~rows", "~bytes", "reason"), rows, "Nothing loaded yet.")

    def _faults(self):
        shown = self.world.faults.shown()
        rows = [(r["point"], " ".join(f"{k}={v}" for k, v in r.items() if k not in ("point", "left") and v is not None),
                 "always" if r.get("left") is None else number(r["left"])) for r in shown["rules"]]
        return grid(f"Faults ({len(shown['fired'])} have struck)", ("point", "when", "~times left"), rows, "None ordered.")


def grid(title, heads, rows, empty):
    """A table; a head that begins with ~ is a column of numbers."""
    if not rows:
        return f'<h2>{escape(title)}</h2><p class="note">{empty}</p>'
    sides = [' class="n"' if h.startswith("~") else "" for h in heads]
    head = "".join(f"<th{side}>{escape(h.lstrip('~'))}</th>" for side, h in zip(sides, heads))
    body = "".join("<tr>" + "".join(f"<td{cell_class(side, cell)}>{escape(str(cell))}</td>" for side, cell in zip(sides, row))
                   + "</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><tr>{head}</tr>{body}</table>"


def cell_class(side, cell):
    return ' class="bad"' if cell == "ABORTED" else side


def number(value):
    return f"{value or 0:,}"


def size(count):
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"


def duration(seconds):
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def clock(seconds):
    return time.strftime("%H:%M:%S", time.localtime(seconds))
