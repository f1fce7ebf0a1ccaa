#include "runtime/operators/operator.h"

#include "base/message.h"
#include "runtime/operators/facts.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {

using base::Cat;
using base::Quoted;
using graph::Argument;

bool IsCalled(const Operator& op, std::span<const ValueFacts* const> inputs,
              std::span<const ValueFacts> outputs) {
  if (op.call == nullptr || op.lower == nullptr) return op.call != nullptr;
  const auto needs_call = [](const ValueFacts& facts) {
    return !facts.is_tensor() || facts.type == ElementType::kString;
  };
  for (const ValueFacts* input : inputs) {
    if (input != nullptr && needs_call(*input)) return true;
  }
  for (const ValueFacts& output : outputs) {
    if (needs_call(output)) return true;
  }
  return false;
}

const ArgSpec* ArgReader::Spec(std::string_view name) const {
  for (const ArgSpec& spec : op_.args) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

Status ArgReader::WrongField(std::string_view name, const char* expected) const {
  return InvalidArgument(Cat("argument ", Quoted(name), " does not hold ", expected));
}

Status ArgReader::Int(std::string_view name, int64_t* value) const {
  const Argument* arg = node_.arg(name);
  if (arg == nullptr) {
    const ArgSpec* spec = Spec(name);
    if (spec != nullptr && spec->required) {
      return InvalidArgument(Cat("argument ", Quoted(name), " is missing"));
    }
    *value = spec != nullptr ? static_cast<int64_t>(spec->number) : 0;
    return {};
  }
  if (!arg->has_i) return WrongField(name, "an integer");
  *value = arg->i;
  return {};
}

Status ArgReader::IntIn(std::string_view name, int64_t least, int64_t most, int64_t* value) const {
  DOPPIO_RETURN_IF_ERROR(Int(name, value));
  if (*value >= least && *value <= most) return {};
  return InvalidArgument(
      Cat("argument ", Quoted(name), " is ", *value, "; it must lie in [", least, ", ", most, "]"));
}

Status ArgReader::Bool(std::string_view name, bool* value) const {
  int64_t number = 0;
  DOPPIO_RETURN_IF_ERROR(Int(name, &number));
  *value = number != 0;
  return {};
}

Status ArgReader::Float(std::string_view name, float* value) const {
  const Argument* arg = node_.arg(name);
  if (arg == nullptr) {
    const ArgSpec* spec = Spec(name);
    if (spec != nullptr && spec->required) {
      return InvalidArgument(Cat("argument ", Quoted(name), " is missing"));
    }
    *value = spec != nullptr ? static_cast<float>(spec->number) : 0;
    return {};
  }
  if (!arg->has_f) return WrongField(name, "a float");
  *value = arg->f;
  return {};
}

Status ArgReader::Double(std::string_view name, double* value) const {
  float narrow = 0;
  DOPPIO_RETURN_IF_ERROR(Float(name, &narrow));
  const ArgSpec* spec = Spec(name);
  *value = !Has(name) && spec != nullptr ? spec->number : static_cast<double>(narrow);
  return {};
}

Status ArgReader::Text(std::string_view name, std::string_view* value) const {
  const Argument* arg = node_.arg(name);
  if (arg == nullptr) {
    const ArgSpec* spec = Spec(name);
    *value = spec != nullptr ? std::string_view(spec->text) : std::string_view();
    return {};
  }
  if (!arg->has_s) return WrongField(name, "a string");
  *value = arg->s;
  return {};
}

std::span<const int64_t> ArgReader::Ints(std::string_view name) const {
  const Argument* arg = node_.arg(name);
  return arg != nullptr ? arg->ints.span() : std::span<const int64_t>();
}

std::span<const float> ArgReader::Floats(std::string_view name) const {
  const Argument* arg = node_.arg(name);
  return arg != nullptr ? arg->floats.span() : std::span<const float>();
}

std::span<const std::string_view> ArgReader::Strings(std::string_view name) const {
  const Argument* arg = node_.arg(name);
  return arg != nullptr ? arg->strings.span() : std::span<const std::string_view>();
}

const graph::Graph* ArgReader::Net(std::string_view name) const {
  const Argument* arg = node_.arg(name);
  return arg != nullptr ? arg->net.get() : nullptr;
}

const graph::Constant* ArgReader::Tensor(std::string_view name) const {
  const Argument* arg = node_.arg(name);
  return arg != nullptr && arg->has_t ? &arg->t : nullptr;
}

std::string NodeLabel(const graph::Node& node) {
  std::string_view name = node.name;
  for (size_t i = 0; name.empty() && i < node.outputs.size(); ++i) {
    if (node.outputs[i] != nullptr) name = node.outputs[i]->name;
  }
  return Cat(node.type, " ", Quoted(name));
}

// The table, sorted when it is first asked for; rows themselves stand in the families' files.
namespace {

struct SortedRows {
  static constexpr size_t kMaxRows = 1024;
  const Operator* rows[kMaxRows];
  size_t count = 0;

  static bool Before(const Operator& a, const Operator& b) {
    return a.domain != b.domain ? a.domain < b.domain : a.type < b.type;
  }

  SortedRows() {
    for (const Operator* row : TableRows()) {
      if (count == kMaxRows) break;
      size_t at = count++;
      while (at > 0 && Before(*row, *rows[at - 1])) {
        rows[at] = rows[at - 1];
        --at;
      }
      rows[at] = row;
    }
  }
};

const SortedRows& Sorted() {
  static const SortedRows sorted;
  return sorted;
}

}  // namespace

const Operator* FindOperator(std::string_view domain, std::string_view type) {
  const SortedRows& sorted = Sorted();
  size_t low = 0, high = sorted.count;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    const Operator& row = *sorted.rows[middle];
    if (row.domain == domain && row.type == type) return &row;
    const bool before = row.domain != domain ? row.domain < domain : row.type < type;
    (before ? low : high) = before ? middle + 1 : middle;
  }
  return nullptr;
}

std::span<const Operator* const> AllOperators() { return {Sorted().rows, Sorted().count}; }

}  // namespace doppio::operators
