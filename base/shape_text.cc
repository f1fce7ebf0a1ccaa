#include "base/shape_text.h"

#include <charconv>

#include "base/message.h"

namespace doppio::base {

StatusOr<ShapeText> ParseShapeText(std::string_view text) {
  ShapeText shape;
  std::string_view sizes = text;
  if (const size_t equals = text.rfind('='); equals != std::string_view::npos) {
    shape.name = text.substr(0, equals);
    sizes = text.substr(equals + 1);
  }
  // 'x' separates sizes only where no comma does, so that symbols may contain it.
  const char separator = sizes.find(',') != std::string_view::npos ? ',' : 'x';
  for (size_t begin = 0; begin <= sizes.size();) {
    size_t end = sizes.find(separator, begin);
    if (end == std::string_view::npos) end = sizes.size();
    shape.sizes.emplace_back(sizes.substr(begin, end - begin));
    if (shape.sizes.back().empty() || shape.sizes.size() > kMaxRank) {
      return InvalidArgument(
          Cat("shape ", Quoted(text), ": write NAME=1,3,224,224 or 1x3x224x224"));
    }
    begin = end + 1;
  }
  return shape;
}

StatusOr<Dims> NumbersOf(const ShapeText& shape) {
  Dims dims;
  for (const std::string& size : shape.sizes) {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), number);
    if (error != std::errc() || end != size.data() + size.size() || number < 0) {
      return InvalidArgument(Cat("size ", Quoted(size), " is no number"));
    }
    dims.push_back(number);
  }
  return dims;
}

}  // namespace doppio::base
