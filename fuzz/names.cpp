// Positions, labels, addresses, types: what is read comes out the same, and fits where it goes.
#include <algorithm>
#include <cctype>
#include <string>

#include "base/error.h"
#include "input.h"
#include "model/label.h"
#include "model/lsn.h"
#include "postgres/address.h"
#include "starrocks/column_type.h"
#include "starrocks/url.h"

namespace {

using namespace walrock;

void require(bool holds) {
  if (!holds)
    __builtin_trap();
}

void check_label(Input& in) {
  LabelParts parts;
  parts.prefix = in.frame();
  parts.job = in.frame();
  parts.epoch = std::to_string(in.byte());
  parts.target.database = in.frame();
  parts.target.table = in.frame();
  parts.incarnation = parts.part = parts.attempt = in.byte();
  std::string const label = make_label(parts).text;
  require(label.size() <= 128);
  require(std::all_of(label.begin(), label.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
  }));
}

void check_url(std::string_view text) {
  auto const url = parse_url(text);
  if (!url)
    return;
  auto const again = parse_url(to_string(*url));
  require(again.has_value() && again->host == url->host && again->port == url->port &&
          again->path == url->path && again->scheme == url->scheme);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
  Input in(bytes, size);
  switch (in.byte() % 5) {
  case 0: {
    if (auto const lsn = parse_lsn(in.rest()))
      require(parse_lsn(to_string(*lsn)) == lsn);
    return 0;
  }
  case 1: check_label(in); return 0;
  case 2: check_url(in.rest()); return 0;
  case 3: (void)column_type_from_catalog(in.rest()); return 0;
  default: break;
  }
  try {
    (void)parse_source_hosts(in.rest(), 5432);
  } catch (Error const&) {
  }
  return 0;
}
