// Runs cases in the layout of ONNX's backend tests, in process: converts each model, runs it on the
// stored inputs, compares with the stored outputs.
//
//   doppio_conformance [--expect FILE]... [--engine NAME] [--show] FOLDER...
//
// Prints a line for every case that fails unexpectedly (with --show, for every case), a table of
// the operators whose cases fail, and counts. Exit status 1 when a case fails that FILE does not
// list, or when one passes that it lists: the list says the truth. More folders may stand in the
// environment variable DOPPIO_CONFORMANCE, separated by colons.
#include <doppio/convert.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <map>
#include <sstream>

#include "converter/convert_error.h"
#include "tests/conformance/expectations.h"
#include "tests/conformance/test_data.h"

namespace doppio::conformance {
namespace {

struct Options {
  std::vector<std::string> folders;
  std::vector<std::string> expectations;
  std::string engine = "auto";
  bool show = false;
};

// Empty when the answers are right.
std::string RunSet(const std::shared_ptr<const Predictor>& predictor, const Case& test,
                   const DataSet& data) {
  std::vector<NamedValue> inputs;
  for (size_t i = 0; i < data.inputs.size() && i < test.inputs.size(); ++i) {
    inputs.emplace_back(test.inputs[i], data.inputs[i].view);
  }
  Session session(predictor, {.threads = 1});
  const Status status = session.RunValues(inputs);
  if (!status.ok()) return status.message();
  for (size_t i = 0; i < data.outputs.size(); ++i) {
    const std::string difference =
        Difference(session.output_value(i), data.outputs[i].view, test.tolerance);
    if (!difference.empty()) return "output " + test.outputs[i] + ": " + difference;
  }
  return "";
}

std::string RunCase(const std::filesystem::path& folder, const Case& test, const Options& options) {
  PredictorOptions run;
  run.engine = options.engine;
  const auto predictor = LoadOnnx(test.model.string(), {}, run);
  if (!predictor.ok()) return predictor.status().message();
  const std::vector<DataSet> sets = ReadData(folder, test);
  if (sets.empty()) return "no data";
  for (const DataSet& data : sets) {
    const std::string difference = RunSet(*predictor, test, data);
    if (!difference.empty()) return data.name + ": " + difference;
  }
  return "";
}

// The same, with what the case's own files may throw as its result.
std::string RunGuarded(const std::filesystem::path& folder, const Options& options, Case* test) {
  try {
    *test = ReadCase(folder);
    return RunCase(folder, *test, options);
  } catch (const converter::ConvertError& error) {
    return error.status.message();
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::string OneLine(std::string text) {
  for (char& c : text) c = c == '\n' ? ' ' : c;
  return text.size() > 200 ? text.substr(0, 200) + "..." : text;
}

struct Counts {
  int passed = 0, expected = 0, failed = 0, too_good = 0;
};

void Judge(const Case& test, const std::string& difference, const std::string& why, bool show,
           Counts* counts) {
  if (difference.empty() && why.empty()) {
    ++counts->passed;
    if (show) std::cout << "ok        " << test.name << "\n";
  } else if (difference.empty()) {
    ++counts->too_good;
    std::cout << "PASSES    " << test.name << " although it is listed (" << why << ")\n";
  } else if (!why.empty()) {
    ++counts->expected;
    if (show) std::cout << "expected  " << test.name << " " << OneLine(difference) << "\n";
  } else {
    ++counts->failed;
    std::cout << "FAIL      " << test.name << " " << OneLine(difference) << std::endl;
  }
}

int RunAll(const Options& options) {
  Expectations expectations;
  for (const std::string& path : options.expectations) expectations.Add(path);
  std::map<std::string, int> by_operator;
  Counts all;
  for (const std::string& root : options.folders) {
    Counts counts;
    for (const std::filesystem::path& folder : FindCases(root)) {
      Case test;
      test.name = folder.filename().string();
      const std::string difference = RunGuarded(folder, options, &test);
      Judge(test, difference, expectations.WhyFails(test), options.show, &counts);
      if (difference.empty()) continue;
      for (const std::string& name : test.operators) ++by_operator[name];
    }
    std::cout << root << ": " << counts.passed << " passed, " << counts.expected
              << " fail as listed, " << counts.failed << " failed, " << counts.too_good
              << " pass although listed\n";
    all.passed += counts.passed;
    all.expected += counts.expected;
    all.failed += counts.failed;
    all.too_good += counts.too_good;
  }
  if (!by_operator.empty()) std::cout << "operators of failing cases:";
  for (const auto& [name, count] : by_operator) std::cout << " " << name << " " << count;
  std::cout << "\nin all: " << all.passed << " of "
            << all.passed + all.expected + all.failed + all.too_good << " passed, " << all.expected
            << " fail as listed\n";
  if (all.passed + all.expected == 0) {
    std::cout << "there are no cases\n";
    return 1;
  }
  return all.failed + all.too_good == 0 ? 0 : 1;
}

}  // namespace
}  // namespace doppio::conformance

int main(int argc, char** argv) {
  doppio::conformance::Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--expect" && i + 1 < argc) {
      options.expectations.push_back(argv[++i]);
    } else if (argument == "--engine" && i + 1 < argc) {
      options.engine = argv[++i];
    } else if (argument == "--show") {
      options.show = true;
    } else {
      options.folders.push_back(argument);
    }
  }
  if (const char* more = std::getenv("DOPPIO_CONFORMANCE"); more != nullptr) {
    std::istringstream text(more);
    for (std::string folder; std::getline(text, folder, ':');) {
      if (!folder.empty()) options.folders.push_back(folder);
    }
  }
  try {
    return doppio::conformance::RunAll(options);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
