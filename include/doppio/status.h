// Status and StatusOr: how every fallible entry of doppio reports. No exceptions cross this
// interface. Knows nothing of the rest of the project.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <utility>

namespace doppio {

// Grouped by who can act: the caller, the file, doppio itself, the machine.
enum class StatusCode : uint8_t {
  kOk = 0,
  kInvalidArgument,  // the call is wrong: name, shape, type, option
  kNotFound,         // a named thing does not exist: file, blob
  kCorruptModel,     // a file is damaged or contradicts itself
  kUnsupported,      // well formed, but doppio cannot run or convert it
  kComputeError,     // data met at run time that an operator cannot take
  kOutOfMemory,      // the memory limit or the machine's memory is used up
  kIoError,          // the operating system refused
  kInternal,         // a defect in doppio
};

// Name of a code in words, e.g. "invalid argument". Never null.
const char* StatusCodeName(StatusCode code);

// A code and a sentence; OK is one null pointer and costs nothing to return.
// Messages read `<file>: <operator> '<node>': <what is wrong>; <what would be right>`.
class [[nodiscard]] Status {
 public:
  Status() = default;
  // Copies `message`. When memory for the copy cannot be had the message is a fixed one.
  Status(StatusCode code, std::string_view message);
  Status(const Status& other);
  Status(Status&& other) noexcept : rep_(std::exchange(other.rep_, nullptr)) {}
  Status& operator=(Status other) noexcept {
    std::swap(rep_, other.rep_);
    return *this;
  }
  ~Status();

  bool ok() const { return rep_ == nullptr; }
  StatusCode code() const;
  // Zero-terminated; "" when OK. Borrowed from this Status.
  const char* message() const;

  // The same code with `context` and ": " put before the message. OK stays OK.
  Status Annotate(std::string_view context) const;

 private:
  struct Rep;
  static Rep* MakeRep(StatusCode code, std::string_view context, std::string_view message);
  static void Free(Rep* rep);
  Rep* rep_ = nullptr;  // null, an allocation of its own, or the shared out-of-memory message
};

Status InvalidArgument(std::string_view message);
Status NotFound(std::string_view message);
Status CorruptModel(std::string_view message);
Status Unsupported(std::string_view message);
Status ComputeError(std::string_view message);
Status OutOfMemory(std::string_view message);
Status IoError(std::string_view message);
Status Internal(std::string_view message);

// Either a T or the Status that says why there is none. Never both; a StatusOr made of an OK Status
// is an Internal error. Move-only like most of what it carries.
template <class T>
class [[nodiscard]] StatusOr {
 public:
  StatusOr(Status status) : status_(std::move(status)) {  // NOLINT: implicit on purpose
    if (status_.ok()) status_ = Internal("StatusOr made of OK");
  }
  StatusOr(T value) : has_value_(true) { new (&value_) T(std::move(value)); }  // NOLINT: implicit
  template <class U>
  requires(!std::is_same_v<U, T> && std::is_convertible_v<U&&, T> &&
           !std::is_convertible_v<U&&, Status>) StatusOr(U&& value)
      : has_value_(true) {  // NOLINT: implicit
    new (&value_) T(std::forward<U>(value));
  }
  StatusOr(StatusOr&& other) noexcept
      : status_(std::move(other.status_)), has_value_(other.has_value_) {
    if (has_value_) new (&value_) T(std::move(other.value_));
  }
  StatusOr& operator=(StatusOr&& other) noexcept {
    if (this != &other) {
      this->~StatusOr();
      new (this) StatusOr(std::move(other));
    }
    return *this;
  }
  ~StatusOr() {
    if (has_value_) value_.~T();
  }

  bool ok() const { return has_value_; }
  const Status& status() const { return status_; }
  // The value; only when ok().
  T& value() { return value_; }
  const T& value() const { return value_; }
  T& operator*() { return value_; }
  const T& operator*() const { return value_; }
  T* operator->() { return &value_; }
  const T* operator->() const { return &value_; }

 private:
  Status status_;
  bool has_value_ = false;
  union {
    T value_;
  };
};

}  // namespace doppio

// Returns from the enclosing function when `expr` (a Status) is not OK.
#define DOPPIO_RETURN_IF_ERROR(expr)                 \
  do {                                               \
    ::doppio::Status doppio_status_ = (expr);        \
    if (!doppio_status_.ok()) return doppio_status_; \
  } while (0)

#define DOPPIO_CONCAT_INNER_(a, b) a##b
#define DOPPIO_CONCAT_(a, b) DOPPIO_CONCAT_INNER_(a, b)
#define DOPPIO_ASSIGN_OR_RETURN_IMPL_(tmp, lhs, expr) \
  auto tmp = (expr);                                  \
  if (!tmp.ok()) return tmp.status();                 \
  lhs = std::move(*tmp)
// `DOPPIO_ASSIGN_OR_RETURN(auto x, MakeX())`: assigns the value or returns the Status.
#define DOPPIO_ASSIGN_OR_RETURN(lhs, expr) \
  DOPPIO_ASSIGN_OR_RETURN_IMPL_(DOPPIO_CONCAT_(doppio_or_, __LINE__), lhs, expr)
