// Caffe2's LSTMUnit and GRUUnit: one step of a recurrent layer after its products, as the step nets
// of RecurrentNetwork have them. Sequences that are over keep their state, or lose it.
#include <cmath>

#include "base/message.h"
#include "runtime/operators/call_context.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/scalar_input.h"

namespace doppio::operators {
namespace {

using base::Cat;

float Sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

// What both units are given: states [1, batch, size], gates [1, batch, gates x size].
struct Unit {
  bool lengths = true, drop = false;
  float forget_bias = 0;
  const float* h = nullptr;
  const float* c = nullptr;
  const float* gates = nullptr;
  const int32_t* length = nullptr;
  int64_t batch = 0, size = 0, step = 0;
  Dims dims;

  bool Over(int64_t row) const { return length != nullptr && step >= length[row]; }
  float Kept(float state) const { return drop ? 0 : state; }
};

// `states`: h, or h and c; `gate_count` gates follow, then lengths unless they are left out, then
// the step.
Status ReadUnit(const CallContext& context, size_t states, int64_t gate_count, Unit* unit) {
  DOPPIO_RETURN_IF_ERROR(context.args.Bool("sequence_lengths", &unit->lengths));
  DOPPIO_RETURN_IF_ERROR(context.args.Bool("drop_states", &unit->drop));
  DOPPIO_RETURN_IF_ERROR(context.args.Float("forget_bias", &unit->forget_bias));
  const size_t wanted = states + 2 + (unit->lengths ? 1 : 0);
  if (context.input_count() != wanted) {
    return InvalidArgument(Cat("has ", context.input_count(), " inputs, wants ", wanted));
  }
  const HostValue& h = *context.input(0);
  const HostValue& gates = *context.input(states);
  if (h.type != ElementType::kFloat || h.dims.rank() != 3 || h.dims[0] != 1) {
    return InvalidArgument(Cat("state ", h.type, h.dims, " must be float32[1, batch, size]"));
  }
  unit->dims = h.dims;
  unit->batch = h.dims[1];
  unit->size = h.dims[2];
  unit->h = h.as<float>();
  if (states > 1) {
    const HostValue& c = *context.input(1);
    if (c.type != h.type || !(c.dims == h.dims)) {
      return InvalidArgument(Cat("states ", h.dims, " and ", c.dims, " differ"));
    }
    unit->c = c.as<float>();
  }
  if (gates.type != h.type || !(gates.dims == Dims({1, unit->batch, gate_count * unit->size}))) {
    return InvalidArgument(Cat("gates ", gates.type, gates.dims, " must be float32[1, ",
                               unit->batch, ", ", gate_count * unit->size, "]"));
  }
  unit->gates = gates.as<float>();
  if (unit->lengths) {
    const HostValue& lengths = *context.input(states + 1);
    if (lengths.type != ElementType::kInt32 || lengths.count() != unit->batch) {
      return InvalidArgument(
          Cat("lengths ", lengths.type, lengths.dims, " must be int32[", unit->batch, "]"));
    }
    unit->length = lengths.as<int32_t>();
  }
  return ReadScalar(context, wanted - 1, &unit->step);
}

// Gates i, f, o, g.
Status CallLstmUnit(CallContext& context) {
  Unit unit;
  DOPPIO_RETURN_IF_ERROR(ReadUnit(context, 2, 4, &unit));
  DOPPIO_ASSIGN_OR_RETURN(void* const new_h, context.SetTensor(0, ElementType::kFloat, unit.dims));
  DOPPIO_ASSIGN_OR_RETURN(void* const new_c, context.SetTensor(1, ElementType::kFloat, unit.dims));
  auto* h = static_cast<float*>(new_h);
  auto* c = static_cast<float*>(new_c);
  for (int64_t row = 0; row < unit.batch; ++row) {
    for (int64_t j = 0; j < unit.size; ++j) {
      const int64_t at = row * unit.size + j;
      if (unit.Over(row)) {
        h[at] = unit.Kept(unit.h[at]);
        c[at] = unit.Kept(unit.c[at]);
        continue;
      }
      const float* const gate = unit.gates + row * 4 * unit.size + j;
      const float input = Sigmoid(gate[0]), forget = Sigmoid(gate[unit.size] + unit.forget_bias);
      const float output = Sigmoid(gate[2 * unit.size]), fresh = std::tanh(gate[3 * unit.size]);
      c[at] = forget * unit.c[at] + input * fresh;
      h[at] = output * std::tanh(c[at]);
    }
  }
  return {};
}

// Gates reset (spent already), update, output.
Status CallGruUnit(CallContext& context) {
  Unit unit;
  DOPPIO_RETURN_IF_ERROR(ReadUnit(context, 1, 3, &unit));
  DOPPIO_ASSIGN_OR_RETURN(void* const new_h, context.SetTensor(0, ElementType::kFloat, unit.dims));
  auto* h = static_cast<float*>(new_h);
  for (int64_t row = 0; row < unit.batch; ++row) {
    for (int64_t j = 0; j < unit.size; ++j) {
      const int64_t at = row * unit.size + j;
      if (unit.Over(row)) {
        h[at] = unit.Kept(unit.h[at]);
        continue;
      }
      const float* const gate = unit.gates + row * 3 * unit.size + j;
      const float update = Sigmoid(gate[unit.size]), fresh = std::tanh(gate[2 * unit.size]);
      h[at] = unit.h[at] * update + fresh * (1 - update);
    }
  }
  return {};
}

Status InferUnit(InferContext& context) {
  for (size_t i = 0; i < context.node().outputs.size(); ++i) {
    if (context.input(0).has_shape) {
      context.Set(i, ElementType::kFloat, context.input(0).shape);
    } else {
      context.SetUnknownShape(i, ElementType::kFloat);
    }
  }
  return {};
}

constexpr ArgSpec kArgs[] = {{"forget_bias", ArgKind::kFloat},
                             {"sequence_lengths", ArgKind::kInt, 1},
                             {"drop_states", ArgKind::kInt}};

constexpr Operator UnitRow(std::string_view type, int states, Status (*call)(CallContext&),
                           const char* summary) {
  return {.domain = "",
          .type = type,
          .min_inputs = states + 2,
          .max_inputs = states + 3,
          .min_outputs = states,
          .max_outputs = states,
          .layout = LayoutTrait::kRowMajor,
          .flags = kPlain,
          .infer = InferUnit,
          .lower = nullptr,
          .args = kArgs,
          .summary = summary,
          .call = call};
}

}  // namespace

const Operator kLstmUnit = UnitRow("LSTMUnit", 2, CallLstmUnit, "one step of an LSTM");
const Operator kGruUnit = UnitRow("GRUUnit", 1, CallGruUnit, "one step of a GRU");

}  // namespace doppio::operators
