#include "converter/model_file.h"

#include <google/protobuf/io/coded_stream.h>

#include <climits>
#include <cstring>

#include "base/message.h"
#include "converter/convert_error.h"
#include "runtime/graph/wire/pull_parser.h"
#include "runtime/platform/mapped_file.h"

namespace doppio::converter {

using base::Cat;

namespace {

// Subgraphs inside subgraphs; protobuf's own default is 100 messages.
constexpr int kMaxMessageDepth = 400;

bool StartsWith(std::span<const uint8_t> bytes, std::string_view magic, size_t at = 0) {
  return bytes.size() >= at + magic.size() &&
         std::memcmp(bytes.data() + at, magic.data(), magic.size()) == 0;
}

bool Contains(std::span<const uint8_t> bytes, std::string_view text) {
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()),
                              std::min<size_t>(bytes.size(), 1 << 16));
  return head.find(text) != std::string_view::npos;
}

std::string NameZip(std::span<const uint8_t> bytes) {
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (all.find("/code/") != std::string_view::npos ||
      all.find("constants.pkl") != std::string_view::npos) {
    return "a TorchScript archive; export it with torch.onnx.export(net, inputs, 'model.onnx') and "
           "convert that";
  }
  if (Contains(bytes, "data.pkl")) {
    return "a PyTorch checkpoint (weights without a graph); export the network with "
           "torch.onnx.export(net, inputs, 'model.onnx') and convert that";
  }
  return "a zip archive; unpack it and give the .onnx file inside";
}

// A serialised Caffe2 net begins with its name (1) followed by an operator (2).
bool LooksLikeNet(std::span<const uint8_t> bytes) {
  graph::wire::PullParser parser(bytes);
  graph::wire::Field field;
  bool has_op = false;
  for (int i = 0; i < 3 && parser.Next(&field); ++i) {
    if (field.type != graph::wire::WireType::kBytes || field.number > 9) return false;
    if (field.number != 2) continue;
    graph::wire::PullParser op(field.bytes);
    graph::wire::Field inner;
    while (op.Next(&inner))
      has_op |= inner.number == 4 && inner.type == graph::wire::WireType::kBytes;
  }
  return has_op && !parser.failed();
}

}  // namespace

std::string NameOtherKind(std::span<const uint8_t> bytes, const std::string& path) {
  if (bytes.empty()) return "an empty file";
  if (StartsWith(bytes, "PK\x03\x04")) return NameZip(bytes);
  if (StartsWith(bytes, "TFL3", 4)) {
    return "a TensorFlow Lite model; export the original network to ONNX (tf2onnx) and convert "
           "that";
  }
  if (StartsWith(bytes, "\x89HDF\r\n"))
    return "an HDF5 (Keras) file; export the network to ONNX and convert that";
  if (StartsWith(bytes, "\x1f\x8b")) return "a gzip archive; unpack it first";
  if (StartsWith(bytes, "version https://git-lfs")) {
    return "a Git LFS pointer, not the file itself; fetch it with `git lfs pull`";
  }
  if (bytes.size() > 9 && bytes[8] == '{' && Contains(bytes, "\"dtype\"")) {
    return "a safetensors file (weights without a graph); export the network to ONNX and convert "
           "that";
  }
  if (StartsWith(bytes, "\x80\x02") || StartsWith(bytes, "\x80\x04")) {
    return "a pickle (an old PyTorch checkpoint or a whole network); export the network with "
           "torch.onnx.export(net, inputs, 'model.onnx') and convert that";
  }
  if (path.ends_with(".onnx.data")) {
    return "the weights of an ONNX model; give the .onnx file beside it";
  }
  if (LooksLikeNet(bytes))
    return "a Caffe2 net, half of a pair already; run it with `doppio run FOLDER`";
  if (Contains(bytes, "saved_model") || path.ends_with("saved_model.pb")) {
    return "a TensorFlow SavedModel; export it to ONNX (tf2onnx) and convert that";
  }
  return {};
}

std::shared_ptr<onnx::ModelProto> ReadModelFile(const std::string& path) {
  const platform::MappedFile file =
      Unwrap(platform::MappedFile::Open(path.c_str(), platform::FileMode::kMap, nullptr));
  const std::span<const uint8_t> bytes = file.bytes();
  const auto fail = [&](StatusCode code, const std::string& text) {
    throw ConvertError{Status(code, Cat(path, ": ", text))};
  };
  if (bytes.size() > INT_MAX) {
    fail(StatusCode::kUnsupported, Cat("has ", bytes.size(),
                                       " bytes, more than one protobuf message may have (2 GiB);"
                                       " save the model with its weights as external data"));
  }
  auto model = std::make_shared<onnx::ModelProto>();
  google::protobuf::io::CodedInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(kMaxMessageDepth);
  const bool parsed =
      !bytes.empty() && model->ParseFromCodedStream(&stream) && stream.ConsumedEntireMessage();
  if (parsed && model->has_graph()) return model;
  const std::string other = NameOtherKind(bytes, path);
  if (!other.empty()) fail(StatusCode::kUnsupported, Cat("is ", other));
  if (parsed) fail(StatusCode::kCorruptModel, "holds no graph: not an ONNX model, or an empty one");
  fail(StatusCode::kCorruptModel, "not an ONNX model, or damaged or cut short");
  return model;
}

}  // namespace doppio::converter
