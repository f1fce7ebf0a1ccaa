#include "tests/kernels/pool_case.h"

#include <sstream>

namespace doppio::tests {
namespace {

using kernels::PoolOp;
using kernels::PoolProblem;

struct SpatialTokens {
  std::vector<int64_t> k{1}, s{1}, p{0}, pe, d{1};
};

bool ParseNumber(const CaseToken& token, PoolCase* test, SpatialTokens* spatial) {
  PoolProblem& p = test->problem;
  const std::string& word = token.word;
  if (word == "k") return spatial->k = token.numbers, true;
  if (word == "s") return spatial->s = token.numbers, true;
  if (word == "p") return spatial->p = token.numbers, true;
  if (word == "pe") return spatial->pe = token.numbers, true;
  if (word == "d") return spatial->d = token.numbers, true;
  int64_t* to = word == "n"     ? &p.n
                : word == "c"   ? &p.c
                : word == "id"  ? &p.id
                : word == "h"   ? &p.ih
                : word == "w"   ? &p.iw
                : word == "ldx" ? &test->ldx
                : word == "ldy" ? &test->ldy
                                : nullptr;
  if (to == nullptr) return false;
  *to = token.numbers[0];
  return true;
}

bool ParseWord(const std::string& word, PoolCase* test) {
  using enum MapLayout;
  PoolProblem& p = test->problem;
  if (word == "max") return p.op = PoolOp::kMax, true;
  if (word == "average") return p.op = PoolOp::kAverage, true;
  if (word == "lp") return p.op = PoolOp::kLp, true;
  if (word == "include_pad") return p.count_include_pad = true;
  if (word == "ceil") return test->ceil = true;
  if (word == "indices") return p.indices = true;
  if (word == "nhwc" || word == "x:nhwc") test->x_layout = kChannelsLast;
  if (word == "nhwc" || word == "y:nhwc") test->y_layout = kChannelsLast;
  if (word == "nchw" || word == "x:nchw") test->x_layout = kChannelsFirst;
  if (word == "nchw" || word == "y:nchw") test->y_layout = kChannelsFirst;
  return word.find("nhwc") != std::string::npos || word.find("nchw") != std::string::npos;
}

void Spread(const int64_t (&from)[3], int64_t* d, int64_t* h, int64_t* w) {
  *d = from[0];
  *h = from[1];
  *w = from[2];
}

std::string Join(int64_t d, int64_t h, int64_t w) {
  return std::to_string(d) + "x" + std::to_string(h) + "x" + std::to_string(w);
}

}  // namespace

bool ParsePoolCase(std::string_view line, PoolCase* test, std::string* error) {
  *test = {};
  SpatialTokens spatial;
  for (const CaseToken& token : SplitCase(line)) {
    const bool known =
        token.numbers.empty() ? ParseWord(token.word, test) : ParseNumber(token, test, &spatial);
    if (!known) {
      *error = "unknown word '" + token.word + "' in: " + std::string(line);
      return false;
    }
  }
  PoolProblem& p = test->problem;
  const int rank = static_cast<int>(spatial.k.size());
  int64_t sizes[3];
  SetSpatial(spatial.k, rank, 1, sizes);
  Spread(sizes, &p.kd, &p.kh, &p.kw);
  SetSpatial(spatial.s, rank, 1, sizes);
  Spread(sizes, &p.sd, &p.sh, &p.sw);
  SetSpatial(spatial.d, rank, 1, sizes);
  Spread(sizes, &p.dd, &p.dh, &p.dw);
  SetSpatial(spatial.p, rank, 0, sizes);
  Spread(sizes, &p.pd, &p.ph, &p.pw);
  SetSpatial(spatial.pe.empty() ? spatial.p : spatial.pe, rank, 0, sizes);
  Spread(sizes, &p.pd_end, &p.ph_end, &p.pw_end);
  if (CompletePoolCase(test)) return true;
  *error = "the kernel does not fit into the input in: " + std::string(line);
  return false;
}

bool CompletePoolCase(PoolCase* test) {
  PoolProblem& p = test->problem;
  const int64_t in[3] = {p.id, p.ih, p.iw}, k[3] = {p.kd, p.kh, p.kw}, s[3] = {p.sd, p.sh, p.sw};
  const int64_t dilation[3] = {p.dd, p.dh, p.dw}, pad[3] = {p.pd, p.ph, p.pw};
  const int64_t end[3] = {p.pd_end, p.ph_end, p.pw_end};
  int64_t out[3];
  for (int i = 0; i < 3; ++i) {
    const int64_t room = in[i] + pad[i] + end[i] - (k[i] - 1) * dilation[i] - 1;
    if (room < 0) return false;
    out[i] = (test->ceil ? (room + s[i] - 1) / s[i] : room / s[i]) + 1;
  }
  Spread(out, &p.od, &p.oh, &p.ow);
  p.x = StridesOf(test->x_layout, p.c, p.id, p.ih, p.iw, test->ldx);
  p.y = StridesOf(test->y_layout, p.c, p.od, p.oh, p.ow, test->ldy);
  return true;
}

std::string PoolCaseLine(const PoolCase& test) {
  const PoolProblem& p = test.problem;
  std::ostringstream line;
  line << (p.op == PoolOp::kMax  ? "max"
           : p.op == PoolOp::kLp ? "lp"
                                 : "average")
       << " n" << p.n << " c" << p.c << " id" << p.id << " h" << p.ih << " w" << p.iw << " k"
       << Join(p.kd, p.kh, p.kw) << " s" << Join(p.sd, p.sh, p.sw) << " p" << Join(p.pd, p.ph, p.pw)
       << " pe" << Join(p.pd_end, p.ph_end, p.pw_end) << " d" << Join(p.dd, p.dh, p.dw);
  if (p.count_include_pad) line << " include_pad";
  if (test.ceil) line << " ceil";
  if (p.indices) line << " indices";
  line << (test.x_layout == MapLayout::kChannelsLast ? " x:nhwc" : " x:nchw")
       << (test.y_layout == MapLayout::kChannelsLast ? " y:nhwc" : " y:nchw");
  if (test.ldx != 0) line << " ldx" << test.ldx;
  if (test.ldy != 0) line << " ldy" << test.ldy;
  return line.str();
}

}  // namespace doppio::tests
