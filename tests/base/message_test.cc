#include "base/message.h"

#include "tests/catch.h"

namespace doppio::base {
namespace {

TEST_CASE("message: strings, numbers, dims and types join") {
  CHECK(Cat("input '", "x", "' has ", 4, " channels") == "input 'x' has 4 channels");
  CHECK(Cat(Dims{1, 3, 224}, ' ', true, ' ', ElementType::kBFloat16, ' ', 0.5) ==
        "[1, 3, 224] true bfloat16 0.5");
  CHECK(Cat(Dims{}) == "[]");
  CHECK(Cat(INT64_MIN) == "-9223372036854775808");
}

TEST_CASE("message: names are safe to print and of bounded length") {
  CHECK(Quoted("conv1") == "'conv1'");
  CHECK(Quoted("a\nb\x7f") == "'a\\x0ab\\x7f'");
  CHECK(Quoted("\xc3\xa9") == "'\xc3\xa9'");
  CHECK(Quoted("\xc3") == "'\\xc3'");
  CHECK(Quoted(std::string(500, 'x')).size() == 125);
}

}  // namespace
}  // namespace doppio::base
