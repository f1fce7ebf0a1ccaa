// Caffe2's RecurrentNetwork: a net for every step of a sequence, its states and its slices linked
// to windows of rows. The session calls it between segments.
#include <algorithm>
#include <cstring>

#include "base/message.h"
#include "runtime/operators/call_context.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using base::Quoted;
using graph::Graph;

constexpr size_t kNone = SIZE_MAX;

size_t IndexOf(std::span<const std::string_view> names, std::string_view name) {
  const auto at = std::find(names.begin(), names.end(), name);
  return at == names.end() ? kNone : static_cast<size_t>(at - names.begin());
}

// A list of as many entries as `names`; absent: `fallback` everywhere.
Status SameLength(const ArgReader& args, const char* list, const char* names) {
  const size_t got = args.Ints(list).size(), wanted = args.Strings(names).size();
  if (got == wanted || (got == 0 && std::string_view(list) == "link_window")) return {};
  return InvalidArgument(Cat("arguments ", Quoted(list), " and ", Quoted(names), " have ", got,
                             " and ", wanted, " entries"));
}

Status CheckArgs(const ArgReader& args, size_t inputs) {
  if (args.Net("step_net") == nullptr) return CorruptModel("argument 'step_net' holds no net");
  const auto internal = args.Strings("link_internal"), external = args.Strings("link_external");
  if (internal.size() != external.size() ||
      args.Strings("alias_src").size() != args.Strings("alias_dst").size()) {
    return InvalidArgument("its lists of links, or of aliases, differ in length");
  }
  DOPPIO_RETURN_IF_ERROR(SameLength(args, "link_offset", "link_internal"));
  DOPPIO_RETURN_IF_ERROR(SameLength(args, "link_window", "link_internal"));
  DOPPIO_RETURN_IF_ERROR(SameLength(args, "alias_offset", "alias_src"));
  DOPPIO_RETURN_IF_ERROR(SameLength(args, "initial_recurrent_state_ids", "recurrent_states"));
  for (const int64_t id : args.Ints("initial_recurrent_state_ids")) {
    if (id >= 0 && static_cast<size_t>(id) < inputs) continue;
    return InvalidArgument(Cat("initial_recurrent_state_ids names input ", id, " of ", inputs));
  }
  return {};
}

// Rows [begin, begin + size) of a sequence or a state; a negative offset counts from the end.
struct Rows {
  int64_t begin = 0, size = 0;
};

Status AliasedRows(int64_t offset, int64_t length, Rows* rows) {
  rows->begin = offset >= 0 ? offset : length + offset;
  rows->size = length - rows->begin;
  if (rows->begin >= 0 && rows->size >= 0) return {};
  return InvalidArgument(Cat("alias_offset ", offset, " of ", length, " rows"));
}

// The position of the alias that makes output `i`, or kNone.
size_t AliasOf(const graph::Node& node, const ArgReader& args, size_t i) {
  return node.output(i) == nullptr ? kNone
                                   : IndexOf(args.Strings("alias_dst"), node.output(i)->name);
}

// Sizes where they are known; outputs that no alias makes are the step nets' workspaces, which are
// no tensors: they are empty here.
Status InferRecurrentNetwork(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(CheckArgs(c.args, c.input_count() - c.node().captures));
  const auto states = c.args.Strings("recurrent_states");
  const auto initial = c.args.Ints("initial_recurrent_state_ids");
  const ValueFacts& sequence = c.input(0);
  if (sequence.has_shape && sequence.shape.rank != 3) {
    return InvalidArgument(Cat(c.Describe(0), " must have 3 dimensions"));
  }
  for (size_t i = 0; i < c.output_count(); ++i) {
    const size_t alias = AliasOf(c.node(), c.args, i);
    const size_t state =
        alias == kNone ? kNone : IndexOf(states, c.args.Strings("alias_src")[alias]);
    if (state == kNone) {
      c.SetUnknownShape(i, alias == kNone ? ElementType::kUint8 : ElementType::kFloat);
      continue;
    }
    const ValueFacts& first = c.input(static_cast<size_t>(initial[state]));
    if (!sequence.has_shape || !first.has_shape || first.shape.rank < 1) {
      c.SetUnknownShape(i, first.type);
      continue;
    }
    const int64_t offset = c.args.Ints("alias_offset")[alias];
    const Dim kept = first.shape.rank == 3 ? first.shape[0] : Dim(1);
    const Dim length = c.symbols().Add(sequence.shape[0], kept);
    Shape y;
    y.push_back(offset < 0 ? Dim(-offset) : c.symbols().Sub(length, Dim(offset)));
    y.push_back(sequence.shape[1]);
    y.push_back(first.shape[first.shape.rank - 1]);
    c.Set(i, first.type, y);
  }
  return {};
}

// One name outside of the step net: a state, which grows row by row, or an input.
struct External {
  HostValue value;
  int64_t row_bytes = 0;
};

int64_t RowBytes(const HostValue& value) {
  int64_t count = 1;
  for (int d = 1; d < value.dims.rank(); ++d) count *= value.dims[d];
  return count * (ElementBits(value.type) / 8);
}

Status WantRows(const HostValue& value, std::string_view name) {
  if (value.kind == ValueKind::kTensor && value.dims.rank() >= 1 && ElementBits(value.type) >= 8 &&
      value.type != ElementType::kString) {
    return {};
  }
  return InvalidArgument(Cat("blob ", Quoted(name), " has no rows"));
}

// The state before the first step, and room for all others: [k + steps, n, d]. A state of one
// dimension is the same for the whole batch.
Status MakeState(CallContext& c, const HostValue& initial, int64_t steps, int64_t batch,
                 External* state) {
  const int rank = initial.dims.rank();
  const int64_t kept = rank == 3 ? initial.dims[0] : 1;
  if (rank < 1 || rank > 3 || (rank > 1 && initial.dims[rank - 2] != batch)) {
    return InvalidArgument(Cat("an initial state is ", initial.dims, " for a batch of ", batch));
  }
  const Dims dims({kept + steps, batch, initial.dims[rank - 1]});
  DOPPIO_ASSIGN_OR_RETURN(state->value, c.NewTensor(initial.type, dims));
  state->row_bytes = RowBytes(state->value);
  auto* const rows = static_cast<char*>(state->value.memory->data());
  const auto bytes = static_cast<size_t>(initial.count() * (ElementBits(initial.type) / 8));
  const auto whole = static_cast<size_t>(kept * state->row_bytes);
  for (size_t at = 0; bytes > 0 && at < whole; at += bytes) {
    std::memcpy(rows + at, initial.data, bytes);
  }
  // Rows that no step writes are zeros.
  std::memset(rows + whole, 0, static_cast<size_t>(steps * state->row_bytes));
  return {};
}

class Run {
 public:
  explicit Run(CallContext& c)
      : c_(c),
        step_(*c.args.Net("step_net")),
        internal_(c.args.Strings("link_internal")),
        external_(c.args.Strings("link_external")),
        offsets_(c.args.Ints("link_offset")),
        windows_(c.args.Ints("link_window")) {}

  Status Steps() {
    const HostValue& sequence = *c_.input(0);
    DOPPIO_RETURN_IF_ERROR(WantRows(sequence, "input 0"));
    if (sequence.dims.rank() != 3) return InvalidArgument("its sequence must have 3 dimensions");
    const int64_t steps = sequence.dims[0];
    DOPPIO_RETURN_IF_ERROR(MakeStates(steps, sequence.dims[1]));
    DOPPIO_RETURN_IF_ERROR(FindExternals());
    base::Array<HostValue> bound, made;
    DOPPIO_RETURN_IF_ERROR(bound.Resize(step_.bound_inputs));
    for (int64_t t = 0; t < steps; ++t) {
      DOPPIO_RETURN_IF_ERROR(Bind(t, &bound));
      DOPPIO_RETURN_IF_ERROR(c_.RunChild(step_, bound.span(), &made));
      DOPPIO_RETURN_IF_ERROR(TakeBack(t, made.span()));
    }
    return SetOutputs();
  }

 private:
  Status MakeStates(int64_t steps, int64_t batch) {
    const auto initial = c_.args.Ints("initial_recurrent_state_ids");
    DOPPIO_RETURN_IF_ERROR(states_.Resize(initial.size()));
    for (size_t i = 0; i < initial.size(); ++i) {
      const auto input = static_cast<size_t>(initial[i]);
      if (!c_.HasInput(input)) return InvalidArgument(Cat("input ", input, " is left out"));
      DOPPIO_RETURN_IF_ERROR(WantRows(*c_.input(input), c_.node().input(input)->name));
      DOPPIO_RETURN_IF_ERROR(MakeState(c_, *c_.input(input), steps, batch, &states_[i]));
    }
    return {};
  }

  // What each link's external name stands for: a state, or else an input of the node.
  Status FindExternals() {
    const auto names = c_.args.Strings("recurrent_states");
    DOPPIO_RETURN_IF_ERROR(state_of_.Resize(external_.size()));
    DOPPIO_RETURN_IF_ERROR(inputs_.Resize(external_.size()));
    // A pass may have put another value in the place of the sequence: it goes by any name.
    const bool renamed = IndexOf(external_, c_.node().input(0)->name) == kNone;
    for (size_t i = 0; i < external_.size(); ++i) {
      state_of_[i] = IndexOf(names, external_[i]);
      if (state_of_[i] != kNone) continue;
      for (size_t in = 0; in < c_.input_count(); ++in) {
        if (c_.HasInput(in) && c_.node().input(in)->name == external_[i]) {
          inputs_[i].value = *c_.input(in);
        }
      }
      if (inputs_[i].value.dims.rank() == 0 && renamed) inputs_[i].value = *c_.input(0);
      DOPPIO_RETURN_IF_ERROR(WantRows(inputs_[i].value, external_[i]));
      inputs_[i].row_bytes = RowBytes(inputs_[i].value);
    }
    return {};
  }

  External& Of(size_t link) {
    return state_of_[link] != kNone ? states_[state_of_[link]] : inputs_[link];
  }

  Status RowsOf(size_t link, int64_t t, Rows* rows) {
    rows->begin = t + offsets_[link];
    rows->size = windows_.empty() ? 1 : windows_[link];
    const int64_t length = Of(link).value.dims[0];
    if (rows->size >= 0 && rows->begin >= 0 && rows->begin <= length - rows->size) return {};
    return InvalidArgument(Cat("link ", Quoted(internal_[link]), " wants rows ", rows->begin,
                               " to ", rows->begin + rows->size, " of ", length));
  }

  Status Bind(int64_t t, base::Array<HostValue>* bound) {
    const auto inputs = step_.inputs();
    for (size_t i = 0; i < bound->size(); ++i) {
      const size_t link = IndexOf(internal_, inputs[i]->name);
      if (link == kNone) {  // the time step
        DOPPIO_ASSIGN_OR_RETURN((*bound)[i], c_.NewTensor(ElementType::kInt32, {1}));
        const auto step = static_cast<int32_t>(t);
        std::memcpy((*bound)[i].memory->data(), &step, sizeof(step));
        continue;
      }
      Rows rows;
      DOPPIO_RETURN_IF_ERROR(RowsOf(link, t, &rows));
      const External& external = Of(link);
      Dims dims = external.value.dims;
      dims[0] = rows.size;
      DOPPIO_ASSIGN_OR_RETURN((*bound)[i], c_.NewTensor(external.value.type, dims));
      const size_t bytes = static_cast<size_t>(rows.size * external.row_bytes);
      if (bytes == 0) continue;
      std::memcpy((*bound)[i].memory->data(),
                  static_cast<const char*>(external.value.data) + rows.begin * external.row_bytes,
                  bytes);
    }
    return {};
  }

  // What the step wrote under a link's name goes to that link's rows.
  Status TakeBack(int64_t t, std::span<const HostValue> made) {
    const auto outputs = step_.outputs();
    for (size_t i = 0; i < outputs.size(); ++i) {
      for (size_t link = 0; link < internal_.size(); ++link) {
        if (internal_[link] != outputs[i].name || state_of_[link] == kNone) continue;
        Rows rows;
        DOPPIO_RETURN_IF_ERROR(RowsOf(link, t, &rows));
        External& state = Of(link);
        const int64_t bytes = rows.size * state.row_bytes;
        if (made[i].type != state.value.type ||
            made[i].count() * (ElementBits(made[i].type) / 8) != bytes) {
          return InvalidArgument(Cat("its step makes ", Quoted(internal_[link]), " ", made[i].type,
                                     made[i].dims, "; the state's rows are ", state.value.type,
                                     state.value.dims));
        }
        if (bytes == 0) continue;
        std::memcpy(static_cast<char*>(state.value.memory->data()) + rows.begin * state.row_bytes,
                    made[i].data, static_cast<size_t>(bytes));
      }
    }
    return {};
  }

  Status SetOutputs() {
    const auto names = c_.args.Strings("recurrent_states");
    for (size_t i = 0; i < c_.output_count(); ++i) {
      const size_t alias = AliasOf(c_.node(), c_.args, i);
      if (alias == kNone) {
        DOPPIO_RETURN_IF_ERROR(c_.SetTensor(i, ElementType::kUint8, {0}).status());
        continue;
      }
      const std::string_view source = c_.args.Strings("alias_src")[alias];
      const size_t state = IndexOf(names, source);
      if (state == kNone) {
        return Unsupported(Cat("alias_src ", Quoted(source), " is no recurrent state"));
      }
      const External& from = states_[state];
      Rows rows;
      DOPPIO_RETURN_IF_ERROR(
          AliasedRows(c_.args.Ints("alias_offset")[alias], from.value.dims[0], &rows));
      Dims dims = from.value.dims;
      dims[0] = rows.size;
      DOPPIO_ASSIGN_OR_RETURN(void* const to, c_.SetTensor(i, from.value.type, dims));
      const size_t bytes = static_cast<size_t>(rows.size * from.row_bytes);
      if (bytes == 0) continue;
      std::memcpy(to, static_cast<const char*>(from.value.data) + rows.begin * from.row_bytes,
                  bytes);
    }
    return {};
  }

  CallContext& c_;
  const Graph& step_;
  const std::span<const std::string_view> internal_, external_;
  const std::span<const int64_t> offsets_, windows_;
  base::Array<External> states_, inputs_;  // inputs_: one a link
  base::Array<size_t> state_of_;           // of each link
};

Status CallRecurrentNetwork(CallContext& c) {
  DOPPIO_RETURN_IF_ERROR(CheckArgs(c.args, c.input_count()));
  if (!c.HasInput(0)) return InvalidArgument("its sequence is left out");
  return Run(c).Steps();
}

constexpr ArgSpec kArgs[] = {
    {"step_net", ArgKind::kNet, 0, "", true},
    {"recurrent_states", ArgKind::kStrings},
    {"initial_recurrent_state_ids", ArgKind::kInts},
    {"link_internal", ArgKind::kStrings},
    {"link_external", ArgKind::kStrings},
    {"link_offset", ArgKind::kInts},
    {"link_window", ArgKind::kInts},
    {"alias_src", ArgKind::kStrings},
    {"alias_dst", ArgKind::kStrings},
    {"alias_offset", ArgKind::kInts},
    {"timestep", ArgKind::kString, 0, "timestep"},
};

}  // namespace

const Operator kRecurrentNetwork = {.domain = "",
                                    .type = "RecurrentNetwork",
                                    .min_inputs = 1,
                                    .max_inputs = kVariadic,
                                    .min_outputs = 1,
                                    .max_outputs = kVariadic,
                                    .layout = LayoutTrait::kRowMajor,
                                    .flags = kControlFlow,
                                    .infer = InferRecurrentNetwork,
                                    .lower = nullptr,
                                    .args = kArgs,
                                    .summary = "a net for every step of a sequence",
                                    .call = CallRecurrentNetwork};

}  // namespace doppio::operators
