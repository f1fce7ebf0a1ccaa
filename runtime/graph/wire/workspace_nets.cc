#include "runtime/graph/wire/workspace_nets.h"

#include <algorithm>

namespace doppio::graph::wire {
namespace {

// Values are numbered in the order in which the net defines them.
Value* LastValue(const Graph& net, std::string_view name) {
  for (size_t id = net.value_ids(); id > 0; --id) {
    Value* const value = net.value(static_cast<uint32_t>(id - 1));
    if (value != nullptr && value->name == name) return value;
  }
  return nullptr;
}

}  // namespace

bool HasName(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Status AddName(std::string_view name, Names* names) {
  return HasName(*names, name) ? Status() : names->Append(name);
}

Status AddWritten(const Graph& net, Names* names) {
  for (uint32_t id = 0; id < net.value_ids(); ++id) {
    const Value* const value = net.value(id);
    if (value == nullptr || value->is_input || value->name.empty()) continue;
    DOPPIO_RETURN_IF_ERROR(AddName(value->name, names));
  }
  return {};
}

Status HandBack(std::span<const std::string_view> names, Graph* net) {
  net->ClearOutputs();
  for (const std::string_view name : names) {
    Value* value = LastValue(*net, name);
    if (value == nullptr) {
      DOPPIO_ASSIGN_OR_RETURN(value, net->AddInput(name));
    }
    DOPPIO_RETURN_IF_ERROR(net->AddOutput(value, name));
  }
  return {};
}

}  // namespace doppio::graph::wire
