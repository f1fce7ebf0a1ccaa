// Differential test: random small nets give the same numbers whatever computes them.
#include "tests/runtime/net.h"

namespace doppio {
namespace {

using graph::Value;
using tests::Net;

// Grows a net of maps [n, c, h, w] and matrices [n, k] operator by operator, most sizes odd.
class RandomNet {
 public:
  explicit RandomNet(uint32_t seed) : state_(seed * 747796405u + 2891336453u) {
    const int64_t c = Pick({1, 3, 5, 8, 17}), h = Pick({7, 9, 13}), w = Pick({7, 11});
    input_dims = {Pick({1, 2, 3}), c, h, w};
    Value* x = net.Input("x", {"N", "C", "H", "W"});
    maps_.push_back({x, input_dims});
  }

  void Grow(int operators) {
    for (int i = 0; i < operators; ++i) Step();
    // The last values are outputs, and one from the middle.
    net.Output(maps_.back().value);
    if (!rows_.empty()) net.Output(rows_.back().value);
    const Map& middle = maps_[maps_.size() / 2];
    if (middle.value->producer != nullptr && middle.value != maps_.back().value) {
      net.Output(middle.value);
    }
  }

  Net net;
  Dims input_dims;

 private:
  struct Map {
    Value* value;
    Dims dims;
  };

  uint32_t Random(size_t below) {
    state_ = state_ * 1664525u + 1013904223u;
    return (state_ >> 9) % static_cast<uint32_t>(below);
  }
  int64_t Pick(std::initializer_list<int64_t> from) { return from.begin()[Random(from.size())]; }
  std::string Name() { return "v" + std::to_string(++names_); }
  const Map& AnyMap() {
    return maps_[maps_.size() - 1 - Random(std::min<size_t>(3, maps_.size()))];
  }
  void Put(Value* value, const Dims& dims) { maps_.push_back({value, dims}); }

  void Step() {
    const Map from = AnyMap();
    switch (Random(13)) {
      case 0:
      case 1:
      case 2:
        return Conv(from);
      case 3:
        return Pool(from);
      case 4:
        return Put(net.Op(Random(2) != 0 ? "Relu" : "Sigmoid", {from.value}, Name()), from.dims);
      case 5:
        return Put(
            net.Op("Clip",
                   {from.value, net.Floats(Name(), {}, {-0.5f}), net.Floats(Name(), {}, {0.75f})},
                   Name()),
            from.dims);
      case 6:
        return Combine(from);
      case 7:
        return Concat(from);
      case 8:
        return Swap(from);
      case 9:
        return Rows(from);
      case 10:
        return Channels(from);
      case 11:
        return Split(from);
      default:
        return Put(net.Op("Softmax", {from.value}, Name(), {{"axis", Pick({1, 3, -2})}}),
                   from.dims);
    }
  }

  void Conv(const Map& from) {
    const int64_t c = from.dims[1], k = Pick({1, 3}), stride = Pick({1, 1, 2});
    const bool depthwise = Random(4) == 0;
    const int64_t m = depthwise ? c : Pick({1, 4, 7, 16, 19});
    if (from.dims[2] + 2 < k || from.dims[3] + 2 < k) return;
    Value* w = net.Noise(Name(), {m, depthwise ? 1 : c, k, k}, Random(1000));
    const std::vector<int64_t> ones = {1, 1, 1, 1}, strides = {stride, stride};
    const Arg3 args = {{"pads", ones}, {"strides", strides}, {"group", depthwise ? c : int64_t{1}}};
    Value* y = Random(2) != 0
                   ? net.Op("Conv", {from.value, w, net.Noise(Name(), {m}, 9)}, Name(), args)
                   : net.Op("Conv", {from.value, w}, Name(), args);
    const auto size = [&](int64_t in) { return (in + 2 - k) / stride + 1; };
    Put(y, {from.dims[0], m, size(from.dims[2]), size(from.dims[3])});
  }

  void Pool(const Map& from) {
    if (from.dims[2] < 3 || from.dims[3] < 3) return;
    const std::vector<int64_t> window = {3, 3}, strides = {2, 2};
    Value* y = net.Op(Random(2) != 0 ? "MaxPool" : "AveragePool", {from.value}, Name(),
                      {{"kernel_shape", window}, {"strides", strides}});
    Put(y, {from.dims[0], from.dims[1], (from.dims[2] - 3) / 2 + 1, (from.dims[3] - 3) / 2 + 1});
  }

  // With another map of the same sizes where there is one, else with itself or a constant.
  void Combine(const Map& from) {
    const std::string_view type = Random(3) == 0 ? "Mul" : Random(2) != 0 ? "Add" : "Sub";
    for (const Map& other : maps_) {
      if (other.dims == from.dims && other.value != from.value) {
        return Put(net.Op(type, {other.value, from.value}, Name()), from.dims);
      }
    }
    if (Random(2) != 0) return Put(net.Op(type, {from.value, from.value}, Name()), from.dims);
    Put(net.Op(type, {from.value, net.Noise(Name(), {from.dims[1], 1, 1})}, Name()), from.dims);
  }

  void Concat(const Map& from) {
    for (const Map& other : maps_) {
      if (other.dims[2] != from.dims[2] || other.dims[3] != from.dims[3]) continue;
      Value* y = net.Op("Concat", {from.value, other.value}, Name(), {{"axis", int64_t{1}}});
      return Put(y, {from.dims[0], from.dims[1] + other.dims[1], from.dims[2], from.dims[3]});
    }
  }

  void Swap(const Map& from) {
    const bool spatial = Random(2) != 0;
    const std::vector<int64_t> perm =
        spatial ? std::vector<int64_t>{0, 1, 3, 2} : std::vector<int64_t>{0, 2, 1, 3};
    Dims dims = from.dims;
    for (int i = 0; i < 4; ++i) dims[i] = from.dims[static_cast<int>(perm[size_t(i)])];
    Put(net.Op("Transpose", {from.value}, Name(), {{"perm", perm}}), dims);
  }

  // Flattens, works on rows, and comes back.
  void Rows(const Map& from) {
    const int64_t k = from.dims[1] * from.dims[2] * from.dims[3];
    Value* flat = net.Op("Reshape", {from.value, net.Ints(Name(), {0, -1})}, Name());
    Value* changed = net.Op(Random(2) != 0 ? "Tanh" : "Abs", {flat}, Name());
    rows_.push_back({net.Op("MatMul", {changed, net.Noise(Name(), {k, 5})}, Name()), {}});
    Value* back = net.Op(
        "Reshape",
        {changed, net.Ints(Name(), {from.dims[0], from.dims[1], from.dims[2], from.dims[3]})},
        Name());
    Put(back, from.dims);
  }

  void Channels(const Map& from) {
    Value* mean = net.Op("ReduceMean", {from.value, net.Ints(Name(), {2, 3})}, Name());
    Put(net.Op("Mul", {from.value, net.Op("Sigmoid", {mean}, Name())}, Name()), from.dims);
  }

  void Split(const Map& from) {
    const int64_t c = from.dims[1];
    if (c < 2) return;
    const std::string a = Name(), b = Name();
    graph::Node* split = net.Node("ai.onnx", "Split", {from.value, net.Ints(Name(), {1, c - 1})},
                                  {a, b}, {{"axis", int64_t{1}}});
    Dims rest = from.dims;
    rest[1] = c - 1;
    Put(net.Op("Exp", {net.Op("Tanh", {split->outputs[1]}, Name())}, Name()), rest);
    rest[1] = 1;
    Put(split->outputs[0], rest);
  }

  using Arg3 = std::initializer_list<tests::Arg>;
  uint32_t state_;
  int names_ = 0;
  std::vector<Map> maps_, rows_;
};

TEST_CASE("random nets: engines, passes, threads and layouts make no difference") {
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    RandomNet random(seed);
    random.Grow(4 + static_cast<int>(seed % 11));
    const std::vector<float> x = Net::MakeNoise(ElementCount(random.input_dims), seed);
    const std::vector<NamedTensor> inputs = {{"x", View(x.data(), random.input_dims)}};
    PredictorOptions plain;
    plain.engine = "reference";
    plain.optimize = false;
    const auto expected = tests::RunNet(random.net.graph, inputs, plain);
    for (const char* engine : {"reference", "auto", "simd"}) {
      INFO("engine " << engine);
      PredictorOptions options;
      options.engine = engine;
      const tests::LoadedNet loaded = tests::LoadNet(random.net.graph, options);
      const auto one = tests::RunOnce(loaded.predictor, inputs, 1);
      tests::RequireClose(one, expected, 1e-4);
      REQUIRE(tests::RunOnce(loaded.predictor, inputs, 3) == one);
    }
    PredictorOptions exact;
    exact.exact = true;
    exact.optimize = false;
    tests::RequireClose(tests::RunNet(random.net.graph, inputs, exact), expected, 1e-4);
  }
}

}  // namespace
}  // namespace doppio
