"""CREATE USER, ALTER USER, DROP USER, GRANT, REVOKE and SET PASSWORD."""
import re

from rockpool.errors import SqlError
from rockpool.users import User, stage2

TABLE_PRIVILEGES = {"SELECT", "INSERT", "UPDATE", "DELETE", "ALTER", "DROP", "EXPORT"}


def _user_name(reader):
    """'name'@'host', name@host or name."""
    token = reader.next()
    name = token.value
    if reader.token.text.startswith("@"):
        host = reader.next()
        if host.text == "@":
            reader.next()
    return name


def _identified(reader):
    """The kept form of IDENTIFIED …, or None when there is none."""
    if not reader.accept("IDENTIFIED"):
        return None
    plugin = ""
    if reader.accept("WITH"):
        plugin = reader.string().lower()
        if not (reader.accept("BY") or reader.accept("AS")):
            return ""
    else:
        reader.expect("BY")
    hashed = reader.accept("PASSWORD")
    text = reader.string()
    if hashed or (plugin == "mysql_native_password" and re.fullmatch(r"\*[0-9A-Fa-f]{40}", text)):
        return text.lstrip("*").lower()
    return stage2(text)


def _find(session, name):
    user = session.world.users.known.get(name)
    if user is None:
        raise SqlError(f"Getting analyzing error. Detail message: cannot find user '{name}'@'%'!")
    return user


def _admin_only(session):
    if not {"root", "user_admin"} & set(session.user.roles):
        raise SqlError("Access denied; you need (at least one of) the GRANT privilege(s) on SYSTEM for this operation.",
                       session.world.version.code(5203, 1252))


async def create(session, reader):
    _admin_only(session)
    if reader.accept("ROLE"):
        return
    reader.expect("USER")
    quiet = reader.accept("IF", "NOT", "EXISTS")
    name = _user_name(reader)
    kept = _identified(reader)
    roles = []
    if reader.accept("DEFAULT", "ROLE"):
        roles = [reader.string()]
        while reader.accept(","):
            roles.append(reader.string())
    if name in session.world.users.known:
        if quiet:
            return
        raise SqlError(f"Getting analyzing error. Detail message: Operation CREATE USER failed for '{name}'@'%' : user "
                       "already exists.")
    session.world.users.save(User(name, kept or "", [], roles))


async def change(session, reader):
    """ALTER USER, behind these words."""
    _admin_only(session)
    reader.accept("IF", "EXISTS")
    user = _find(session, _user_name(reader))
    kept = _identified(reader)
    if kept is not None:
        user.hash = kept
    session.world.users.save(user)


async def drop(session, reader):
    _admin_only(session)
    if reader.accept("ROLE"):
        return
    reader.expect("USER")
    quiet = reader.accept("IF", "EXISTS")
    name = _user_name(reader)
    if name not in session.world.users.known:
        if quiet:
            return
        _find(session, name)
    if name == "root":
        raise SqlError("Getting analyzing error. Detail message: cannot drop root!")
    session.world.users.drop(name)


async def set_password(session, reader):
    """SET PASSWORD [FOR user] = PASSWORD('…')"""
    user = session.user
    if reader.accept("FOR"):
        _admin_only(session)
        user = _find(session, _user_name(reader))
    reader.expect("=")
    if reader.accept("PASSWORD"):
        user.hash = stage2(reader.bracketed().strip("'\""))
    else:
        user.hash = reader.string().lstrip("*").lower()
    session.world.users.save(user)


def _privileges(reader):
    found = []
    while True:
        words = [reader.name().upper()]
        while not (reader.sees(",") or reader.sees("ON") or reader.sees("TO") or reader.sees("FROM")):
            words.append(reader.name().upper())
        name = " ".join(words)
        found.append("ALL" if name in ("ALL", "ALL PRIVILEGES") else name)
        if not reader.accept(","):
            return found


def _objects(session, reader):
    """(kind, database, table) behind ON."""
    if reader.accept("ALL"):
        kind = reader.name().upper().rstrip("S")
        database = "*"
        while reader.accept("IN"):
            if reader.accept("ALL"):
                reader.name()
            elif reader.accept("DATABASE"):
                database = reader.name()
        return kind, database, "*"
    kind = "TABLE"
    if reader.token.upper in ("TABLE", "DATABASE", "SYSTEM", "CATALOG", "USER", "VIEW", "RESOURCE", "FUNCTION"):
        kind = reader.next().upper
    if kind == "SYSTEM":
        return kind, "*", "*"
    parts = []
    while True:
        parts.append("*" if reader.accept("*") else reader.string() if reader.token.kind == "string" else reader.name())
        if not reader.accept("."):
            break
    if kind in ("DATABASE", "CATALOG"):
        return kind, "*" if kind == "CATALOG" else parts[-1], "*"
    if len(parts) == 1:
        return kind, session.database or "*", parts[0]
    return kind, parts[-2], parts[-1]


async def grant(session, reader):
    _admin_only(session)
    reader.expect("GRANT")
    await _change_grants(session, reader, "TO", _add)


async def revoke(session, reader):
    _admin_only(session)
    reader.expect("REVOKE")
    await _change_grants(session, reader, "FROM", _take)


def _add(entries, entry):
    if entry not in entries:
        entries.append(entry)


def _take(entries, entry):
    if entry in entries:
        entries.remove(entry)


async def _change_grants(session, reader, word, change_list):
    if reader.token.kind == "string" or reader.ahead().upper == word:
        roles = [reader.string()]
        reader.expect(word)
        reader.accept("USER")
        user = _find(session, _user_name(reader))
        for role in roles:
            change_list(user.roles, role.lower())
        session.world.users.save(user)
        return
    privileges = _privileges(reader)
    reader.expect("ON")
    kind, database, table = _objects(session, reader)
    reader.expect(word)
    if reader.accept("ROLE"):
        return
    reader.accept("USER")
    user = _find(session, _user_name(reader))
    for privilege in privileges:
        change_list(user.grants, [privilege, kind, database, table])
    session.world.users.save(user)
