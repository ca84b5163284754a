// Finds, compares and makes the target of each table at the start, and says in which state the
// table enters the committer. What goes wrong with one table sets that table aside. Blocking.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "config/job_spec.h"
#include "config/table_rules.h"
#include "model/checkpoint.h"
#include "pipeline/committer.h"
#include "runtime/engine.h"
#include "schema/compare.h"
#include "schema/target_design.h"
#include "starrocks/catalog.h"
#include "starrocks/quarantine_rows.h"

namespace walrock {

struct SetUpTable {
  TableEntry entry;
  TargetTable target;      // as it is now
  Oid filenode_before = 0; // of the source when it was last described
  std::optional<TargetTable> twin;
  [[nodiscard]] TargetTable const& copy_target() const { return twin ? *twin : target; }
};

class TargetSetup {
public:
  // Makes durable that the target of this record is about to be made, empty; from then on the
  // checkpoint knows it too.
  using Remember = std::function<void(TableRecord const&)>;

  // All must outlive it.
  TargetSetup(JobSpec const& job, EngineAddresses const& addresses, Checkpoint const& checkpoint,
              bool is_first_start, Remember remember);

  // Throws ConnectionLost (to be tried again as a whole); every other failure is the table's own.
  SetUpTable set_up(SourceTable const& source, TargetName const& name, Lsn consistent_lsn);

  // When all are set up: makes the quarantine table where one of them wants it.
  // Throws when rows are there of a table that does not want it: its partial updates would be
  // wrong.
  void set_up_quarantine(std::vector<TableEntry> const& tables);

  // The options with what the cluster needs: of tables that are made later.
  [[nodiscard]] TableOptions options_in_cluster(TableOptions options);

private:
  void set_up_first_time(SourceTable const& source, SetUpTable& table);
  // Without a start that says otherwise (latest, earliest), a new table is copied.
  [[nodiscard]] bool is_copied() const;
  void set_up_known(SourceTable const& source, std::optional<TargetTable> const& existing,
                    SetUpTable& table);
  void compare_shape(SourceTable const& source, std::string const& layout,
                     TargetTable const& existing, TableRecord& record);
  void compare_published(SourceTable const& source, std::string const& layout, TableRecord& record);
  [[nodiscard]] std::string change_of(SourceTable const& source, SourceShape const& before,
                                      TargetTable const& existing) const;
  void create(SetUpTable& table);
  void choose_replicas(std::map<std::string, std::string>& properties);
  void compare_with(SourceTable const& source, TargetTable const& existing, SetUpTable& table);
  void decide_on_rows(SetUpTable& table);
  void add_origin(SetUpTable& table, bool has_rows);
  void owe_made_columns(SetUpTable& table);
  void make_anew(SourceTable const& source, TargetTable const& existing, SetUpTable& table);
  void make_twin(SetUpTable& table);
  TargetTable name_twin(TargetTable const& like);
  void keep_rows(SetUpTable& table);
  void make_quarantine_table(TargetTable table);
  void require_no_rows(TableEntry const& table, QuarantineRows& rows) const;

  JobSpec const& job_;
  Checkpoint const& checkpoint_;
  SqlConnection sql_;
  TargetCatalog catalog_;
  TableOptions options_;
  TargetTable wanted_;
  std::optional<std::optional<std::size_t>> replicas_; // of tables, in a small cluster
  bool is_first_start_;
  Remember remember_;
  bool has_database_ = false;
};

} // namespace walrock
