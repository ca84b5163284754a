// Takes back a row that was begun and not finished.
#pragma once

#include <cstddef>
#include <string>

namespace walrock {

class TornRow {
public:
  explicit TornRow(std::string& out) : out_(out), start_(out.size()) {}
  TornRow(TornRow const&) = delete;
  TornRow& operator=(TornRow const&) = delete;
  ~TornRow() {
    if (!is_whole_)
      out_.resize(start_);
  }
  [[nodiscard]] std::size_t start() const { return start_; }
  void keep() { is_whole_ = true; }

private:
  std::string& out_;
  std::size_t const start_;
  bool is_whole_ = false;
};

} // namespace walrock
