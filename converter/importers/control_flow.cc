// Operators with graphs inside: If, Loop, Scan, SequenceMap.
#include "base/message.h"
#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

void AddOutputs(const NodeContext& n, Emission* emission) {
  for (int i = 0; i < n.node().output_size(); ++i) emission->Out(i);
  emission->Done();
}

void ImportIf(const NodeContext& n) {
  Emission emission = n.EmitOnnx("If");
  emission.In(n.in(0));
  emission.Net("then_branch", n.Graph("then_branch"), {});
  emission.Net("else_branch", n.Graph("else_branch"), {});
  AddOutputs(n, &emission);
}

// What an input is, without the sizes that one iteration may give it for the next.
std::unique_ptr<ValueFacts> Carried(const NodeContext& n, int i) {
  auto facts = std::make_unique<ValueFacts>();
  if (!n.Has(i)) return facts;
  const ValueFacts& known = n.facts(n.in(i));
  facts->kind = known.kind;
  facts->type = known.type;
  facts->has_shape = known.has_shape;
  for (int d = 0; d < known.shape.rank; ++d) facts->shape.push_back(Dim());
  return facts;
}

std::unique_ptr<ValueFacts> Scalar(ElementType type) {
  auto facts = std::make_unique<ValueFacts>();
  facts->type = type;
  facts->has_shape = true;
  return facts;
}

void EmitBody(const NodeContext& n, const std::vector<std::unique_ptr<ValueFacts>>& bound,
              Emission* emission) {
  std::vector<const ValueFacts*> pointers;
  for (const auto& facts : bound) pointers.push_back(facts.get());
  emission->Net("body", n.Graph("body"), pointers);
}

void ImportLoop(const NodeContext& n) {
  std::vector<std::unique_ptr<ValueFacts>> bound;
  bound.push_back(Scalar(ElementType::kInt64));
  bound.push_back(Scalar(ElementType::kBool));
  Emission emission = n.EmitOnnx("Loop");
  for (int i = 0; i < n.input_count(); ++i) {
    emission.In(n.in(i));
    if (i >= 2) bound.push_back(Carried(n, i));
  }
  EmitBody(n, bound, &emission);
  AddOutputs(n, &emission);
}

// Opset 9 on. In opset 8 a Scan had a batch dimension and optional lengths.
void ImportScan(const NodeContext& n) {
  if (n.opset() < 9) n.Unsupported("the form of opset 8, with a batch dimension");
  const int64_t scans = n.Int("num_scan_inputs", 0);
  if (scans < 1 || scans > n.input_count()) {
    n.Unsupported(base::Cat("num_scan_inputs is ", scans));
  }
  const int states = n.input_count() - static_cast<int>(scans);
  const std::vector<int64_t> axes = n.Ints("scan_input_axes");
  std::vector<std::unique_ptr<ValueFacts>> bound;
  Emission emission = n.EmitOnnx("Scan");
  for (int i = 0; i < n.input_count(); ++i) {
    emission.In(n.in(i));
    bound.push_back(Carried(n, i));
    if (i < states || !bound.back()->has_shape) continue;
    const ValueFacts& whole = n.facts(n.in(i));
    const auto at = static_cast<size_t>(i - states);
    const auto axis =
        static_cast<int>(CanonicalAxis(at < axes.size() ? axes[at] : 0, whole.shape.rank));
    bound.back()->shape = operators::Shape();
    for (int d = 0; d < whole.shape.rank; ++d) {
      if (d != axis) bound.back()->shape.push_back(whole.shape[d]);
    }
  }
  emission.Int("num_scan_inputs", scans);
  for (const char* name :
       {"scan_input_axes", "scan_input_directions", "scan_output_axes", "scan_output_directions"}) {
    CopyAttribute(n, name, &emission);
  }
  EmitBody(n, bound, &emission);
  AddOutputs(n, &emission);
}

void ImportSequenceMap(const NodeContext& n) {
  std::vector<std::unique_ptr<ValueFacts>> bound;
  Emission emission = n.EmitOnnx("SequenceMap");
  for (int i = 0; i < n.input_count(); ++i) {
    emission.In(n.in(i));
    const ValueFacts& known = n.facts(n.in(i));
    bound.push_back(std::make_unique<ValueFacts>());
    bound.back()->type = known.type;  // of a sequence's elements no more is known
    if (!known.is_tensor()) continue;
    bound.back()->has_shape = known.has_shape;
    bound.back()->shape = known.shape;
  }
  EmitBody(n, bound, &emission);
  AddOutputs(n, &emission);
}

constexpr ImporterRow kRows[] = {
    {"If", 1, ImportIf},
    {"Loop", 1, ImportLoop},
    {"Scan", 8, ImportScan},
    {"SequenceMap", 17, ImportSequenceMap},
};

}  // namespace

std::span<const ImporterRow> ControlFlowImporters() { return kRows; }

}  // namespace doppio::converter
