#include "converter/strict_caffe2.h"

#include <string>
#include <vector>

#include "base/message.h"
#include "runtime/operators/operator.h"

namespace doppio::converter {
namespace {

using base::Cat;

bool HasFill(ElementType type) {
  switch (type) {
    case ElementType::kFloat:
    case ElementType::kDouble:
    case ElementType::kBool:
    case ElementType::kInt32:
    case ElementType::kInt64:
    case ElementType::kInt16:
    case ElementType::kUint8:
    case ElementType::kString:
      return true;
    default:
      return false;
  }
}

void Collect(const graph::Graph& graph, std::vector<std::string>* missing) {
  for (const graph::Node* node = graph.first(); node != nullptr; node = node->next) {
    if (!node->domain.empty()) {
      missing->push_back(
          Cat(operators::NodeLabel(*node), ": Caffe2 has no operator that computes it"));
    }
    for (const graph::Argument& argument : node->args) {
      if (argument.net != nullptr) Collect(*argument.net, missing);
    }
  }
  for (uint32_t id = 0; id < graph.value_ids(); ++id) {
    const graph::Value* const value = graph.value(id);
    if (value == nullptr || !value->is_constant || value->uses.empty()) continue;
    if (!HasFill(value->constant.type)) {
      missing->push_back(Cat("weight ", base::Quoted(value->name), ": Caffe2 has no fill of type ",
                             value->constant.type));
    }
  }
}

}  // namespace

Status CheckCaffe2(const graph::Graph& graph) {
  std::vector<std::string> missing;
  Collect(graph, &missing);
  if (missing.empty()) return {};
  std::string text = Cat("--strict-caffe2: the original Caffe2 could not run it, for ",
                         missing.size(), missing.size() == 1 ? " reason:" : " reasons:");
  for (const std::string& line : missing) text += "\n  " + line;
  return Unsupported(text);
}

}  // namespace doppio::converter
