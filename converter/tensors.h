// ONNX tensors as constants of a Graph: every element type, raw and typed data, external data,
// sparse tensors.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "converter/model_file.h"
#include "runtime/graph/graph.h"

namespace doppio::converter {

// Reads tensors of one model. Data stands where it is when it can be used in place: in the parsed
// message, which the graph then keeps alive, or in the mapped side file.
class TensorReader {
 public:
  // `model_path` says where side files are looked for. `graph` outlives the reader.
  TensorReader(const std::string& model_path, graph::Graph* graph);

  // Throws ConvertError naming the tensor.
  graph::Constant Read(const onnx::TensorProto& tensor);
  graph::Constant ReadSparse(const onnx::SparseTensorProto& tensor);

 private:
  graph::Constant ReadTyped(const onnx::TensorProto& tensor, graph::Constant constant);
  // The bytes of a tensor that stand in a side file.
  std::span<const uint8_t> External(const onnx::TensorProto& tensor, int64_t wanted);
  std::span<const uint8_t> SideFile(const std::string& location);

  std::string model_path_, folder_;
  graph::Graph* graph_;
  std::map<std::string, std::span<const uint8_t>> side_files_;
};

}  // namespace doppio::converter
