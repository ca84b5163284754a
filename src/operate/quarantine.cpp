#include "operate/quarantine.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/pause.h"
#include "checkpoint/instance_lock.h"
#include "config/table_rules.h"
#include "encode/row_encoder.h"
#include "operate/addresses.h"
#include "operate/job_checkpoint.h"
#include "postgres/catalog.h"
#include "postgres/connection.h"
#include "schema/row_layout.h"
#include "starrocks/catalog.h"
#include "starrocks/stream_loader.h"

namespace walrock {

namespace {

using nlohmann::json;

constexpr Milliseconds kSettled(60'000); // for a commit to become visible

// A row as PostgreSQL has it now, in the layout of the encoder.
using PresentRow = std::vector<QueryResult::Cell>;

Body body_of(std::string bytes) {
  Body body;
  body.size = bytes.size();
  body.bytes = std::move(bytes);
  return body;
}

// One table of the job: reads rows of it and loads them.
class QuarantineRetry {
public:
  QuarantineRetry(JobSpec const& job, std::string const& table)
      : job_(job), wanted_(table), lock_(job.engine.checkpoint_folder), store_(open_job_store(job)),
        incarnation_(store_->begin_incarnation()), checkpoint_(store_->read()),
        source_(source_address(job), ConnectionKind::sql), sql_(ddl_address(job)),
        rows_(sql_, job.target.database),
        loader_(target_address(job), ddl_address(job), options_of(job, sql_)) {}

  std::vector<RetriedKey> run() {
    if (!checkpoint_.labels.empty())
      throw Error(ErrorCode::checkpoint_mismatch,
                  fmt::format("{} labels of the job are not finished", checkpoint_.labels.size()))
          .set_advice("Start the job, which finishes them, and stop it; then try again.");
    std::vector<RetriedKey> results;
    if (!rows_.exists())
      return results;
    std::vector<KeptRow> const kept = rows_.rows();
    for (std::size_t i = 0; i < kept.size(); ++i) {
      bool const is_last = i + 1 == kept.size() || kept[i + 1].key_hash != kept[i].key_hash;
      bool const is_wanted =
          wanted_.empty() || kept[i].source_table == wanted_ || kept[i].target_table == wanted_;
      if (is_last && is_wanted)
        results.push_back(retry(kept[i]));
    }
    return results;
  }

private:
  struct Table {
    TableRecord record;
    SourceTable source;
    std::unique_ptr<RowEncoder> encoder;
    std::string trouble; // why it cannot be tried
  };

  static LoadOptions options_of(JobSpec const& job, SqlConnection& sql) {
    LoadOptions options;
    options.version = TargetCatalog(sql).version();
    options.load_timeout = job.target.load_timeout;
    options.prepared_timeout = job.target.prepared_timeout;
    return options;
  }

  RetriedKey retry(KeptRow const& kept) {
    RetriedKey result{RetriedKey::Kind::skipped, kept.source_table, words_of_key(kept.key), ""};
    Table& table = table_of(kept);
    if (!table.trouble.empty()) {
      result.reason = table.trouble;
      return result;
    }
    json const key = json::parse(kept.key, nullptr, false);
    auto const present = read(table, key);
    result.kind = present ? RetriedKey::Kind::released : RetriedKey::Kind::removed;
    try {
      std::string const refusal = present ? load(table, *present, Op::upsert)
                                          : load(table, key_row(table, key), Op::delete_);
      // A key that StarRocks cannot say is not in the target.
      if (!refusal.empty() && present) {
        rows_.note_try(kept.key_hash, refusal);
        result.kind = RetriedKey::Kind::refused;
        result.reason = refusal;
        return result;
      }
    } catch (Error const& error) {
      if (error.code() != ErrorCode::value_unsupported)
        throw;
      rows_.note_try(kept.key_hash, error.what());
      result.kind = RetriedKey::Kind::refused;
      result.reason = error.what();
      return result;
    }
    rows_.remove_key(kept.key_hash);
    return result;
  }

  Table& table_of(KeptRow const& kept) {
    auto const known = tables_.find(kept.target_table);
    if (known != tables_.end())
      return known->second;
    Table& table = tables_[kept.target_table];
    auto const record =
        std::find_if(checkpoint_.tables.begin(), checkpoint_.tables.end(),
                     [&](TableRecord const& r) { return r.target.table == kept.target_table; });
    if (record == checkpoint_.tables.end()) {
      table.trouble = "the table is not one of the job";
      return table;
    }
    table.record = *record;
    if (record->state == TableState::init || record->state == TableState::copying ||
        record->state == TableState::errored) {
      table.trouble =
          fmt::format("the table is {}: its next copy has the row", to_string(record->state));
      return table;
    }
    auto source = describe_relation(source_, record->id);
    auto const target = TargetCatalog(sql_).describe_table(record->target);
    if (!source || !target) {
      table.trouble = !source ? "the table is gone in PostgreSQL" : "the target table is gone";
      return table;
    }
    table.source = std::move(*source);
    table.encoder = std::make_unique<RowEncoder>(
        plan_for(relation_of(table.source), table.source, *target,
                 missing_columns(job_.schema_sync.ignore_incompatible_fields),
                 options_for(job_, table.source.name)));
    return table;
  }

  std::optional<PresentRow> read(Table const& table, json const& key) {
    std::string columns;
    for (RelationColumn const& column : table.encoder->plan().relation.columns)
      columns += (columns.empty() ? "" : ", ") + quote_pg(column.name);
    std::string condition;
    std::vector<QueryResult::Cell> values;
    for (auto const& [column, value] : key.items()) {
      values.emplace_back(value.is_string() ? value.get<std::string>() : "");
      condition += fmt::format("{}{} = ${}", condition.empty() ? "" : " AND ", quote_pg(column),
                               values.size());
    }
    QueryResult result = source_.query(
        fmt::format("SELECT {} FROM {} WHERE {}", columns, quote_pg(table.source.name), condition),
        values);
    if (result.rows.empty())
      return std::nullopt;
    return std::move(result.rows.front());
  }

  // As a delete reads it: the key alone.
  static PresentRow key_row(Table const& table, json const& key) {
    PresentRow row;
    for (RelationColumn const& column : table.encoder->plan().relation.columns) {
      auto const found = key.find(column.name);
      row.push_back(found == key.end() || !found->is_string()
                        ? std::nullopt
                        : QueryResult::Cell(found->get<std::string>()));
    }
    return row;
  }

  // Why StarRocks refuses it; empty: it is visible in the target.
  std::string load(Table const& table, PresentRow const& cells, Op op) {
    std::vector<Value> row;
    for (QueryResult::Cell const& cell : cells)
      row.push_back(cell ? Value::of(*cell) : Value::null());
    Batch batch;
    std::string bytes;
    LoadFormat format = LoadFormat::csv;
    if (!table.encoder->encode_csv(row, op, {}, bytes)) {
      format = LoadFormat::json;
      table.encoder->encode_json(row, op, {}, bytes);
      RowEncoder::finish_json(bytes);
    }
    batch.spec = table.encoder->spec_for(format, {});
    batch.row_count = 1;
    batch.byte_count = bytes.size();
    batch.bodies.push_back(body_of(std::move(bytes)));
    return load(table, batch);
  }

  // The label is known to the checkpoint while it may be alive: the next start ends it.
  std::string load(Table const& table, Batch const& batch) {
    LabelRecord record;
    record.label = make_label({job_.target.label_prefix, job_.id, incarnation_, table.record.target,
                               fmt::format("r{}", ++label_count_), 0, 0});
    record.table = table.record.id;
    record.row_count = 1;
    CheckpointUpdate begun;
    begun.labels.push_back(record);
    store_->write(begun);
    LoadOutcome const loaded = loader_.load({record.label, &batch});
    std::string refusal;
    if (loaded.kind == LoadOutcome::Kind::rows_refused)
      refusal = loaded.refusals.empty() ? loaded.message : loaded.refusals.front().reason;
    else if (loaded.kind != LoadOutcome::Kind::prepared)
      throw Error(ErrorCode::load_failed,
                  fmt::format("{}: {}", to_string(table.record.source), loaded.message))
          .set_advice("Nothing is lost: try again.");
    else
      commit(record.label);
    CheckpointUpdate ended;
    ended.finished_labels.push_back(record.label);
    store_->write(ended);
    return refusal;
  }

  void commit(Label const& label) {
    CommitOutcome const outcome = loader_.commit(label);
    Deadline const until = Deadline::in(kSettled);
    bool is_visible = outcome.kind == CommitOutcome::Kind::committed && outcome.is_visible;
    while (!is_visible && !until.is_over(std::chrono::steady_clock::now())) {
      LabelState const state = loader_.label_state(label);
      is_visible = state == LabelState::visible;
      if (state == LabelState::aborted)
        break;
      if (!is_visible)
        (void)pause_for(Milliseconds(100), {});
    }
    if (!is_visible)
      throw Error(ErrorCode::load_failed,
                  fmt::format("label {} did not become visible: {}", label.text, outcome.message))
          .set_advice("Nothing is lost: the next start of the job ends the label; try again.");
  }

  JobSpec const& job_;
  std::string wanted_;
  InstanceLock lock_;
  std::unique_ptr<CheckpointStore> store_;
  std::uint64_t incarnation_;
  Checkpoint checkpoint_;
  Connection source_;
  SqlConnection sql_;
  QuarantineRows rows_;
  StreamLoader loader_;
  std::map<std::string, Table> tables_; // by the name of the target
  std::uint64_t label_count_ = 0;
};

} // namespace

std::string words_of_key(std::string const& key_json) {
  json const key = json::parse(key_json, nullptr, false);
  if (!key.is_object())
    return key_json;
  std::string words;
  for (auto const& [column, value] : key.items())
    words += fmt::format("{}{}={}", words.empty() ? "" : ", ", column,
                         value.is_string() ? value.get<std::string>() : value.dump());
  return words;
}

std::vector<KeptRow> list_quarantine(JobSpec const& job) {
  SqlConnection sql(target_address(job));
  QuarantineRows rows(sql, job.target.database);
  return rows.exists() ? rows.rows() : std::vector<KeptRow>();
}

std::vector<RetriedKey> retry_quarantine(JobSpec const& job, std::string const& table) {
  return QuarantineRetry(job, table).run();
}

} // namespace walrock
