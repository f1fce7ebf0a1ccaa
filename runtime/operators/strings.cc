// Strings: StringConcat, StringSplit, StringNormalizer, TfIdfVectorizer of ONNX, and the calls of
// Cast and Equal.
#include "runtime/operators/strings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/half.h"
#include "base/message.h"
#include "runtime/operators/content.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using Texts = base::Array<std::string_view>;
constexpr auto kString = ElementType::kString;

Status SetTexts(CallContext& c, size_t i, const Texts& texts, const Dims& dims) {
  DOPPIO_ASSIGN_OR_RETURN(void* const memory, c.SetTensor(i, kString, dims));
  std::copy(texts.begin(), texts.end(), static_cast<std::string_view*>(memory));
  return {};
}

char Lower(char letter) { return letter >= 'A' && letter <= 'Z' ? letter + ('a' - 'A') : letter; }
char Upper(char letter) { return letter >= 'a' && letter <= 'z' ? letter - ('a' - 'A') : letter; }

bool SameButForCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return Lower(x) == Lower(y); });
}

// Sizes of two shapes broadcast to one another; false when they do not fit.
bool BroadcastDims(const Dims& a, const Dims& b, Dims* y) {
  const int rank = std::max(a.rank(), b.rank());
  for (int i = 0; i < rank; ++i) {
    const int ai = i - (rank - a.rank()), bi = i - (rank - b.rank());
    const int64_t x = ai < 0 ? 1 : a[ai], z = bi < 0 ? 1 : b[bi];
    if (x != z && x != 1 && z != 1) return false;
    y->push_back(x == 1 ? z : x);
  }
  return true;
}

// visit(position in a, position in b) for each element of the broadcast result, in order.
template <class Visit>
Status ForEachPair(const HostValue& a, const HostValue& b, Dims* y, Visit visit) {
  if (a.type != kString || b.type != kString) return InvalidArgument("it takes strings");
  if (!BroadcastDims(a.dims, b.dims, y)) {
    return InvalidArgument(Cat("shapes ", a.dims, " and ", b.dims, " do not fit each other"));
  }
  const int64_t count = ElementCount(*y);
  PositionWalk walk(*y);
  walk.Add(RepeatStrides(a.dims, *y));
  walk.Add(RepeatStrides(b.dims, *y));
  for (int64_t i = 0; i < count; ++i, walk.Next()) {
    DOPPIO_RETURN_IF_ERROR(
        visit(a.as<std::string_view>()[walk[0]], b.as<std::string_view>()[walk[1]]));
  }
  return {};
}

// --- numbers as texts
// -------------------------------------------------------------------------------

template <class T>
std::string_view Write(T value, char* room, size_t size) {
  const auto written = std::to_chars(room, room + size, value);
  return {room, static_cast<size_t>(written.ptr - room)};
}

// Element `i` as a text, in `room` of 64 characters or constant.
StatusOr<std::string_view> NumberText(const HostValue& x, int64_t i, char* room) {
  constexpr size_t kRoom = 64;
  const auto real = [&](auto value) -> std::string_view {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "INF" : "-INF";
    return Write(value, room, kRoom);
  };
  switch (x.type) {
    case ElementType::kFloat:
      return real(x.as<float>()[i]);
    case ElementType::kDouble:
      return real(x.as<double>()[i]);
    case ElementType::kFloat16:
      return real(base::ToFloat(x.as<base::Float16>()[i]));
    case ElementType::kBFloat16:
      return real(base::ToFloat(x.as<base::BFloat16>()[i]));
    case ElementType::kInt8:
      return Write(static_cast<int>(x.as<int8_t>()[i]), room, kRoom);
    case ElementType::kInt16:
      return Write(x.as<int16_t>()[i], room, kRoom);
    case ElementType::kInt32:
      return Write(x.as<int32_t>()[i], room, kRoom);
    case ElementType::kInt64:
      return Write(x.as<int64_t>()[i], room, kRoom);
    case ElementType::kUint8:
      return Write(static_cast<int>(x.as<uint8_t>()[i]), room, kRoom);
    case ElementType::kUint16:
      return Write(x.as<uint16_t>()[i], room, kRoom);
    case ElementType::kUint32:
      return Write(x.as<uint32_t>()[i], room, kRoom);
    case ElementType::kUint64:
      return Write(x.as<uint64_t>()[i], room, kRoom);
    case ElementType::kBool:
      return std::string_view(x.as<uint8_t>()[i] != 0 ? "1" : "0");
    default:
      return Unsupported(Cat("a cast from ", x.type, " to strings"));
  }
}

Status NoNumber(std::string_view text, int64_t i) {
  return ComputeError(Cat("element ", i, ", ", base::Quoted(text), ", is no number of the type"));
}

// A decimal number, or a name of a special one.
template <class T>
bool ReadNumber(std::string_view text, T* value) {
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  if constexpr (std::is_floating_point_v<T>) {
    const bool negative = !text.empty() && text[0] == '-';
    const std::string_view name = negative ? text.substr(1) : text;
    if (SameButForCase(name, "nan")) {
      *value = std::numeric_limits<T>::quiet_NaN();
      return true;
    }
    if (SameButForCase(name, "inf") || SameButForCase(name, "infinity")) {
      *value = negative ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
      return true;
    }
  }
  const auto read = std::from_chars(text.data(), text.data() + text.size(), *value);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

template <class T, class Stored = T>
Status ReadNumbers(const HostValue& x, void* memory, Stored (*store)(T)) {
  for (int64_t i = 0; i < x.count(); ++i) {
    T value{};
    const std::string_view text = x.as<std::string_view>()[i];
    if (!ReadNumber(text, &value)) return NoNumber(text, i);
    static_cast<Stored*>(memory)[i] = store(value);
  }
  return {};
}

template <class T>
T Same(T value) {
  return value;
}

Status FromTexts(CallContext& c, const HostValue& x, ElementType type) {
  DOPPIO_ASSIGN_OR_RETURN(void* const y, c.SetTensor(0, type, x.dims));
  switch (type) {
    case ElementType::kFloat:
      return ReadNumbers<float>(x, y, Same<float>);
    case ElementType::kDouble:
      return ReadNumbers<double>(x, y, Same<double>);
    case ElementType::kFloat16:
      return ReadNumbers<float, base::Float16>(
          x, y, +[](float value) { return base::ToFloat16(value); });
    case ElementType::kBFloat16:
      return ReadNumbers<float, base::BFloat16>(
          x, y, +[](float value) { return base::ToBFloat16(value); });
    case ElementType::kInt8:
      return ReadNumbers<int8_t>(x, y, Same<int8_t>);
    case ElementType::kInt16:
      return ReadNumbers<int16_t>(x, y, Same<int16_t>);
    case ElementType::kInt32:
      return ReadNumbers<int32_t>(x, y, Same<int32_t>);
    case ElementType::kInt64:
      return ReadNumbers<int64_t>(x, y, Same<int64_t>);
    case ElementType::kUint8:
      return ReadNumbers<uint8_t>(x, y, Same<uint8_t>);
    case ElementType::kUint16:
      return ReadNumbers<uint16_t>(x, y, Same<uint16_t>);
    case ElementType::kUint32:
      return ReadNumbers<uint32_t>(x, y, Same<uint32_t>);
    case ElementType::kUint64:
      return ReadNumbers<uint64_t>(x, y, Same<uint64_t>);
    case ElementType::kBool:
      return ReadNumbers<int64_t, bool>(
          x, y, +[](int64_t value) { return value != 0; });
    default:
      return Unsupported(Cat("a cast from strings to ", type));
  }
}

// --- StringConcat, StringSplit
// ----------------------------------------------------------------------

Status InferConcat(InferContext& c) {
  c.SetUnknownShape(0, kString);
  return {};
}

Status CallConcat(CallContext& c) {
  Texts texts;
  Dims dims;
  DOPPIO_RETURN_IF_ERROR(ForEachPair(
      *c.input(0), *c.input(1), &dims, [&](std::string_view a, std::string_view b) -> Status {
        DOPPIO_ASSIGN_OR_RETURN(const std::string_view joined, c.KeepText(Cat(a, b)));
        return texts.Append(joined);
      }));
  return SetTexts(c, 0, texts, dims);
}

Status InferSplit(InferContext& c) {
  c.SetUnknownShape(0, kString);
  if (c.input(0).has_shape) {
    c.Set(1, ElementType::kInt64, c.input(0).shape);
  } else {
    c.SetUnknownShape(1, ElementType::kInt64);
  }
  return {};
}

bool IsSpace(char letter) { return letter == ' ' || (letter >= '\t' && letter <= '\r'); }

// By runs of white space, as Python's str.split().
Status SplitAtSpace(std::string_view text, int64_t most, Texts* parts) {
  for (int64_t count = 0;; ++count) {
    while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
    if (text.empty()) return {};
    size_t end = 0;
    while (end < text.size() && !IsSpace(text[end])) ++end;
    if (count == most) {  // the rest, but for white space at its end
      end = text.size();
      while (end > 0 && IsSpace(text[end - 1])) --end;
      return parts->Append(text.substr(0, end));
    }
    DOPPIO_RETURN_IF_ERROR(parts->Append(text.substr(0, end)));
    text.remove_prefix(end);
  }
}

Status SplitAt(std::string_view text, std::string_view delimiter, int64_t most, Texts* parts) {
  for (int64_t count = 0; count < most; ++count) {
    const size_t at = text.find(delimiter);
    if (at == std::string_view::npos) break;
    DOPPIO_RETURN_IF_ERROR(parts->Append(text.substr(0, at)));
    text.remove_prefix(at + delimiter.size());
  }
  return parts->Append(text);
}

Status CallSplit(CallContext& c) {
  const HostValue& x = *c.input(0);
  std::string_view delimiter;
  int64_t most = std::numeric_limits<int64_t>::max();
  if (x.type != kString) return InvalidArgument("it takes strings");
  if (x.dims.rank() == kMaxRank) return Unsupported("more than 15 dimensions");
  DOPPIO_RETURN_IF_ERROR(c.args.Text("delimiter", &delimiter));
  if (c.args.Has("maxsplit")) DOPPIO_RETURN_IF_ERROR(c.args.IntIn("maxsplit", 0, most, &most));
  base::Array<Texts> all;
  int64_t longest = 0;
  for (int64_t i = 0; i < x.count(); ++i) {
    Texts parts;
    const std::string_view text = x.as<std::string_view>()[i];
    DOPPIO_RETURN_IF_ERROR(delimiter.empty() ? SplitAtSpace(text, most, &parts)
                                             : SplitAt(text, delimiter, most, &parts));
    longest = std::max(longest, static_cast<int64_t>(parts.size()));
    DOPPIO_RETURN_IF_ERROR(all.Append(std::move(parts)));
  }
  Texts filled;
  DOPPIO_ASSIGN_OR_RETURN(void* const counts, c.SetTensor(1, ElementType::kInt64, x.dims));
  for (size_t i = 0; i < all.size(); ++i) {
    static_cast<int64_t*>(counts)[i] = static_cast<int64_t>(all[i].size());
    for (size_t j = 0; j < static_cast<size_t>(longest); ++j) {
      DOPPIO_RETURN_IF_ERROR(filled.Append(j < all[i].size() ? all[i][j] : std::string_view("")));
    }
  }
  Dims dims = x.dims;
  dims.push_back(longest);
  return SetTexts(c, 0, filled, dims);
}

// --- StringNormalizer
// -------------------------------------------------------------------------------

Status InferNormalizer(InferContext& c) {
  const ValueFacts& x = c.input(0);
  if (x.has_shape && (x.shape.rank < 1 || x.shape.rank > 2 ||
                      (x.shape.rank == 2 && x.shape[0].known() && !x.shape[0].Is(1)))) {
    return InvalidArgument(Cat(c.Describe(0), " must have the shape [C] or [1, C]"));
  }
  c.SetUnknownShape(0, kString);
  return {};
}

Status CallNormalizer(CallContext& c) {
  const HostValue& x = *c.input(0);
  std::string_view action;
  bool case_matters = false;
  DOPPIO_RETURN_IF_ERROR(c.args.Text("case_change_action", &action));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("is_case_sensitive", &case_matters));
  if (action != "NONE" && action != "LOWER" && action != "UPPER") {
    return InvalidArgument(Cat("case_change_action ", base::Quoted(action), " is unknown"));
  }
  const int rank = x.dims.rank();
  if (x.type != kString || rank < 1 || rank > 2 || (rank == 2 && x.dims[0] != 1)) {
    return InvalidArgument(
        Cat("input 0 ", x.type, x.dims, " must be strings of shape [C] or [1, C]"));
  }
  const std::span<const std::string_view> stop = c.args.Strings("stopwords");
  Texts kept;
  for (int64_t i = 0; i < x.count(); ++i) {
    const std::string_view text = x.as<std::string_view>()[i];
    const bool stopped = std::any_of(stop.begin(), stop.end(), [&](std::string_view word) {
      return case_matters ? word == text : SameButForCase(word, text);
    });
    if (stopped) continue;
    std::string changed(text);
    for (char& letter : changed) {
      letter = action == "LOWER" ? Lower(letter) : action == "UPPER" ? Upper(letter) : letter;
    }
    DOPPIO_ASSIGN_OR_RETURN(const std::string_view own, c.KeepText(changed));
    DOPPIO_RETURN_IF_ERROR(kept.Append(own));
  }
  if (kept.empty()) DOPPIO_RETURN_IF_ERROR(kept.Append(std::string_view("")));
  const auto count = static_cast<int64_t>(kept.size());
  return SetTexts(c, 0, kept, rank == 1 ? Dims({count}) : Dims({1, count}));
}

// --- TfIdfVectorizer
// --------------------------------------------------------------------------------

// The words that count: n-grams of growing length one after the other.
struct Vocabulary {
  std::span<const int64_t> begins, columns;  // of each length; the output column of each n-gram
  std::span<const float> weights;
  int64_t shortest = 1, longest = 1, skips = 0, width = 0;
  bool texts = false, counts = true, weighted = false;
};

Status ReadVocabulary(const ArgReader& args, Vocabulary* v) {
  std::string_view mode;
  constexpr int64_t kMost = 1 << 20;
  DOPPIO_RETURN_IF_ERROR(args.Text("mode", &mode));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("min_gram_length", 1, kMost, &v->shortest));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("max_gram_length", v->shortest, kMost, &v->longest));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("max_skip_count", 0, kMost, &v->skips));
  if (mode != "TF" && mode != "IDF" && mode != "TFIDF") {
    return InvalidArgument(
        Cat("mode ", base::Quoted(mode), " is unknown; there are TF, IDF, TFIDF"));
  }
  v->counts = mode != "IDF";
  v->weighted = mode != "TF";
  v->begins = args.Ints("ngram_counts");
  v->columns = args.Ints("ngram_indexes");
  v->weights = args.Floats("weights");
  v->texts = !args.Strings("pool_strings").empty();
  const size_t pool =
      v->texts ? args.Strings("pool_strings").size() : args.Ints("pool_int64s").size();
  size_t grams = 0;
  for (size_t i = 0; i < v->begins.size(); ++i) {
    const int64_t begin = v->begins[i];
    const int64_t end = i + 1 < v->begins.size() ? v->begins[i + 1] : static_cast<int64_t>(pool);
    const auto length = static_cast<int64_t>(i) + 1;
    if (begin < 0 || end < begin || end > static_cast<int64_t>(pool) ||
        (end - begin) % length != 0) {
      return InvalidArgument(Cat("ngram_counts: words ", begin, " to ", end, " of ", pool,
                                 " are no n-grams of length ", length));
    }
    grams += static_cast<size_t>((end - begin) / length);
  }
  if (grams != v->columns.size() || (!v->weights.empty() && v->weights.size() != grams)) {
    return InvalidArgument(Cat(grams, " n-grams, ", v->columns.size(), " ngram_indexes and ",
                               v->weights.size(), " weights do not fit"));
  }
  constexpr int64_t kWidest = int64_t{1} << 32;
  for (const int64_t column : v->columns) {
    if (column < 0 || column >= kWidest)
      return InvalidArgument(Cat("ngram_indexes holds ", column));
    v->width = std::max(v->width, column + 1);
  }
  return {};
}

Status InferTfIdf(InferContext& c) {
  Vocabulary v;
  DOPPIO_RETURN_IF_ERROR(ReadVocabulary(c.args, &v));
  const ValueFacts& x = c.input(0);
  if (!x.has_shape) {
    c.SetUnknownShape(0, ElementType::kFloat);
    return {};
  }
  if (x.shape.rank < 1 || x.shape.rank > 2) {
    return InvalidArgument(Cat(c.Describe(0), " must have 1 or 2 dimensions"));
  }
  Shape y;
  if (x.shape.rank == 2) y.push_back(x.shape[0]);
  y.push_back(Dim(v.width));
  c.Set(0, ElementType::kFloat, y);
  return {};
}

// Adds 1 to the column of every n-gram found in a row: `equal(position, pool position)`.
template <class EqualWord>
void CountGrams(const Vocabulary& v, size_t pool, int64_t words, EqualWord equal, float* y) {
  size_t gram = 0;
  for (size_t i = 0; i < v.begins.size(); ++i) {
    const auto length = static_cast<int64_t>(i) + 1;
    const int64_t end = i + 1 < v.begins.size() ? v.begins[i + 1] : static_cast<int64_t>(pool);
    for (int64_t at = v.begins[i]; at < end; at += length, ++gram) {
      if (length < v.shortest || length > v.longest) continue;
      // Single words have nothing to skip.
      const int64_t strides = length == 1 ? 1 : v.skips + 1;
      for (int64_t stride = 1; stride <= strides; ++stride) {
        for (int64_t begin = 0; begin + (length - 1) * stride < words; ++begin) {
          bool same = true;
          for (int64_t j = 0; j < length && same; ++j) same = equal(begin + j * stride, at + j);
          if (same) y[v.columns[gram]] += 1;
        }
      }
    }
  }
}

Status CallTfIdf(CallContext& c) {
  const HostValue& x = *c.input(0);
  Vocabulary v;
  DOPPIO_RETURN_IF_ERROR(ReadVocabulary(c.args, &v));
  const int rank = x.dims.rank();
  const bool integers = x.type == ElementType::kInt32 || x.type == ElementType::kInt64;
  if (rank < 1 || rank > 2 || (v.texts ? x.type != kString : !integers)) {
    return InvalidArgument(Cat("input 0 ", x.type, x.dims, " must be ",
                               v.texts ? "strings" : "int32 or int64", " of 1 or 2 dimensions"));
  }
  const int64_t rows = rank == 2 ? x.dims[0] : 1, words = x.dims[rank - 1];
  const Dims dims = rank == 2 ? Dims({rows, v.width}) : Dims({v.width});
  DOPPIO_ASSIGN_OR_RETURN(void* const memory, c.SetTensor(0, ElementType::kFloat, dims));
  std::fill_n(static_cast<float*>(memory), rows * v.width, 0.0f);
  const std::span<const int64_t> numbers = c.args.Ints("pool_int64s");
  const std::span<const std::string_view> texts = c.args.Strings("pool_strings");
  for (int64_t row = 0; row < rows; ++row) {
    float* const y = static_cast<float*>(memory) + row * v.width;
    const auto equal = [&](int64_t position, int64_t at) {
      const int64_t i = row * words + position;
      const auto word = static_cast<size_t>(at);
      if (v.texts) return x.as<std::string_view>()[i] == texts[word];
      return (x.type == ElementType::kInt64 ? x.as<int64_t>()[i] : x.as<int32_t>()[i]) ==
             numbers[word];
    };
    CountGrams(v, v.texts ? texts.size() : numbers.size(), words, equal, y);
    for (size_t gram = 0; gram < v.columns.size(); ++gram) {
      float& value = y[v.columns[gram]];
      if (!v.counts) value = value > 0 ? 1 : 0;
    }
    for (size_t gram = 0; gram < v.columns.size() && v.weighted && !v.weights.empty(); ++gram) {
      y[v.columns[gram]] *= v.weights[gram];
    }
  }
  return {};
}

constexpr ArgSpec kSplitArgs[] = {{"delimiter", ArgKind::kString}, {"maxsplit", ArgKind::kInt}};
constexpr ArgSpec kNormalizerArgs[] = {{"case_change_action", ArgKind::kString, 0, "NONE"},
                                       {"is_case_sensitive", ArgKind::kInt},
                                       {"stopwords", ArgKind::kStrings},
                                       {"locale", ArgKind::kString}};
constexpr ArgSpec kTfIdfArgs[] = {{"mode", ArgKind::kString, 0, "", true},
                                  {"min_gram_length", ArgKind::kInt, 1},
                                  {"max_gram_length", ArgKind::kInt, 1},
                                  {"max_skip_count", ArgKind::kInt},
                                  {"ngram_counts", ArgKind::kInts},
                                  {"ngram_indexes", ArgKind::kInts},
                                  {"pool_int64s", ArgKind::kInts},
                                  {"pool_strings", ArgKind::kStrings},
                                  {"weights", ArgKind::kFloats}};

constexpr Operator OfStrings(std::string_view type, int inputs, int outputs,
                             Status (*infer)(InferContext&), Status (*call)(CallContext&),
                             std::span<const ArgSpec> args, const char* summary) {
  return {.domain = "ai.onnx",
          .type = type,
          .min_inputs = inputs,
          .max_inputs = inputs,
          .min_outputs = 1,
          .max_outputs = outputs,
          .layout = LayoutTrait::kRowMajor,
          .flags = kPlain,
          .infer = infer,
          .lower = nullptr,
          .args = args,
          .summary = summary,
          .call = call};
}

}  // namespace

Status CallStringCast(CallContext& c) {
  const HostValue& x = *c.input(0);
  ElementType type = ElementType::kUndefined;
  if (c.node().type == "CastLike") {
    type = c.input(1)->type;
  } else {
    int64_t to = 0;
    DOPPIO_RETURN_IF_ERROR(c.args.IntIn("to", 1, kElementTypeCount - 1, &to));
    type = static_cast<ElementType>(to);
  }
  if (x.type == kString && type != kString) return FromTexts(c, x, type);
  Texts texts;
  char room[64];
  for (int64_t i = 0; i < x.count(); ++i) {
    std::string_view text;
    if (x.type == kString) {
      text = x.as<std::string_view>()[i];
    } else {
      DOPPIO_ASSIGN_OR_RETURN(const std::string_view written, NumberText(x, i, room));
      DOPPIO_ASSIGN_OR_RETURN(text, c.KeepText(written));
    }
    DOPPIO_RETURN_IF_ERROR(texts.Append(text));
  }
  return SetTexts(c, 0, texts, x.dims);
}

Status CallStringEqual(CallContext& c) {
  base::Array<uint8_t> equal;
  Dims dims;
  DOPPIO_RETURN_IF_ERROR(ForEachPair(*c.input(0), *c.input(1), &dims,
                                     [&](std::string_view a, std::string_view b) -> Status {
                                       return equal.Append(a == b ? 1 : 0);
                                     }));
  DOPPIO_ASSIGN_OR_RETURN(void* const memory, c.SetTensor(0, ElementType::kBool, dims));
  std::copy(equal.begin(), equal.end(), static_cast<uint8_t*>(memory));
  return {};
}

const Operator kOnnxStringConcat =
    OfStrings("StringConcat", 2, 1, InferConcat, CallConcat, {}, "strings one after the other");
const Operator kOnnxStringSplit =
    OfStrings("StringSplit", 1, 2, InferSplit, CallSplit, kSplitArgs, "parts of strings");
const Operator kOnnxStringNormalizer =
    OfStrings("StringNormalizer", 1, 1, InferNormalizer, CallNormalizer, kNormalizerArgs,
              "strings without stop words, in one case");
const Operator kOnnxTfIdfVectorizer =
    OfStrings("TfIdfVectorizer", 1, 1, InferTfIdf, CallTfIdf, kTfIdfArgs,
              "how often each n-gram stands in a sequence");

}  // namespace doppio::operators
