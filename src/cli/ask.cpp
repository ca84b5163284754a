#include "cli/ask.h"

#include <iostream>

#include <termios.h>
#include <unistd.h>

namespace walrock {

bool can_ask() {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

std::string ask(std::string const& question, std::string const& otherwise) {
  std::cerr << question << (otherwise.empty() ? "" : " [" + otherwise + "]") << ": " << std::flush;
  std::string answer;
  if (!std::getline(std::cin, answer) || answer.empty())
    return otherwise;
  return answer;
}

Secret ask_secret(std::string const& question) {
  termios before{};
  bool const is_hidden = ::tcgetattr(STDIN_FILENO, &before) == 0;
  if (is_hidden) {
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  std::string answer = ask(question, "");
  if (is_hidden) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::cerr << "\n";
  }
  return Secret(std::move(answer));
}

} // namespace walrock
