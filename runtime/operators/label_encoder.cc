// Operators of domain ai.onnx.ml that look values up in a list: LabelEncoder, CategoryMapper,
// OneHotEncoder; and ZipMap, which names the columns of scores.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/message.h"
#include "runtime/operators/call_context.h"
#include "runtime/operators/content.h"
#include "runtime/operators/host_number.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/lower_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using base::Quoted;

// A list of an argument, of whatever type: as a row-major array.
struct ArgList {
  ElementType type = ElementType::kUndefined;
  const void* data = nullptr;
  int64_t count = 0;

  bool present() const { return type != ElementType::kUndefined; }
};

template <class T>
ArgList ListOf(ElementType type, std::span<const T> values) {
  return {type, values.data(), static_cast<int64_t>(values.size())};
}

bool CanBeLookedUp(ElementType type) { return type == ElementType::kString || IsHostNumber(type); }

// The one of `<prefix>_tensor`, `_strings`, `_int64s` and `_floats` that is there.
Status ReadList(const ArgReader& args, std::string_view prefix, ArgList* list) {
  const std::string tensor_name = Cat(prefix, "_tensor");
  if (const graph::Constant* tensor = args.Tensor(tensor_name); tensor != nullptr) {
    *list = {tensor->type, tensor->data, tensor->count};
    if (CanBeLookedUp(list->type)) return {};
    return Unsupported(Cat("argument ", Quoted(tensor_name), " has type ", list->type));
  }
  const auto strings = args.Strings(Cat(prefix, "_strings"));
  const auto ints = args.Ints(Cat(prefix, "_int64s"));
  const auto floats = args.Floats(Cat(prefix, "_floats"));
  if (!strings.empty()) *list = ListOf(ElementType::kString, strings);
  if (!ints.empty()) *list = ListOf(ElementType::kInt64, ints);
  if (!floats.empty()) *list = ListOf(ElementType::kFloat, floats);
  const int given = !strings.empty() + !ints.empty() + !floats.empty();
  if (given == 1) return {};
  return InvalidArgument(
      Cat("one of the lists ", Quoted(Cat(prefix, "_*")), " must be given, not ", given));
}

// Positions in a list by value; of equal values the first counts, and NaN equals NaN.
class Lookup {
 public:
  // Borrows the list.
  Status Make(const ArgList& keys) {
    keys_ = keys;
    DOPPIO_RETURN_IF_ERROR(order_.Resize(static_cast<size_t>(keys.count)));
    for (size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<int64_t>(i);
    std::sort(order_.begin(), order_.end(), [&](int64_t a, int64_t b) {
      const int sign = Compare(keys_, a, keys_, b);
      return sign != 0 ? sign < 0 : a < b;
    });
    return {};
  }

  // The position of element `i` of `values`, which have the keys' kind; -1: not there.
  int64_t Find(const ArgList& values, int64_t i) const {
    const int64_t* found = std::lower_bound(
        order_.begin(), order_.end(), i,
        [&](int64_t key, int64_t at) { return Compare(keys_, key, values, at) < 0; });
    return found != order_.end() && Compare(keys_, *found, values, i) == 0 ? *found : -1;
  }

 private:
  static int Sign(auto a, auto b) { return a < b ? -1 : b < a ? 1 : 0; }

  static int Compare(const ArgList& a, int64_t i, const ArgList& b, int64_t j) {
    if (a.type == ElementType::kString) {
      return static_cast<const std::string_view*>(a.data)[i].compare(
          static_cast<const std::string_view*>(b.data)[j]);
    }
    if (a.type == ElementType::kInt64 && b.type == ElementType::kInt64) {
      return Sign(static_cast<const int64_t*>(a.data)[i], static_cast<const int64_t*>(b.data)[j]);
    }
    const double x = HostNumber(a.type, a.data, i), y = HostNumber(b.type, b.data, j);
    if (std::isnan(x) || std::isnan(y)) return Sign(std::isnan(x), std::isnan(y));
    return Sign(x, y);
  }

  ArgList keys_;
  base::Array<int64_t> order_;
};

// Results of a lookup and what stands for what is not found. All share one type.
struct Mapping {
  ArgList keys, values;
  ArgList fallback;  // one element

  // Owners of a default that is no list of the node's.
  std::string_view text = "_Unused";
  int64_t whole = -1;
  float real = -0.0f;
  int16_t half = -1;
  int32_t word = -1;
  double wide = -0.0;
};

Status ReadFallback(const ArgReader& args, Mapping* m) {
  const ElementType type = m->values.type;
  if (const graph::Constant* tensor = args.Tensor("default_tensor"); tensor != nullptr) {
    if (tensor->type != type || tensor->count != 1) {
      return InvalidArgument(Cat("argument 'default_tensor' must be one ", type));
    }
    m->fallback = {type, tensor->data, 1};
    return {};
  }
  if (args.Has("default_string")) DOPPIO_RETURN_IF_ERROR(args.Text("default_string", &m->text));
  if (args.Has("default_int64")) DOPPIO_RETURN_IF_ERROR(args.Int("default_int64", &m->whole));
  if (args.Has("default_float")) DOPPIO_RETURN_IF_ERROR(args.Float("default_float", &m->real));
  const void* data = type == ElementType::kString   ? static_cast<const void*>(&m->text)
                     : type == ElementType::kInt64  ? static_cast<const void*>(&m->whole)
                     : type == ElementType::kFloat  ? static_cast<const void*>(&m->real)
                     : type == ElementType::kInt16  ? static_cast<const void*>(&m->half)
                     : type == ElementType::kInt32  ? static_cast<const void*>(&m->word)
                     : type == ElementType::kDouble ? static_cast<const void*>(&m->wide)
                                                    : nullptr;
  if (data == nullptr) {
    return InvalidArgument(Cat("values of type ", type, " need the argument 'default_tensor'"));
  }
  m->fallback = {type, data, 1};
  return {};
}

// `input` is the type of what is looked up, if known.
Status ReadMapping(const graph::Node& node, const ArgReader& args, ElementType input, Mapping* m) {
  if (node.type == "CategoryMapper") {
    const auto strings = args.Strings("cats_strings");
    const auto ints = args.Ints("cats_int64s");
    m->keys = ListOf(ElementType::kString, strings);
    m->values = ListOf(ElementType::kInt64, ints);
    if (input != ElementType::kString) std::swap(m->keys, m->values);
  } else {
    DOPPIO_RETURN_IF_ERROR(ReadList(args, "keys", &m->keys));
    DOPPIO_RETURN_IF_ERROR(ReadList(args, "values", &m->values));
  }
  if (m->keys.count != m->values.count) {
    return InvalidArgument(Cat("it has ", m->keys.count, " keys and ", m->values.count, " values"));
  }
  if (input != ElementType::kUndefined && input != m->keys.type) {
    return InvalidArgument(Cat("input 0 has type ", input, ", its keys ", m->keys.type));
  }
  return ReadFallback(args, m);
}

// Output 0 is shaped like input 0, as far as that is known.
void SetLikeInput(const InferContext& c, ElementType type) {
  if (c.input(0).has_shape) {
    c.Set(0, type, c.input(0).shape);
  } else {
    c.SetUnknownShape(0, type);
  }
}

Status InferMapping(InferContext& c) {
  Mapping mapping;
  const ElementType input = c.input(0).type;
  // CategoryMapper's result depends on what comes in.
  if (input == ElementType::kUndefined && c.node().type == "CategoryMapper") return {};
  DOPPIO_RETURN_IF_ERROR(ReadMapping(c.node(), c.args, input, &mapping));
  SetLikeInput(c, mapping.values.type);
  return {};
}

Status WantTensor(const CallContext& c) {
  if (c.input(0)->kind == graph::ValueKind::kTensor) return {};
  return InvalidArgument("input 0 is no tensor");
}

Status CallMapping(CallContext& c) {
  Mapping mapping;
  Lookup lookup;
  DOPPIO_RETURN_IF_ERROR(WantTensor(c));
  const HostValue& x = *c.input(0);
  DOPPIO_RETURN_IF_ERROR(ReadMapping(c.node(), c.args, x.type, &mapping));
  DOPPIO_RETURN_IF_ERROR(lookup.Make(mapping.keys));
  const ArgList wanted{x.type, x.data, x.count()};
  const auto bytes = static_cast<size_t>(ElementBytes(mapping.values.type));
  DOPPIO_ASSIGN_OR_RETURN(HostValue y, c.NewTensor(mapping.values.type, x.dims));
  auto* to = y.memory->as<char>();
  for (int64_t i = 0; i < wanted.count; ++i, to += bytes) {
    const int64_t at = lookup.Find(wanted, i);
    const void* from = mapping.fallback.data;
    if (at >= 0)
      from = static_cast<const char*>(mapping.values.data) + static_cast<size_t>(at) * bytes;
    // The text of a default stands in the node, which outlives this call.
    std::memcpy(to, from, bytes);
  }
  c.Set(0, std::move(y));
  return {};
}

// --- OneHotEncoder
// -----------------------------------------------------------------------------------------------

Status ReadCategories(const ArgReader& args, ElementType input, ArgList* categories) {
  const auto strings = args.Strings("cats_strings");
  const auto ints = args.Ints("cats_int64s");
  if (strings.empty() == ints.empty()) {
    return InvalidArgument("one of the arguments 'cats_strings' and 'cats_int64s' must be given");
  }
  *categories =
      strings.empty() ? ListOf(ElementType::kInt64, ints) : ListOf(ElementType::kString, strings);
  const bool fits = input == ElementType::kUndefined ||
                    (strings.empty() ? IsHostNumber(input) : input == ElementType::kString);
  if (fits) return {};
  return InvalidArgument(Cat("input 0 has type ", input, ", its categories ", categories->type));
}

Status InferOneHot(InferContext& c) {
  ArgList categories;
  const ValueFacts& x = c.input(0);
  DOPPIO_RETURN_IF_ERROR(ReadCategories(c.args, x.type, &categories));
  if (!x.has_shape) {
    c.SetUnknownShape(0, ElementType::kFloat);
    return {};
  }
  if (x.shape.rank == kMaxRank) return InvalidArgument("the result has too many dimensions");
  Shape y = x.shape;
  y.push_back(Dim(categories.count));
  c.Set(0, ElementType::kFloat, y);
  return {};
}

Status CallOneHot(CallContext& c) {
  ArgList categories;
  Lookup lookup;
  bool zeros = true;
  DOPPIO_RETURN_IF_ERROR(WantTensor(c));
  const HostValue& x = *c.input(0);
  DOPPIO_RETURN_IF_ERROR(ReadCategories(c.args, x.type, &categories));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("zeros", &zeros));
  DOPPIO_RETURN_IF_ERROR(lookup.Make(categories));
  Dims dims = x.dims;
  if (!dims.push_back(categories.count)) {
    return InvalidArgument("the result has too many dimensions");
  }
  DOPPIO_ASSIGN_OR_RETURN(HostValue y, c.NewTensor(ElementType::kFloat, dims));
  auto* to = y.memory->as<float>();
  std::fill_n(to, y.count(), 0.0f);
  const int64_t count = x.count();
  for (int64_t i = 0; i < count; ++i, to += categories.count) {
    // Floats stand for the integers in them.
    const double whole =
        x.type == ElementType::kString ? 0 : std::trunc(HostNumber(x.type, x.data, i));
    const bool floats = x.type == ElementType::kFloat || x.type == ElementType::kDouble;
    const int64_t at = floats ? lookup.Find({ElementType::kDouble, &whole, 1}, 0)
                              : lookup.Find({x.type, x.data, count}, i);
    if (at >= 0) to[at] = 1;
    if (at < 0 && !zeros) return ComputeError(Cat("element ", i, " is none of the categories"));
  }
  c.Set(0, std::move(y));
  return {};
}

// --- ZipMap
// -----------------------------------------------------------------------------------------------

// ONNX makes a map from labels to scores for every row. There are no maps here: the scores stay the
// tensor that they are, a column a label, and the labels stay with the node.
Status InferZipMap(InferContext& c) {
  const ValueFacts& x = c.input(0);
  const size_t labels = std::max(c.args.Strings("classlabels_strings").size(),
                                 c.args.Ints("classlabels_int64s").size());
  if (x.type != ElementType::kFloat || x.shape.rank < 1 || x.shape.rank > 2) {
    return InvalidArgument(Cat(c.Describe(0), " must hold float32 scores, a row a sample"));
  }
  const Dim columns = x.shape[x.shape.rank - 1];
  if (columns.known() && columns.value() != static_cast<int64_t>(labels)) {
    return InvalidArgument(Cat("it has ", labels, " labels for ", c.Describe(0)));
  }
  c.Set(0, x.type, x.shape);
  return {};
}

Status LowerZipMap(LowerContext& c) { return c.Alias(0, c.input(0)); }

constexpr ArgSpec kEncoderArgs[] = {
    {"keys_tensor", ArgKind::kTensor},    {"keys_strings", ArgKind::kStrings},
    {"keys_int64s", ArgKind::kInts},      {"keys_floats", ArgKind::kFloats},
    {"values_tensor", ArgKind::kTensor},  {"values_strings", ArgKind::kStrings},
    {"values_int64s", ArgKind::kInts},    {"values_floats", ArgKind::kFloats},
    {"default_tensor", ArgKind::kTensor}, {"default_string", ArgKind::kString, 0, "_Unused"},
    {"default_int64", ArgKind::kInt, -1}, {"default_float", ArgKind::kFloat, -0.0}};
constexpr ArgSpec kMapperArgs[] = {{"cats_strings", ArgKind::kStrings},
                                   {"cats_int64s", ArgKind::kInts},
                                   {"default_string", ArgKind::kString, 0, "_Unused"},
                                   {"default_int64", ArgKind::kInt, -1}};
constexpr ArgSpec kOneHotArgs[] = {{"cats_strings", ArgKind::kStrings},
                                   {"cats_int64s", ArgKind::kInts},
                                   {"zeros", ArgKind::kInt, 1}};
constexpr ArgSpec kZipMapArgs[] = {{"classlabels_strings", ArgKind::kStrings},
                                   {"classlabels_int64s", ArgKind::kInts}};

constexpr Operator Called(std::string_view type, Status (*infer)(InferContext&),
                          Status (*call)(CallContext&), std::span<const ArgSpec> args,
                          const char* summary) {
  return {.domain = "ai.onnx.ml",
          .type = type,
          .min_inputs = 1,
          .max_inputs = 1,
          .min_outputs = 1,
          .max_outputs = 1,
          .layout = LayoutTrait::kRowMajor,
          .flags = kPlain,
          .infer = infer,
          .lower = nullptr,
          .args = args,
          .summary = summary,
          .call = call};
}

}  // namespace

const Operator kMlLabelEncoder =
    Called("LabelEncoder", InferMapping, CallMapping, kEncoderArgs, "values by keys");
const Operator kMlCategoryMapper = Called("CategoryMapper", InferMapping, CallMapping, kMapperArgs,
                                          "strings as integers, or back");
const Operator kMlOneHotEncoder = Called("OneHotEncoder", InferOneHot, CallOneHot, kOneHotArgs,
                                         "a 1 in the column of a category");
const Operator kMlZipMap = {"ai.onnx.ml",
                            "ZipMap",
                            1,
                            1,
                            1,
                            1,
                            LayoutTrait::kRowMajor,
                            kIdentity,
                            InferZipMap,
                            LowerZipMap,
                            kZipMapArgs,
                            "the scores themselves, whose columns the labels name"};

}  // namespace doppio::operators
