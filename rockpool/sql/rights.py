"""GRANT, REVOKE, roles and SHOW GRANTS."""
from rockpool.catalog import SYSTEM_DATABASES
from rockpool.errors import SqlError
from rockpool.mysql.wire import of_texts
from rockpool.sql import accounts
from rockpool.sql.columns import analyzing
from rockpool.users import IN_DATABASES, NOT_FOR_GRANT, PRIVILEGES, SYSTEM_ROLES, Role

# The words of an object's kind, the plural behind ALL first.
KINDS = {(w,): kind for kind in ("TABLE", "DATABASE", "VIEW", "CATALOG", "RESOURCE", "FUNCTION", "USER")
         for w in (kind, kind + "S")}
KINDS.update({("MATERIALIZED", "VIEW"): "MATERIALIZED VIEW", ("MATERIALIZED", "VIEWS"): "MATERIALIZED VIEW",
              ("RESOURCE", "GROUP"): "RESOURCE GROUP", ("RESOURCE", "GROUPS"): "RESOURCE GROUP",
              ("GLOBAL", "FUNCTION"): "GLOBAL FUNCTION", ("GLOBAL", "FUNCTIONS"): "GLOBAL FUNCTION",
              ("STORAGE", "VOLUME"): "STORAGE VOLUME", ("STORAGE", "VOLUMES"): "STORAGE VOLUME"})
LONGEST_FIRST = sorted(KINDS, key=len, reverse=True)


async def create(session, reader):
    if reader.accept("USER"):
        return await accounts.create(session, reader)
    reader.expect("ROLE")
    accounts.administrators_only(session)
    quiet = reader.accept("IF", "NOT", "EXISTS")
    wanted = accounts.names(reader)
    comment = reader.string() if reader.accept("COMMENT") else ""
    reader.end()
    known = session.world.users.roles
    for name in wanted:
        if name in known and not quiet:
            raise analyzing(f"Operation CREATE ROLE failed for {name} : role already exists")
    for name in wanted:
        if name not in known:
            session.world.users.save_role(Role(name, comment=comment))


change = accounts.change


async def drop(session, reader):
    if reader.accept("USER"):
        return await accounts.drop(session, reader)
    reader.expect("ROLE")
    accounts.administrators_only(session)
    quiet = reader.accept("IF", "EXISTS")
    for name in accounts.names(reader):
        if name in SYSTEM_ROLES:
            raise analyzing(f"Operation DROP ROLE failed for {name} : role {name} is not mutable!")
        if name in session.world.users.roles:
            session.world.users.drop_role(name)
        elif not quiet:
            raise analyzing(f"Operation DROP ROLE failed for {name} : role not exists")


# ---------------------------------------------------------------- GRANT and REVOKE
def _privileges(reader):
    found = []
    while True:
        words = [reader.name().upper()]
        while not any(reader.sees(w) for w in (",", "ON")):
            words.append(reader.name().upper())
        found.append(" ".join(words).replace("CREATE_", "CREATE ").replace("_", " "))
        if not reader.accept(","):
            return found


def _kind(reader):
    for words in LONGEST_FIRST:
        if reader.accept(*words):
            return KINDS[words]
    return None


def _objects(session, reader):
    """[(kind, database, name)] behind ON."""
    if reader.accept("SYSTEM"):
        return [("SYSTEM", "*", "*")]
    if reader.accept("ALL"):
        kind = _kind(reader)
        if kind is None:
            raise reader.unexpected("TABLES", "DATABASES", "VIEWS", "CATALOGS", "USERS")
        databases = ["*"]
        if reader.accept("IN"):
            if reader.accept("ALL"):
                reader.expect("DATABASES")
            else:
                reader.accept("DATABASE")
                databases = accounts.names(reader)
        return [(kind, d, "*") for d in databases]
    kind = _kind(reader) or "TABLE"
    found = []
    while True:
        found.append(_object(session, reader, kind))
        if not reader.accept(","):
            return found


def _object(session, reader, kind):
    if kind == "USER":
        return kind, accounts.identity(reader)[0], "*"
    parts = []
    while True:
        parts.append("*" if reader.accept("*") else reader.string())
        if not reader.accept("."):
            break
    if reader.sees("("):
        reader.bracketed()
    if kind not in IN_DATABASES:
        if kind == "DATABASE" and parts[-1] != "*":
            _known_database(session, parts[-1])
        return kind, parts[-1], "*"
    if len(parts) == 1:
        if not session.database:
            raise SqlError("No database selected", session.world.version.code(1046))
        parts.insert(0, session.database)
    database, name = parts[-2:]
    if database != "*":
        owner = _known_database(session, database)
        if name != "*" and kind in ("TABLE", "VIEW") and database not in SYSTEM_DATABASES:
            table = owner.tables.get(name)
            if table is None or (table.view_sql is not None) != (kind == "VIEW"):
                raise analyzing(f"cannot find {kind.lower()} {name} in db {database}")
    return kind, database, name


def _known_database(session, name):
    if name in SYSTEM_DATABASES:
        return None
    found = session.world.catalog.databases.get(name)
    if found is None:
        raise analyzing(f"cannot find db: {name}")
    return found


def _entries(session, reader):
    """[privilege, kind, database, name] of everything between GRANT and TO."""
    privileges = _privileges(reader)
    reader.expect("ON")
    found = []
    for kind, database, name in _objects(session, reader):
        known = PRIVILEGES[kind]
        for privilege in privileges:
            if privilege in ("ALL", "ALL PRIVILEGES"):
                found += [[p, kind, database, name] for p in known if p not in NOT_FOR_GRANT]
            elif privilege in known and privilege not in NOT_FOR_GRANT:
                found.append([privilege, kind, database, name])
            elif privilege in known:
                raise analyzing("Operation not permitted, 'GRANT' and 'NODE' cannot be granted to user or role directly, "
                                "use built-in role instead")
            else:
                raise analyzing(f"Cant grant {privilege} to object {kind}")
    return found


def _holder(session, reader):
    """The user or role behind TO or FROM, and how to keep it."""
    users = session.world.users
    if reader.accept("ROLE"):
        name = accounts.known_role(session, reader.string())
        if name in SYSTEM_ROLES and name != "public":
            raise analyzing(f"role {name} is not mutable!")
        return users.roles[name], users.save_role
    reader.accept("USER")
    return accounts.find(session, accounts.identity(reader)), users.save


async def grant(session, reader):
    reader.expect("GRANT")
    if not _gives_privileges(reader):
        return _grant_roles(session, reader)
    entries = _entries(session, reader)
    reader.expect("TO")
    holder, save = _holder(session, reader)
    passed_on = reader.accept("WITH", "GRANT", "OPTION")
    reader.end()
    _check_granting(session, entries)
    for entry in entries:
        kept = next((g for g in holder.grants if g[:4] == entry), None)
        if kept is None:
            holder.grants.append([*entry, passed_on])
        elif passed_on:
            kept[4] = True
    save(holder)


async def revoke(session, reader):
    reader.expect("REVOKE")
    if not _gives_privileges(reader):
        return _revoke_roles(session, reader)
    entries = _entries(session, reader)
    reader.expect("FROM")
    holder, save = _holder(session, reader)
    reader.end()
    _check_granting(session, entries)
    holder.grants[:] = [g for g in holder.grants if g[:4] not in entries]
    save(holder)


def forget_dropped(world):
    """Privileges belong to the object, not to its name: one made anew has none. What may be recovered keeps them."""
    users, databases = world.users, world.catalog.databases

    def stays(entry):
        _, kind, database, name = entry[:4]
        if database == "*" or database in SYSTEM_DATABASES or kind not in ("DATABASE", "TABLE", "VIEW"):
            return True
        owner = databases.get(database)
        return owner is not None and (name == "*" or name in owner.tables or name in owner.recycled)
    for holders, save in ((users.known, users.save), (users.roles, users.save_role)):
        for holder in holders.values():
            if not all(map(stays, holder.grants)):
                holder.grants[:] = filter(stays, holder.grants)
                save(holder)


def _check_granting(session, entries):
    if not all(session.world.users.may_grant(session.user, e) for e in entries):
        session.refuse("GRANT", "SYSTEM")


def _gives_privileges(reader):
    """GRANT privileges ON …, not GRANT roles TO …"""
    for token in reader.tokens[reader.at:]:
        if token.upper in ("ON", "TO", "FROM"):
            return token.upper == "ON"
    return True


def _grant_roles(session, reader):
    wanted = accounts.names(reader)
    reader.expect("TO")
    accounts.administrators_only(session)
    for name in wanted:
        accounts.known_role(session, name)
    holder, save = _holder(session, reader)
    for name in wanted:
        if isinstance(holder, Role) and holder.name in session.world.users.with_parents([name]):
            raise analyzing(f"role {name} is already a predecessor role of {holder.name}")
        if name not in holder.roles:
            holder.roles.append(name)
    save(holder)


def _revoke_roles(session, reader):
    wanted = accounts.names(reader)
    reader.expect("FROM")
    accounts.administrators_only(session)
    for name in wanted:
        accounts.known_role(session, name)
    holder, save = _holder(session, reader)
    holder.roles[:] = [r for r in holder.roles if r not in wanted]
    if not isinstance(holder, Role):
        holder.default_roles[:] = [r for r in holder.default_roles if r not in wanted]
        for connection in session.world.mysql.connections.values():
            if connection.session.user.user is holder:
                connection.session.user.active = [r for r in connection.session.user.active if r not in wanted]
    save(holder)


# ---------------------------------------------------------------- SHOW
def show_grants(session, reader):
    """SHOW GRANTS [FOR [ROLE] name]"""
    users = session.world.users
    if reader.accept("FOR", "ROLE"):
        name = accounts.known_role(session, reader.string())
        if name not in users.with_parents(session.user.user.roles):
            accounts.administrators_only(session)
        return of_texts(["RoleName", "Catalog", "Grants"], _granted_rows(users.roles[name], name, f"ROLE '{name}'"))
    user = session.user.user
    if reader.accept("FOR"):
        user = accounts.find(session, accounts.identity(reader))
        if user is not session.user.user:
            accounts.administrators_only(session)
    return of_texts(["UserIdentity", "Catalog", "Grants"], _granted_rows(user, user.identity, f"USER {user.identity}"))


def _granted_rows(holder, shown, target):
    rows = []
    if holder.roles:
        listed = ", ".join(f"'{r}'" for r in holder.roles)
        rows.append([shown, None, f"GRANT {listed} TO {'ROLE ' if isinstance(holder, Role) else ''}{shown}"])
    groups = {}
    for privilege, kind, database, name, passed_on in holder.grants:
        groups.setdefault((kind, database, name, passed_on), []).append(privilege)
    for (kind, database, name, passed_on), privileges in groups.items():
        listed = ", ".join(sorted(privileges, key=PRIVILEGES[kind].index))
        catalog = None if kind == "SYSTEM" or holder in SYSTEM_ROLES.values() else "default_catalog"
        rows.append([shown, catalog, f"GRANT {listed} ON {_object_text(kind, database, name)} TO {target}"
                     f"{' WITH GRANT OPTION' if passed_on else ''}"])
    return rows


def _object_text(kind, database, name):
    if kind == "SYSTEM":
        return "SYSTEM"
    plural = kind[:-1] + "IES" if kind.endswith("Y") else kind + "S"
    if kind not in IN_DATABASES:
        return f"ALL {plural}" if database == "*" else f"{kind} {database}"
    if database == "*":
        return f"ALL {plural} IN ALL DATABASES"
    return f"ALL {plural} IN DATABASE {database}" if name == "*" else f"{kind} {database}.{name}"


def show_roles(session, reader):
    accounts.administrators_only(session)
    return of_texts(["Name", "Builtin", "Description"],
                    [[r.name, str(r.name in SYSTEM_ROLES).lower(), r.comment or None]
                     for r in session.world.users.roles.values()])

