// What a frontend or backend says: success is a closed list, everything else is read without harm.
#include "starrocks/answer.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
  using namespace walrock;
  Input in(bytes, size);
  int const status = (in.byte() & 3U) != 0 ? 200 : 500;
  std::string_view const text = in.rest();
  Answer const answer = parse_answer(status, text);
  bool const is_success = answer.status == AnswerStatus::ok;
  if (is_success && (status != 200 || (answer.word != "OK" && answer.word != "Success")))
    __builtin_trap();
  if (!is_success)
    (void)kind_of_failure(answer);
  LabelState const state = label_state_of(answer);
  if ((state == LabelState::visible || state == LabelState::committed) && !is_success)
    __builtin_trap();
  (void)says_login_refused(answer);
  (void)says_aborted(answer);
  (void)to_string(answer);
  (void)excerpt(text, 100);
  return 0;
}
