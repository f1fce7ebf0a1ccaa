#include "runtime/graph/wire/written_names.h"

#include <cstring>

#include "base/message.h"

namespace doppio::graph::wire {

Status WrittenNames::ComputeLastUses(const Graph& graph) {
  DOPPIO_RETURN_IF_ERROR(last_use_.Resize(graph.value_ids()));
  DOPPIO_RETURN_IF_ERROR(made_.Resize(graph.value_ids()));
  int64_t position = 1;
  for (const Node* node = graph.first(); node != nullptr; node = node->next, ++position) {
    for (const Input& input : node->inputs) {
      if (input.value != nullptr) last_use_[input.value->id] = position;
    }
    for (const Value* output : node->outputs) {
      if (output != nullptr) made_[output->id] = node->in_init ? 0 : position;
    }
  }
  for (const GraphOutput& output : graph.outputs()) last_use_[output.value->id] = INT64_MAX;
  return {};
}

// Inputs and outputs take their names first: users call them so.
Status WrittenNames::ReserveEnds(const Graph& graph, std::span<const std::string_view> captured) {
  size_t index = 0;
  for (const Value* input : graph.inputs()) {
    const bool is_captured = !captured.empty() && index >= graph.bound_inputs;
    const std::string_view name = is_captured ? captured[index - graph.bound_inputs] : input->name;
    names_[input->id] = name;
    DOPPIO_RETURN_IF_ERROR(holders_.Set(name, Holder{input, INT64_MAX}));
    ++index;
  }
  for (const GraphOutput& output : graph.outputs()) {
    const Holder* input = holders_.Find(output.name);
    const Reserved* other = outputs_.Find(output.name);
    if (other != nullptr && other->value != output.value) {
      return InvalidArgument(
          base::Cat("two different outputs are called ", base::Quoted(output.name)));
    }
    if (other != nullptr || (input != nullptr && input->value == output.value)) continue;
    // An output that overwrites an input does so at the end, by a copy.
    const bool takes_it = names_[output.value->id].empty() && input == nullptr;
    if (takes_it) names_[output.value->id] = output.name;
    const int64_t made = takes_it ? made_[output.value->id] : INT64_MAX;
    DOPPIO_RETURN_IF_ERROR(outputs_.Set(output.name, Reserved{output.value, made}));
  }
  return {};
}

bool WrittenNames::MayTake(const Value* value, std::string_view name, int64_t position) const {
  const Holder* holder = holders_.Find(name);
  if (holder != nullptr && holder->last_use > position) return false;
  const Reserved* output = outputs_.Find(name);
  if (output == nullptr) return true;
  // What the init net makes must still be there in the next run.
  return position > 0 && position < output->made && last_use_[value->id] <= output->made &&
         last_use_[value->id] != INT64_MAX;
}

Status WrittenNames::Name(const Value* value, int64_t position, base::Array<base::Buffer>* text) {
  std::string_view& written = names_[value->id];
  if (!written.empty()) return {};
  const std::string_view base_name = value->name.empty() ? std::string_view("t") : value->name;
  const auto free = [&](std::string_view name) { return MayTake(value, name, position); };
  std::string_view name = base_name;
  if (!free(name)) {
    std::string fresh;
    const int64_t* const taken = taken_.Find(base_name);
    int64_t suffix = taken != nullptr ? *taken + 1 : 2;
    for (fresh = base::Cat(base_name, "_", suffix); !free(fresh);) {
      fresh = base::Cat(base_name, "_", ++suffix);
    }
    // What stands before everything keeps its name for ever: nobody need try it again.
    if (position == 0) DOPPIO_RETURN_IF_ERROR(taken_.Set(base_name, suffix));
    DOPPIO_ASSIGN_OR_RETURN(base::Buffer copy, base::Buffer::Allocate(fresh.size(), nullptr));
    std::memcpy(copy.data(), fresh.data(), fresh.size());
    name = std::string_view(copy.as<char>(), fresh.size());
    DOPPIO_RETURN_IF_ERROR(text->Append(std::move(copy)));
  }
  written = name;
  return holders_.Set(name, Holder{value, position == 0 ? INT64_MAX : last_use_[value->id]});
}

Status WrittenNames::Assign(const Graph& graph, std::span<const std::string_view> captured,
                            base::Array<base::Buffer>* text) {
  DOPPIO_RETURN_IF_ERROR(names_.Resize(graph.value_ids()));
  DOPPIO_RETURN_IF_ERROR(ComputeLastUses(graph));
  DOPPIO_RETURN_IF_ERROR(ReserveEnds(graph, captured));
  // Constants and what the init net makes stand before everything.
  for (uint32_t id = 0; id < graph.value_ids(); ++id) {
    const Value* value = graph.value(id);
    if (value != nullptr && value->is_constant && !value->uses.empty()) {
      DOPPIO_RETURN_IF_ERROR(Name(value, 0, text));
    }
  }
  int64_t position = 1;
  for (const Node* node = graph.first(); node != nullptr; node = node->next, ++position) {
    for (const Value* output : node->outputs) {
      if (output != nullptr)
        DOPPIO_RETURN_IF_ERROR(Name(output, node->in_init ? 0 : position, text));
    }
  }
  return {};
}

}  // namespace doppio::graph::wire
