"""Users and their logins: CREATE, ALTER and DROP USER, SET PASSWORD, EXECUTE AS, SHOW USERS, AUTHENTICATION, PROPERTY."""
import re

from rockpool.errors import SqlError
from rockpool.mysql.wire import of_texts
from rockpool.sql.columns import analyzing
from rockpool.users import User, stage2

PLUGINS = ("mysql_native_password", "authentication_ldap_simple", "authentication_kerberos", "authentication_jwt",
           "authentication_oauth2")
DEFAULT_CONNECTIONS = 1024


def identity(reader):
    """(name, host) of 'name'@'host', name@host or name."""
    name, host = reader.string(), "%"
    if reader.token.text == "@":
        reader.next()
        if reader.accept("["):
            host = reader.string()
            reader.expect("]")
        else:
            host = reader.string()
    elif reader.token.kind == "word" and reader.token.text.startswith("@"):
        host = reader.next().text[1:]
    return name, host


def find(session, place):
    user = session.world.users.find(*place)
    if user is None:
        raise analyzing(f"cannot find user '{place[0]}'@'{place[1]}'!")
    return user


def _failed(operation, place, why):
    return analyzing(f"Operation {operation} failed for '{place[0]}'@'{place[1]}' : {why}")


def administrators_only(session):
    session.require("GRANT", "SYSTEM")


def names(reader):
    """name, 'name', …"""
    found = [reader.string()]
    while reader.accept(","):
        found.append(reader.string())
    return found


# ---------------------------------------------------------------- passwords
def _kept_hash(session, text):
    """'*' and 40 hexadecimal digits, as PASSWORD() gives them; empty for no password."""
    if text and not re.fullmatch(r"\*[0-9A-Fa-f]{40}", text):
        raise SqlError("Password hash should be a 41-digit hexadecimal number", session.world.version.code(5201))
    return text[1:].lower()


def _identified(session, reader):
    """The kept form of IDENTIFIED …, or None when there is none."""
    if not reader.accept("IDENTIFIED"):
        return None
    if reader.accept("WITH"):
        plugin = reader.string().lower()
        if plugin not in PLUGINS:
            raise analyzing(f"cannot find auth plugin {plugin.upper()}")
        if reader.accept("AS"):
            return _kept_hash(session, reader.string()) if plugin == PLUGINS[0] else ""
        if not reader.accept("BY"):
            return ""
    else:
        reader.expect("BY")
    if reader.accept("PASSWORD"):
        return _kept_hash(session, reader.string())
    return stage2(reader.string())


def _properties(reader, user):
    if reader.accept("PROPERTIES"):
        user.properties.update(reader.properties())


# ---------------------------------------------------------------- CREATE, ALTER, DROP
async def create(session, reader):
    """CREATE USER, behind these words."""
    administrators_only(session)
    quiet = reader.accept("IF", "NOT", "EXISTS")
    place = identity(reader)
    users = session.world.users
    user = User(place[0], _identified(session, reader) or "", host=place[1])
    if reader.accept("DEFAULT", "ROLE"):
        user.roles = [known_role(session, r) for r in names(reader)]
        user.default_roles = list(user.roles)
    _properties(reader, user)
    reader.end()
    if users.find(*place) is not None:
        if quiet:
            return
        raise _failed("CREATE USER", place, "user already exists")
    users.save(user)


def known_role(session, name):
    if name not in session.world.users.roles:
        raise analyzing(f"cannot find role {name}!")
    return name


async def change(session, reader):
    """ALTER USER, behind these words."""
    quiet = reader.accept("IF", "EXISTS")
    place = identity(reader)
    user = session.world.users.find(*place)
    own = user is session.user.user
    if not own:
        administrators_only(session)
    if user is None:
        if quiet:
            return
        raise _failed("ALTER USER", place, "user not exists")
    if reader.accept("DEFAULT", "ROLE"):
        default_roles(session, reader, user)
        return
    if reader.accept("SET"):
        _properties(reader, user)
    kept = _identified(session, reader)
    reader.end()
    if kept is not None:
        user.hash = kept
    session.world.users.save(user)


async def drop(session, reader):
    """DROP USER, behind these words."""
    administrators_only(session)
    quiet = reader.accept("IF", "EXISTS")
    place = identity(reader)
    reader.end()
    user = session.world.users.find(*place)
    if user is None:
        if quiet:
            return
        raise _failed("DROP USER", place, "user not exists")
    if place == ("root", "%"):
        raise _failed("DROP USER", place, "cannot drop user 'root'@'%'")
    session.world.users.drop(user)


async def set_password(session, reader):
    """SET PASSWORD [FOR user] = PASSWORD('…') or the kept form, behind these words."""
    user = session.user.user
    if reader.accept("FOR"):
        place = identity(reader)
        if session.world.users.find(*place) is not user:
            administrators_only(session)
            user = find(session, place)
    reader.expect("=")
    if reader.accept("PASSWORD"):
        reader.expect("(")
        user.hash = stage2(reader.string())
        reader.expect(")")
    else:
        user.hash = _kept_hash(session, reader.string())
    reader.end()
    session.world.users.save(user)


# ---------------------------------------------------------------- roles of a session
def default_roles(session, reader, user):
    """NONE, ALL or names: the roles that are active after a login."""
    if reader.accept("NONE"):
        user.default_roles = []
    elif reader.accept("ALL"):
        user.default_roles = list(user.roles)
    else:
        user.default_roles = [_granted(user, known_role(session, r)) for r in names(reader)]
    session.world.users.save(user)


def _granted(user, role):
    if role not in user.roles:
        raise analyzing(f"Role {role} is not granted to {user.identity}")
    return role


def set_role(session, reader):
    """SET ROLE names, ALL [EXCEPT names], DEFAULT or NONE, behind these words."""
    actor = session.user
    if reader.accept("NONE"):
        chosen = []
    elif reader.accept("DEFAULT"):
        chosen = actor.user.default_roles
    elif reader.accept("ALL"):
        without = names(reader) if reader.accept("EXCEPT") else []
        chosen = [r for r in actor.user.roles if r not in without]
    else:
        chosen = [_granted(actor.user, known_role(session, r)) for r in names(reader)]
    reader.end()
    actor.active = list(chosen)


def set_default_role(session, reader):
    """SET DEFAULT ROLE … [TO user], behind these words."""
    start = reader.at
    while not reader.sees("TO") and reader.token.kind != "end":
        reader.next()
    user = session.user.user
    if reader.accept("TO"):
        user = find(session, identity(reader))
        if user is not session.user.user:
            administrators_only(session)
    reader.at = start
    default_roles(session, reader, user)


async def execute_as(session, reader):
    """EXECUTE AS user WITH NO REVERT: goes on as somebody else."""
    reader.expect("EXECUTE", "AS")
    user = find(session, identity(reader))
    reader.expect("WITH", "NO", "REVERT")
    reader.end()
    if not session.world.users.may_any(session.user, "IMPERSONATE", "USER", user.name):
        session.refuse("IMPERSONATE", "USER", user.identity)
    session.user = session.world.users.acting(user)


# ---------------------------------------------------------------- properties
def set_property(session, reader):
    """SET PROPERTY [FOR user] 'key' = 'value', …, behind these words."""
    user = session.user.user
    if reader.accept("FOR"):
        name = reader.string()
        user = find(session, (name, "%"))
        if user is not session.user.user:
            administrators_only(session)
    while True:
        key = reader.string()
        reader.expect("=")
        value = reader.string()
        if key not in ("max_user_connections", "catalog", "database") and not key.startswith("session."):
            raise analyzing(f"Unknown user property({key})")
        user.properties[key] = value
        if not reader.accept(","):
            break
    reader.end()
    session.world.users.save(user)


def connection_limit(user):
    return int(user.properties.get("max_user_connections", DEFAULT_CONNECTIONS))


# ---------------------------------------------------------------- SHOW
def show_users(session, reader):
    administrators_only(session)
    return of_texts(["User"], [[u.identity] for u in session.world.users.known.values()])


def show_authentication(session, reader, everybody=False):
    """SHOW [ALL] AUTHENTICATION [FOR user]"""
    found = [session.user.user]
    if everybody:
        administrators_only(session)
        found = list(session.world.users.known.values())
    elif reader.accept("FOR"):
        user = find(session, identity(reader))
        if user is not session.user.user:
            administrators_only(session)
        found = [user]
    return of_texts(["UserIdentity", "Password", "AuthPlugin", "UserForAuthPlugin"],
                    [[u.identity, "Yes" if u.hash else "No", "MYSQL_NATIVE_PASSWORD", None] for u in found])


def show_all_authentication(session, reader):
    return show_authentication(session, reader, everybody=True)


def show_property(session, reader):
    user = session.user.user
    if reader.accept("FOR"):
        user = find(session, (reader.string(), "%"))
        if user is not session.user.user:
            administrators_only(session)
    shown = {"max_user_connections": str(DEFAULT_CONNECTIONS), "catalog": "default_catalog", "database": "",
             **user.properties}
    return of_texts(["Key", "Value"], [list(pair) for pair in shown.items()])
