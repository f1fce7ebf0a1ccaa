#include <doppio/convert.h>
#include <doppio/predictor.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "base/message.h"
#include "tests/catch.h"
#include "tests/zoo/zoo_case.h"

namespace doppio::zoo {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> SplitVariable(const char* name, char separator) {
  std::vector<std::string> parts;
  const char* value = std::getenv(name);
  std::istringstream text(value == nullptr ? "" : value);
  for (std::string part; std::getline(text, part, separator);) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

bool Wanted(const fs::path& folder) {
  const std::vector<std::string> words = SplitVariable("DOPPIO_ZOO_ONLY", ',');
  const std::string name = folder.filename().string();
  for (const std::string& word : words) {
    if (name.find(word) != std::string::npos) return true;
  }
  return words.empty();
}

// A case and the engines to run it with. The repository's own small cases run with all of them;
// plain loops take minutes on the larger networks of further folders, so those run as users run
// them unless DOPPIO_ZOO_ENGINES says otherwise.
struct Job {
  fs::path folder;
  std::vector<std::string> engines;
};

std::vector<Job> AllJobs() {
  std::vector<Job> jobs;
  for (const fs::path& folder : FindCases(DOPPIO_ZOO_CASES)) {
    if (Wanted(folder)) jobs.push_back({folder, {"auto", "reference"}});
  }
  std::vector<std::string> engines = SplitVariable("DOPPIO_ZOO_ENGINES", ',');
  if (engines.empty()) engines = {"auto"};
  for (const std::string& root : SplitVariable("DOPPIO_ZOO", ':')) {
    for (const fs::path& folder : FindCases(root)) {
      if (Wanted(folder)) jobs.push_back({folder, engines});
    }
  }
  return jobs;
}

// A folder of this process that goes with the object.
class ScratchFolder {
 public:
  ScratchFolder() : path_(fs::temp_directory_path() / base::Cat("doppio_zoo_", getpid())) {
    fs::create_directories(path_);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// Empty, or why output `expected` cannot be compared or differs.
std::string CompareByName(const Output& expected, const Predictor& predictor,
                          const Session& session) {
  for (size_t i = 0; i < predictor.outputs().size(); ++i) {
    if (predictor.outputs()[i].name == expected.name) return Compare(expected, session.output(i));
  }
  return base::Cat("the pair has no output '", expected.name, "'");
}

std::string RunPair(const Case& zoo_case, const fs::path& pair, const std::string& engine) {
  PredictorOptions options;
  options.engine = engine;
  auto predictor = Predictor::Load(pair.string(), options);
  if (!predictor.ok()) return predictor.status().message();
  std::vector<NamedTensor> inputs;
  for (const Input& input : zoo_case.inputs) inputs.push_back({input.name, input.view()});
  Session session(*predictor);
  const Status status = session.Run(inputs);
  if (!status.ok()) return status.message();
  std::string wrong;
  for (const Output& output : zoo_case.outputs) {
    if (wrong.empty()) wrong = CompareByName(output, **predictor, session);
  }
  return wrong;
}

TEST_CASE("zoo: every network converts and gives ONNX Runtime's answers") {
  const std::vector<Job> jobs = AllJobs();
  REQUIRE(!jobs.empty());
  for (const Job& job : jobs) {
    INFO(job.folder.filename().string());
    const Case zoo_case = ReadCase(job.folder);
    const ScratchFolder scratch;
    const fs::path model = scratch.path() / "model.onnx";
    WriteWholeModel(zoo_case, model);
    const fs::path pair = scratch.path() / "pair";
    const Status converted = ConvertFile(model.string(), pair.string(), {}, nullptr);
    CHECK(std::string(converted.message()) == "");
    if (!converted.ok()) continue;
    fs::remove(model);  // nothing of it may be needed any more
    for (const std::string& engine : job.engines) {
      INFO("engine " << engine);
      CHECK(RunPair(zoo_case, pair, engine) == "");
    }
  }
}

TEST_CASE("zoo: tensors are filled by the rule of its README") {
  // Of materialised cases: numpy's values for `uniform 1000 -2 2` and `uniform 7 0 1`.
  CHECK(FillUniform({1000, -2.0f, 2.0f}, 3) ==
        std::vector<float>{0.36172843f, 1.41821337f, -0.735373974f});
  CHECK(FillUniform({7, 0.0f, 1.0f}, 3) ==
        std::vector<float>{0.721092343f, 0.159659386f, 0.443710387f});
}

}  // namespace
}  // namespace doppio::zoo
