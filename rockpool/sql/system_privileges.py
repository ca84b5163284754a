"""The rows of information_schema's tables of privileges."""


def _granted(session, *kinds):
    """(user, database, object, privilege, grantable) of the grants that somebody may see: his own, or all."""
    users = session.world.users
    everybody = users.may_any(session.user, "GRANT", "SYSTEM")
    for user in users.known.values():
        if everybody or user is session.user.user:
            for privilege, kind, database, name, passed_on in user.grants:
                if kind in kinds:
                    yield user.identity, database, name, privilege, "YES" if passed_on else "NO"


def user_privileges(session, node):
    for grantee, _, _, privilege, passed_on in _granted(session, "SYSTEM", "CATALOG"):
        yield grantee, "def", privilege, passed_on


def schema_privileges(session, node):
    for grantee, database, _, privilege, passed_on in _granted(session, "DATABASE"):
        yield grantee, "def", database, privilege, passed_on


def table_privileges(session, node):
    for grantee, database, name, privilege, passed_on in _granted(session, "TABLE", "VIEW"):
        yield grantee, "def", database, name, privilege, passed_on
