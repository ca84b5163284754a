#include "runtime/target_demands.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "model/made_column.h"
#include "schema/ddl.h"
#include "schema/leaf_identity.h"
#include "schema/source_types.h"
#include "schema/target_design.h"

namespace walrock {

void require_publishable(SourceTable const& source) {
  if (is_publishable(source))
    return;
  Advice const advice = unpublishable_advice(source);
  throw Error(ErrorCode::primary_key_missing,
              fmt::format("{} {}", to_string(source.name), advice.message))
      .set_advice(advice.sql + " Then start walrock again.");
}

void require_identities(SourceTable const& source, TargetTable const& target,
                        TableOptions const& options) {
  if (auto const fault =
          identity_fault(needed_identity(source, target, options), source.partitions))
    throw Error(ErrorCode::replica_identity_missing, fault->message)
        .set_advice(then_copy_anew(fault->sql));
}

bool may_be_made_anew(JobSpec const& job, TableOptions const& options) {
  return job.schema_sync.enable && job.schema_sync.auto_create_table &&
         !job.schema_sync.ignore_incompatible_fields && !options.is_history() &&
         options.deletes.value_or(Deletes::hard) == Deletes::hard &&
         options.existing_rows != ExistingRows::keep && job.source.startup == StartupMode::initial;
}

namespace {

// The zone of the target's moments stands in the layout as the column number 0, which no column
// has; without it they are in UTC.
constexpr char kZoneNumber[] = "0:";
// Likewise how the money of the target is printed; without it as in the locale C.
constexpr char kMoneyNumber[] = "00:";
constexpr char kMoneyOfC[] = "$1,234,567.00 -$1,234,567.00";

std::string line_of(std::string const& layout, std::string const& number,
                    std::string const& otherwise) {
  std::size_t const at = ("\n" + layout).find("\n" + number);
  std::size_t const from = at + number.size();
  return at == std::string::npos ? otherwise : layout.substr(from, layout.find('\n', from) - from);
}

} // namespace

std::string zone_line(std::string const& zone) {
  return zone == "UTC" ? "" : kZoneNumber + zone + "\n";
}

void require_same_zone(SourceTable const& source, std::string const& layout,
                       std::string const& zone) {
  bool const has_moments =
      std::any_of(source.columns.begin(), source.columns.end(), [](SourceColumn const& column) {
        return column.is_sent && may_show_zone(column);
      });
  std::string const before = line_of(layout, kZoneNumber, "UTC");
  if (has_moments && before != zone)
    throw Error(ErrorCode::target_table_mismatch,
                fmt::format("the target of {} has its times in the zone {}, and time-zone is {}",
                            to_string(source.name), before, zone))
        .set_advice("Drop the target table and restart, so that it is copied in the new zone; or "
                    "set time-zone back, drop the target table and restart.");
}

std::string money_line(SourceTable const& source) {
  bool const is_as_ever = source.money_sample.empty() || source.money_sample == kMoneyOfC;
  return is_as_ever ? "" : kMoneyNumber + source.money_sample + "\n";
}

void require_same_money(SourceTable const& source, std::string const& layout) {
  bool const has_money =
      std::any_of(source.columns.begin(), source.columns.end(), [](SourceColumn const& column) {
        return column.is_sent && may_show_money(column);
      });
  std::string const before = line_of(layout, kMoneyNumber, kMoneyOfC);
  std::string const now = line_of(money_line(source), kMoneyNumber, kMoneyOfC);
  if (has_money && before != now)
    throw Error(ErrorCode::target_table_mismatch,
                fmt::format("the target of {} has its money as in {}, and lc_monetary of the "
                            "database prints it as in {} by now",
                            to_string(source.name), before, now))
        .set_advice("Drop the target table and restart, so that it is copied as it is printed now; "
                    "if that is not what you want, set it back before: ALTER DATABASE ... SET "
                    "lc_monetary = '...';");
}

void require_key_of_target(SourceTable const& source, TargetTable const& wanted,
                           TargetTable const& existing, std::string const& why) {
  bool const is_same = std::is_permutation(wanted.key.begin(), wanted.key.end(),
                                           existing.key.begin(), existing.key.end());
  if (existing.model != TableModel::primary || is_same)
    return;
  bool const has_key = wanted.model == TableModel::primary;
  throw Error(ErrorCode::target_table_mismatch,
              fmt::format("{}{} of {} {}, that of its target is ({})", why,
                          why.empty() ? "the key" : ": the key", to_string(source.name),
                          has_key ? fmt::format("is ({}) by now", fmt::join(wanted.key, ", "))
                                  : "does not arrive",
                          fmt::join(existing.key, ", ")))
      .set_advice(fmt::format("{}, drop {} and restart.",
                              has_key ? "To copy it again under its new key" : "Publish its key",
                              to_string(existing.name)));
}

void require_history(TargetTable const& wanted, TargetTable const& existing,
                     TableOptions const& options) {
  bool const has_history = existing.model == TableModel::duplicate &&
                           wanted.model == TableModel::primary &&
                           existing.column(made_column_type(MadeColumn::operation).name) != nullptr;
  bool const lacks_history = options.is_history() && existing.model != TableModel::duplicate;
  if (!has_history && !lacks_history)
    return;
  throw Error(ErrorCode::target_table_mismatch,
              fmt::format("{} {}", to_string(existing.name),
                          has_history ? "has the history of its source, and history is off"
                                      : "has the rows of its source, and history is on"))
      .set_advice("Move it away, so that it is made and copied anew: " +
                  rename_table_sql(existing.name, existing.name.table + "_old") + ";");
}

} // namespace walrock
