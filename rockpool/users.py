"""Users, roles and privileges. root has no password and may do everything.

A privilege is granted on a kind of object: [privilege, kind, database, object, grantable], where * stands for all.
A user acts with his own grants and those of the roles that are active: after a login these are his default roles.
"""
import fnmatch
import hashlib
from dataclasses import dataclass, field

# The order is the one in which SHOW GRANTS prints them.
PRIVILEGES = {
    "SYSTEM": ("GRANT", "NODE", "CREATE RESOURCE", "PLUGIN", "FILE", "BLACKLIST", "OPERATE", "CREATE EXTERNAL CATALOG",
               "REPOSITORY", "CREATE RESOURCE GROUP", "CREATE GLOBAL FUNCTION", "CREATE STORAGE VOLUME",
               "CREATE WAREHOUSE", "SECURITY"),
    "CATALOG": ("USAGE", "CREATE DATABASE", "DROP", "ALTER"),
    "DATABASE": ("CREATE TABLE", "DROP", "ALTER", "CREATE VIEW", "CREATE FUNCTION", "CREATE MATERIALIZED VIEW",
                 "CREATE PIPE"),
    "TABLE": ("DELETE", "DROP", "INSERT", "SELECT", "ALTER", "EXPORT", "UPDATE", "REFRESH"),
    "VIEW": ("SELECT", "DROP", "ALTER"),
    "MATERIALIZED VIEW": ("ALTER", "REFRESH", "DROP", "SELECT"),
    "FUNCTION": ("USAGE", "DROP"), "GLOBAL FUNCTION": ("USAGE", "DROP"), "USER": ("IMPERSONATE",),
    "RESOURCE": ("USAGE", "ALTER", "DROP"), "RESOURCE GROUP": ("ALTER", "DROP"),
    "STORAGE VOLUME": ("USAGE", "ALTER", "DROP")}
IN_DATABASES = ("TABLE", "VIEW", "MATERIALIZED VIEW", "FUNCTION")
NOT_FOR_GRANT = ("GRANT", "NODE")  # only roles of the system have these


def stage2(password):
    """What mysql_native_password keeps: SHA1(SHA1(password)) in hex, empty for no password."""
    return hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest() if password else ""


@dataclass
class User:
    name: str
    hash: str = ""
    grants: list = field(default_factory=list)
    roles: list = field(default_factory=list)  # granted ones
    host: str = "%"
    default_roles: list = field(default_factory=list)
    properties: dict = field(default_factory=dict)

    @property
    def identity(self):
        return f"'{self.name}'@'{self.host}'"


@dataclass
class Role:
    name: str
    grants: list = field(default_factory=list)
    roles: list = field(default_factory=list)  # whose privileges it has too
    comment: str = ""


class Actor:
    """A user at work, with the roles that are active."""

    def __init__(self, user, active):
        self.user, self.active = user, list(active)

    name = property(lambda self: self.user.name)
    identity = property(lambda self: self.user.identity)

    @property
    def roles(self):
        return self.active

    @property
    def inactive(self):
        return [r for r in self.user.roles if r not in self.active]


def _whole(*kinds):
    return [[p, kind, "*", "*", False] for kind in kinds for p in PRIVILEGES[kind]]


def _system(*names):
    return [[p, "SYSTEM", "*", "*", False] for p in names]


SYSTEM_ROLES = {
    "root": Role("root", _whole(*PRIVILEGES), comment="built-in root role which has all privileges on all objects"),
    "db_admin": Role("db_admin", _whole(*(k for k in PRIVILEGES if k not in ("SYSTEM", "USER"))) + _system(
        *(p for p in PRIVILEGES["SYSTEM"] if p not in NOT_FOR_GRANT + ("SECURITY",))),
        comment="built-in database administration role"),
    "cluster_admin": Role("cluster_admin", _system("NODE"), comment="built-in cluster administration role"),
    "user_admin": Role("user_admin", _system("GRANT") + _whole("USER"), comment="built-in user administration role"),
    "security_admin": Role("security_admin", _system("SECURITY", "OPERATE"), comment="built-in security administration role"),
    "public": Role("public", comment="built-in public role which is owned by any user")}


class Users:
    def __init__(self, meta):
        self.meta = meta
        self.known, self.keys = {}, {}
        self.roles = dict(SYSTEM_ROLES)
        self.role_keys = {}
        self._remember(User("root", roles=["root"], default_roles=["root"]))
        for key, kept in meta.all("user"):
            self._remember(User(**kept), key)
        for key, kept in meta.all("role"):
            self.roles[kept["name"]] = Role(**kept)
            self.role_keys[kept["name"]] = key

    def _remember(self, user, key=None):
        place = (user.name, user.host)
        self.known[place] = user
        if key is not None or place not in self.keys:
            self.keys[place] = key or max(self.keys.values(), default=10) + 1
        return self.keys[place]

    def save(self, user):
        self.meta.put("user", self._remember(user), user.__dict__)

    def save_role(self, role):
        key = self.role_keys.setdefault(role.name, max(self.role_keys.values(), default=10) + 1)
        self.roles[role.name] = role
        self.meta.put("role", key, role.__dict__)

    def drop(self, user):
        place = (user.name, user.host)
        del self.known[place]
        self.meta.remove("user", self.keys.pop(place))

    def drop_role(self, name):
        del self.roles[name]
        self.meta.remove("role", self.role_keys.pop(name))
        for owner in (*self.known.values(), *self.roles.values()):
            if name in owner.roles:
                owner.roles.remove(name)
                if isinstance(owner, User) and name in owner.default_roles:
                    owner.default_roles.remove(name)
                self.save(owner) if isinstance(owner, User) else self.save_role(owner)

    def find(self, name, host="%"):
        return self.known.get((name, host))

    # ------------------------------------------------------------ logins
    def matching(self, name, address="127.0.0.1"):
        """The users of a name that may come from an address, the most exact host first."""
        found = [u for (n, host), u in self.known.items()
                 if n == name and fnmatch.fnmatchcase(address, host.replace("%", "*").replace("_", "?"))]
        return sorted(found, key=lambda u: (u.host != address, u.host == "%", -len(u.host)))

    @staticmethod
    def acting(user):
        return Actor(user, user.default_roles)

    def check(self, name, password):
        """The user with his default roles, or None when name or password is wrong."""
        for user in self.matching(name):
            if user.hash == stage2(password):
                return self.acting(user)
        return None

    def check_scramble(self, name, scramble, answer):
        """mysql_native_password: answer = SHA1(password) xor SHA1(scramble + SHA1(SHA1(password)))."""
        for user in self.matching(name):
            if _scramble_fits(user.hash, scramble, answer):
                return self.acting(user)
        return None

    # ------------------------------------------------------------ privileges
    def with_parents(self, names):
        """The roles of some names, public, and the roles they have in turn."""
        found, waiting = {}, [*names, "public"]
        while waiting:
            name = waiting.pop()
            role = self.roles.get(name)
            if role is not None and name not in found:
                found[name] = role
                waiting += role.roles
        return found

    def grants_of(self, actor):
        yield from (actor.user if isinstance(actor, Actor) else actor).grants
        active = actor.active if isinstance(actor, Actor) else actor.default_roles
        for role in self.with_parents(active).values():
            yield from role.grants

    def may(self, actor, privilege, database, table, kind="TABLE"):
        """Whether somebody has a privilege on a table (or view); ANY asks for any one."""
        return any(k == kind and p in (privilege, "ALL") or privilege == "ANY" and k == kind
                   for p, k, d, t, _ in self.grants_of(actor) if d in ("*", database) and t in ("*", table))

    def may_any(self, actor, privilege, kind, database="*"):
        """Whether somebody has a privilege on a database, a catalog or the system."""
        return any(k == kind and privilege in (p, "ANY") and d in ("*", database)
                   for p, k, d, _, _ in self.grants_of(actor))

    def sees_database(self, actor, database):
        """Any privilege on a database or on anything in it."""
        return any((k == "DATABASE" or k in IN_DATABASES) and d in ("*", database) for _, k, d, _, _ in self.grants_of(actor))

    def may_grant(self, actor, entry):
        """Whether somebody may pass a privilege on: user administrators, and who has it WITH GRANT OPTION."""
        if self.may_any(actor, "GRANT", "SYSTEM"):
            return True
        privilege, kind, database, name = entry[:4]
        return any(g and p == privilege and k == kind and d in ("*", database) and t in ("*", name)
                   for p, k, d, t, g in self.grants_of(actor))


def _scramble_fits(kept, scramble, answer):
    if not kept:
        return not answer
    if len(answer) != 20:
        return False
    stage_two = bytes.fromhex(kept)
    mask = hashlib.sha1(scramble + stage_two).digest()
    stage_one = bytes(a ^ b for a, b in zip(answer, mask))
    return hashlib.sha1(stage_one).digest() == stage_two
