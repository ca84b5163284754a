// The tables of the target beside those of the source, as of a position. Throws Violation.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "simulation/kept_model.h"
#include "simulation/source.h"
#include "simulation/store.h"
#include "simulation/target.h"

namespace walrock::simulation {

class Comparison {
public:
  // names: of the targets, by table. may_refuse: the target refuses some texts.
  Comparison(Source const& source, Target const& target, Store const& store,
             std::vector<TargetName> names, KeptModel model,
             std::optional<std::size_t> quarantine_limit, bool may_refuse)
      : source_(source), target_(target), store_(store), names_(std::move(names)),
        model_(std::move(model)), quarantine_limit_(quarantine_limit), may_refuse_(may_refuse) {}

  // The twin is about to take the place of the table.
  void note_swap(std::size_t table, TargetName const& twin);
  void compare(std::size_t table, Lsn position, char const* when);
  // Every table, and why those that are set aside are.
  void compare_at_end();

  [[nodiscard]] int most_quarantined() const { return most_quarantined_; }
  [[nodiscard]] std::map<std::size_t, std::string> const& set_aside() const { return set_aside_; }

private:
  [[nodiscard]] std::vector<TargetRow> rows_with_quarantine(std::size_t table);
  [[nodiscard]] std::vector<TargetRow> take_dead(std::size_t table,
                                                 std::vector<Cells> const& expected,
                                                 std::vector<TargetRow>& rows) const;
  void require_no_doubles(std::size_t table);
  void require_named_row(std::size_t table, std::string const& reason) const;
  [[nodiscard]] bool is_found_by_id(std::size_t table) const {
    return has_key(source_.kind(table)) && !model_.is_history(table);
  }

  Source const& source_;
  Target const& target_;
  Store const& store_;
  std::vector<TargetName> names_;
  KeptModel model_;
  std::optional<std::size_t> quarantine_limit_;
  bool may_refuse_ = false;
  int most_quarantined_ = 0;                     // rows of one table, when it was compared
  std::map<std::size_t, std::string> set_aside_; // why
};

} // namespace walrock::simulation
