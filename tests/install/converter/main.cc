// Converts a model with the installed converter, and runs it without files in between:
// convert MODEL.onnx FOLDER
#include <doppio/convert.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const doppio::Status status = doppio::ConvertFile(argv[1], argv[2], {}, nullptr);
  const auto loaded = doppio::LoadOnnx(argv[1], {}, {});
  if (!status.ok() || !loaded.ok()) {
    std::fprintf(stderr, "%s%s\n", status.message(), loaded.status().message());
    return 1;
  }
  std::printf("%zu inputs, %zu outputs\n", (*loaded)->inputs().size(), (*loaded)->outputs().size());
}
