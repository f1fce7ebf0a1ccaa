// The converter: an ONNX model becomes a pair, or a Predictor at once. Needs the library
// doppio::converter, which knows ONNX and protobuf; programs that only run pairs do not link it.
#pragma once

#include <doppio/predictor.h>
#include <doppio/status.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace doppio {

struct ConvertOptions {
  // "NAME=1,3,224,224" or "NAME=N,3,H,W": sizes of inputs, numbers or symbols; the name may be left
  // out with one input. They replace what the model declares.
  std::vector<std::string> shapes;
  // Cut the graph: these values become the inputs (with the types and shapes that are known for
  // them), and these the outputs. Empty: the model's own.
  std::vector<std::string> inputs, outputs;
  // "OLD=NEW": renames blobs.
  std::vector<std::string> renames;
  // Passes left out, by name (ListPasses); with `optimize` off, none runs.
  std::vector<std::string> disabled_passes;
  bool optimize = true;
  // Refuse what the original Caffe2 could not run; the error names it all.
  bool strict_caffe2 = false;
};

// What a conversion did, for people.
struct ConversionReport {
  std::vector<TensorInfo> inputs, outputs;
  int64_t parameters = 0;  // elements of all weights
  int64_t weight_bytes = 0;
  int64_t weight_tensors = 0;
  std::map<std::string, int> operators;  // of the pair, "domain.Type" or "Type"
  int source_nodes = 0;                  // nodes of the ONNX model, functions not counted
  int64_t opset = 0;                     // of the default domain
  std::string producer;
  std::vector<std::pair<std::string, int64_t>> passes;  // name, rewrites
  std::vector<std::string> warnings;
};

struct PassInfo {
  std::string name, summary;
};

// Reads `model`, converts, and writes `folder`/init_net.pb and predict_net.pb: both whole or none.
// `report` may be null. A model with nodes that cannot be converted gives kUnsupported with all of
// them listed, a line each.
DOPPIO_EXPORT Status ConvertFile(const std::string& model, const std::string& folder,
                                 const ConvertOptions& options, ConversionReport* report);

// The same without files in between.
DOPPIO_EXPORT StatusOr<std::shared_ptr<const Predictor>> LoadOnnx(
    const std::string& model, const ConvertOptions& options, const PredictorOptions& run_options);

DOPPIO_EXPORT std::vector<PassInfo> ListPasses();

// An ONNX operator that conversion knows, and the first version of its set in which it does.
struct ImportedOperator {
  std::string domain;  // "ai.onnx" for the default one
  std::string type;
  int since = 1;
};
// All of them, sorted by domain, then type.
DOPPIO_EXPORT std::vector<ImportedOperator> ListImportedOperators();
// The newest version of ONNX's default operator set that the converter knows.
DOPPIO_EXPORT int NewestOpset();

}  // namespace doppio
