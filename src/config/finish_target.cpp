// finish_job() for the sink: addresses, TLS, names, load properties.
#include "config/finish_job.h"

#include <algorithm>

#include <fmt/format.h>

#include "config/load_properties.h"
#include "config/nearest.h"
#include "config/remarks.h"
#include "config/table_rules.h"
#include "config/values.h"

namespace walrock {

namespace {

bool is_utc(std::string_view zone) {
  std::string const word = lower_case(zone);
  return word == "utc" || word == "etc/utc" || word == "z";
}

// Whether there is such a zone only PostgreSQL knows. It would take UTC+3 as well, and mean three
// hours west.
bool is_area_and_place(std::string_view zone) {
  std::size_t const slash = zone.find('/');
  bool const is_spelled = std::all_of(zone.begin(), zone.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '_' || c == '-' || c == '+';
  });
  return is_spelled && slash != std::string_view::npos && slash > 0 && slash + 1 < zone.size();
}

class FinishTarget : Remarks {
public:
  using Remarks::Remarks;

  void run() {
    TargetSpec& target = spec_.target;
    if (!has_only(target.label_prefix, "_-", true) || target.label_prefix.size() > 40)
      wrong("sink.starrocks.label.prefix", "expected up to 40 letters, digits, dashes and "
                                           "underscores, found " +
                                               shown("sink.starrocks.label.prefix"));
    if (is_utc(target.time_zone))
      target.time_zone = "UTC";
    else if (!is_area_and_place(target.time_zone))
      wrong("sink.starrocks.time-zone", "expected UTC or a name such as Europe/Berlin, found " +
                                            shown("sink.starrocks.time-zone"));
    if (target.transactions == Transactions::across_tables &&
        target.semantic == Semantic::at_least_once)
      wrong("sink.starrocks.transactions",
            "across-tables goes with exactly-once only: at-least-once may load rows of some tables "
            "again; leave sink.semantic out");
    take_jdbc_url();
    target.tls.mode = draft_.target_tls.value_or(TlsMode::disable);
    if (target.uses_https)
      target.https_mode = draft_.target_tls.value_or(TlsMode::verify_full);
    if (target.uses_https && target.https_mode == TlsMode::disable)
      wrong("sink.starrocks.tls.mode", "disable does not go with https:// in fe-nodes");
    if (target.tls.certificate_file.empty() != target.tls.key_file.empty())
      wrong(target.tls.key_file.empty() ? "sink.starrocks.tls.cert" : "sink.starrocks.tls.key",
            "tls.cert and tls.key go together; give both");
    for (auto const& [from, to] : target.backend_hosts)
      if (!parse_address(from, 0) || !parse_address(to, 0))
        wrong("sink.starrocks.backend-hosts " + from, "expected host or host:port on both sides");
    if (target.ddl_fe_nodes.empty())
      target.ddl_fe_nodes = target.fe_nodes;
    if (target.ddl_username.empty()) {
      target.ddl_username = target.username;
      if (given("schema-sync.starrocks.password") == nullptr)
        target.ddl_password = target.password;
    }
    check_target_table();
    finish_load_properties();
  }

private:
  void take_jdbc_url() {
    if (draft_.jdbc_url.empty())
      return;
    std::string_view url = draft_.jdbc_url;
    constexpr std::string_view kScheme = "jdbc:mysql://";
    if (url.starts_with(kScheme))
      url.remove_prefix(kScheme.size());
    url = url.substr(0, url.find_first_of("/?"));
    std::vector<HostPort> nodes;
    bool is_good = true;
    for (std::string const& part : split_list(url, ",;")) {
      auto const address = parse_address(part, 9030);
      is_good = is_good && address.has_value();
      if (address)
        nodes.push_back(*address);
    }
    bool const is_one = std::all_of(nodes.begin(), nodes.end(), [&](HostPort const& node) {
      return node.port == nodes.front().port;
    });
    bool const contradicts =
        given("sink.starrocks.mysql-port") != nullptr &&
        (nodes.empty() || !is_one || spec_.target.mysql_port != nodes.front().port);
    if (!is_good || nodes.empty() || contradicts)
      wrong("sink.starrocks.jdbc-url",
            "expected jdbc:mysql://host:port, several hosts separated by commas, and no other "
            "port than mysql-port where that is given");
    else if (is_one)
      spec_.target.mysql_port = nodes.front().port;
    else
      spec_.target.sql_nodes = nodes;
  }

  // A fixed name in a job of several tables: fine when one of them has that name anyway.
  void check_target_table() {
    std::string const& table = spec_.target.table;
    bool const is_template = table.find('{') != std::string::npos;
    if (table.empty() || is_template || has_single_table(spec_) || spec_.source.tables.empty())
      return;
    // Patterns are known only when the source was asked: targets_for() decides then.
    bool const may_fit = std::any_of(
        spec_.source.tables.begin(), spec_.source.tables.end(), [&](TablePattern const& pattern) {
          return !pattern.plain || target_for(spec_, *pattern.plain).table == table;
        });
    if (may_fit)
      note(fmt::format("sink.starrocks.table: {} does not rename anything in a job of several "
                       "tables; each goes to a table of its own name",
                       table));
    else
      wrong("sink.starrocks.table",
            fmt::format("{} is one target for several source tables; leave it out, and each "
                        "goes to a table of its own name, or write target-table into the table's "
                        "block under tables:",
                        shown("sink.starrocks.table")));
  }

  void finish_load_properties() {
    auto const& written = spec_.target.load_properties;
    std::map<std::string, std::string> sent;
    std::string const path = "sink.starrocks.load.properties";
    for (auto const& [name, value] : written) {
      LoadProperty const* const property = find_load_property(name);
      std::string const entry = path + " " + name;
      if (property == nullptr) {
        std::vector<std::string> names;
        for (LoadProperty const& known : load_properties())
          names.emplace_back(known.name);
        std::string const best = nearest(name, names);
        wrong(entry, "StarRocks' stream load has no such property" +
                         (best.empty() ? "" : fmt::format("; did you mean \"{}\"?", best)));
        continue;
      }
      switch (property->use) {
      case LoadPropertyUse::sent: sent[std::string(property->name)] = value; break;
      case LoadPropertyUse::preference: set_format(entry, value); break;
      case LoadPropertyUse::unused:
        note(fmt::format("{} in load.properties does nothing: {}", property->name,
                         property->reason));
        break;
      case LoadPropertyUse::refused:
        if (property->harmless.empty() || lower_case(value) != lower_case(property->harmless))
          wrong(entry, fmt::format("cannot be set: {}", property->reason));
        break;
      }
    }
    spec_.target.load_properties = std::move(sent);
  }

  void set_format(std::string const& entry, std::string const& value) {
    std::string const format = lower_case(value);
    if (format != "csv" && format != "json") {
      wrong(entry, "expected csv or json");
      return;
    }
    spec_.target.format = format == "csv" ? FormatPreference::csv : FormatPreference::json;
    note(fmt::format("format: {} is a preference; walrock picks CSV or JSON load by load, so that "
                     "no value is bent",
                     format));
  }
};

} // namespace

void finish_target(Draft& draft, Mistakes& mistakes) {
  FinishTarget(draft, mistakes).run();
}

} // namespace walrock
