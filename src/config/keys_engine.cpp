// The keys of the job itself and of walrock, and those that are known from elsewhere and do
// nothing.
#include "config/keys.h"

namespace walrock {

namespace {

void add_effort(std::vector<Key>& keys) {
  std::string_view const section = "walrock";
  keys.push_back(
      {.section = section,
       .name = "freshness",
       .shape = Shape::duration,
       .default_text = "1s",
       .least = 10,
       .most = 3'600'000,
       .doc = "The goal for the time from a commit in PostgreSQL until it is visible in "
              "StarRocks.",
       .set = [](Draft& d, KeyValue const& v) { d.spec.engine.freshness = v.duration; }});
  keys.push_back({.section = section,
                  .name = "memory",
                  .shape = Shape::size,
                  .default_text = "256MB",
                  .least = std::int64_t(64) << 20,
                  .doc = "The most memory that the whole process takes.",
                  .set = [](Draft& d, KeyValue const& v) { d.spec.engine.memory = v.bytes; }});
  keys.push_back(
      {.section = section,
       .name = "spool-limit",
       .shape = Shape::size,
       .default_text = "4GB",
       .least = std::int64_t(16) << 20,
       .doc = "How many bytes of changes may wait on disk, in the checkpoint folder, for a "
              "StarRocks that is away or slow; beyond it walrock stops reading, and PostgreSQL "
              "keeps the rest.",
       .set = [](Draft& d, KeyValue const& v) { d.spec.engine.spool_limit = v.bytes; }});
  keys.push_back(
      {.section = section,
       .name = "durable-spool",
       .shape = Shape::path,
       .default_text = "off",
       .doc = "off, or a folder on a local disk, one per job. What PostgreSQL commits is synced "
              "there and acknowledged before StarRocks has it, so that PostgreSQL need not keep "
              "its WAL while StarRocks is away; when the folder is lost, tables are copied again.",
       .set = [](Draft& d, KeyValue const& v) {
         d.spec.engine.durable_spool = v.shown == "off" ? "" : v.text;
       }});
  keys.push_back(
      {.section = section,
       .name = "durable-spool-limit",
       .shape = Shape::size,
       .default_text = "16GB",
       .least = std::int64_t(128) << 20,
       .doc = "With durable-spool, the bytes that it may take; at the limit walrock stops reading "
              "until StarRocks has taken some of it, and PostgreSQL keeps the rest. A transaction "
              "that was begun is taken whole.",
       .set = [](Draft& d, KeyValue const& v) { d.spec.engine.durable_spool_limit = v.bytes; }});
  keys.push_back(
      {.section = section,
       .name = "copy-workers",
       .shape = Shape::integer,
       .default_words = "parallelism, or 2",
       .least = 1,
       .most = 256,
       .doc = "Connections that copy tables at the same time.",
       .set = [](Draft& d, KeyValue const& v) { d.copy_workers = static_cast<int>(v.number); }});
  keys.push_back(
      {.section = section,
       .name = "loaders",
       .shape = Shape::integer,
       .default_words = "parallelism, or 2",
       .least = 1,
       .most = 256,
       .doc = "Threads that send loads to StarRocks.",
       .set = [](Draft& d, KeyValue const& v) { d.loaders = static_cast<int>(v.number); }});
  keys.push_back(
      {.section = "pipeline",
       .name = "parallelism",
       .shape = Shape::integer,
       .default_words = "2",
       .least = 1,
       .most = 256,
       .doc = "walrock.copy-workers and walrock.loaders in one.",
       .origin = Origin::guide,
       .set = [](Draft& d, KeyValue const& v) { d.parallelism = static_cast<int>(v.number); }});
  keys.push_back({.section = "flink",
                  .name = "parallelism",
                  .shape = Shape::integer,
                  .default_words = "2",
                  .least = 1,
                  .most = 256,
                  .doc = "As pipeline.parallelism, which counts when both are given.",
                  .origin = Origin::guide,
                  .set = [](Draft& d, KeyValue const& v) {
                    d.flink_parallelism = static_cast<int>(v.number);
                  }});
}

void add_operation(std::vector<Key>& keys) {
  std::string_view const section = "walrock";
  keys.push_back(
      {.section = section,
       .name = "http",
       .shape = Shape::addresses,
       .default_text = "127.0.0.1:8081",
       .most = 1,
       .default_port = 8081,
       .doc = "Where walrock serves its status; port 0 is a free one, and a taken port "
              "makes it look for a free one.",
       .set = [](Draft& d, KeyValue const& v) { d.spec.engine.http = v.addresses.front(); }});
  keys.push_back(
      {.section = section,
       .name = "checkpoint",
       .shape = Shape::path,
       .default_words = "`.walrock/` and job.id beside the job file",
       .doc = "The folder of what walrock must not forget; one per job.",
       .aliases = {"checkpoint-folder"},
       .set = [](Draft& d, KeyValue const& v) { d.spec.engine.checkpoint_folder = v.text; }});
  keys.push_back({.section = section,
                  .name = "checkpoint-store",
                  .shape = Shape::choice,
                  .default_text = "file",
                  .choices = {{"file", {"sqlite"}}, {"starrocks"}},
                  .doc = "Where the checkpoint is: a file in that folder, or a table in StarRocks, "
                         "for a container that keeps no disk; the folder then holds a cache only.",
                  .set = [](Draft& d, KeyValue const& v) {
                    d.spec.engine.checkpoint_store = static_cast<CheckpointPlace>(v.choice);
                  }});
  keys.push_back(
      {.section = section,
       .name = "checkpoint-database",
       .shape = Shape::text,
       .default_text = "walrock",
       .doc = "With checkpoint-store: starrocks, the database of its table; several jobs may "
              "share it, the copied tables should be elsewhere.",
       .set = [](Draft& d, KeyValue const& v) { d.spec.engine.checkpoint_database = v.text; }});
  keys.push_back(
      {.section = section,
       .name = "checkpoint-takeover",
       .shape = Shape::duration,
       .default_text = "30s",
       .least = 1'000,
       .most = 3'600'000,
       .doc = "With checkpoint-store: starrocks, a walrock that wrote no sign of life for so long "
              "is taken for dead, and another one may take its job over.",
       .set = [](Draft& d, KeyValue const& v) { d.spec.engine.checkpoint_takeover = v.duration; }});
  keys.push_back({.section = section,
                  .name = "log-level",
                  .shape = Shape::choice,
                  .default_text = "info",
                  .choices = {{"debug"}, {"info"}, {"warning", {"warn"}}, {"error"}, {"off"}},
                  .doc = "The least important lines that are logged.",
                  .aliases = {"log.level"},
                  .set = [](Draft& d, KeyValue const& v) {
                    d.spec.engine.log_level = static_cast<log::Level>(v.choice);
                  }});
}

void add_restart(std::vector<Key>& keys) {
  std::string_view const section = "flink";
  keys.push_back({.section = section,
                  .name = "restart-strategy",
                  .shape = Shape::choice,
                  .default_text = "fixed-delay",
                  .choices = {{"fixed-delay", {"fixeddelay"}}, {"none", {"off", "disable"}}},
                  .doc = "none stops at the first fault inside walrock.",
                  .origin = Origin::guide,
                  .set = [](Draft& d, KeyValue const& v) { d.is_restart_off = v.choice == 1; }});
  keys.push_back({.section = section,
                  .name = "restart-attempts",
                  .shape = Shape::integer,
                  .default_text = "3",
                  .most = 1'000'000,
                  .doc = "Restarts in a row without progress after faults inside walrock.",
                  .origin = Origin::guide,
                  .aliases = {".walrock.restart-attempts"},
                  .note = "restart-attempts: {} counts restarts without progress after faults "
                          "inside walrock; a server that cannot be reached is waited for without "
                          "limit",
                  .set = [](Draft& d, KeyValue const& v) {
                    d.spec.engine.restart.attempts = static_cast<int>(v.number);
                  }});
  keys.push_back(
      {.section = section,
       .name = "delay-between-attempts",
       .shape = Shape::duration,
       .default_text = "10s",
       .most = 86'400'000,
       .doc = "The pause before each of them.",
       .origin = Origin::guide,
       .aliases = {"restart-delay", ".walrock.restart-delay"},
       .set = [](Draft& d, KeyValue const& v) { d.spec.engine.restart.delay = v.duration; }});
}

void add_unused(std::vector<Key>& keys, std::string_view section, std::string_view name,
                Origin origin, std::string_view note, std::vector<std::string_view> aliases = {}) {
  keys.push_back({.section = section,
                  .name = name,
                  .shape = Shape::anything,
                  .default_words = "not used",
                  .doc = "Accepted and not used.",
                  .origin = origin,
                  .aliases = std::move(aliases),
                  .note = note,
                  .set = [](Draft&, KeyValue const&) {}});
}

void add_unused_flink_keys(std::vector<Key>& keys) {
  using enum Origin;
  add_unused(keys, "flink", "checkpoint.interval", guide,
             "checkpoint.interval: {} does not delay loading; changes are visible within "
             "walrock.freshness",
             {".pipeline.checkpoint.interval", ".flink.checkpoint-interval"});
  for (std::string_view const name : {"checkpoint.mode", "checkpoint.timeout",
                                      "checkpoint.min-pause", "checkpoint.dir", "state.backend"})
    add_unused(keys, "flink", name, guide,
               "flink settings of checkpoints and state do nothing; walrock keeps its own");
}

void add_unused_source_keys(std::vector<Key>& keys) {
  using enum Origin;
  std::string_view const source = "source.postgres-cdc";
  add_unused(keys, source, "poll-interval-ms", guide,
             "poll-interval-ms: {} does nothing; changes are pushed by PostgreSQL",
             {"debezium.poll.interval.ms"});
  for (std::string_view const name :
       {"scan.incremental.snapshot.enabled", "scan.incremental.snapshot.chunk.size",
        "scan.snapshot.fetch.size", "scan.incremental.snapshot.backfill.skip",
        "scan.incremental.close-idle-reader.enabled", "chunk-meta.group.size"})
    add_unused(keys, source, name, flink_cdc,
               "settings of Flink CDC's snapshot chunks do nothing; walrock splits tables itself");
  for (std::string_view const name : {"connect.max-retries", "connection.pool.size"})
    add_unused(keys, source, name, flink_cdc,
               "Flink CDC's connection settings do nothing; an unreachable server is waited for "
               "without limit, and source.max-connections bounds connections");
  add_unused(keys, source, "scan.lsn-commit.checkpoints-num-delay", flink_cdc,
             "scan.lsn-commit.checkpoints-num-delay does nothing; what StarRocks has is "
             "acknowledged at once");
  add_unused(keys, source, "server-time-zone", flink_cdc,
             "server-time-zone: {} does nothing; walrock reads and writes UTC");
  add_unused(keys, source, "changelog-mode", flink_cdc,
             "changelog-mode: {} does nothing; walrock applies rows by their key");
}

void add_unused_sink_keys(std::vector<Key>& keys) {
  using enum Origin;
  std::string_view const sink = "sink.starrocks";
  for (std::string_view const name :
       {"sink.buffer-flush.max-bytes", "sink.buffer-flush.max-rows",
        "sink.buffer-flush.interval-ms", "sink.scan-frequency.ms", "sink.chunk-limit"})
    add_unused(keys, sink, name, connector,
               "the connector's buffer settings do nothing; walrock.freshness and walrock.memory "
               "decide when rows are loaded");
  for (std::string_view const name : {"sink.max-retries", "sink.retry.interval-ms"})
    add_unused(keys, sink, name, connector,
               "the connector's retry settings do nothing; walrock decides by the kind of failure");
  for (std::string_view const name : {"sink.parallelism", "sink.io.thread-count"})
    add_unused(keys, sink, name, connector,
               "the connector's thread settings do nothing; use walrock.loaders");
  for (std::string_view const name :
       {"sink.version", "sink.socket.timeout-ms", "sink.wait-for-continue.timeout-ms",
        "sink.at-least-once.use-transaction-stream-load", "sink.metric.histogram-window-size",
        "sink.ignore.update-before"})
    add_unused(keys, sink, name, connector,
               "settings of the connector's own workings do nothing here");
}

} // namespace

void add_job_keys(std::vector<Key>& keys) {
  keys.push_back(
      {.section = "",
       .name = "version",
       .shape = Shape::integer,
       .default_text = "1",
       .least = 1,
       .most = 1,
       .doc = "The version of this format.",
       .set = [](Draft& d, KeyValue const& v) { d.spec.version = static_cast<int>(v.number); }});
  keys.push_back({.section = "job",
                  .name = "id",
                  .is_required = true,
                  .doc = "Names the job: its checkpoint folder, labels and, by default, its slot; "
                         "letters, digits, dot, dash and underscore.",
                  .origin = Origin::guide,
                  .set = [](Draft& d, KeyValue const& v) { d.spec.id = v.text; }});
  keys.push_back({.section = "job",
                  .name = "name",
                  .default_words = "job.id",
                  .doc = "The job's name for people.",
                  .origin = Origin::guide,
                  .aliases = {".pipeline.name"},
                  .set = [](Draft& d, KeyValue const& v) { d.spec.name = v.text; }});
}

void add_engine_keys(std::vector<Key>& keys) {
  add_effort(keys);
  add_operation(keys);
  add_restart(keys);
}

void add_unused_keys(std::vector<Key>& keys) {
  add_unused_flink_keys(keys);
  add_unused_source_keys(keys);
  add_unused_sink_keys(keys);
}

} // namespace walrock
