// What a call gives that can fail: a value, or an error. Nothing throws but value() of an error.
#pragma once

#include <edge_irdet.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

namespace edge_irdet {
inline namespace v0 {

// What went wrong: the code of docs/reference/errors.md (105 is E105), and in words.
struct Error {
  int code = 0;
  std::string title;
  std::string what;       // what happened, with the value
  std::string next_step;  // what to do about it

  std::string text() const {
    return "E" + std::to_string(code) + " " + title + ": " + what + "\n  next: " + next_step;
  }
};

class Exception : public std::runtime_error {
 public:
  explicit Exception(Error error) : std::runtime_error(error.text()), error_(std::move(error)) {}
  const Error& error() const noexcept { return error_; }

 private:
  Error error_;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}       // NOLINT(google-explicit-constructor)
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}   // NOLINT(google-explicit-constructor)

  explicit operator bool() const noexcept { return content_.index() == 0; }
  bool has_value() const noexcept { return content_.index() == 0; }

  // The value; throws Exception where there is none.
  T& value() & {
    require();
    return std::get<0>(content_);
  }
  const T& value() const& {
    require();
    return std::get<0>(content_);
  }
  T&& value() && {
    require();
    return std::get<0>(std::move(content_));
  }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // Of a call that failed.
  const Error& error() const { return std::get<1>(content_); }

 private:
  void require() const {
    if (content_.index() != 0) throw Exception(std::get<1>(content_));
  }

  std::variant<T, Error> content_;
};

namespace detail {

inline Error last_error(const void* handle) {
  eird_error error{};
  error.size = sizeof error;
  eird_last_error(handle, &error);
  const auto text = [](const char* one) { return std::string(one == nullptr ? "" : one); };
  return {error.code, text(error.title), text(error.what), text(error.next_step)};
}

}  // namespace detail
}  // namespace v0
}  // namespace edge_irdet
