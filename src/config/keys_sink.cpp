// The keys under sink and schema-sync: StarRocks, and how rows get there.
#include "config/keys.h"

namespace walrock {

namespace {

void add_connection(std::vector<Key>& keys) {
  std::string_view const section = "sink.starrocks";
  keys.push_back({.section = "sink",
                  .name = "type",
                  .shape = Shape::choice,
                  .default_text = "starrocks",
                  .choices = {{"starrocks"}},
                  .doc = "The kind of target.",
                  .origin = Origin::guide,
                  .set = [](Draft&, KeyValue const&) {}});
  keys.push_back({.section = section,
                  .name = "fe-nodes",
                  .shape = Shape::addresses,
                  .is_required = true,
                  .default_port = 8030,
                  .doc = "HTTP addresses of StarRocks' frontends as host:port (8030 without one); "
                         "https:// before them for HTTPS.",
                  .origin = Origin::guide,
                  .aliases = {"load-url"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.spec.target.fe_nodes = v.addresses;
                    d.spec.target.uses_https = v.has_https;
                  }});
  keys.push_back({.section = section,
                  .name = "mysql-port",
                  .shape = Shape::integer,
                  .default_text = "9030",
                  .least = 1,
                  .most = 65535,
                  .doc = "The port of the same frontends for SQL.",
                  .set = [](Draft& d, KeyValue const& v) {
                    d.spec.target.mysql_port = static_cast<int>(v.number);
                  }});
  keys.push_back({.section = section,
                  .name = "jdbc-url",
                  .default_words = "not needed",
                  .doc = "jdbc:mysql://host:port,host:port of the frontends; where all ports are "
                         "one it only says mysql-port.",
                  .origin = Origin::connector,
                  .set = [](Draft& d, KeyValue const& v) { d.jdbc_url = v.text; }});
  keys.push_back({.section = section,
                  .name = "username",
                  .is_required = true,
                  .doc = "The StarRocks user that loads.",
                  .origin = Origin::guide,
                  .aliases = {"user"},
                  .set = [](Draft& d, KeyValue const& v) { d.spec.target.username = v.text; }});
  keys.push_back(
      {.section = section,
       .name = "password",
       .shape = Shape::secret,
       .default_words = "empty",
       .doc = "Its password; write ${NAME} or ${file:/path} rather than the password itself.",
       .origin = Origin::guide,
       .set = [](Draft& d, KeyValue const& v) { d.spec.target.password = Secret(v.text); }});
  keys.push_back({.section = section,
                  .name = "backend-hosts",
                  .shape = Shape::text_map,
                  .default_words = "none",
                  .doc = "For backends that register an address that cannot be reached from here: "
                         "that address (host or host:port) and the one to use instead.",
                  .set = [](Draft& d, KeyValue const& v) {
                    d.spec.target.backend_hosts.insert(v.map.begin(), v.map.end());
                  }});
}

void add_names(std::vector<Key>& keys) {
  std::string_view const section = "sink.starrocks";
  keys.push_back({.section = section,
                  .name = "database",
                  .is_required = true,
                  .doc = "The database that the tables go to.",
                  .origin = Origin::guide,
                  .aliases = {"database-name"},
                  .set = [](Draft& d, KeyValue const& v) { d.spec.target.database = v.text; }});
  keys.push_back({.section = section,
                  .name = "table",
                  .default_words = "the name of the source table",
                  .doc = "The target table of a job of one table; for several a template such as "
                         "ods_{table} or {schema}_{table}.",
                  .origin = Origin::guide,
                  .aliases = {"table-name"},
                  .set = [](Draft& d, KeyValue const& v) { d.spec.target.table = v.text; }});
  keys.push_back({.section = section,
                  .name = "time-zone",
                  .default_text = "UTC",
                  .doc = "The zone, such as Europe/Berlin, in which a timestamptz is written to a "
                         "DATETIME, which keeps no zone.",
                  .set = [](Draft& d, KeyValue const& v) { d.spec.target.time_zone = v.text; }});
  keys.push_back({.section = section,
                  .name = "label.prefix",
                  .default_text = "walrock",
                  .doc = "Begins the label of every load.",
                  .origin = Origin::guide,
                  .aliases = {"label-prefix", "sink.label-prefix", "sink.label.prefix"},
                  .set = [](Draft& d, KeyValue const& v) { d.spec.target.label_prefix = v.text; }});
}

void add_loading(std::vector<Key>& keys) {
  std::string_view const section = "sink.starrocks";
  keys.push_back({.section = section,
                  .name = "sink.semantic",
                  .shape = Shape::choice,
                  .default_text = "exactly-once",
                  .choices = {{"exactly-once"}, {"at-least-once"}},
                  .doc = "What a crash may do: exactly-once loses and doubles nothing; "
                         "at-least-once may load rows again, with fewer steps per load.",
                  .origin = Origin::guide,
                  .aliases = {"semantic"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.spec.target.semantic = static_cast<Semantic>(v.choice);
                  }});
  keys.push_back({.section = section,
                  .name = "transactions",
                  .shape = Shape::choice,
                  .default_text = "per-table",
                  .choices = {{"per-table"}, {"across-tables"}},
                  .doc = "What readers see of a source transaction: per-table shows the tables it "
                         "changed one after the other; across-tables shows all of it at once "
                         "(StarRocks 4.0.5 and later, with exactly-once).",
                  .set = [](Draft& d, KeyValue const& v) {
                    d.spec.target.transactions = static_cast<Transactions>(v.choice);
                  }});
  keys.push_back({.section = section,
                  .name = "compress-type",
                  .shape = Shape::choice,
                  .default_text = "none",
                  .choices = {{"none", {"NO_COMPRESSION"}}, {"lz4", {"LZ4_FRAME"}}, {"zstd"}},
                  .doc = "Compression of loads on their way to StarRocks.",
                  .origin = Origin::guide,
                  .aliases = {"compression"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.spec.target.compression = static_cast<Compression>(v.choice);
                  }});
  keys.push_back(
      {.section = section,
       .name = "load.properties",
       .shape = Shape::text_map,
       .default_words = "none",
       .doc = "Properties of StarRocks' stream load; see Load properties for those that count.",
       .origin = Origin::guide,
       .aliases = {"sink.properties", ".sink.properties"},
       .set = [](Draft& d, KeyValue const& v) {
         d.spec.target.load_properties.insert(v.map.begin(), v.map.end());
       }});
  keys.push_back(
      {.section = section,
       .name = "connect.timeout",
       .shape = Shape::duration,
       .default_text = "10s",
       .least = 1,
       .most = 3'600'000,
       .doc = "How long a connection to StarRocks may take to come up.",
       .aliases = {"connect.timeout-ms", "sink.connect.timeout-ms"},
       .set = [](Draft& d, KeyValue const& v) { d.spec.target.connect_timeout = v.duration; }});
  keys.push_back(
      {.section = section,
       .name = "load.timeout",
       .shape = Shape::duration,
       .default_text = "10m",
       .least = 1'000,
       .most = 259'200'000,
       .doc = "How long StarRocks keeps a load open that is not prepared yet.",
       .set = [](Draft& d, KeyValue const& v) { d.spec.target.load_timeout = v.duration; }});
  keys.push_back(
      {.section = section,
       .name = "prepared.timeout",
       .shape = Shape::duration,
       .default_text = "24h",
       .least = 60'000,
       .most = 259'200'000,
       .doc = "How long StarRocks keeps a prepared load for its commit, where it can be told "
              "(3.5.4 and later).",
       .set = [](Draft& d, KeyValue const& v) { d.spec.target.prepared_timeout = v.duration; }});
}

// Not libpq's list: StarRocks' clients have no "allow" and "prefer".
TlsMode target_tls_mode(std::size_t choice) {
  constexpr TlsMode kModes[] = {TlsMode::disable, TlsMode::require, TlsMode::verify_ca,
                                TlsMode::verify_full};
  return kModes[choice];
}

void add_tls(std::vector<Key>& keys) {
  std::string_view const section = "sink.starrocks";
  keys.push_back(
      {.section = section,
       .name = "tls.mode",
       .shape = Shape::choice,
       .default_words = "`disable`; with https:// in fe-nodes `verify-full` for HTTP",
       .choices = {{"disable"}, {"require"}, {"verify-ca"}, {"verify-full"}},
       .doc = "Encryption of the SQL connections, and how certificates are checked, those of "
              "https:// as well.",
       .set = [](Draft& d, KeyValue const& v) { d.target_tls = target_tls_mode(v.choice); }});
  keys.push_back({.section = section,
                  .name = "tls.ca",
                  .shape = Shape::path,
                  .default_words = "the system's",
                  .doc = "File with the certificates of the authorities that StarRocks' "
                         "certificates are checked against.",
                  .set = [](Draft& d, KeyValue const& v) { d.spec.target.tls.ca_file = v.text; }});
  keys.push_back(
      {.section = section,
       .name = "tls.cert",
       .shape = Shape::path,
       .default_words = "none",
       .doc = "File with walrock's own certificate.",
       .set = [](Draft& d, KeyValue const& v) { d.spec.target.tls.certificate_file = v.text; }});
  keys.push_back({.section = section,
                  .name = "tls.key",
                  .shape = Shape::path,
                  .default_words = "none",
                  .doc = "File with the key of that certificate.",
                  .set = [](Draft& d, KeyValue const& v) { d.spec.target.tls.key_file = v.text; }});
}

void add_schema_sync(std::vector<Key>& keys) {
  keys.push_back(
      {.section = "schema-sync",
       .name = "enable",
       .shape = Shape::boolean,
       .default_text = "true",
       .doc = "Whether changes of a table's columns in PostgreSQL are made in StarRocks.",
       .origin = Origin::guide,
       .set = [](Draft& d, KeyValue const& v) { d.spec.schema_sync.enable = v.flag; }});
  keys.push_back(
      {.section = "schema-sync",
       .name = "auto-create-table",
       .shape = Shape::boolean,
       .default_text = "true",
       .doc = "Whether tables that StarRocks lacks are created.",
       .origin = Origin::guide,
       .set = [](Draft& d, KeyValue const& v) { d.spec.schema_sync.auto_create_table = v.flag; }});
  keys.push_back({.section = "schema-sync",
                  .name = "ignore-incompatible-fields",
                  .shape = Shape::boolean,
                  .default_text = "false",
                  .doc = "Whether columns whose types do not fit their target columns are left "
                         "out; otherwise such a table is set aside.",
                  .origin = Origin::guide,
                  .set = [](Draft& d, KeyValue const& v) {
                    d.spec.schema_sync.ignore_incompatible_fields = v.flag;
                  }});
  keys.push_back(
      {.section = "schema-sync.starrocks",
       .name = "fe-nodes",
       .shape = Shape::addresses,
       .default_words = "those of sink.starrocks",
       .default_port = 8030,
       .doc = "Frontends for CREATE and ALTER TABLE, when they are others.",
       .origin = Origin::guide,
       .set = [](Draft& d, KeyValue const& v) { d.spec.target.ddl_fe_nodes = v.addresses; }});
  keys.push_back({.section = "schema-sync.starrocks",
                  .name = "username",
                  .default_words = "that of sink.starrocks",
                  .doc = "User for CREATE and ALTER TABLE.",
                  .origin = Origin::guide,
                  .set = [](Draft& d, KeyValue const& v) { d.spec.target.ddl_username = v.text; }});
  keys.push_back(
      {.section = "schema-sync.starrocks",
       .name = "password",
       .shape = Shape::secret,
       .default_words = "that of sink.starrocks; empty when only the username is given",
       .doc = "Its password.",
       .origin = Origin::guide,
       .set = [](Draft& d, KeyValue const& v) { d.spec.target.ddl_password = Secret(v.text); }});
}

} // namespace

void add_sink_keys(std::vector<Key>& keys) {
  add_connection(keys);
  add_names(keys);
  add_loading(keys);
  add_tls(keys);
  add_schema_sync(keys);
}

} // namespace walrock
