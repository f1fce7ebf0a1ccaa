// Caffe2's operators on ragged data, and its reductions by segment, run by a session: worked
// examples, and lengths, ids and indices that do not fit.
#include "tests/runtime/net.h"

namespace doppio {
namespace {

using graph::Value;
using tests::Arg;
using tests::Net;
using Values = std::vector<float>;

// One node of Caffe2's dialect over constants. The net's own input is the first data input.
class RaggedCase {
 public:
  explicit RaggedCase(std::string_view type) : type_(type) {}

  // The data: [rows, ...].
  RaggedCase& Data(const Dims& dims, Values values) {
    data_ = std::move(values);
    dims_ = dims;
    Value* const input = net_.Input("data", {"?"});
    RequireRank(input, dims);
    inputs_.push_back(input);
    return *this;
  }
  RaggedCase& Ints(const std::vector<int32_t>& values) {
    const Dims dims({static_cast<int64_t>(values.size())});
    inputs_.push_back(
        *net_.graph.AddConstantCopy(Name(), ElementType::kInt32, dims, values.data()));
    return *this;
  }
  RaggedCase& Floats(const Values& values) {
    inputs_.push_back(net_.Floats(Name(), {static_cast<int64_t>(values.size())}, values));
    return *this;
  }
  RaggedCase& With(const Arg& arg) {
    args_.push_back(arg);
    return *this;
  }

  // Runs it and compares output 0 of `outputs`.
  void Gives(const Dims& dims, const Values& expected, int outputs = 1) {
    tests::RequireOk(Run(outputs));
    CHECK(dims_ == dims);
    REQUIRE(data_.size() == expected.size());
    for (size_t i = 0; i < expected.size(); ++i)
      CHECK(data_[i] == Approx(expected[i]).margin(1e-6));
  }
  void Fails(std::string_view part, int outputs = 1) {
    const Status status = Run(outputs);
    REQUIRE_FALSE(status.ok());
    INFO(status.message());
    CHECK(std::string(status.message()).find(part) != std::string::npos);
  }

 private:
  static void RequireRank(Value* input, const Dims& dims) {
    for (int i = 1; i < dims.rank(); ++i) {
      tests::RequireOk(input->declared.dims.Append(graph::Dim(dims[i])));
    }
  }
  std::string_view Name() {
    static constexpr std::string_view kNames[] = {"a", "b", "c", "d"};
    return kNames[named_++];
  }

  Status Run(int outputs) {
    graph::Node* const node = net_.Node("", type_, {}, {"y"});
    for (Value* const input : inputs_) tests::RequireOk(net_.graph.AddInputTo(node, input));
    if (outputs > 1) REQUIRE(net_.graph.AddOutputTo(node, "y1").ok());
    for (const Arg& arg : args_) net_.Set(node, arg);
    net_.Output(node->outputs[0]);
    const auto pair = tests::WriteText(net_.graph);
    const auto predictor = tests::TryLoad(*pair);
    if (!predictor.ok()) return predictor.status();
    Session session(*predictor);
    const Status status = session.Run({{"data", View(data_.data(), dims_)}});
    if (!status.ok()) return status;
    const TensorView y = session.output(0);
    dims_ = y.dims;
    const Values values(y.as<float>(), y.as<float>() + ElementCount(y.dims));
    data_ = values;
    return {};
  }

  std::string_view type_;
  Net net_;
  std::vector<Value*> inputs_;
  std::vector<Arg> args_;
  Values data_;
  Dims dims_;
  size_t named_ = 0;
};

TEST_CASE("segments are summed, averaged, and empty ones give 0") {
  const Values x = {1, 2, 4, 8};
  RaggedCase("LengthsSum").Data({4}, x).Ints({1, 0, 3}).Gives({3}, {1, 0, 14});
  RaggedCase("LengthsMean").Data({4}, x).Ints({2, 2}).Gives({2}, {1.5f, 6});
  RaggedCase("LengthsMax").Data({2, 2}, x).Ints({2, 0}).Gives({2, 2}, {4, 8, 0, 0});
  RaggedCase("SortedSegmentSum").Data({4}, x).Ints({0, 0, 1, 1}).Gives({2}, {3, 12});
  RaggedCase("UnsortedSegmentSum").Data({4}, x).Ints({1, 0, 1, 1}).Gives({2}, {2, 13});
  RaggedCase("SortedSegmentRangeLogMeanExp").Data({2}, {3, 3}).Ints({0, 0}).Gives({1}, {3});
}

TEST_CASE("embedding bags pick rows, weigh them, and check what they are given") {
  const Values x = {1, 2, 4, 8};
  RaggedCase("SparseLengthsSum").Data({4}, x).Ints({3, 3, 0}).Ints({2, 1}).Gives({2}, {16, 1});
  RaggedCase("SparseLengthsWeightedSum")
      .Data({2, 2}, x)
      .Floats({10, 1})
      .Ints({1, 0})
      .Ints({2})
      .Gives({1, 2}, {41, 82});
  RaggedCase("SparseLengthsPositionalWeightedSum")
      .Data({4}, x)
      .Floats({10, 1})
      .Ints({0, 1, 2})
      .Ints({2, 1})
      .Gives({2}, {12, 40});
  RaggedCase("SparseLengthsSum").Data({4}, x).Ints({4}).Ints({1}).Fails("index 4 at 0 is outside");
  RaggedCase("SparseLengthsSum").Data({4}, x).Ints({-1}).Ints({1}).Fails("index -1");
  RaggedCase("SparseLengthsSum").Data({4}, x).Ints({0, 1}).Ints({3}).Fails("rows are left");
  RaggedCase("LengthsSum").Data({4}, x).Ints({1, 1}).Fails("leave 2 of 4 rows over");
  RaggedCase("LengthsSum").Data({4}, x).Ints({-1, 5}).Fails("length -1");
  RaggedCase("SortedSegmentSum").Data({4}, x).Ints({0, 2, 2, 2}).Fails("without gaps");
  RaggedCase("SortedSegmentSum").Data({4}, x).Ints({0, 0}).Fails("2 segment ids for 4 rows");
}

TEST_CASE("rows are packed, padded and picked") {
  const Values x = {1, 2, 3};
  RaggedCase("ReversePackedSegs")
      .Data({3, 2}, {1, 10, 2, 20, 3, 30})
      .Ints({2, 3})
      .Gives({3, 2}, {2, 30, 1, 20, 3, 10});
  RaggedCase("PackRNNSequence").Data({3}, x).Ints({1, 2}).Gives({2, 2}, {1, 2, 0, 3});
  RaggedCase("UnpackRNNSequence").Data({2, 2}, {1, 2, 0, 3}).Ints({1, 2}).Gives({3}, {1, 2, 3});
  RaggedCase("LengthsTile").Data({3}, x).Ints({2, 0, 1}).Gives({3}, {1, 1, 3});
  RaggedCase("LengthsPad")
      .Data({3}, x)
      .Ints({1, 2})
      .With({"target_length", int64_t{2}})
      .Gives({4}, {1, -1, 2, 3});
  RaggedCase("AddPadding").Data({3}, x).Gives({5}, {0, 1, 2, 3, 0});
  RaggedCase("RemovePadding").Data({3}, x).Gives({1}, {2});
  RaggedCase("GatherPadding").Data({3}, x).Ints({3}).Gives({}, {4});
  RaggedCase("LengthsGather").Data({3}, x).Ints({1, 2}).Ints({1, 0}).Gives({3}, {2, 3, 1});
  RaggedCase("LengthsTopK")
      .Data({3}, x)
      .Ints({1, 2})
      .With({"k", int64_t{2}})
      .Gives({2, 2}, {1, 0, 3, 2}, 2);
  RaggedCase("RemovePadding").Data({3}, x).Ints({1, 2}).Fails("holds no padding of 2");
  RaggedCase("LengthsTile").Data({3}, x).Ints({2, 0}).Fails("2 lengths for 3 rows");
  RaggedCase("LengthsGather").Data({3}, x).Ints({1, 2}).Ints({2}).Fails("index 2 is outside");
  RaggedCase("UnpackRNNSequence").Data({2, 1}, {1, 2}).Ints({3}).Fails("do not fit");
  RaggedCase("LengthsPad")
      .Data({3}, x)
      .Ints({1, 2})
      .With({"target_length", int64_t{1}})
      .Fails("longer than 1");
}

}  // namespace
}  // namespace doppio
