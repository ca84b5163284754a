// A small reader of type texts:  type = name [ '(' args ')' ] [ '<' fields '>' ] [ "unsigned" ]
#include "starrocks/column_type.h"

#include <array>
#include <cctype>
#include <utility>

namespace walrock {

namespace {

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}
char upper(char c) {
  return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
}

class TypeReader {
public:
  explicit TypeReader(std::string_view text) : text_(text) {}

  std::string type() {
    std::string const name = word();
    std::string const arguments = bracketed();
    if (name == "ARRAY" || name == "MAP")
      return name + nested(false);
    if (name == "STRUCT")
      return name + nested(true);
    skip_blanks();
    bool const is_unsigned = take_word("unsigned");
    return scalar(name, arguments, is_unsigned);
  }

  // What was not understood, for types that this reader does not know.
  std::string rest() {
    std::string out;
    for (; at_ < text_.size(); ++at_)
      if (text_[at_] != ' ')
        out += upper(text_[at_]);
    return out;
  }

private:
  static std::string scalar(std::string const& name, std::string const& arguments,
                            bool is_unsigned) {
    if (name == "TINYINT" && arguments == "(1)")
      return "BOOLEAN";
    if (name == "BIGINT" && is_unsigned)
      return "LARGEINT";
    if (name.starts_with("DECIMAL") && name != "DECIMALV2")
      return "DECIMAL" + arguments; // DECIMAL32, 64, 128, 256 are storage
    if (name == "STRING")
      return "VARCHAR(65533)";
    if (name == "BINARY")
      return "VARBINARY";
    if (name == "CHAR" || name == "VARCHAR")
      return name + arguments;
    return name; // INT(11), LARGEINT(40), VARBINARY(n): a width for display, or of no effect
  }

  // "<int(11), varchar(10)>" -> "<INT,VARCHAR(10)>"; with names "<id int(11)>" -> "<id INT>".
  std::string nested(bool has_names) {
    std::string out = "<";
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == '<')
      ++at_;
    while (at_ < text_.size() && text_[at_] != '>') {
      skip_blanks();
      if (has_names)
        out += field_name() + " ";
      out += type();
      skip_blanks();
      if (at_ < text_.size() && text_[at_] == ',')
        ++at_, out += ',';
      else if (at_ < text_.size() && text_[at_] != '>')
        return out + rest();
    }
    if (at_ < text_.size())
      ++at_;
    return out + ">";
  }

  std::string field_name() {
    std::string out;
    bool const is_quoted = at_ < text_.size() && text_[at_] == '`';
    if (is_quoted)
      ++at_;
    while (at_ < text_.size() && text_[at_] != (is_quoted ? '`' : ' ') && text_[at_] != ':')
      out += text_[at_++];
    if (at_ < text_.size() && (is_quoted || text_[at_] == ':'))
      ++at_;
    skip_blanks();
    return out;
  }

  std::string word() {
    skip_blanks();
    std::string out;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '_'))
      out += upper(text_[at_++]);
    return out;
  }

  std::string bracketed() {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != '(')
      return "";
    std::string out;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] != ' ')
        out += text_[at_];
      if (text_[at_] == ')') {
        ++at_;
        break;
      }
    }
    return out;
  }

  bool take_word(std::string_view wanted) {
    if (text_.size() - at_ < wanted.size())
      return false;
    for (std::size_t i = 0; i < wanted.size(); ++i)
      if (lower(text_[at_ + i]) != wanted[i])
        return false;
    at_ += wanted.size();
    return true;
  }

  void skip_blanks() {
    while (at_ < text_.size() && text_[at_] == ' ')
      ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

} // namespace

std::string column_type_from_catalog(std::string_view catalog_type) {
  TypeReader reader(catalog_type);
  std::string const type = reader.type();
  return type + reader.rest();
}

} // namespace walrock
