// Opens an ONNX model file, and says what a file is when it is none.
#pragma once

#include <doppio/status.h>

#include <memory>
#include <span>
#include <string>

#include "schemas/onnx.pb.h"

namespace doppio::converter {

namespace onnx = onnx_schema;

// The parsed model. Throws ConvertError: kNotFound, kIoError (the file), kCorruptModel (its bytes),
// kUnsupported (a file of another kind, with what to do instead).
std::shared_ptr<onnx::ModelProto> ReadModelFile(const std::string& path);

// Names the kind of a file that is no ONNX model, with the advice that belongs to it; empty when
// nothing is recognised.
std::string NameOtherKind(std::span<const uint8_t> bytes, const std::string& path);

}  // namespace doppio::converter
