// Pairs of every format version that doppio has written: they load forever and give the same
// answers.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/golden/golden_nets.h"

namespace doppio {
namespace {

std::vector<float> ReadFloats(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

// Writes the pair of a net, an input and its answers.
void WritePairOf(const tests::GoldenNet& golden, const std::filesystem::path& folder) {
  tests::Net net;
  golden.build(&net);
  net.graph.name = golden.name;
  tests::PairText pair;
  tests::RequireOk(graph::wire::WritePair(net.graph, &pair.init, &pair.predict,
                                          {.max_constant_bytes = golden.max_constant_bytes}));
  PredictorOptions options;
  options.engine = "reference";
  const auto loaded = tests::TryLoad(pair, options);
  tests::RequireOk(loaded.status());
  const std::vector<float> x = tests::Net::MakeNoise(ElementCount(golden.input), 9);
  Session session(*loaded, {.threads = 1});
  tests::RequireOk(session.Run({{"x", View(x.data(), golden.input)}}));
  const TensorView y = session.output(0);
  std::filesystem::create_directories(folder);
  const auto write = [&](const char* name, const void* data, size_t bytes) {
    std::ofstream file(folder / name, std::ios::binary);
    file.write(static_cast<const char*>(data), static_cast<std::streamsize>(bytes));
    REQUIRE(file);
  };
  write("init_net.pb", pair.init.text.data(), pair.init.text.size());
  write("predict_net.pb", pair.predict.text.data(), pair.predict.text.size());
  write("x.f32", x.data(), x.size() * sizeof(float));
  write("y.f32", y.data, static_cast<size_t>(ElementCount(y.dims)) * sizeof(float));
}

TEST_CASE("golden: every pair that was ever written loads and gives its answers") {
  int found = 0;
  for (const tests::GoldenNet& golden : tests::GoldenNets()) {
    INFO(golden.name);
    const std::filesystem::path folder = std::filesystem::path(DOPPIO_GOLDEN_PAIRS) / golden.name;
    if (std::getenv("DOPPIO_WRITE_GOLDEN") != nullptr && !std::filesystem::exists(folder)) {
      WritePairOf(golden, folder);
    }
    const std::vector<float> x = ReadFloats(folder / "x.f32"), y = ReadFloats(folder / "y.f32");
    for (const char* engine : {"auto", "reference"}) {
      PredictorOptions options;
      options.engine = engine;
      const auto loaded = Predictor::Load(folder.string(), options);
      tests::RequireOk(loaded.status());
      Session session(*loaded, {.threads = 1});
      tests::RequireOk(session.Run({{"x", View(x.data(), golden.input)}}));
      const TensorView got = session.output(0);
      REQUIRE(ElementCount(got.dims) == static_cast<int64_t>(y.size()));
      for (size_t i = 0; i < y.size(); ++i)
        REQUIRE(got.as<float>()[i] == Approx(y[i]).epsilon(1e-5));
    }
    ++found;
  }
  // Nobody took a pair away, and nobody forgot to write one.
  const std::filesystem::directory_iterator all(DOPPIO_GOLDEN_PAIRS), end;
  CHECK(std::distance(all, end) == found);
}

}  // namespace
}  // namespace doppio
