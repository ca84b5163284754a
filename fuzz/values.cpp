// One value into every type of column under every policy: what cannot be held is refused, or
// becomes a value that can be; a row is whole in either format.
#include <string>

#include <nlohmann/json.hpp>

#include "encode/row_encoder.h"
#include "input.h"
#include "model/moment_text.h"

namespace walrock {
namespace {

struct Kind {
  char const* type;
  Conversion conversion;
  ArrayElement element = ArrayElement::text;
};

constexpr Kind kKinds[] = {{"DATE", Conversion::text},
                           {"DATETIME", Conversion::text},
                           {"DATETIME", Conversion::timestamptz},
                           {"DECIMAL(5,2)", Conversion::number},
                           {"DECIMAL(38,38)", Conversion::number},
                           {"INT", Conversion::number},
                           {"LARGEINT", Conversion::number},
                           {"FLOAT", Conversion::number},
                           {"VARCHAR(4)", Conversion::text},
                           {"VARBINARY", Conversion::bytea},
                           {"BOOLEAN", Conversion::boolean},
                           {"JSON", Conversion::json},
                           {"JSON", Conversion::array},
                           {"JSON", Conversion::array, ArrayElement::number},
                           {"ARRAY<DATE>", Conversion::array},
                           {"ARRAY<INT>", Conversion::array, ArrayElement::number}};

TablePlan plan_for(Kind const& kind, std::uint8_t choice) {
  TablePlan plan;
  plan.relation.name = {"public", "t"};
  plan.relation.columns = {{"id", 23, -1, true}, {"v", 25, -1, false}};
  plan.key_count = 1;
  plan.is_utc = (choice & 8U) == 0;
  plan.is_unencoded = (choice & 16U) != 0;
  ColumnPlan key;
  key.source_index = 0;
  key.name = "id";
  key.type = "VARCHAR(9)";
  ColumnPlan value = key;
  value.source_index = 1;
  value.name = "v";
  value.type = kind.type;
  value.conversion = kind.conversion;
  value.element = kind.element;
  value.policy = static_cast<ValuePolicy>((choice & 3U) % 3);
  value.is_cuttable = (choice & 4U) != 0;
  plan.columns = {key, value};
  return plan;
}

void require(bool holds) {
  if (!holds)
    __builtin_trap();
}

void check_csv(RowEncoder const& encoder, Kind const& kind, std::string const& row) {
  require(row.starts_with("1\001") && row.ends_with("\0010\002"));
  std::string const field = row.substr(2, row.size() - 5);
  ColumnPlan const& column = encoder.plan().columns[1];
  bool const is_moment = std::string_view(kind.type).starts_with("DATE");
  if (is_moment && field != "\\N")
    require(is_known_moment(field));
  if (column.policy == ValuePolicy::clamp && column.type == "VARCHAR(4)")
    require(field.size() <= 4);
  if (encoder.plan().is_unencoded)
    require(is_utf8(field));
}

} // namespace
} // namespace walrock

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
  using namespace walrock;
  Input in(bytes, size);
  Kind const& kind = kKinds[in.byte() % std::size(kKinds)];
  std::uint8_t const choice = in.byte();
  std::string const text(in.rest());
  ChangedValues changed;
  RowEncoder const encoder(plan_for(kind, choice), &changed);
  Value const row[] = {Value::of("1"), Value::of(text)};
  bool const may_refuse = encoder.plan().columns[1].policy == ValuePolicy::fail;
  try {
    std::string csv;
    if (encoder.encode_csv(row, Op::upsert, {}, csv))
      check_csv(encoder, kind, csv);
    require(changed.read().empty() || changed.read().begin()->second == 1);
    std::string json;
    encoder.encode_json(row, Op::upsert, {}, json);
    RowEncoder::finish_json(json);
    bool const is_text = kind.conversion == Conversion::text && kind.type[0] == 'V';
    if (is_text && is_utf8(text))
      require(nlohmann::json::accept(json));
  } catch (Error const& error) {
    require(may_refuse && error.code() == ErrorCode::value_unsupported);
  }
  return 0;
}
