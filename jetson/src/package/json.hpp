// Reading JSON of a manifest or an engine's record: bounded depth, strict, and independent of the locale.
//
// It takes and refuses what Python's reader does: UTF-8 only, no byte order mark, no trailing characters, numbers as RFC
// 8259 writes them, a whole number only where it is written as one, and of a name that is there twice the last value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace eird {

class Json {
 public:
  enum class Kind { null, boolean, integer, real, string, array, object };
  using Member = std::pair<std::string, Json>;

  // Throws ContentRefused where the text is no JSON, or nests deeper than 64 levels.
  static Json parse(const char* text, std::size_t bytes);

  Kind kind = Kind::null;
  bool boolean = false;
  bool large = false;  // a whole number beyond 64 bits; `integer` is then at its end
  std::int64_t integer = 0;
  double real = 0.0;  // of every number; infinite where it is out of range
  std::string string;
  std::vector<Json> array;
  std::vector<Member> object;
};

// One field of an object: how its value is read. The path names it in the reason of a refusal.
struct Field {
  const char* name;
  bool required;
  std::function<void(const Json&, const std::string& path)> read;
};

enum class Unknown { refused, ignored };

// Reads an object's fields. Throws ContentRefused where it is none, lacks a required field, or has an unknown one.
void read_object(const Json& json, const std::string& path, Unknown unknown, const std::vector<Field>& fields);

// Values of one kind; each throws ContentRefused with the path where the value is of another, or out of range.
std::int64_t read_integer(const Json& json, const std::string& path, std::int64_t least, std::int64_t most);
double read_number(const Json& json, const std::string& path);
double read_number(const Json& json, const std::string& path, double least, double most);
const std::string& read_string(const Json& json, const std::string& path);
const std::vector<Json>& read_array(const Json& json, const std::string& path);
bool is_null(const Json& json);

// Bytes of the UTF-8 sequence at the start of text; 0 where there is none.
std::size_t utf8_length(const char* text, std::size_t left);

// Code points of UTF-8 text.
std::vector<char32_t> code_points(const std::string& text);

}  // namespace eird
