#include "tests/conformance/expectations.h"

#include <fstream>
#include <stdexcept>

namespace doppio::conformance {

void Expectations::Add(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + ": cannot be read");
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    const size_t space = line.find(' '), colon = line.find(": ");
    const std::string kind = line.substr(0, space);
    const bool known = kind == "case" || kind == "operator";
    if (!known || colon == std::string::npos || colon + 2 >= line.size()) {
      throw std::runtime_error(path + ":" + std::to_string(number) +
                               ": write \"case NAME: reason\" or \"operator NAME: reason\"");
    }
    const std::string name = line.substr(space + 1, colon - space - 1);
    auto& lines = kind == "case" ? cases_ : operators_;
    lines[name] = line.substr(colon + 2);
  }
}

std::string Expectations::WhyFails(const Case& test) const {
  if (const auto found = cases_.find(test.name); found != cases_.end()) return found->second;
  for (const std::string& name : test.operators) {
    if (const auto found = operators_.find(name); found != operators_.end()) {
      return name + ": " + found->second;
    }
  }
  return "";
}

}  // namespace doppio::conformance
