// Cases in the layout of ONNX's backend tests: a folder with model.onnx and test_data_set_N/, which
// holds input_i.pb and output_i.pb.
#pragma once

#include <doppio/predictor.h>

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/graph/graph.h"

namespace doppio::conformance {

// A value read from a file, and what it stands in.
struct StoredValue {
  std::unique_ptr<graph::Graph> memory;
  ValueView view;
};

struct DataSet {
  std::string name;
  std::vector<StoredValue> inputs, outputs;
};

// When two floats count as equal: |got - wanted| <= atol + rtol |wanted|.
struct Tolerance {
  double rtol = 1e-3, atol = 1e-7;
};

struct Case {
  std::string name;
  std::filesystem::path model;
  std::vector<std::string> inputs, outputs;  // names, in order
  std::set<std::string> operators;  // "Add", "ai.onnx.ml.Scaler"; those of child graphs too
  Tolerance tolerance;
};

// Folders below `root` that hold a model, sorted.
std::vector<std::filesystem::path> FindCases(const std::filesystem::path& root);
// What the model is about. Throws converter::ConvertError or std::exception.
Case ReadCase(const std::filesystem::path& folder);
// Its data sets. Throws as above.
std::vector<DataSet> ReadData(const std::filesystem::path& folder, const Case& test);

// Empty when they are equal by ONNX's rule, else what differs.
std::string Difference(const ValueView& got, const ValueView& wanted, const Tolerance& tolerance);

}  // namespace doppio::conformance
