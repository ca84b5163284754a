// The keys under source: PostgreSQL, and what is read from it.
#include "config/keys.h"

namespace walrock {

namespace {

void add_connection(std::vector<Key>& keys) {
  std::string_view const section = "source.postgres-cdc";
  keys.push_back({.section = "source",
                  .name = "type",
                  .shape = Shape::choice,
                  .default_text = "postgres-cdc",
                  .choices = {{"postgres-cdc", {"postgres", "postgresql"}}},
                  .doc = "The kind of source.",
                  .origin = Origin::guide,
                  .set = [](Draft&, KeyValue const&) {}});
  keys.push_back({.section = section,
                  .name = "hostname",
                  .shape = Shape::addresses,
                  .is_required = true,
                  .doc = "PostgreSQL's host, or several as host:port; they are tried in turn. A "
                         "folder is the place of a Unix socket.",
                  .origin = Origin::guide,
                  .set = [](Draft& d, KeyValue const& v) { d.spec.source.hosts = v.addresses; }});
  keys.push_back(
      {.section = section,
       .name = "port",
       .shape = Shape::integer,
       .default_text = "5432",
       .least = 1,
       .most = 65535,
       .doc = "The port of every host that is written without one.",
       .origin = Origin::guide,
       .set = [](Draft& d, KeyValue const& v) { d.source_port = static_cast<int>(v.number); }});
  keys.push_back({.section = section,
                  .name = "target-session-attrs",
                  .shape = Shape::choice,
                  .default_words = "read-write of several hosts, any of one",
                  .choices = {{"any"}, {"read-write"}, {"read-only"}, {"primary"}, {"standby"}},
                  .doc = "Which of the hosts will do, as libpq has it; the others are passed over. "
                         "A standby can be followed from PostgreSQL 16 on.",
                  .aliases = {"target_session_attrs"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.spec.source.session_attrs = static_cast<SessionAttrs>(v.choice);
                  }});
  keys.push_back({.section = section,
                  .name = "username",
                  .is_required = true,
                  .doc = "The role that walrock logs in as; it needs LOGIN, REPLICATION and SELECT "
                         "on the tables.",
                  .origin = Origin::guide,
                  .aliases = {"user"},
                  .set = [](Draft& d, KeyValue const& v) { d.spec.source.username = v.text; }});
  keys.push_back(
      {.section = section,
       .name = "password",
       .shape = Shape::secret,
       .default_words = "none: .pgpass and pg_hba.conf decide",
       .doc = "Its password; write ${NAME} or ${file:/path} rather than the password itself.",
       .origin = Origin::guide,
       .set = [](Draft& d, KeyValue const& v) { d.spec.source.password = Secret(v.text); }});
  keys.push_back({.section = section,
                  .name = "database-name",
                  .is_required = true,
                  .doc = "The database that is read.",
                  .origin = Origin::guide,
                  .aliases = {"database"},
                  .set = [](Draft& d, KeyValue const& v) { d.spec.source.database = v.text; }});
  keys.push_back(
      {.section = section,
       .name = "connect.timeout",
       .shape = Shape::duration,
       .default_text = "10s",
       .least = 1,
       .most = 3'600'000,
       .doc = "How long a connection to one host may take to come up.",
       .origin = Origin::flink_cdc,
       .set = [](Draft& d, KeyValue const& v) { d.spec.source.connect_timeout = v.duration; }});
}

void add_tables(std::vector<Key>& keys) {
  std::string_view const section = "source.postgres-cdc";
  keys.push_back(
      {.section = section,
       .name = "schema-name",
       .default_text = "public",
       .doc = "The schema of tables that are named without one.",
       .origin = Origin::guide,
       .aliases = {"schema"},
       .set = [](Draft& d, KeyValue const& v) { d.spec.source.default_namespace = v.text; }});
  keys.push_back({.section = section,
                  .name = "table-name",
                  .shape = Shape::text_list,
                  .is_required = true,
                  .doc = "The tables to copy and follow: names, wildcards and regular expressions "
                         "(see Naming tables).",
                  .origin = Origin::guide,
                  .aliases = {"tables"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.table_names.insert(d.table_names.end(), v.list.begin(), v.list.end());
                  }});
  keys.push_back({.section = section,
                  .name = "exclude-tables",
                  .shape = Shape::text_list,
                  .default_words = "none",
                  .doc = "Tables to leave out of those that table-name selects; written alike.",
                  .aliases = {"tables.exclude"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.excluded_names.insert(d.excluded_names.end(), v.list.begin(), v.list.end());
                  }});
}

void add_slot(std::vector<Key>& keys) {
  std::string_view const section = "source.postgres-cdc";
  keys.push_back(
      {.section = section,
       .name = "slot.failover",
       .shape = Shape::boolean,
       .default_text = "false",
       .doc = "Make a slot that PostgreSQL 17 and later keeps on its standbys too, so that the job "
              "goes on after a failover.",
       .aliases = {"failover", "slot-failover"},
       .set = [](Draft& d, KeyValue const& v) { d.spec.source.slot_failover = v.flag; }});
  keys.push_back({.section = section,
                  .name = "slot.lost",
                  .shape = Shape::choice,
                  .default_text = "fail",
                  .choices = {{"fail"}, {"copy"}},
                  .doc = "What becomes of a job whose slot is gone, invalidated or was moved, or "
                         "whose server lost commits: fail refuses; copy makes a new slot and "
                         "copies every table again, each shown with its old rows until then.",
                  .aliases = {"slot-lost"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.spec.source.slot_lost = static_cast<SlotLost>(v.choice);
                  }});
  keys.push_back(
      {.section = section,
       .name = "slot.wal-limit",
       .shape = Shape::size,
       .default_text = "0",
       .doc = "How much WAL the slot may keep on PostgreSQL's disk before walrock warns; 0: only "
              "max_slot_wal_keep_size counts.",
       .set = [](Draft& d, KeyValue const& v) { d.spec.source.slot_wal_limit = v.bytes; }});
  keys.push_back(
      {.section = section,
       .name = "slot.warn-before",
       .shape = Shape::duration,
       .default_text = "1h",
       .most = 31'536'000'000,
       .doc =
           "walrock warns when, at the present rate, a limit of the slot's WAL is reached within "
           "this time.",
       .set = [](Draft& d, KeyValue const& v) { d.spec.source.slot_warning = v.duration; }});
}

void add_replication(std::vector<Key>& keys) {
  std::string_view const section = "source.postgres-cdc";
  keys.push_back({.section = section,
                  .name = "slot.name",
                  .default_words = "`walrock_` and job.id",
                  .doc = "The replication slot; walrock creates it, and refuses one that its "
                         "checkpoint does not know.",
                  .origin = Origin::guide,
                  .aliases = {"slot-name"},
                  .set = [](Draft& d, KeyValue const& v) { d.spec.source.slot_name = v.text; }});
  keys.push_back(
      {.section = section,
       .name = "publication.name",
       .default_words = "the slot's name and `_publication`",
       .doc = "The publication that is followed.",
       .aliases = {"publication-name", "debezium.publication.name"},
       .set = [](Draft& d, KeyValue const& v) { d.spec.source.publication_name = v.text; }});
  keys.push_back(
      {.section = section,
       .name = "publication.auto-create",
       .shape = Shape::boolean,
       .default_text = "true",
       .doc = "Whether walrock creates the publication and adds tables to it; otherwise it must be "
              "there.",
       .aliases = {"publication-auto-create"},
       .set = [](Draft& d, KeyValue const& v) { d.spec.source.auto_create_publication = v.flag; }});
  keys.push_back({.section = section,
                  .name = "plugin.name",
                  .shape = Shape::choice,
                  .default_text = "pgoutput",
                  .choices = {{"pgoutput"}},
                  .doc = "The output plugin of the slot; walrock reads pgoutput.",
                  .origin = Origin::guide,
                  .aliases = {"decoding.plugin.name"},
                  .set = [](Draft&, KeyValue const&) {}});
  keys.push_back({.section = section,
                  .name = "scan.startup.mode",
                  .shape = Shape::choice,
                  .default_text = "initial",
                  .choices = {{"initial", {}},
                              {"latest", {"latest-offset"}},
                              {"earliest", {"earliest-offset", "committed-offset"}}},
                  .doc =
                      "Where a job without a checkpoint begins: initial copies what is there and "
                      "follows; latest follows only; earliest follows from an existing slot.",
                  .origin = Origin::guide,
                  .aliases = {"startup-mode"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.spec.source.startup = static_cast<StartupMode>(v.choice);
                  }});
  keys.push_back({.section = section,
                  .name = "snapshot.mode",
                  .shape = Shape::choice,
                  .default_text = "initial",
                  .choices = {{"initial", {"always", "when-needed"}}, {"never", {"no-data"}}},
                  .doc = "never turns the copy off: initial then means latest.",
                  .origin = Origin::guide,
                  .aliases = {"debezium.snapshot.mode"},
                  .set = [](Draft& d, KeyValue const& v) { d.is_snapshot_off = v.choice == 1; }});
}

void add_care(std::vector<Key>& keys) {
  keys.push_back({.section = "source",
                  .name = "max-connections",
                  .shape = Shape::integer,
                  .default_text = "0",
                  .most = 1000,
                  .doc = "The most connections that walrock opens to PostgreSQL at a time, 3 at "
                         "least; 0 is no limit of its own.",
                  .set = [](Draft& d, KeyValue const& v) {
                    d.spec.source.max_connections = static_cast<int>(v.number);
                  }});
  keys.push_back(
      {.section = "source",
       .name = "copy-rate",
       .shape = Shape::size,
       .default_text = "0",
       .doc = "The most bytes per second that the copy reads from PostgreSQL, e.g. 50MB; 0 is no "
              "limit.",
       .set = [](Draft& d, KeyValue const& v) { d.spec.source.copy_rate = v.bytes; }});
  keys.push_back(
      {.section = "source",
       .name = "lock-wait",
       .shape = Shape::duration,
       .default_text = "10s",
       .least = 1,
       .most = 86'400'000,
       .doc =
           "How long a copy waits for its own (weak) lock on a table before it lets go and tries "
           "again.",
       .set = [](Draft& d, KeyValue const& v) { d.spec.source.lock_wait = v.duration; }});
  keys.push_back(
      {.section = "source",
       .name = "heartbeat.interval",
       .shape = Shape::duration,
       .default_text = "10s",
       .least = 100,
       .most = 3'600'000,
       .doc = "PostgreSQL hears how far walrock is at least this often, so that it can let WAL go.",
       .origin = Origin::flink_cdc,
       .aliases = {"heartbeat", "heartbeat.interval.ms"},
       .set = [](Draft& d, KeyValue const& v) { d.spec.source.heartbeat = v.duration; }});
  keys.push_back(
      {.section = "source",
       .name = "receive-timeout",
       .shape = Shape::duration,
       .default_text = "60s",
       .least = 1000,
       .most = 3'600'000,
       .doc = "PostgreSQL is asked every second for a sign of life while the stream is idle. When "
              "nothing came for so long, the stream is begun anew; each time in a row it is waited "
              "for twice as long.",
       .set = [](Draft& d, KeyValue const& v) { d.spec.source.receive_timeout = v.duration; }});
}

void add_tls(std::vector<Key>& keys) {
  std::string_view const section = "source.postgres-cdc";
  keys.push_back(
      {.section = section,
       .name = "tls.mode",
       .shape = Shape::choice,
       .default_text = "prefer",
       .choices = {{"disable"}, {"allow"}, {"prefer"}, {"require"}, {"verify-ca"}, {"verify-full"}},
       .doc = "Encryption of the connections, as libpq's sslmode.",
       .aliases = {"sslmode", "debezium.database.sslmode"},
       .set = [](Draft& d, KeyValue const& v) {
         d.spec.source.tls.mode = static_cast<TlsMode>(v.choice);
       }});
  keys.push_back({.section = section,
                  .name = "tls.ca",
                  .shape = Shape::path,
                  .default_words = "libpq's own",
                  .doc = "File with the certificates of the authorities that PostgreSQL's "
                         "certificate is checked against.",
                  .aliases = {"sslrootcert", "debezium.database.sslrootcert"},
                  .set = [](Draft& d, KeyValue const& v) { d.spec.source.tls.ca_file = v.text; }});
  keys.push_back(
      {.section = section,
       .name = "tls.cert",
       .shape = Shape::path,
       .default_words = "none",
       .doc = "File with walrock's own certificate.",
       .aliases = {"sslcert", "debezium.database.sslcert"},
       .set = [](Draft& d, KeyValue const& v) { d.spec.source.tls.certificate_file = v.text; }});
  keys.push_back({.section = section,
                  .name = "tls.key",
                  .shape = Shape::path,
                  .default_words = "none",
                  .doc = "File with the key of that certificate.",
                  .aliases = {"sslkey", "debezium.database.sslkey"},
                  .set = [](Draft& d, KeyValue const& v) { d.spec.source.tls.key_file = v.text; }});
}

} // namespace

void add_source_keys(std::vector<Key>& keys) {
  add_connection(keys);
  add_tables(keys);
  add_replication(keys);
  add_slot(keys);
  add_care(keys);
  add_tls(keys);
}

} // namespace walrock
