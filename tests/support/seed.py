"""The files of the guide that walrock replaces, as printed there (tests/e2e/seed/), made to fit a test.

Only hosts and ports are replaced and `mysql-port` is added. The guide's later steps print parts of the
job file; with_part() puts such a part where a reader would: under the key that is there already.
"""
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "e2e" / "seed"


def printed(name):
    return (FOLDER / name).read_text(encoding="utf-8")


def fitted(text, pg, rockpool):
    """Real addresses in place of the guide's container names."""
    text = re.sub(r"(?m)^( *)hostname: postgres$", r"\g<1>hostname: 127.0.0.1", text)
    text = re.sub(r"(?m)^( *)port: 5432$", rf"\g<1>port: {pg.port}", text)
    text = text.replace("fe-nodes: starrocks:8030", f"fe-nodes: {rockpool.fe_address}")
    first = f"fe-nodes: {rockpool.fe_address}\n"
    return text.replace(first, f"{first}    mysql-port: {rockpool.mysql_port}\n", 1)


def with_part(text, part):
    """The job file with a printed part in it: its lines go under the same top-level key, or at the end."""
    for block in re.split(r"(?m)^(?=\w)", part):
        if not block.strip():
            continue
        head, _, body = block.partition("\n")
        if re.search(rf"(?m)^{re.escape(head)}$", text):
            text = re.sub(rf"(?m)^{re.escape(head)}\n", lambda found, body=body: found[0] + body.rstrip("\n") + "\n",
                          text, count=1)
        else:
            text = text.rstrip("\n") + "\n\n" + block
    return text


def without_line(text, line):
    """The job file without the one line that a later step's part replaces."""
    kept = [each for each in text.splitlines(keepends=True) if each.strip().split("  #")[0] != line]
    assert len(kept) == len(text.splitlines()) - 1, f"'{line}' is not exactly one line of the file"
    return "".join(kept)
