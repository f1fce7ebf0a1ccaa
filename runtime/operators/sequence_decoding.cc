// Paths through scores of a sequence: CTC decoding, Viterbi (Caffe2).
#include <algorithm>
#include <cmath>

#include "base/message.h"
#include "runtime/operators/called_row.h"
#include "runtime/operators/host_rows.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using Numbers = base::Array<int64_t>;
using Floats = std::span<const float>;
constexpr auto kInt32 = ElementType::kInt32;

std::span<const int64_t> All(const Numbers& numbers) { return {numbers.data(), numbers.size()}; }

// --- CTC
// -------------------------------------------------------------------------------------------

// Scores [steps, batch, symbols] and how many steps of each sequence count; symbol 0 is blank.
struct CtcScores {
  Floats values;
  int64_t steps = 0, batch = 0, symbols = 0;
  Numbers lengths;
  double at(int64_t t, int64_t n, int64_t symbol) const {
    return static_cast<double>(values[static_cast<size_t>((t * batch + n) * symbols + symbol)]);
  }
};

Status ReadScores(const CallContext& c, CtcScores* scores) {
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 3));
  DOPPIO_ASSIGN_OR_RETURN(scores->values, FloatsOf(c, 0));
  const Dims& dims = c.input(0)->dims;
  scores->steps = dims[0];
  scores->batch = dims[1];
  scores->symbols = dims[2];
  if (dims[2] < 1) return InvalidArgument("it has no symbols");
  if (!c.HasInput(1)) {
    DOPPIO_RETURN_IF_ERROR(scores->lengths.Resize(static_cast<size_t>(dims[1])));
    std::fill(scores->lengths.begin(), scores->lengths.end(), dims[0]);
    return {};
  }
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(1), -1, &scores->lengths));
  if (static_cast<int64_t>(scores->lengths.size()) != dims[1]) {
    return InvalidArgument(
        Cat("there are ", scores->lengths.size(), " lengths for a batch of ", dims[1]));
  }
  for (const int64_t length : scores->lengths) {
    if (length > dims[0]) return ComputeError(Cat("a length is ", length, " of ", dims[0]));
  }
  return {};
}

Status SetDecoded(CallContext& c, const Numbers& lengths, const Numbers& symbols) {
  DOPPIO_RETURN_IF_ERROR(SetIntegers(c, 0, kInt32, All(lengths)));
  return SetIntegers(c, 1, kInt32, All(symbols));
}

// The best symbol of each step, blanks dropped, repeated ones merged.
Status CallCtcGreedy(CallContext& c) {
  bool merge = true;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("merge_repeated", &merge));
  CtcScores scores;
  DOPPIO_RETURN_IF_ERROR(ReadScores(c, &scores));
  Numbers lengths, symbols;
  for (int64_t n = 0; n < scores.batch; ++n) {
    const size_t begin = symbols.size();
    int64_t previous = 0;
    for (int64_t t = 0; t < scores.lengths[static_cast<size_t>(n)]; ++t) {
      int64_t best = 0;
      for (int64_t s = 1; s < scores.symbols; ++s) {
        if (scores.at(t, n, s) > scores.at(t, n, best)) best = s;
      }
      if (best != 0 && !(merge && best == previous)) DOPPIO_RETURN_IF_ERROR(symbols.Append(best));
      previous = best;
    }
    DOPPIO_RETURN_IF_ERROR(lengths.Append(static_cast<int64_t>(symbols.size() - begin)));
  }
  return SetDecoded(c, lengths, symbols);
}

// A prefix as a node of a tree, and the probabilities that it ends in a blank or not, for the step
// before and for this one.
struct Prefix {
  size_t parent = 0;
  int64_t symbol = 0;  // 0: the empty prefix
  double blank = 0, other = 0;
  double next_blank = 0, next_other = 0;
  bool in_beam = false;
};

// Prefix beam search (Hannun et al. 2014, "First-Pass Large Vocabulary Continuous Speech
// Recognition using Bi-Directional Recurrent DNNs", algorithm 1, without a language model).
class BeamSearch {
 public:
  BeamSearch(const CtcScores& scores, int64_t width, double threshold)
      : scores_(scores), width_(static_cast<size_t>(width)), threshold_(threshold) {}

  Status Decode(int64_t n, Numbers* symbols) {
    prefixes_.clear();
    beam_.clear();
    DOPPIO_RETURN_IF_ERROR(prefixes_.Append(Prefix{.blank = 1, .in_beam = true}));
    DOPPIO_RETURN_IF_ERROR(beam_.Append(0));
    for (int64_t t = 0; t < scores_.lengths[static_cast<size_t>(n)]; ++t) {
      DOPPIO_RETURN_IF_ERROR(Step(t, n));
      DOPPIO_RETURN_IF_ERROR(Choose());
    }
    const size_t begin = symbols->size();
    const size_t best = beam_.empty() ? 0 : beam_[0];
    for (size_t at = best; prefixes_[at].symbol != 0; at = prefixes_[at].parent) {
      DOPPIO_RETURN_IF_ERROR(symbols->Append(prefixes_[at].symbol));
    }
    std::reverse(symbols->begin() + static_cast<ptrdiff_t>(begin), symbols->end());
    return {};
  }

 private:
  // The prefix with one symbol more.
  StatusOr<size_t> Longer(size_t parent, int64_t symbol) {
    for (const size_t known : touched_) {
      if (prefixes_[known].parent == parent && prefixes_[known].symbol == symbol) return known;
    }
    for (const size_t known : beam_) {
      if (prefixes_[known].parent == parent && prefixes_[known].symbol == symbol) return known;
    }
    DOPPIO_RETURN_IF_ERROR(prefixes_.Append(Prefix{.parent = parent, .symbol = symbol}));
    DOPPIO_RETURN_IF_ERROR(touched_.Append(prefixes_.size() - 1));
    return prefixes_.size() - 1;
  }

  Status Step(int64_t t, int64_t n) {
    touched_.clear();
    for (const size_t at : beam_) {
      for (int64_t s = 0; s < scores_.symbols; ++s) {
        const double p = scores_.at(t, n, s);
        if (p < threshold_) continue;
        const double blank = prefixes_[at].blank, other = prefixes_[at].other;
        if (s == 0) {
          prefixes_[at].next_blank += p * (blank + other);
          continue;
        }
        const bool repeats = prefixes_[at].symbol == s;
        DOPPIO_ASSIGN_OR_RETURN(const size_t longer, Longer(at, s));
        prefixes_[longer].next_other += p * (repeats ? blank : blank + other);
        if (repeats) prefixes_[at].next_other += p * other;
      }
    }
    return {};
  }

  // The best prefixes go on; those that leave the beam start anew when they come again.
  Status Choose() {
    base::Array<size_t> all;
    DOPPIO_RETURN_IF_ERROR(all.AppendAll(beam_.span()));
    DOPPIO_RETURN_IF_ERROR(all.AppendAll(touched_.span()));
    for (const size_t at : all) {
      Prefix& prefix = prefixes_[at];
      prefix.blank = prefix.next_blank;
      prefix.other = prefix.next_other;
      prefix.next_blank = prefix.next_other = 0;
    }
    const auto weight = [&](size_t at) { return prefixes_[at].blank + prefixes_[at].other; };
    std::sort(all.begin(), all.end(), [&](size_t a, size_t b) {
      return weight(a) > weight(b) || (weight(a) == weight(b) && a < b);
    });
    beam_.clear();
    for (const size_t at : all) {
      if (beam_.size() == width_ || !(weight(at) > 0)) break;
      DOPPIO_RETURN_IF_ERROR(beam_.Append(at));
    }
    return {};
  }

  const CtcScores& scores_;
  const size_t width_;
  const double threshold_;
  base::Array<Prefix> prefixes_;
  base::Array<size_t> beam_, touched_;
};

Status CallCtcBeamSearch(CallContext& c) {
  int64_t width = 0;
  float threshold = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("beam_width", 1, 1 << 16, &width));
  DOPPIO_RETURN_IF_ERROR(c.args.Float("prune_threshold", &threshold));
  CtcScores scores;
  DOPPIO_RETURN_IF_ERROR(ReadScores(c, &scores));
  BeamSearch search(scores, width, static_cast<double>(threshold));
  Numbers lengths, symbols;
  for (int64_t n = 0; n < scores.batch; ++n) {
    const size_t begin = symbols.size();
    DOPPIO_RETURN_IF_ERROR(search.Decode(n, &symbols));
    DOPPIO_RETURN_IF_ERROR(lengths.Append(static_cast<int64_t>(symbols.size() - begin)));
  }
  return SetDecoded(c, lengths, symbols);
}

// --- Viterbi
// ---------------------------------------------------------------------------------------

// The path of the greatest sum of scores [steps, states] and of transitions [from, to].
Status CallViterbi(CallContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 2));
  DOPPIO_ASSIGN_OR_RETURN(const Floats scores, FloatsOf(c, 0));
  DOPPIO_ASSIGN_OR_RETURN(const Floats transitions, FloatsOf(c, 1));
  const int64_t steps = c.input(0)->dims[0], states = c.input(0)->dims[1];
  if (!(c.input(1)->dims == Dims({states, states}))) {
    return InvalidArgument(
        Cat("transitions ", c.input(1)->dims, " are not of ", states, " states"));
  }
  if (states == 0) return InvalidArgument("it has no states");
  base::Array<double> best, next;
  Numbers from;  // [steps, states]
  DOPPIO_RETURN_IF_ERROR(best.Resize(static_cast<size_t>(states)));
  DOPPIO_RETURN_IF_ERROR(next.Resize(static_cast<size_t>(states)));
  DOPPIO_RETURN_IF_ERROR(from.Resize(scores.size()));
  const auto score = [&](int64_t t, int64_t s) {
    return static_cast<double>(scores[static_cast<size_t>(t * states + s)]);
  };
  for (int64_t t = 0; t < steps; ++t) {
    for (int64_t to = 0; to < states; ++to) {
      double greatest = 0;
      int64_t origin = 0;
      for (int64_t s = 0; t > 0 && s < states; ++s) {
        const double sum = best[static_cast<size_t>(s)] +
                           static_cast<double>(transitions[static_cast<size_t>(s * states + to)]);
        if (s == 0 || sum > greatest) {
          greatest = sum;
          origin = s;
        }
      }
      next[static_cast<size_t>(to)] = greatest + score(t, to);
      from[static_cast<size_t>(t * states + to)] = origin;
    }
    std::swap(best, next);
  }
  Numbers path;
  DOPPIO_RETURN_IF_ERROR(path.Resize(static_cast<size_t>(steps)));
  int64_t state = std::max_element(best.begin(), best.end()) - best.begin();
  for (int64_t t = steps - 1; t >= 0; --t) {
    path[static_cast<size_t>(t)] = state;
    state = from[static_cast<size_t>(t * states + state)];
  }
  return SetIntegers(c, 0, kInt32, All(path));
}

// The score of each step's state on the path changes places with the greatest one.
Status CallSwapBestPath(CallContext& c) {
  Numbers path;
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 2));
  DOPPIO_ASSIGN_OR_RETURN(const Floats scores, FloatsOf(c, 0));
  DOPPIO_RETURN_IF_ERROR(ReadIntegers(*c.input(1), "states", &path));
  const int64_t steps = c.input(0)->dims[0], states = c.input(0)->dims[1];
  if (static_cast<int64_t>(path.size()) != steps) {
    return InvalidArgument(Cat("the path has ", path.size(), " steps of ", steps));
  }
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, c.input(0)->dims));
  std::copy(scores.begin(), scores.end(), y);
  for (int64_t t = 0; t < steps; ++t) {
    const int64_t state = path[static_cast<size_t>(t)];
    if (state < 0 || state >= states) {
      return ComputeError(Cat("state ", state, " of step ", t, " is not one of ", states));
    }
    float* const row = y + t * states;
    std::swap(row[state], *std::max_element(row, row + states));
  }
  return {};
}

constexpr ArgSpec kGreedyArgs[] = {{"merge_repeated", ArgKind::kInt, 1}};
constexpr ArgSpec kBeamArgs[] = {{"beam_width", ArgKind::kInt, 10},
                                 {"prune_threshold", ArgKind::kFloat, 0.001}};

}  // namespace

const Operator kCtcGreedyDecoder = CalledRow("CTCGreedyDecoder", {1, 2, 2, 2}, InferTypes<kInt32>,
                                             CallCtcGreedy, kGreedyArgs, "the best symbols");
const Operator kCtcBeamSearchDecoder =
    CalledRow("CTCBeamSearchDecoder", {1, 2, 2, 2}, InferTypes<kInt32>, CallCtcBeamSearch,
              kBeamArgs, "the symbols of the most probable prefix");
const Operator kViterbiPath = CalledRow("ViterbiPath", {2, 2}, InferTypes<kInt32>, CallViterbi, {},
                                        "the path of the greatest score");
const Operator kSwapBestPath = CalledRow("SwapBestPath", {2, 2}, InferFirstInput, CallSwapBestPath,
                                         {}, "scores whose greatest lie on a path");

}  // namespace doppio::operators
