#include "runtime/operators/caffe2_types.h"

#include "base/message.h"

namespace doppio::operators {
namespace {

struct TypeRow {
  int64_t number;
  std::string_view name;
  ElementType type;
};
constexpr TypeRow kTypes[] = {
    {1, "FLOAT", ElementType::kFloat},    {2, "INT32", ElementType::kInt32},
    {4, "STRING", ElementType::kString},  {5, "BOOL", ElementType::kBool},
    {6, "UINT8", ElementType::kUint8},    {7, "INT8", ElementType::kInt8},
    {8, "UINT16", ElementType::kUint16},  {9, "INT16", ElementType::kInt16},
    {10, "INT64", ElementType::kInt64},   {12, "FLOAT16", ElementType::kFloat16},
    {13, "DOUBLE", ElementType::kDouble},
};

bool SameWord(std::string_view word, std::string_view upper) {
  if (word.size() != upper.size()) return false;
  for (size_t i = 0; i < word.size(); ++i) {
    const char c =
        word[i] >= 'a' && word[i] <= 'z' ? static_cast<char>(word[i] - 'a' + 'A') : word[i];
    if (c != upper[i]) return false;
  }
  return true;
}

}  // namespace

Status ReadCaffe2Type(const graph::Node& node, std::string_view name, ElementType* type) {
  const graph::Argument* arg = node.arg(name);
  if (arg == nullptr) return {};
  for (const TypeRow& row : kTypes) {
    if (arg->has_s ? SameWord(arg->s, row.name) : arg->has_i && arg->i == row.number) {
      *type = row.type;
      return {};
    }
  }
  if (arg->has_s) {
    return Unsupported(base::Cat("argument '", name, "' names the type ", base::Quoted(arg->s)));
  }
  if (!arg->has_i) return InvalidArgument(base::Cat("argument '", name, "' does not hold a type"));
  return Unsupported(base::Cat("argument '", name, "' is ", arg->i, ", no type that can be made"));
}

}  // namespace doppio::operators
