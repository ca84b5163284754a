#include "starrocks/transaction_calls.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/error.h"
#include "base/pause.h"
#include "starrocks/compressor.h"
#include "starrocks/error_log.h"

namespace walrock {

namespace {

constexpr ServerVersion kReadsCompressedJson{3, 2, 7};
constexpr ServerVersion kReadsPreparedTimeout{3, 5, 4};
// Below it a body costs less than the round trip that asks for it.
constexpr std::size_t kAskBeforeBodyBytes = 1U << 20U;
constexpr Milliseconds kErrorLogTimeout{5000};

std::string seconds_of(Milliseconds duration) {
  return std::to_string(std::max<std::int64_t>(1, duration.count() / 1000));
}

bool fits_header(std::string const& text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos;
}

HttpRequest transaction_request(char const* operation, Label const& label) {
  HttpRequest request;
  request.method = "POST";
  request.path = std::string("/api/transaction/") + operation;
  request.headers = {{"label", label.text}, {"db", label.database}};
  return request;
}

HttpRequest group_request(char const* operation, Label const& label) {
  HttpRequest request = transaction_request(operation, label);
  request.headers.emplace_back("transaction_type", "multi");
  return request;
}

} // namespace

std::string TransactionReply::message() const {
  return answer ? call + ": " + to_string(*answer) : call + ": no answer: " + failure;
}

std::vector<std::pair<std::string, std::string>> load_headers(LoadSpec const& spec,
                                                              Compression compression) {
  // Not strict, a value that cannot be converted becomes NULL in silence.
  std::vector<std::pair<std::string, std::string>> headers{{"columns", spec.columns},
                                                           {"strict_mode", "true"},
                                                           {"max_filter_ratio", "0"},
                                                           {"timezone", "UTC"}};
  if (spec.partial_update)
    headers.emplace_back("partial_update", "true");
  if (spec.format == LoadFormat::json) {
    headers.emplace_back("format", "json");
    headers.emplace_back("strip_outer_array", "true");
    headers.emplace_back("ignore_json_size", "true");
    if (compression != Compression::none)
      headers.emplace_back("compression", compression == Compression::lz4 ? "LZ4_FRAME" : "ZSTD");
    return headers;
  }
  // The four characters are converted by the server: raw control bytes are not for a header.
  headers.emplace_back("column_separator", "\\x01");
  headers.emplace_back("row_delimiter", "\\x02");
  switch (compression) {
  case Compression::none: headers.emplace_back("format", "csv"); break;
  case Compression::lz4: headers.emplace_back("format", "lz4"); break;
  case Compression::zstd: headers.emplace_back("format", "zstd"); break;
  }
  return headers;
}

bool fits_headers(Label const& label, LoadSpec const& spec) {
  return fits_header(label.text) && fits_header(label.database) && fits_header(spec.target.table) &&
         fits_header(spec.columns);
}

Compression usable_compression(LoadSpec const& spec, std::size_t body_count,
                               LoadOptions const& options) {
  if (spec.format == LoadFormat::json)
    return options.version >= kReadsCompressedJson ? options.compression : Compression::none;
  return body_count == 1 ? options.compression : Compression::none;
}

TransactionCalls::TransactionCalls(TargetAddress const& address, LoadOptions const& options,
                                   std::stop_token stop)
    : http_(address, stop), options_(options), stop_(std::move(stop)) {}

TransactionReply TransactionCalls::call_once(HttpRequest const& request, char const* name) {
  HttpOutcome outcome = http_.call(request);
  TransactionReply reply;
  reply.call = name;
  reply.may_have_arrived = outcome.may_have_arrived;
  reply.failure = std::move(outcome.failure);
  if (outcome.answer) {
    reply.answer = parse_answer(outcome.answer->status, outcome.answer->body);
    reply.server = std::move(outcome.answer->server);
    reply.was_repeated = outcome.answer->was_repeated;
  }
  return reply;
}

// The call before, or one whose answer was lost, still holds the label: nothing was done, and it
// passes.
TransactionReply TransactionCalls::call(HttpRequest& request, char const* name) {
  Deadline const deadline = Deadline::in(options_.busy_timeout);
  Backoff backoff(Milliseconds(20), Milliseconds(1000));
  for (;;) {
    TransactionReply reply = call_once(request, name);
    bool const is_held = reply.answer && reply.answer->status == AnswerStatus::txn_in_processing;
    if (!is_held || deadline.is_over(std::chrono::steady_clock::now()) ||
        !pause_for(backoff.next(), stop_))
      return reply;
  }
}

TransactionReply TransactionCalls::begin(Label const& label, LoadSpec const& spec) {
  HttpRequest request = transaction_request("begin", label);
  request.headers.emplace_back("table", spec.target.table);
  request.headers.emplace_back("timeout", seconds_of(options_.load_timeout));
  request.timeout = http_.address().call_timeout;
  return call(request, "begin");
}

// Without the timeout it would be 20 s.
TransactionReply TransactionCalls::begin_group(Label const& label) {
  HttpRequest request = group_request("begin", label);
  request.headers.emplace_back("timeout", seconds_of(options_.load_timeout));
  request.timeout = http_.address().call_timeout;
  return call(request, "begin");
}

TransactionReply TransactionCalls::load(Label const& label, LoadSpec const& spec,
                                        std::string_view bytes, Compression compression,
                                        std::string const& server) {
  HttpRequest request = transaction_request("load", label);
  request.server = server;
  return send_load(request, spec, bytes, compression);
}

TransactionReply TransactionCalls::load_of_group(Label const& label, LoadSpec const& spec,
                                                 std::string_view bytes, Compression compression) {
  HttpRequest request = group_request("load", label);
  return send_load(request, spec, bytes, compression);
}

TransactionReply TransactionCalls::send_load(HttpRequest& request, LoadSpec const& spec,
                                             std::string_view bytes, Compression compression) {
  request.method = "PUT";
  request.headers.emplace_back("table", spec.target.table);
  request.headers.emplace_back("timeout", seconds_of(options_.load_timeout));
  for (auto& header : load_headers(spec, compression))
    request.headers.push_back(std::move(header));
  std::string const frame =
      compression == Compression::none ? std::string() : compressed(bytes, compression);
  request.body = compression == Compression::none ? bytes : std::string_view(frame);
  request.asks_before_body = request.server.empty() || request.body.size() >= kAskBeforeBodyBytes;
  request.timeout = options_.load_timeout;
  return call(request, "load");
}

TransactionReply TransactionCalls::prepare(Label const& label, LoadSpec const& spec,
                                           std::string const& server) {
  HttpRequest request = transaction_request("prepare", label);
  request.server = server;
  request.headers.emplace_back("table", spec.target.table);
  if (options_.version >= kReadsPreparedTimeout)
    request.headers.emplace_back("prepared_timeout", seconds_of(options_.prepared_timeout));
  // It answers when the rows are written to a quorum of replicas.
  request.timeout = options_.load_timeout;
  return call(request, "prepare");
}

TransactionReply TransactionCalls::commit(Label const& label) {
  HttpRequest request = transaction_request("commit", label);
  request.timeout = http_.address().call_timeout;
  return call(request, "commit");
}

// It writes the rows before it answers.
TransactionReply TransactionCalls::commit_group(Label const& label) {
  HttpRequest request = group_request("commit", label);
  request.timeout = options_.load_timeout;
  return call(request, "commit");
}

TransactionReply TransactionCalls::rollback(Label const& label) {
  HttpRequest request = transaction_request("rollback", label);
  request.timeout = http_.address().call_timeout;
  return call(request, "rollback");
}

TransactionReply TransactionCalls::rollback_group(Label const& label) {
  HttpRequest request = group_request("rollback", label);
  request.timeout = http_.address().call_timeout;
  return call(request, "rollback");
}

TransactionReply TransactionCalls::cancel(Label const& label) {
  // /api/{db}/{label}/_cancel in older versions, /api/{db}/{table}/_cancel?label= in newer ones,
  // which do not look at the table.
  std::string const text = percent_encoded(label.text);
  HttpRequest request;
  request.method = "POST";
  request.path =
      fmt::format("/api/{}/{}/_cancel?label={}", percent_encoded(label.database), text, text);
  request.timeout = http_.address().call_timeout;
  return call(request, "cancel");
}

TransactionReply TransactionCalls::label_state(Label const& label) {
  HttpRequest request;
  request.path = fmt::format("/api/{}/get_load_state?label={}", percent_encoded(label.database),
                             percent_encoded(label.text));
  request.timeout = http_.address().call_timeout;
  return call(request, "get_load_state");
}

std::string TransactionCalls::error_log(std::string const& url) {
  HttpOutcome outcome = http_.fetch(url, kErrorLogBytes, kErrorLogTimeout);
  if (!outcome.answer || outcome.answer->status != 200)
    return "";
  return std::move(outcome.answer->body);
}

} // namespace walrock
