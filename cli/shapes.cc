#include "cli/shapes.h"

#include <charconv>

#include "base/message.h"

namespace doppio::cli {

StatusOr<ShapeArgument> ParseShape(const std::string& text) {
  ShapeArgument shape;
  std::string sizes = text;
  const size_t equals = text.rfind('=');
  if (equals != std::string::npos) {
    shape.name = text.substr(0, equals);
    sizes = text.substr(equals + 1);
  }
  // 'x' separates sizes only when no comma does, so that symbols may contain it.
  const char separator = sizes.find(',') != std::string::npos ? ',' : 'x';
  for (size_t begin = 0; begin <= sizes.size() && !sizes.empty();) {
    size_t end = sizes.find(separator, begin);
    if (end == std::string::npos) end = sizes.size();
    shape.sizes.push_back(sizes.substr(begin, end - begin));
    if (shape.sizes.back().empty() || shape.sizes.size() > kMaxRank) {
      return InvalidArgument(
          base::Cat("shape ", base::Quoted(text), ": write 1x3x224x224 or 1,3,224,224"));
    }
    begin = end + 1;
  }
  return shape;
}

StatusOr<Dims> NumbersOf(const ShapeArgument& shape) {
  Dims dims;
  for (const std::string& size : shape.sizes) {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), number);
    if (error != std::errc() || end != size.data() + size.size() || number < 0) {
      return InvalidArgument(base::Cat("size ", base::Quoted(size), " is no number"));
    }
    dims.push_back(number);
  }
  return dims;
}

}  // namespace doppio::cli
