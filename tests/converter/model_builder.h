// ModelBuilder: small ONNX models for tests, built message by message and written to a folder of
// their own.
#pragma once

#include <doppio/convert.h>

#include <string>
#include <vector>

#include "schemas/onnx.pb.h"

namespace doppio::converter_test {

namespace onnx = onnx_schema;

// A folder that is removed with everything in it at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  // Writes a file and returns its path.
  std::string Write(const std::string& name, const std::string& bytes) const;

 private:
  std::string folder_;
};

std::string ReadFile(const std::string& path);
bool FileExists(const std::string& path);

struct ModelBuilder {
  explicit ModelBuilder(int64_t opset = 17);

  void Input(const std::string& name, const std::vector<int64_t>& dims,
             int type = onnx::TensorProto::FLOAT);
  // A size per entry: numbers, or symbols.
  void SymbolicInput(const std::string& name, const std::vector<std::string>& dims);
  void Output(const std::string& name);
  onnx::TensorProto* Floats(const std::string& name, const std::vector<int64_t>& dims,
                            const std::vector<float>& values);
  onnx::TensorProto* Ints(const std::string& name, const std::vector<int64_t>& values);
  onnx::NodeProto* Node(const std::string& type, const std::vector<std::string>& inputs,
                        const std::vector<std::string>& outputs);

  std::string Bytes() const { return model.SerializeAsString(); }

  onnx::ModelProto model;
};

void SetInt(onnx::NodeProto* node, const std::string& name, int64_t value);
void SetFloat(onnx::NodeProto* node, const std::string& name, float value);
void SetText(onnx::NodeProto* node, const std::string& name, const std::string& value);
void SetInts(onnx::NodeProto* node, const std::string& name, const std::vector<int64_t>& values);
void SetFloats(onnx::NodeProto* node, const std::string& name, const std::vector<float>& values);

// What came out: the answer of output 0, or the message of whatever failed.
struct Result {
  std::vector<float> values;
  Dims dims;
  std::string error;
};

// Converts the model to files, loads the pair and runs it with the reference engine on one input.
Result ConvertAndRun(const ModelBuilder& builder, const std::vector<float>& input, const Dims& dims,
                     const ConvertOptions& options = {}, ConversionReport* report = nullptr);

// The message of converting these bytes, "" when it works.
std::string ConvertError(const std::string& bytes, const std::string& name = "model.onnx");

}  // namespace doppio::converter_test
