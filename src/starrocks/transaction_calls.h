// The calls of the load transaction interface, one HTTP call each (with its redirects), and what
// was answered. What an answer means is decided by StreamLoader. Lives on one thread.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/time.h"
#include "model/batch.h"
#include "model/label.h"
#include "starrocks/answer.h"
#include "starrocks/http_client.h"
#include "starrocks/version.h"

namespace walrock {

struct LoadOptions {
  // Used where the server is known to read it: JSON from 3.2.7, CSV of one body (the bodies of a
  // CSV label run into one pipe, and a server that stops after the first frame loses the rest).
  Compression compression = Compression::none;
  ServerVersion version;              // as the catalog says; zero: unknown, nothing newer is used
  Milliseconds load_timeout{600'000}; // begin to prepared, whole seconds
  Milliseconds prepared_timeout{86'400'000}; // prepared to commit; servers from 3.5.4 are told
  Milliseconds alter_timeout{600'000};       // for which add_columns waits
  bool finds_refused_rows =
      false; // with bad-rows: quarantine: which rows of a load, by their bytes
  Milliseconds busy_timeout{30'000}; // for which "transaction in processing" is tried again
};

// The answer, or why there is none.
struct TransactionReply {
  std::optional<Answer> answer;
  bool may_have_arrived = false; // without an answer: the server may have acted on the call
  std::string server;            // who answered: the label's backend, after begin
  std::string failure;
  bool was_repeated = false; // the server may have got the call twice

  [[nodiscard]] bool is_ok() const { return answer && answer->status == AnswerStatus::ok; }
  // "begin: INTERNAL_ERROR: ..." or "begin: no answer: ...".
  [[nodiscard]] std::string message() const;
  std::string call; // "begin", "load", ...
};

class TransactionCalls {
public:
  TransactionCalls(TargetAddress const& address, LoadOptions const& options, std::stop_token stop);

  TransactionReply begin(Label const& label, LoadSpec const& spec);
  // Of several tables: frontends keep it, so every call goes to one (its load is sent on to a
  // backend that may be another for each table), and it is not prepared.
  TransactionReply begin_group(Label const& label);
  TransactionReply load_of_group(Label const& label, LoadSpec const& spec, std::string_view bytes,
                                 Compression compression);
  TransactionReply commit_group(Label const& label);
  TransactionReply rollback_group(Label const& label);
  // bytes as they are in the batch; how they are compressed is the same for every body of a label.
  TransactionReply load(Label const& label, LoadSpec const& spec, std::string_view bytes,
                        Compression compression, std::string const& server);
  TransactionReply prepare(Label const& label, LoadSpec const& spec, std::string const& server);
  TransactionReply commit(Label const& label);
  TransactionReply rollback(Label const& label);
  // Aborts a transaction that was not prepared, at the frontend, without its backend.
  TransactionReply cancel(Label const& label);
  TransactionReply label_state(Label const& label);
  // The text behind an ErrorURL, as far as it is kept and wanted; empty when it cannot be read.
  std::string error_log(std::string const& url);

private:
  TransactionReply send_load(HttpRequest& request, LoadSpec const& spec, std::string_view bytes,
                             Compression compression);
  TransactionReply call(HttpRequest& request, char const* name);
  TransactionReply call_once(HttpRequest const& request, char const* name);

  HttpClient http_;
  LoadOptions options_;
  std::stop_token stop_;
};

// The headers of a load, without label, db and table. Pure.
[[nodiscard]] std::vector<std::pair<std::string, std::string>>
load_headers(LoadSpec const& spec, Compression compression);
// Headers carry the names, and HTTP has no way to write a line break in one. Pure.
[[nodiscard]] bool fits_headers(Label const& label, LoadSpec const& spec);
// How the bodies of a batch are sent to a server of this version. Pure.
[[nodiscard]] Compression usable_compression(LoadSpec const& spec, std::size_t body_count,
                                             LoadOptions const& options);

} // namespace walrock
