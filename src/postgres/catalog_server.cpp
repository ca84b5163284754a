// The questions of catalog.h about the server and about rights.
#include "base/error.h"
#include "postgres/catalog.h"
#include "postgres/sql_text.h"

namespace walrock {

namespace {

constexpr char kIdentify[] = R"(
SELECT s.system_identifier, c.timeline_id,
       CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
            ELSE pg_current_wal_flush_lsn() END
FROM pg_control_system() s, pg_control_checkpoint() c)";

// pg_settings prints in base units: wal_sender_timeout in ms.
constexpr char kSettings[] = R"(
SELECT current_setting('server_version_num'), current_setting('server_version'),
       current_setting('wal_level'), current_setting('max_replication_slots'),
       (SELECT count(*) FROM pg_replication_slots), current_setting('max_wal_senders'),
       (SELECT count(*) FROM pg_stat_replication), current_setting('max_connections'),
       (SELECT setting FROM pg_settings WHERE name = 'wal_sender_timeout'),
       current_setting('max_slot_wal_keep_size', true), current_setting('server_encoding'),
       pg_is_in_recovery())";

constexpr char kRoleRights[] = R"(
SELECT current_user, r.rolsuper,
       r.rolsuper OR r.rolreplication
         OR EXISTS (SELECT FROM pg_roles g
                    WHERE g.rolname = 'rds_replication' AND pg_has_role(g.oid, 'MEMBER')),
       has_database_privilege(current_database(), 'CREATE')
FROM pg_roles r WHERE r.rolname = current_user)";

constexpr char kTableRights[] = R"(
SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner),
       has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE'),
       pg_has_role(c.relowner, 'USAGE'), row_security_active(c.oid)
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY wanted(nspname, relname, position)
JOIN pg_namespace n ON n.nspname = wanted.nspname
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.relname
ORDER BY wanted.position)";

constexpr char kLockAwaited[] = R"(
SELECT EXISTS (SELECT FROM pg_locks
               WHERE locktype = 'relation' AND NOT granted AND relation = $1::oid
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())))";

int integer_at(QueryResult const& result, std::size_t column) {
  return static_cast<int>(result.number(0, column));
}

Lsn lsn_at(QueryResult const& result, std::size_t column) {
  auto const lsn = parse_lsn(result.text(0, column));
  if (!lsn)
    throw ProtocolViolation("PostgreSQL sent \"" + result.text(0, column) + "\" as a WAL position");
  return *lsn;
}

} // namespace

ServerIdentity identify_server(Connection& connection) {
  bool const is_replication = connection.kind() == ConnectionKind::replication;
  auto const result = connection.query(is_replication ? "IDENTIFY_SYSTEM" : kIdentify);
  if (result.empty())
    throw ProtocolViolation("PostgreSQL does not say which system it is");
  return {result.text(0, 0), static_cast<std::uint32_t>(result.number(0, 1)), lsn_at(result, 2)};
}

ServerSettings read_server_settings(Connection& connection) {
  auto const result = connection.query(kSettings);
  ServerSettings out;
  out.version_num = integer_at(result, 0);
  out.version = result.text(0, 1);
  out.wal_level = result.text(0, 2);
  out.max_replication_slots = integer_at(result, 3);
  out.used_replication_slots = integer_at(result, 4);
  out.max_wal_senders = integer_at(result, 5);
  out.used_wal_senders = integer_at(result, 6);
  out.max_connections = integer_at(result, 7);
  out.wal_sender_timeout = Milliseconds(result.number(0, 8));
  out.max_slot_wal_keep_size = result.text_or(0, 9, "-1");
  out.server_encoding = result.text(0, 10);
  out.is_in_recovery = result.truth(0, 11);
  return out;
}

RoleRights read_role_rights(Connection& connection) {
  auto const result = connection.query(kRoleRights);
  if (result.empty())
    throw ProtocolViolation("PostgreSQL does not list the role of this session");
  return {result.text(0, 0), result.truth(0, 1), result.truth(0, 2), result.truth(0, 3)};
}

std::vector<TableRights> read_table_rights(Connection& connection,
                                           std::span<TableName const> names) {
  NameArrays const arrays = NameArrays::of(names);
  auto const result = connection.query(kTableRights, {arrays.namespace_names, arrays.table_names});
  std::vector<TableRights> out;
  for (std::size_t row = 0; row < result.rows.size(); ++row)
    out.push_back({{result.text(row, 0), result.text(row, 1)},
                   result.text(row, 2),
                   result.truth(row, 3),
                   result.truth(row, 4),
                   result.truth(row, 5)});
  return out;
}

bool is_lock_awaited(Connection& connection, RelationId id) {
  return connection.query(kLockAwaited, {std::to_string(id.oid)}).truth(0, 0);
}

} // namespace walrock
