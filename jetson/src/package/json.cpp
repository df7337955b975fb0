#include "package/json.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>

#include "package/decimal.hpp"
#include "package/intake.hpp"

namespace eird {
namespace {

constexpr int kMostLevels = 64;

[[noreturn]] void refuse(const std::string& why, std::size_t place) {
  throw ContentRefused("JSON is malformed: " + why + " (byte " + std::to_string(place) + ")");
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_utf8(std::string& text, std::uint32_t point) {
  const auto put = [&text](std::uint32_t byte) { text += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0U | point >> 6U);
    put(0x80U | (point & 0x3fU));
  } else if (point < 0x10000) {
    put(0xe0U | point >> 12U);
    put(0x80U | (point >> 6U & 0x3fU));
    put(0x80U | (point & 0x3fU));
  } else {
    put(0xf0U | point >> 18U);
    put(0x80U | (point >> 12U & 0x3fU));
    put(0x80U | (point >> 6U & 0x3fU));
    put(0x80U | (point & 0x3fU));
  }
}

class Parser {
 public:
  Parser(const char* text, std::size_t bytes) : text_(text), bytes_(bytes) {}

  Json document() {
    Json json = value(0);
    blanks();
    if (at_ != bytes_) refuse("trailing characters", at_);
    return json;
  }

 private:
  char peek() const { return at_ < bytes_ ? text_[at_] : '\0'; }

  void blanks() {
    while (at_ < bytes_ && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
  }

  void word(const char* expected) {
    const std::size_t length = std::strlen(expected);
    if (bytes_ - at_ < length || std::memcmp(text_ + at_, expected, length) != 0) refuse("invalid character", at_);
    at_ += length;
  }

  Json value(int level) {
    blanks();
    if (at_ == bytes_) throw ContentRefused("JSON ends too early");
    Json json;
    switch (text_[at_]) {
      case '{': object(json, level + 1); break;
      case '[': array(json, level + 1); break;
      case '"':
        json.kind = Json::Kind::string;
        string(json.string);
        break;
      case 'n': word("null"); break;
      case 't':
        word("true");
        json.kind = Json::Kind::boolean;
        json.boolean = true;
        break;
      case 'f':
        word("false");
        json.kind = Json::Kind::boolean;
        break;
      default: number(json);
    }
    return json;
  }

  void enter(int level) const {
    if (level > kMostLevels) {
      throw ContentRefused("nests deeper than " + std::to_string(kMostLevels) + " levels");
    }
  }

  void object(Json& json, int level) {
    enter(level);
    json.kind = Json::Kind::object;
    ++at_;
    blanks();
    if (peek() == '}') {
      ++at_;
      return;
    }
    while (true) {
      blanks();
      if (peek() != '"') refuse("a name was expected", at_);
      std::string name;
      string(name);
      blanks();
      if (peek() != ':') refuse("':' was expected", at_);
      ++at_;
      json.object.emplace_back(std::move(name), value(level));
      if (!another('}')) return;
    }
  }

  void array(Json& json, int level) {
    enter(level);
    json.kind = Json::Kind::array;
    ++at_;
    blanks();
    if (peek() == ']') {
      ++at_;
      return;
    }
    while (true) {
      json.array.push_back(value(level));
      if (!another(']')) return;
    }
  }

  bool another(char end) {
    blanks();
    if (at_ < bytes_ && (text_[at_] == ',' || text_[at_] == end)) return text_[at_++] == ',';
    refuse("',' or an end was expected", at_);
  }

  std::uint32_t hexadecimal() {
    std::uint32_t code = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = peek();
      const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      if (!is_digit(c) && !letter) refuse("invalid escaped character", at_);
      code = code << 4U | static_cast<std::uint32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return code;
  }

  void escape(std::string& out) {
    ++at_;
    const char c = peek();
    ++at_;
    switch (c) {
      case '"': case '\\': case '/': out += c; return;
      case 'b': out += '\b'; return;
      case 'f': out += '\f'; return;
      case 'n': out += '\n'; return;
      case 'r': out += '\r'; return;
      case 't': out += '\t'; return;
      case 'u': break;
      default: refuse("invalid escaped character", at_ - 1);
    }
    std::uint32_t point = hexadecimal();
    if (point >= 0xdc00 && point <= 0xdfff) refuse("invalid escaped character", at_);
    if (point >= 0xd800 && point <= 0xdbff) {
      if (peek() != '\\' || at_ + 1 >= bytes_ || text_[at_ + 1] != 'u') refuse("half a surrogate pair", at_);
      at_ += 2;
      const std::uint32_t low = hexadecimal();
      if (low < 0xdc00 || low > 0xdfff) refuse("half a surrogate pair", at_);
      point = 0x10000 + ((point - 0xd800) << 10U) + (low - 0xdc00);
    }
    append_utf8(out, point);
  }

  void string(std::string& out) {
    ++at_;
    while (true) {
      if (at_ >= bytes_) throw ContentRefused("JSON ends in a string");
      const auto byte = static_cast<unsigned char>(text_[at_]);
      if (byte == '"') {
        ++at_;
        return;
      }
      if (byte < 0x20) refuse("invalid character", at_);
      if (byte == '\\') {
        escape(out);
        continue;
      }
      const std::size_t length = utf8_length(text_ + at_, bytes_ - at_);
      if (length == 0) refuse("text that is not UTF-8", at_);
      out.append(text_ + at_, length);
      at_ += length;
    }
  }

  void digits() {
    if (!is_digit(peek())) refuse("invalid number", at_);
    while (is_digit(peek())) ++at_;
  }

  void number(Json& json) {
    const std::size_t start = at_;
    if (peek() == '-') ++at_;
    if (!is_digit(peek())) refuse("invalid character", at_);
    if (peek() == '0') {
      ++at_;
      if (is_digit(peek())) refuse("invalid number", at_);
    } else {
      digits();
    }
    json.kind = Json::Kind::integer;
    if (peek() == '.') {
      json.kind = Json::Kind::real;
      ++at_;
      digits();
    }
    if (peek() == 'e' || peek() == 'E') {
      json.kind = Json::Kind::real;
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      digits();
    }
    json.real = parse_double(text_ + start, at_ - start);
    if (json.kind == Json::Kind::integer) whole(json, start);
  }

  void whole(Json& json, std::size_t start) const {
    const bool negative = text_[start] == '-';
    constexpr std::uint64_t kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    std::uint64_t magnitude = 0;
    for (std::size_t place = start + (negative ? 1 : 0); place < at_; ++place) {
      const auto digit = static_cast<std::uint64_t>(text_[place] - '0');
      if (magnitude > (kMost - digit) / 10) {
        json.large = true;
        json.integer = negative ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
        return;
      }
      magnitude = 10 * magnitude + digit;
    }
    json.integer = negative ? -static_cast<std::int64_t>(magnitude) : static_cast<std::int64_t>(magnitude);
  }

  const char* text_;
  std::size_t bytes_;
  std::size_t at_ = 0;
};

const char* name_of(Json::Kind kind) {
  switch (kind) {
    case Json::Kind::null: return "null";
    case Json::Kind::boolean: return "a truth value";
    case Json::Kind::integer: return "a whole number";
    case Json::Kind::real: return "a number";
    case Json::Kind::string: return "text";
    case Json::Kind::array: return "an array";
    case Json::Kind::object: return "an object";
  }
  return "";
}

[[noreturn]] void refuse_kind(const Json& json, const std::string& path, const char* expected) {
  throw ContentRefused(path + " is " + name_of(json.kind) + ", not " + expected);
}

}  // namespace

Json Json::parse(const char* text, std::size_t bytes) { return Parser(text, bytes).document(); }

void read_object(const Json& json, const std::string& path, Unknown unknown, const std::vector<Field>& fields) {
  if (json.kind != Json::Kind::object) refuse_kind(json, path, "an object");
  std::vector<bool> seen(fields.size(), false);
  for (const Json::Member& member : json.object) {
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&member](const Field& one) { return member.first == one.name; });
    if (field == fields.end()) {
      if (unknown == Unknown::refused) throw ContentRefused(path + " has the unknown field " + quoted(member.first));
      continue;
    }
    field->read(member.second, path + "." + field->name);
    seen[static_cast<std::size_t>(field - fields.begin())] = true;
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].required && !seen[i]) throw ContentRefused(path + " lacks the field " + quoted(fields[i].name));
  }
}

std::int64_t read_integer(const Json& json, const std::string& path, std::int64_t least, std::int64_t most) {
  if (json.kind != Json::Kind::integer) refuse_kind(json, path, "a whole number");
  if (json.integer < least || json.integer > most) {
    throw ContentRefused(path + " is " + std::to_string(json.integer) + ", not within " + std::to_string(least) + " to " +
                         std::to_string(most));
  }
  return json.integer;
}

double read_number(const Json& json, const std::string& path) {
  if (json.kind != Json::Kind::integer && json.kind != Json::Kind::real) refuse_kind(json, path, "a number");
  if (!std::isfinite(json.real)) throw ContentRefused(path + " is out of range");
  return json.real;
}

double read_number(const Json& json, const std::string& path, double least, double most) {
  const double number = read_number(json, path);
  if (!(number >= least && number <= most)) {
    throw ContentRefused(path + " is " + format_double(number) + ", not within " + format_double(least) + " to " +
                         format_double(most));
  }
  return number;
}

const std::string& read_string(const Json& json, const std::string& path) {
  if (json.kind != Json::Kind::string) refuse_kind(json, path, "text");
  return json.string;
}

const std::vector<Json>& read_array(const Json& json, const std::string& path) {
  if (json.kind != Json::Kind::array) refuse_kind(json, path, "an array");
  return json.array;
}

bool is_null(const Json& json) { return json.kind == Json::Kind::null; }

std::size_t utf8_length(const char* text, std::size_t left) {
  const auto byte = [text](std::size_t place) { return static_cast<unsigned>(static_cast<unsigned char>(text[place])); };
  const auto follows = [&](std::size_t place, unsigned low, unsigned high) {
    return place < left && byte(place) >= low && byte(place) <= high;
  };
  if (left == 0) return 0;
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1, 0x80, 0xbf) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const unsigned low = first == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = first == 0xed ? 0x9f : 0xbf;  // no surrogates
    return follows(1, low, high) && follows(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const unsigned low = first == 0xf0 ? 0x90 : 0x80;
    const unsigned high = first == 0xf4 ? 0x8f : 0xbf;
    return follows(1, low, high) && follows(2, 0x80, 0xbf) && follows(3, 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}

std::vector<char32_t> code_points(const std::string& text) {
  std::vector<char32_t> points;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x80) {
      points.push_back(byte);
    } else if (byte < 0xc0) {
      if (!points.empty()) points.back() = points.back() << 6U | (byte & 0x3fU);
    } else {
      points.push_back(byte < 0xe0 ? byte & 0x1fU : byte < 0xf0 ? byte & 0x0fU : byte & 0x07U);
    }
  }
  return points;
}

}  // namespace eird
