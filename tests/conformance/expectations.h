// Which cases fail on purpose, and why: a file of lines
//   case NAME: reason          one case
//   operator NAME: reason      every case with such an operator
// and of comments (#).
#pragma once

#include <map>
#include <string>

#include "tests/conformance/test_data.h"

namespace doppio::conformance {

class Expectations {
 public:
  // Adds the lines of a file. Throws std::runtime_error for a line of another form.
  void Add(const std::string& path);

  // Why the case is expected to fail; empty: it is not.
  std::string WhyFails(const Case& test) const;

 private:
  std::map<std::string, std::string> cases_, operators_;
};

}  // namespace doppio::conformance
