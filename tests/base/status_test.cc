#include <doppio/status.h>

#include <memory>
#include <string>

#include "tests/catch.h"

namespace doppio {
namespace {

TEST_CASE("status: OK is empty") {
  const Status status;
  CHECK(status.ok());
  CHECK(status.code() == StatusCode::kOk);
  CHECK(std::string(status.message()).empty());
  CHECK(status.Annotate("context").ok());
}

TEST_CASE("status: an error keeps code and message through copies and annotation") {
  const Status status = NotFound("no blob 'x'");
  const Status copy = status;
  const Status annotated = copy.Annotate("net.pb").Annotate("load");
  CHECK(annotated.code() == StatusCode::kNotFound);
  CHECK(std::string(annotated.message()) == "load: net.pb: no blob 'x'");
  CHECK(std::string(copy.message()) == "no blob 'x'");
}

StatusOr<int> Half(int value) {
  if (value % 2 != 0) return InvalidArgument("odd");
  return value / 2;
}

Status Quarter(int value, int* result) {
  DOPPIO_ASSIGN_OR_RETURN(const int half, Half(value));
  DOPPIO_ASSIGN_OR_RETURN(*result, Half(half));
  return {};
}

TEST_CASE("status: the macros return the first error") {
  int result = 0;
  CHECK(Quarter(12, &result).ok());
  CHECK(result == 3);
  CHECK(std::string(Quarter(6, &result).message()) == "odd");
}

TEST_CASE("status: StatusOr carries what only moves, and is never made of OK") {
  StatusOr<std::unique_ptr<int>> pointer(std::make_unique<int>(5));
  REQUIRE(pointer.ok());
  StatusOr<std::unique_ptr<int>> moved = std::move(pointer);
  CHECK(**moved == 5);
  moved = Internal("gone");
  CHECK_FALSE(moved.ok());
  CHECK(StatusOr<int>(Status()).status().code() == StatusCode::kInternal);
}

}  // namespace
}  // namespace doppio
