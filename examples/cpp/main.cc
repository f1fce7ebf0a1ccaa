// Runs a pair of one float input and prints the greatest output: classify PAIR_FOLDER
#include <doppio/predictor.h>

#include <cstdio>
#include <vector>

int main(int argc, char** argv) {
  auto loaded = doppio::Predictor::Load(argc > 1 ? argv[1] : "deploy");
  if (!loaded.ok()) {
    std::fprintf(stderr, "%s\n", loaded.status().message());
    return 2;
  }
  const doppio::TensorInfo& input = (*loaded)->inputs()[0];
  doppio::Dims dims;
  for (const doppio::DimInfo& dim : input.dims) dims.push_back(dim.size > 0 ? dim.size : 1);
  std::vector<float> pixels(static_cast<size_t>(doppio::ElementCount(dims)), 0.5f);

  doppio::Session session(*loaded, {.threads = 1});
  doppio::Status status = session.Run({{input.name, doppio::View(pixels.data(), dims)}});
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.message());
    return 1;
  }
  const doppio::TensorView scores = session.output(0);
  int64_t best = 0;
  for (int64_t i = 1; i < doppio::ElementCount(scores.dims); ++i) {
    if (scores.as<float>()[i] > scores.as<float>()[best]) best = i;
  }
  std::printf("class %lld, score %.6g\n", static_cast<long long>(best), scores.as<float>()[best]);
}
