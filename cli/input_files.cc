#include "cli/input_files.h"

#include "base/message.h"
#include "cli/npy.h"
#include "cli/onnx_tensor.h"
#include "runtime/platform/mapped_file.h"
#include "vision/picture.h"

namespace doppio::cli {
namespace {

using base::Cat;
using base::Quoted;

StatusOr<Tensor> ReadPictureTensor(std::span<const uint8_t> bytes, const TensorInfo& info,
                                   const vision::Preprocess& steps) {
  const bool grey = info.dims.size() == 4 && info.dims[1].size == 1;
  const auto color = grey ? vision::Color::kGrey : vision::Color::kRgb;
  DOPPIO_ASSIGN_OR_RETURN(const vision::Picture picture, vision::DecodePicture(bytes, color));
  DOPPIO_ASSIGN_OR_RETURN(const vision::PlanarImage image, vision::Apply(picture, steps));
  if (info.type != ElementType::kFloat && info.type != ElementType::kUndefined) {
    return Unsupported(
        Cat("a picture becomes float32, input ", Quoted(info.name), " wants ", info.type));
  }
  Tensor tensor;
  tensor.type = ElementType::kFloat;
  tensor.dims = {1, image.channels, image.height, image.width};
  const auto* values = reinterpret_cast<const uint8_t*>(image.values.data());
  tensor.bytes.assign(values, values + image.values.size() * sizeof(float));
  return tensor;
}

StatusOr<Tensor> ParseInput(std::span<const uint8_t> bytes, const TensorInfo& info,
                            const vision::Preprocess& steps) {
  if (bytes.size() > 6 && bytes[0] == 0x93 && bytes[1] == 'N') return ParseNpy(bytes);
  if (vision::LooksLikePicture(bytes)) return ReadPictureTensor(bytes, info, steps);
  StatusOr<Tensor> tensor = ParseOnnxTensor(bytes);
  if (!tensor.ok()) {
    return CorruptModel("is neither a .npy file, nor a JPEG or PNG picture, nor an ONNX tensor");
  }
  return tensor;
}

}  // namespace

InputArgument SplitInput(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) return {"", text};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

StatusOr<Tensor> ReadInputFile(const std::string& path, const TensorInfo& info,
                               const vision::Preprocess& steps) {
  DOPPIO_ASSIGN_OR_RETURN(
      const platform::MappedFile file,
      platform::MappedFile::Open(path.c_str(), platform::FileMode::kMap, nullptr));
  if (file.bytes().empty()) return CorruptModel(Cat(path, ": is empty"));
  StatusOr<Tensor> tensor = ParseInput(file.bytes(), info, steps);
  if (!tensor.ok()) return tensor.status().Annotate(path);
  return tensor;
}

Status ReadInputs(std::span<const std::string> arguments, std::span<const TensorInfo> infos,
                  const vision::Preprocess& steps,
                  std::vector<std::pair<std::string, Tensor>>* inputs) {
  for (const std::string& text : arguments) {
    InputArgument argument = SplitInput(text);
    if (argument.name.empty() && infos.size() == 1) argument.name = infos[0].name;
    const TensorInfo* info = nullptr;
    for (const TensorInfo& candidate : infos) {
      if (candidate.name == argument.name) info = &candidate;
    }
    if (info == nullptr) {
      std::string known;
      for (const TensorInfo& candidate : infos)
        known += (known.empty() ? "" : ", ") + Quoted(candidate.name);
      return InvalidArgument(Cat("--input ", Quoted(text), ": the net has no input ",
                                 Quoted(argument.name), "; write NAME=FILE with one of ", known));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, ReadInputFile(argument.path, *info, steps));
    inputs->emplace_back(argument.name, std::move(tensor));
  }
  return {};
}

}  // namespace doppio::cli
