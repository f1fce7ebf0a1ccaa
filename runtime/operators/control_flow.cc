// Control flow over child graphs: ONNX's If, Loop and Scan, Caffe2's If, While, Do and ONNXWhile
// (in the form that the pair reader gives them, see runtime/graph/wire/workspace_nets.h). The
// session calls them between segments; each child graph has plans of its own.
#include <cstring>

#include "base/message.h"
#include "runtime/operators/call_context.h"
#include "runtime/operators/child_graph.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using graph::Graph;

// The one element of a bool, or an int64, tensor.
template <class T>
Status ReadScalar(const CallContext& c, size_t i, ElementType type, const char* what, T* result) {
  const HostValue& value = *c.input(i);
  if (value.kind != ValueKind::kTensor || value.type != type || value.count() != 1) {
    return InvalidArgument(Cat(what, " must be one ", type, ", it is ", value.type, value.dims));
  }
  *result = *value.as<T>();
  return {};
}

Status ChildOf(const ArgReader& args, const char* name, const Graph** child) {
  *child = args.Net(name);
  if (*child != nullptr) return {};
  return CorruptModel(Cat("argument '", name, "' holds no net"));
}

Status WantOutputs(const CallContext& c, const Graph& child, size_t least) {
  if (child.outputs().size() >= least) return {};
  return CorruptModel(Cat("a net inside it has ", child.outputs().size(), " outputs, ", least,
                          " are needed for ", c.output_count(), " outputs"));
}

// --- If
// -----------------------------------------------------------------------------------------------

// The branch that is taken, in either dialect.
const char* BranchName(const graph::Node& node, bool condition) {
  if (IsOnnx(node)) return condition ? "then_branch" : "else_branch";
  return condition ? "then_net" : "else_net";
}

// What both branches agree on.
Status InferIf(InferContext& c) {
  if (c.input(0).type != ElementType::kBool && c.input(0).type != ElementType::kUndefined) {
    return InvalidArgument(Cat("the condition ", c.Describe(0), " must be bool"));
  }
  const Graph* branches[2];
  for (int i = 0; i < 2; ++i) {
    DOPPIO_RETURN_IF_ERROR(ChildOf(c.args, BranchName(c.node(), i == 0), &branches[i]));
  }
  base::Array<ValueFacts> facts[2];
  for (int i = 0; i < 2; ++i) {
    if (branches[i]->outputs().size() < c.output_count()) {
      return CorruptModel(
          Cat("a branch has ", branches[i]->outputs().size(), " outputs, not ", c.output_count()));
    }
    DOPPIO_RETURN_IF_ERROR(InferChild(c, *branches[i], {}, &facts[i]));
  }
  for (size_t i = 0; i < c.output_count(); ++i) {
    const ValueFacts& a = facts[0][i];
    const ValueFacts& b = facts[1][i];
    if (a.kind != b.kind || a.type == ElementType::kUndefined || a.type != b.type) continue;
    c.output(i).kind = a.kind;
    c.output(i).type = a.type;
    if (!a.has_shape || !b.has_shape || a.shape.rank != b.shape.rank) continue;
    Shape shape;
    for (int d = 0; d < a.shape.rank; ++d) {
      shape.push_back(a.shape[d] == b.shape[d] ? a.shape[d] : Dim());
    }
    c.Set(i, a.type, shape);
  }
  return {};
}

Status CallIf(CallContext& c) {
  bool condition = false;
  DOPPIO_RETURN_IF_ERROR(ReadScalar(c, 0, ElementType::kBool, "the condition", &condition));
  const Graph* branch = nullptr;
  DOPPIO_RETURN_IF_ERROR(ChildOf(c.args, BranchName(c.node(), condition), &branch));
  DOPPIO_RETURN_IF_ERROR(WantOutputs(c, *branch, c.output_count()));
  base::Array<HostValue> outputs;
  DOPPIO_RETURN_IF_ERROR(c.RunChild(*branch, {}, &outputs));
  for (size_t i = 0; i < c.output_count(); ++i) c.Set(i, std::move(outputs[i]));
  return {};
}

// --- Do
// -----------------------------------------------------------------------------------------------

// A scope is nothing that could be looked into: an empty tensor.
Status InferCreateScope(InferContext& c) {
  Shape none;
  none.push_back(Dim(0));
  c.Set(0, ElementType::kUint8, none);
  return {};
}

Status CallCreateScope(CallContext& c) { return c.SetTensor(0, ElementType::kUint8, {0}).status(); }

// The last input and the last output are the scope; a scope that is used again would keep blobs.
Status DoNet(const ArgReader& args, size_t inputs, size_t outputs, const Graph** net) {
  bool reuse = false;
  DOPPIO_RETURN_IF_ERROR(args.Bool("reuse_workspace", &reuse));
  if (reuse) return Unsupported("a workspace that is kept from one run to the next");
  DOPPIO_RETURN_IF_ERROR(ChildOf(args, "net", net));
  if ((*net)->bound_inputs == inputs - 1 && (*net)->outputs().size() + 1 == outputs) return {};
  return CorruptModel(Cat("its net is bound to ", (*net)->bound_inputs, " inputs and ",
                          (*net)->outputs().size(), " outputs, it has ", inputs - 1, " and ",
                          outputs - 1));
}

Status InferDo(InferContext& c) {
  const Graph* net = nullptr;
  const size_t inputs = c.input_count() - c.node().captures;
  DOPPIO_RETURN_IF_ERROR(DoNet(c.args, inputs, c.output_count(), &net));
  base::Array<ValueFacts> bound, made;
  DOPPIO_RETURN_IF_ERROR(bound.Resize(inputs - 1));
  for (size_t i = 0; i < bound.size(); ++i) {
    if (!c.HasInput(i)) continue;
    bound[i].kind = c.input(i).kind;
    bound[i].type = c.input(i).type;
    bound[i].has_shape = c.input(i).has_shape;
    bound[i].shape = c.input(i).shape;
  }
  DOPPIO_RETURN_IF_ERROR(InferChild(c, *net, bound.span(), &made));
  for (size_t i = 0; i < made.size(); ++i) {
    c.SetKind(i, made[i].kind, made[i].type);
    if (made[i].has_shape) c.Set(i, made[i].type, made[i].shape);
  }
  Shape none;
  none.push_back(Dim(0));
  c.Set(made.size(), ElementType::kUint8, none);
  return {};
}

Status CallDo(CallContext& c) {
  const Graph* net = nullptr;
  DOPPIO_RETURN_IF_ERROR(DoNet(c.args, c.input_count(), c.output_count(), &net));
  base::Array<HostValue> bound, made;
  for (size_t i = 0; i + 1 < c.input_count(); ++i) {
    if (!c.HasInput(i)) return InvalidArgument(Cat("input ", i, " is left out"));
    DOPPIO_RETURN_IF_ERROR(bound.Append(*c.input(i)));
  }
  DOPPIO_RETURN_IF_ERROR(c.RunChild(*net, bound.span(), &made));
  for (size_t i = 0; i < made.size(); ++i) c.Set(i, std::move(made[i]));
  return c.SetTensor(made.size(), ElementType::kUint8, {0}).status();
}

// --- While
// --------------------------------------------------------------------------------------------

// What is carried may change its sizes: only kind and type hold. The condition is the first of it.
Status InferWhile(InferContext& c) {
  const Graph* body = nullptr;
  DOPPIO_RETURN_IF_ERROR(ChildOf(c.args, "loop_net", &body));
  const size_t carried = c.input_count() - c.node().captures;
  if (c.output_count() != carried || body->outputs().size() != carried) {
    return CorruptModel(Cat("it carries ", carried, " values, hands on ", c.output_count(),
                            ", its net ", body->outputs().size()));
  }
  if (c.input(0).type != ElementType::kBool && c.input(0).type != ElementType::kUndefined) {
    return InvalidArgument(Cat("the condition ", c.Describe(0), " must be bool"));
  }
  for (size_t i = 0; i < carried; ++i) c.SetKind(i, c.input(i).kind, c.input(i).type);
  return {};
}

Status CallWhile(CallContext& c) {
  const Graph* body = nullptr;
  DOPPIO_RETURN_IF_ERROR(ChildOf(c.args, "loop_net", &body));
  const Graph* const condition = c.args.Net("cond_net");
  base::Array<HostValue> state;
  for (size_t i = 0; i < c.input_count(); ++i) {
    DOPPIO_ASSIGN_OR_RETURN(HostValue own, c.Own(i));
    DOPPIO_RETURN_IF_ERROR(state.Append(std::move(own)));
  }
  const auto run = [&](const Graph& net) {
    base::Array<HostValue> made;
    DOPPIO_RETURN_IF_ERROR(WantOutputs(c, net, state.size()));
    DOPPIO_RETURN_IF_ERROR(c.RunChild(net, state.span(), &made));
    state = std::move(made);
    return Status();
  };
  for (;;) {
    if (condition != nullptr) DOPPIO_RETURN_IF_ERROR(run(*condition));
    if (state[0].type != ElementType::kBool || state[0].count() != 1) {
      return InvalidArgument(
          Cat("the condition is ", state[0].type, state[0].dims, ", not one bool"));
    }
    if (!*state[0].as<bool>()) break;
    DOPPIO_RETURN_IF_ERROR(run(*body));
  }
  for (size_t i = 0; i < state.size(); ++i) c.Set(i, std::move(state[i]));
  return {};
}

// --- tensors that are collected iteration by iteration, or taken apart
// -----------------------------------------------------------------------------------------------

// dims with one more, of `size`, at `axis`.
Dims Inserted(const Dims& dims, int axis, int64_t size) {
  Dims result = dims;
  result.insert(axis, size);
  return result;
}

int64_t Product(const Dims& dims, int begin, int end) {
  int64_t product = 1;
  for (int i = begin; i < end; ++i) product *= dims[i];
  return product;
}

// Copies between slice `at` along a new axis of `whole` and `part`, which is that slice.
void CopySlice(const Dims& whole, int axis, int64_t at, int64_t element_bytes, const void* from,
               void* to, bool into_whole) {
  const int64_t outer = Product(whole, 0, axis);
  const int64_t inner = Product(whole, axis + 1, whole.rank()) * element_bytes;
  const int64_t step = whole[axis] * inner;
  for (int64_t i = 0; inner > 0 && i < outer; ++i) {
    const int64_t in_whole = i * step + at * inner, in_part = i * inner;
    std::memcpy(static_cast<char*>(to) + (into_whole ? in_whole : in_part),
                static_cast<const char*>(from) + (into_whole ? in_part : in_whole),
                static_cast<size_t>(inner));
  }
}

Status WantBytes(ElementType type) {
  if (ElementBits(type) >= 8) return {};
  return Unsupported(Cat("tensors of ", type, " cannot be stacked or sliced"));
}

// The collected outputs of one name, stacked along a new axis; `reversed`: the last one first.
Status SetStacked(CallContext& c, size_t i, base::Array<HostValue>* parts, int64_t axis,
                  bool reversed) {
  const HostValue& first = (*parts)[0];
  const auto count = static_cast<int64_t>(parts->size());
  const int rank = first.dims.rank() + 1;
  if (first.kind != ValueKind::kTensor) return Unsupported("a scan output that is no tensor");
  if (rank > kMaxRank || axis < -rank || axis >= rank) {
    return InvalidArgument(Cat("scan outputs cannot be stacked along axis ", axis, " of ", rank));
  }
  DOPPIO_RETURN_IF_ERROR(WantBytes(first.type));
  const int at = static_cast<int>(axis < 0 ? axis + rank : axis);
  const Dims dims = Inserted(first.dims, at, count);
  DOPPIO_ASSIGN_OR_RETURN(void* data, c.SetTensor(i, first.type, dims));
  for (int64_t part = 0; part < count; ++part) {
    const HostValue& value = (*parts)[static_cast<size_t>(part)];
    if (value.type != first.type || !(value.dims == first.dims)) {
      return InvalidArgument(Cat("scan output ", i, " is ", first.dims, " in the first iteration, ",
                                 value.dims, " in iteration ", part));
    }
    CopySlice(dims, at, reversed ? count - 1 - part : part, ElementBits(first.type) / 8, value.data,
              data, true);
  }
  return {};
}

// A scan output of no iterations: sizes as far as the body's rule knows them, else 0.
Status SetEmpty(CallContext& c, size_t i, const ValueFacts& facts, int64_t axis) {
  Dims dims;
  for (int d = 0; facts.has_shape && d < facts.shape.rank; ++d) {
    dims.push_back(facts.shape[d].known() ? facts.shape[d].value() : 0);
  }
  const int rank = dims.rank() + 1;
  if (rank > kMaxRank || axis < -rank || axis >= rank) return InvalidArgument("its scan axis");
  const ElementType type = facts.type != ElementType::kUndefined ? facts.type : ElementType::kFloat;
  return c.SetTensor(i, type, Inserted(dims, static_cast<int>(axis < 0 ? axis + rank : axis), 0))
      .status();
}

StatusOr<HostValue> NewScalar(CallContext& c, ElementType type, const void* value) {
  DOPPIO_ASSIGN_OR_RETURN(HostValue scalar, c.NewTensor(type, {}));
  std::memcpy(scalar.memory->data(), value, static_cast<size_t>(ElementBits(type) / 8));
  return scalar;
}

// --- Loop
// -----------------------------------------------------------------------------------------------

// Caffe2's form says beside whether the trip count and the condition count, and whether its body is
// a scope of its own, which sees nothing around it.
Status ReadLoopFlags(const graph::Node& node, const ArgReader& args, bool* trips, bool* condition) {
  *trips = *condition = true;
  if (IsOnnx(node)) return {};
  bool open = false;
  DOPPIO_RETURN_IF_ERROR(args.Bool("has_trip_count", trips));
  DOPPIO_RETURN_IF_ERROR(args.Bool("has_cond", condition));
  DOPPIO_RETURN_IF_ERROR(args.Bool("disable_scopes", &open));
  if (open || node.captures == 0) return {};
  return InvalidArgument(
      Cat("its body reads blob ", base::Quoted(node.input(node.inputs.size() - 1)->name),
          " of the net around it; argument 'disable_scopes' must be 1 for that"));
}

Status InferLoop(InferContext& c) {
  const Graph* body = nullptr;
  bool counts = true, asks = true;
  DOPPIO_RETURN_IF_ERROR(ChildOf(c.args, "body", &body));
  DOPPIO_RETURN_IF_ERROR(ReadLoopFlags(c.node(), c.args, &counts, &asks));
  const size_t inputs = c.input_count() - c.node().captures;
  const size_t carried = inputs > 2 ? inputs - 2 : 0;
  if (body->bound_inputs != carried + 2 || body->outputs().size() < 1 + carried ||
      body->outputs().size() != c.output_count() + 1) {
    return CorruptModel(Cat("its body has ", body->bound_inputs, " inputs and ",
                            body->outputs().size(), " outputs; ", carried + 2, " and ",
                            c.output_count() + 1, " are needed"));
  }
  // What is carried may change its sizes from one iteration to the next: only kind and type hold.
  base::Array<ValueFacts> bound, made;
  DOPPIO_RETURN_IF_ERROR(bound.Resize(carried + 2));
  bound[0].type = ElementType::kInt64;
  bound[1].type = ElementType::kBool;
  bound[0].has_shape = bound[1].has_shape = true;
  for (size_t i = 0; i < carried; ++i) {
    if (!c.HasInput(2 + i)) continue;
    bound[2 + i].kind = c.input(2 + i).kind;
    bound[2 + i].type = c.input(2 + i).type;
  }
  DOPPIO_RETURN_IF_ERROR(InferChild(c, *body, bound.span(), &made));
  for (size_t i = 0; i < c.output_count(); ++i) {
    if (i < carried) {
      c.SetKind(i, bound[2 + i].kind, bound[2 + i].type);
      continue;
    }
    const ValueFacts& part = made[1 + i];
    c.SetUnknownShape(i, part.type);
    if (!part.has_shape || part.shape.rank >= kMaxRank) continue;
    Shape shape;
    shape.push_back(Dim());
    for (int d = 0; d < part.shape.rank; ++d) shape.push_back(part.shape[d]);
    c.Set(i, part.type, shape);
  }
  return {};
}

Status CallLoop(CallContext& c) {
  const Graph* body = nullptr;
  DOPPIO_RETURN_IF_ERROR(ChildOf(c.args, "body", &body));
  const size_t carried = c.input_count() > 2 ? c.input_count() - 2 : 0;
  DOPPIO_RETURN_IF_ERROR(WantOutputs(c, *body, 1 + c.output_count()));
  int64_t trips = INT64_MAX;
  bool condition = true, counts = true, asks = true;
  DOPPIO_RETURN_IF_ERROR(ReadLoopFlags(c.node(), c.args, &counts, &asks));
  if (c.HasInput(0) && counts) {
    DOPPIO_RETURN_IF_ERROR(ReadScalar(c, 0, ElementType::kInt64, "the trip count", &trips));
  }
  if (c.HasInput(1) && asks) {
    DOPPIO_RETURN_IF_ERROR(ReadScalar(c, 1, ElementType::kBool, "the condition", &condition));
  }
  base::Array<HostValue> state, outputs;
  DOPPIO_RETURN_IF_ERROR(state.Resize(2 + carried));
  for (size_t i = 0; i < carried; ++i) {
    if (!c.HasInput(2 + i)) return InvalidArgument(Cat("carried input ", i, " is left out"));
    state[2 + i] = *c.input(2 + i);
  }
  base::Array<base::Array<HostValue>> scans;
  DOPPIO_RETURN_IF_ERROR(scans.Resize(body->outputs().size() - 1 - carried));
  for (int64_t trip = 0; trip < trips && condition; ++trip) {
    DOPPIO_ASSIGN_OR_RETURN(state[0], NewScalar(c, ElementType::kInt64, &trip));
    DOPPIO_ASSIGN_OR_RETURN(state[1], NewScalar(c, ElementType::kBool, &condition));
    DOPPIO_RETURN_IF_ERROR(c.RunChild(*body, state.span(), &outputs));
    if (outputs[0].type != ElementType::kBool || outputs[0].count() != 1) {
      return InvalidArgument(
          Cat("its body's condition is ", outputs[0].type, outputs[0].dims, ", not one bool"));
    }
    condition = !asks || *outputs[0].as<bool>();
    for (size_t i = 0; i < carried; ++i) state[2 + i] = std::move(outputs[1 + i]);
    for (size_t i = 0; i < scans.size(); ++i) {
      DOPPIO_RETURN_IF_ERROR(scans[i].Append(std::move(outputs[1 + carried + i])));
    }
  }
  for (size_t i = 0; i < carried && i < c.output_count(); ++i) {
    // Without an iteration the outputs are the inputs, whose memory may not outlive the call.
    if (state[2 + i].memory == nullptr && state[2 + i].kind == ValueKind::kTensor) {
      DOPPIO_ASSIGN_OR_RETURN(state[2 + i], c.Own(2 + i));
    }
    c.Set(i, std::move(state[2 + i]));
  }
  base::Array<ValueFacts> known;
  for (size_t i = 0; i < scans.size() && carried + i < c.output_count(); ++i) {
    if (!scans[i].empty()) {
      DOPPIO_RETURN_IF_ERROR(SetStacked(c, carried + i, &scans[i], 0, false));
      continue;
    }
    if (known.empty()) DOPPIO_RETURN_IF_ERROR(InferEmptyBody(c, *body, 2, carried, &known));
    DOPPIO_RETURN_IF_ERROR(SetEmpty(c, carried + i, known[1 + carried + i], 0));
  }
  return {};
}

// --- Scan
// -----------------------------------------------------------------------------------------------

struct ScanArgs {
  size_t states = 0, scans = 0;  // inputs
  size_t scan_outputs = 0;
  std::span<const int64_t> input_axes, input_directions, output_axes, output_directions;

  static int64_t At(std::span<const int64_t> list, size_t i) {
    return i < list.size() ? list[i] : 0;
  }
};

Status ReadScanArgs(const ArgReader& args, const Graph& body, size_t inputs, ScanArgs* scan) {
  int64_t scans = 0;
  DOPPIO_RETURN_IF_ERROR(args.IntIn("num_scan_inputs", 1, static_cast<int64_t>(inputs), &scans));
  scan->scans = static_cast<size_t>(scans);
  scan->states = inputs - scan->scans;
  if (body.bound_inputs != inputs || body.outputs().size() < scan->states) {
    return CorruptModel(Cat("its body has ", body.bound_inputs, " inputs and ",
                            body.outputs().size(), " outputs; ", inputs, " and at least ",
                            scan->states, " are needed"));
  }
  scan->scan_outputs = body.outputs().size() - scan->states;
  scan->input_axes = args.Ints("scan_input_axes");
  scan->input_directions = args.Ints("scan_input_directions");
  scan->output_axes = args.Ints("scan_output_axes");
  scan->output_directions = args.Ints("scan_output_directions");
  return {};
}

Status InferScan(InferContext& c) {
  const Graph* body = nullptr;
  DOPPIO_RETURN_IF_ERROR(ChildOf(c.args, "body", &body));
  ScanArgs scan;
  const size_t inputs = c.input_count() - c.node().captures;
  DOPPIO_RETURN_IF_ERROR(ReadScanArgs(c.args, *body, inputs, &scan));
  base::Array<ValueFacts> bound, made;
  DOPPIO_RETURN_IF_ERROR(bound.Resize(inputs));
  Dim length;
  for (size_t i = 0; i < inputs; ++i) {
    if (!c.HasInput(i)) continue;
    const ValueFacts& input = c.input(i);
    bound[i].kind = input.kind;
    bound[i].type = input.type;
    if (i < scan.states || !input.has_shape) continue;
    int axis = 0;
    DOPPIO_RETURN_IF_ERROR(
        c.CanonicalAxis(ScanArgs::At(scan.input_axes, i - scan.states), input.shape.rank, &axis));
    length = input.shape[axis];
    bound[i].has_shape = true;
    for (int d = 0; d < input.shape.rank; ++d) {
      if (d != axis) bound[i].shape.push_back(input.shape[d]);
    }
  }
  DOPPIO_RETURN_IF_ERROR(InferChild(c, *body, bound.span(), &made));
  for (size_t i = 0; i < c.output_count(); ++i) {
    if (i >= made.size()) return CorruptModel(Cat("its body has no output ", i));
    if (i < scan.states) {
      c.SetKind(i, bound[i].kind, bound[i].type);
      continue;
    }
    const ValueFacts& part = made[i];
    c.SetUnknownShape(i, part.type);
    if (!part.has_shape || part.shape.rank >= kMaxRank) continue;
    int axis = 0;
    DOPPIO_RETURN_IF_ERROR(c.CanonicalAxis(ScanArgs::At(scan.output_axes, i - scan.states),
                                           part.shape.rank + 1, &axis));
    Shape shape;
    for (int d = 0; d <= part.shape.rank; ++d) {
      if (d == axis) shape.push_back(length);
      if (d < part.shape.rank) shape.push_back(part.shape[d]);
    }
    c.Set(i, part.type, shape);
  }
  return {};
}

// Slice `trip` of scan input `i`.
Status TakeSlice(CallContext& c, const ScanArgs& scan, size_t i, int64_t trip, int64_t length,
                 HostValue* slice) {
  const HostValue& whole = *c.input(scan.states + i);
  const int64_t axis = ScanArgs::At(scan.input_axes, i);
  const int at = static_cast<int>(axis < 0 ? axis + whole.dims.rank() : axis);
  Dims dims = whole.dims;
  dims.erase(at);
  DOPPIO_RETURN_IF_ERROR(WantBytes(whole.type));
  DOPPIO_ASSIGN_OR_RETURN(*slice, c.NewTensor(whole.type, dims));
  const bool backwards = ScanArgs::At(scan.input_directions, i) == 1;
  CopySlice(whole.dims, at, backwards ? length - 1 - trip : trip, ElementBits(whole.type) / 8,
            whole.data, slice->memory->data(), false);
  return {};
}

Status ScanLength(const CallContext& c, const ScanArgs& scan, int64_t* length) {
  *length = -1;
  for (size_t i = 0; i < scan.scans; ++i) {
    const HostValue& whole = *c.input(scan.states + i);
    const int64_t axis = ScanArgs::At(scan.input_axes, i);
    const int rank = whole.dims.rank();
    if (whole.kind != ValueKind::kTensor || axis < -rank || axis >= rank) {
      return InvalidArgument(Cat("scan input ", i, " ", whole.dims, " has no axis ", axis));
    }
    const int64_t size = whole.dims[static_cast<int>(axis < 0 ? axis + rank : axis)];
    if (*length >= 0 && size != *length) {
      return InvalidArgument(
          Cat("scan input ", i, " has ", size, " slices, the first one has ", *length));
    }
    *length = size;
  }
  return {};
}

Status CallScan(CallContext& c) {
  const Graph* body = nullptr;
  DOPPIO_RETURN_IF_ERROR(ChildOf(c.args, "body", &body));
  ScanArgs scan;
  DOPPIO_RETURN_IF_ERROR(ReadScanArgs(c.args, *body, c.input_count(), &scan));
  DOPPIO_RETURN_IF_ERROR(WantOutputs(c, *body, c.output_count()));
  int64_t length = 0;
  for (size_t i = 0; i < c.input_count(); ++i) {
    if (!c.HasInput(i)) return InvalidArgument(Cat("input ", i, " is left out"));
  }
  DOPPIO_RETURN_IF_ERROR(ScanLength(c, scan, &length));
  base::Array<HostValue> state, outputs;
  for (size_t i = 0; i < c.input_count(); ++i) DOPPIO_RETURN_IF_ERROR(state.Append(*c.input(i)));
  base::Array<base::Array<HostValue>> parts;
  DOPPIO_RETURN_IF_ERROR(parts.Resize(scan.scan_outputs));
  for (int64_t trip = 0; trip < length; ++trip) {
    for (size_t i = 0; i < scan.scans; ++i) {
      DOPPIO_RETURN_IF_ERROR(TakeSlice(c, scan, i, trip, length, &state[scan.states + i]));
    }
    DOPPIO_RETURN_IF_ERROR(c.RunChild(*body, state.span(), &outputs));
    for (size_t i = 0; i < scan.states; ++i) state[i] = std::move(outputs[i]);
    for (size_t i = 0; i < scan.scan_outputs; ++i) {
      DOPPIO_RETURN_IF_ERROR(parts[i].Append(std::move(outputs[scan.states + i])));
    }
  }
  for (size_t i = 0; i < scan.states && i < c.output_count(); ++i) {
    if (state[i].memory == nullptr && state[i].kind == ValueKind::kTensor) {
      DOPPIO_ASSIGN_OR_RETURN(state[i], c.Own(i));
    }
    c.Set(i, std::move(state[i]));
  }
  base::Array<ValueFacts> known;
  for (size_t i = 0; i < scan.scan_outputs && scan.states + i < c.output_count(); ++i) {
    const int64_t axis = ScanArgs::At(scan.output_axes, i);
    const bool reversed = ScanArgs::At(scan.output_directions, i) == 1;
    if (!parts[i].empty()) {
      DOPPIO_RETURN_IF_ERROR(SetStacked(c, scan.states + i, &parts[i], axis, reversed));
      continue;
    }
    if (known.empty()) DOPPIO_RETURN_IF_ERROR(InferEmptyBody(c, *body, 0, scan.states, &known));
    DOPPIO_RETURN_IF_ERROR(SetEmpty(c, scan.states + i, known[scan.states + i], axis));
  }
  return {};
}

constexpr ArgSpec kIfArgs[] = {
    {"then_branch", ArgKind::kNet, 0, "", true},
    {"else_branch", ArgKind::kNet, 0, "", true},
};
constexpr ArgSpec kCaffe2IfArgs[] = {{"then_net", ArgKind::kNet, 0, "", true},
                                     {"else_net", ArgKind::kNet}};
constexpr ArgSpec kWhileArgs[] = {{"loop_net", ArgKind::kNet, 0, "", true},
                                  {"cond_net", ArgKind::kNet}};
constexpr ArgSpec kDoArgs[] = {{"net", ArgKind::kNet, 0, "", true},
                               {"inner_blobs", ArgKind::kStrings},
                               {"outer_blobs_idx", ArgKind::kInts},
                               {"copy_external_blobs", ArgKind::kInt},
                               {"reuse_workspace", ArgKind::kInt}};
constexpr ArgSpec kOnnxWhileArgs[] = {
    {"body", ArgKind::kNet, 0, "", true}, {"has_trip_count", ArgKind::kInt},
    {"has_cond", ArgKind::kInt},          {"save_scopes", ArgKind::kInt},
    {"disable_scopes", ArgKind::kInt},    {"num_loop_carried_deps", ArgKind::kInt, -1},
};
constexpr ArgSpec kLoopArgs[] = {{"body", ArgKind::kNet, 0, "", true}};
constexpr ArgSpec kScanArgs[] = {
    {"body", ArgKind::kNet, 0, "", true}, {"num_scan_inputs", ArgKind::kInt, 0, "", true},
    {"scan_input_axes", ArgKind::kInts},  {"scan_input_directions", ArgKind::kInts},
    {"scan_output_axes", ArgKind::kInts}, {"scan_output_directions", ArgKind::kInts},
};

}  // namespace

const Operator kOnnxIf = {.domain = "ai.onnx",
                          .type = "If",
                          .min_inputs = 1,
                          .max_inputs = 1,
                          .min_outputs = 1,
                          .max_outputs = kVariadic,
                          .layout = LayoutTrait::kRowMajor,
                          .flags = kControlFlow,
                          .infer = InferIf,
                          .lower = nullptr,
                          .args = kIfArgs,
                          .summary = "one of two child graphs, by a condition",
                          .call = CallIf};
const Operator kOnnxLoop = {.domain = "ai.onnx",
                            .type = "Loop",
                            .min_inputs = 0,
                            .max_inputs = kVariadic,
                            .min_outputs = 0,
                            .max_outputs = kVariadic,
                            .layout = LayoutTrait::kRowMajor,
                            .flags = kControlFlow,
                            .infer = InferLoop,
                            .lower = nullptr,
                            .args = kLoopArgs,
                            .summary = "a child graph again and again, with values carried along",
                            .call = CallLoop};
const Operator kOnnxScan = {.domain = "ai.onnx",
                            .type = "Scan",
                            .min_inputs = 1,
                            .max_inputs = kVariadic,
                            .min_outputs = 1,
                            .max_outputs = kVariadic,
                            .layout = LayoutTrait::kRowMajor,
                            .flags = kControlFlow,
                            .infer = InferScan,
                            .lower = nullptr,
                            .args = kScanArgs,
                            .summary = "a child graph for every slice of its inputs",
                            .call = CallScan};

const Operator kIf = {.domain = "",
                      .type = "If",
                      .min_inputs = 1,
                      .max_inputs = kVariadic,
                      .min_outputs = 0,
                      .max_outputs = kVariadic,
                      .layout = LayoutTrait::kRowMajor,
                      .flags = kControlFlow,
                      .infer = InferIf,
                      .lower = nullptr,
                      .args = kCaffe2IfArgs,
                      .summary = "one of two nets, by a condition",
                      .call = CallIf};
const Operator kWhile = {.domain = "",
                         .type = "While",
                         .min_inputs = 1,
                         .max_inputs = kVariadic,
                         .min_outputs = 1,
                         .max_outputs = kVariadic,
                         .layout = LayoutTrait::kRowMajor,
                         .flags = kControlFlow,
                         .infer = InferWhile,
                         .lower = nullptr,
                         .args = kWhileArgs,
                         .summary = "a net again and again while a condition holds",
                         .call = CallWhile};
const Operator kDo = {.domain = "",
                      .type = "Do",
                      .min_inputs = 1,
                      .max_inputs = kVariadic,
                      .min_outputs = 1,
                      .max_outputs = kVariadic,
                      .layout = LayoutTrait::kRowMajor,
                      .flags = kControlFlow,
                      .infer = InferDo,
                      .lower = nullptr,
                      .args = kDoArgs,
                      .summary = "a net in a workspace of its own",
                      .call = CallDo};
const Operator kCreateScope = {.domain = "",
                               .type = "CreateScope",
                               .min_inputs = 0,
                               .max_inputs = 0,
                               .min_outputs = 1,
                               .max_outputs = 1,
                               .layout = LayoutTrait::kRowMajor,
                               .flags = kPlain,
                               .infer = InferCreateScope,
                               .lower = nullptr,
                               .args = {},
                               .summary = "the workspace that Do works in",
                               .call = CallCreateScope};
const Operator kOnnxWhile = {.domain = "",
                             .type = "ONNXWhile",
                             .min_inputs = 2,
                             .max_inputs = kVariadic,
                             .min_outputs = 0,
                             .max_outputs = kVariadic,
                             .layout = LayoutTrait::kRowMajor,
                             .flags = kControlFlow,
                             .infer = InferLoop,
                             .lower = nullptr,
                             .args = kOnnxWhileArgs,
                             .summary = "a net again and again, with values carried along",
                             .call = CallLoop};

}  // namespace doppio::operators
