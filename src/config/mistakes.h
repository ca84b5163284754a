// Collects every mistake of a job file, so that a person corrects them in one go.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace walrock {

// Where something stands in a file; both count from 1. 0: nowhere in particular.
struct Place {
  int line = 0;
  int column = 0;
};

class Mistakes {
public:
  explicit Mistakes(std::string file_name) : file_name_(std::move(file_name)) {}

  void add(Place place, std::string text, ErrorCode code = ErrorCode::job_file_invalid);
  [[nodiscard]] bool empty() const { return found_.empty(); }
  // "job.yml:12:5"
  [[nodiscard]] std::string text_of(Place place) const;
  // One Error with a line per mistake, in the order of the file; secret_missing when that is all.
  void throw_if_any() const;

private:
  struct Mistake {
    Place place;
    std::string text;
    ErrorCode code;
  };
  std::string file_name_;
  std::vector<Mistake> found_;
};

} // namespace walrock
