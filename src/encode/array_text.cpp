#include "encode/array_text.h"

#include <algorithm>

#include "encode/json_numbers.h"
#include "encode/json_text.h"
#include "encode/real_text.h"
#include "model/moment_text.h"

namespace walrock {

namespace {

class ArrayReader {
public:
  ArrayReader(std::string_view text, ArrayFormat format, std::string& out)
      : text_(text), format_(format), out_(out) {}

  bool read() { return at('{') && list() && position_ == text_.size(); }

private:
  bool at(char c) const { return position_ < text_.size() && text_[position_] == c; }

  // At "{". PostgreSQL has at most six dimensions, so the recursion is shallow.
  bool list() {
    if (++depth_ > format_.most_dimensions)
      return false;
    ++position_;
    out_ += '[';
    if (!at('}')) {
      while (true) {
        if (!entry())
          return false;
        if (!at(','))
          break;
        ++position_;
        out_ += ',';
      }
    }
    if (!at('}'))
      return false;
    ++position_;
    --depth_;
    out_ += ']';
    return true;
  }

  bool entry() {
    if (at('{'))
      return list();
    if (at('"'))
      return quoted();
    std::size_t const end = text_.find_first_of(",{}\"", position_);
    if (end == std::string_view::npos || end == position_)
      return false;
    std::string_view const element = text_.substr(position_, end - position_);
    position_ = end;
    if (element == "NULL") {
      out_ += "null";
      return true;
    }
    return whole_element(element);
  }

  // An element that needs no unescaping.
  bool whole_element(std::string_view element) {
    switch (format_.element) {
    case ArrayElement::boolean:
      out_ += element == "t" ? "true" : "false";
      return element == "t" || element == "f";
    case ArrayElement::number: return number(element);
    case ArrayElement::json: out_.append(element); return is_held_json(element);
    case ArrayElement::text: break;
    }
    if (format_.is_moment && !take_moment(element))
      return false;
    out_ += '"';
    append_piece(element);
    out_ += '"';
    return true;
  }

  bool number(std::string_view element) {
    if (element.empty())
      return false;
    char const last = element.back();
    bool const is_finite = last >= '0' && last <= '9';
    if (format_.is_real && is_finite)
      append_real(element, out_);
    else if (element == "-0") // of JSON a whole number, which has no -0
      out_ += "-0.0";
    else if (is_finite || format_.style == ArrayStyle::starrocks)
      out_.append(element);
    else
      append_json_string(element, out_);
    return true;
  }

  static bool take_moment(std::string_view& element) {
    if (!is_known_moment(element))
      return false;
    element = without_zone(element);
    return true;
  }

  // At the opening quote.
  bool quoted() {
    std::size_t const start = ++position_;
    std::size_t end = text_.find_first_of("\"\\", position_);
    if (end == std::string_view::npos)
      return false;
    if (text_[end] == '"') {
      position_ = end + 1;
      return whole_element(text_.substr(start, end - start));
    }
    bool const is_bare = format_.element == ArrayElement::json;
    if (!is_bare)
      out_ += '"';
    std::size_t const begin = out_.size();
    if (!escaped_pieces())
      return false;
    if (is_bare)
      return is_held_json(std::string_view(out_).substr(begin));
    out_ += '"';
    return true;
  }

  // Within JSON nothing tells the document null from an element that is NULL.
  static bool is_held_json(std::string_view element) {
    constexpr std::string_view kBlanks = " \t\n\r";
    std::size_t const begin = std::min(element.find_first_not_of(kBlanks), element.size());
    std::size_t const end = element.find_last_not_of(kBlanks) + 1;
    bool const is_null = begin < end && element.substr(begin, end - begin) == "null";
    return !is_null && holds_json_numbers(element, true) && holds_json_strings(element);
  }

  // Up to and with the closing quote, undoing backslashes.
  bool escaped_pieces() {
    while (true) {
      std::size_t const end = text_.find_first_of("\"\\", position_);
      if (end == std::string_view::npos)
        return false;
      append_piece(text_.substr(position_, end - position_));
      position_ = end + 1;
      if (text_[end] == '"')
        return true;
      if (position_ == text_.size())
        return false;
      append_piece(text_.substr(position_++, 1));
    }
  }

  void append_piece(std::string_view piece) {
    if (format_.element == ArrayElement::json) {
      out_.append(piece);
    } else if (format_.style == ArrayStyle::json) {
      append_json_escaped(piece, out_);
    } else {
      for (char const c : piece) {
        if (c == '"')
          out_ += '"';
        out_ += c;
      }
    }
  }

  std::string_view text_;
  ArrayFormat format_;
  std::string& out_;
  std::size_t position_ = 0;
  int depth_ = 0;
};

} // namespace

std::string_view without_bounds(std::string_view array) {
  std::size_t const equals = array.starts_with('[') ? array.find('=') : std::string_view::npos;
  return equals == std::string_view::npos ? array : array.substr(equals + 1);
}

bool append_array(std::string_view text, ArrayFormat format, std::string& out) {
  return ArrayReader(text, format, out).read();
}

} // namespace walrock
