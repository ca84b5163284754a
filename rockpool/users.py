"""Users, their passwords and what they may do. root has no password and may do everything."""
import hashlib
from dataclasses import dataclass, field


def stage2(password):
    """What mysql_native_password keeps: SHA1(SHA1(password)) in hex, empty for no password."""
    return hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest() if password else ""


@dataclass
class User:
    name: str
    hash: str = ""
    grants: list = field(default_factory=list)  # [privilege, kind, database or *, table or *]
    roles: list = field(default_factory=list)


class Users:
    def __init__(self, meta):
        self.meta = meta
        self.known = {"root": User("root", roles=["root"])}
        for _, kept in meta.all("user"):
            self.known[kept["name"]] = User(**kept)
        self.keys = {name: 10 + n for n, name in enumerate(self.known)}

    def save(self, user):
        key = self.keys.setdefault(user.name, max(self.keys.values(), default=10) + 1)
        self.known[user.name] = user
        self.meta.put("user", key, user.__dict__)

    def drop(self, name):
        self.known.pop(name)
        self.meta.remove("user", self.keys[name])

    def check(self, name, password):
        """The user, or None when name or password is wrong."""
        user = self.known.get(name)
        return user if user is not None and user.hash == stage2(password) else None

    def check_scramble(self, name, scramble, answer):
        """mysql_native_password: answer = SHA1(password) xor SHA1(scramble + SHA1(SHA1(password)))."""
        user = self.known.get(name)
        if user is None:
            return None
        if not user.hash:
            return user if not answer else None
        if len(answer) != 20:
            return None
        kept = bytes.fromhex(user.hash)
        mask = hashlib.sha1(scramble + kept).digest()
        stage1 = bytes(a ^ b for a, b in zip(answer, mask))
        return user if hashlib.sha1(stage1).digest() == kept else None

    @staticmethod
    def may(user, privilege, database, table):
        """Whether a user has a privilege on a table."""
        if "root" in user.roles or "db_admin" in user.roles or "cluster_admin" in user.roles:
            return True
        return any(p in (privilege, "ALL") and d in ("*", database) and t in ("*", table)
                   for p, kind, d, t in user.grants if kind == "TABLE")

    @staticmethod
    def may_any(user, privilege, kind, database="*"):
        if "root" in user.roles or "db_admin" in user.roles or "cluster_admin" in user.roles:
            return True
        return any(p in (privilege, "ALL") and k == kind and d in ("*", database) for p, k, d, _ in user.grants)
