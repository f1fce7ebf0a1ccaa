#include "tests/kernels/conv_case.h"

#include <sstream>

namespace doppio::tests {
namespace {

using kernels::ConvProblem;

// Numbers of the tokens that have one for each spatial dimension.
struct SpatialTokens {
  std::vector<int64_t> k{1}, s{1}, p{0}, pe, d{1}, op{0};
};

bool ParseNumber(const CaseToken& token, ConvCase* test, SpatialTokens* spatial) {
  ConvProblem& p = test->problem;
  const std::string& word = token.word;
  const int64_t first = token.numbers[0];
  if (word == "k") return spatial->k = token.numbers, true;
  if (word == "s") return spatial->s = token.numbers, true;
  if (word == "p") return spatial->p = token.numbers, true;
  if (word == "pe") return spatial->pe = token.numbers, true;
  if (word == "d") return spatial->d = token.numbers, true;
  if (word == "op") return spatial->op = token.numbers, true;
  int64_t* to = word == "n"     ? &p.n
                : word == "c"   ? &p.c
                : word == "m"   ? &p.m
                : word == "g"   ? &p.groups
                : word == "id"  ? &p.id
                : word == "h"   ? &p.ih
                : word == "w"   ? &p.iw
                : word == "ldx" ? &test->ldx
                : word == "ldy" ? &test->ldy
                                : nullptr;
  if (to == nullptr) return false;
  *to = first;
  return true;
}

bool ParseWord(const std::string& word, ConvCase* test, bool* depthwise) {
  using enum MapLayout;
  if (word == "transposed") return test->transposed = true;
  if (word == "dw") return *depthwise = true;
  if (word == "bias") return test->problem.epilogue.bias = true;
  if (word == "res") return test->problem.epilogue.residual = true;
  if (word == "nhwc" || word == "x:nhwc") test->x_layout = kChannelsLast;
  if (word == "nhwc" || word == "y:nhwc") test->y_layout = kChannelsLast;
  if (word == "nchw" || word == "x:nchw") test->x_layout = kChannelsFirst;
  if (word == "nchw" || word == "y:nchw") test->y_layout = kChannelsFirst;
  return word.find("nhwc") != std::string::npos || word.find("nchw") != std::string::npos ||
         ParseActivation(word, &test->problem.epilogue);
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

bool ParseConvCase(std::string_view line, ConvCase* test, std::string* error) {
  *test = {};
  SpatialTokens spatial;
  bool depthwise = false;
  for (const CaseToken& token : SplitCase(line)) {
    const bool known = token.numbers.empty() ? ParseWord(token.word, test, &depthwise)
                                             : ParseNumber(token, test, &spatial);
    if (!known) {
      *error = "unknown word '" + token.word + "' in: " + std::string(line);
      return false;
    }
  }
  ConvProblem& p = test->problem;
  if (depthwise) p.m = p.groups = p.c;
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
  SetSpatial(spatial.pe.empty() ? spatial.p : spatial.pe, rank, 0, test->end_pad);
  SetSpatial(spatial.op, rank, 0, test->output_pad);
  if (p.groups < 1 || p.c % p.groups != 0 || p.m % p.groups != 0) {
    *error = "channels do not divide into groups in: " + std::string(line);
    return false;
  }
  if (CompleteConvCase(test)) return true;
  *error = "the kernel does not fit into the input in: " + std::string(line);
  return false;
}

bool CompleteConvCase(ConvCase* test) {
  ConvProblem& p = test->problem;
  const int64_t in[3] = {p.id, p.ih, p.iw}, k[3] = {p.kd, p.kh, p.kw}, s[3] = {p.sd, p.sh, p.sw};
  const int64_t dilation[3] = {p.dd, p.dh, p.dw}, pad[3] = {p.pd, p.ph, p.pw};
  int64_t out[3];
  for (int i = 0; i < 3; ++i) {
    const int64_t reach = (k[i] - 1) * dilation[i] + 1, pads = pad[i] + test->end_pad[i];
    const int64_t room = in[i] + pads - reach;
    out[i] = test->transposed ? (in[i] - 1) * s[i] + reach - pads + test->output_pad[i]
                              : (room < 0 ? -1 : room / s[i] + 1);
    if (out[i] < 1) return false;
  }
  Spread(out, &p.od, &p.oh, &p.ow);
  p.x = StridesOf(test->x_layout, p.c, p.id, p.ih, p.iw, test->ldx);
  p.y = StridesOf(test->y_layout, p.m, p.od, p.oh, p.ow, test->ldy);
  p.residual = p.y;
  const int64_t taps = p.kd * p.kh * p.kw;
  p.w = {p.c / p.groups * taps, taps, p.kh * p.kw, p.kw, 1};
  if (test->transposed) {
    p.w.n = taps;
    p.w.c = p.m / p.groups * taps;
  }
  return true;
}

std::string ConvCaseLine(const ConvCase& test) {
  const ConvProblem& p = test.problem;
  std::ostringstream line;
  line << "n" << p.n << " c" << p.c << " id" << p.id << " h" << p.ih << " w" << p.iw << " m" << p.m
       << " k" << Join(p.kd, p.kh, p.kw) << " s" << Join(p.sd, p.sh, p.sw) << " p"
       << Join(p.pd, p.ph, p.pw) << " pe" << Join(test.end_pad[0], test.end_pad[1], test.end_pad[2])
       << " d" << Join(p.dd, p.dh, p.dw) << " g" << p.groups;
  if (test.transposed) {
    line << " transposed op" << Join(test.output_pad[0], test.output_pad[1], test.output_pad[2]);
  }
  if (p.epilogue.bias) line << " bias";
  if (p.epilogue.residual) line << " res";
  if (p.epilogue.activation != kernels::UnaryOp::kIdentity) {
    line << " " << ActivationWord(p.epilogue);
  }
  line << (test.x_layout == MapLayout::kChannelsLast ? " x:nhwc" : " x:nchw")
       << (test.y_layout == MapLayout::kChannelsLast ? " y:nhwc" : " y:nchw");
  if (test.ldx != 0) line << " ldx" << test.ldx;
  if (test.ldy != 0) line << " ldy" << test.ldy;
  return line.str();
}

int64_t ConvCaseProducts(const ConvCase& test) {
  const ConvProblem& p = test.problem;
  const int64_t taps = p.kd * p.kh * p.kw;
  const int64_t pixels = test.transposed ? p.id * p.ih * p.iw : p.od * p.oh * p.ow;
  return p.n * pixels * p.m * (p.c / p.groups) * taps;
}

}  // namespace doppio::tests
