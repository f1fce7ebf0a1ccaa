// Classical machine learning: the operators of domain ai.onnx.ml.
#include <algorithm>
#include <string>

#include "base/message.h"
#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

using base::Cat;

std::vector<std::string> Texts(const NodeContext& n, std::string_view name) {
  const onnx::AttributeProto* attribute = n.Attr(name);
  if (attribute == nullptr) return {};
  return {attribute->strings().begin(), attribute->strings().end()};
}

// Version 1 had one list of strings, whose positions were the integers, in both directions.
void ImportLabelEncoder(const NodeContext& n) {
  if (n.opset() >= 2) return PassThrough(n);
  const std::vector<std::string> classes = Texts(n, "classes_strings");
  std::vector<int64_t> positions(classes.size());
  for (size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<int64_t>(i);
  const ElementType type = n.type_of(0);
  if (type != ElementType::kString && type != ElementType::kInt64) {
    n.Unsupported(Cat("its input must be known to hold strings or int64, not ", ElementName(type)));
  }
  const bool from_text = type == ElementType::kString;
  Emission encoder = n.Emit("LabelEncoder", kMlDomain);
  encoder.In(n.in(0));
  encoder.Texts(from_text ? "keys_strings" : "values_strings", classes);
  encoder.Ints(from_text ? "values_int64s" : "keys_int64s", positions);
  CopyAttribute(n, "default_string", &encoder);
  CopyAttribute(n, "default_int64", &encoder);
  encoder.Out(0).Done();
}

// What training keeps (how often a node was passed) says nothing about answers.
void ImportTreeEnsemble(const NodeContext& n) {
  PassThrough(n, {"nodes_hitrates", "nodes_hitrates_as_tensor"});
}

void ImportZipMap(const NodeContext& n) {
  std::string labels;
  constexpr size_t kShown = 10;
  std::vector<std::string> names = Texts(n, "classlabels_strings");
  for (const int64_t label : n.Ints("classlabels_int64s")) names.push_back(std::to_string(label));
  for (size_t i = 0; i < names.size() && i < kShown; ++i) {
    labels += Cat(i == 0 ? "" : ", ", base::Quoted(names[i]));
  }
  if (names.size() > kShown) labels += ", ...";
  n.Warn(Cat("there are no maps here; its output is the tensor of scores, whose columns are ",
             labels));
  PassThrough(n);
}

void RefuseMaps(const NodeContext& n) {
  n.Unsupported("its input is a map, and there are no maps here; feed the tensor that follows it");
}

constexpr ImporterRow kRows[] = {
    {"ArrayFeatureExtractor", 1, ImportAsIs, kMlDomain},
    {"Binarizer", 1, ImportAsIs, kMlDomain},
    {"CastMap", 1, RefuseMaps, kMlDomain},
    {"CategoryMapper", 1, ImportAsIs, kMlDomain},
    {"DictVectorizer", 1, RefuseMaps, kMlDomain},
    {"FeatureVectorizer", 1, ImportAsIs, kMlDomain},
    {"Imputer", 1, ImportAsIs, kMlDomain},
    {"LabelEncoder", 1, ImportLabelEncoder, kMlDomain},
    {"LinearClassifier", 1, ImportAsIs, kMlDomain},
    {"LinearRegressor", 1, ImportAsIs, kMlDomain},
    {"Normalizer", 1, ImportAsIs, kMlDomain},
    {"OneHotEncoder", 1, ImportAsIs, kMlDomain},
    {"SVMClassifier", 1, ImportAsIs, kMlDomain},
    {"SVMRegressor", 1, ImportAsIs, kMlDomain},
    {"Scaler", 1, ImportAsIs, kMlDomain},
    {"TreeEnsemble", 5, ImportTreeEnsemble, kMlDomain},
    {"TreeEnsembleClassifier", 1, ImportTreeEnsemble, kMlDomain},
    {"TreeEnsembleRegressor", 1, ImportTreeEnsemble, kMlDomain},
    {"ZipMap", 1, ImportZipMap, kMlDomain},
};

}  // namespace

std::span<const ImporterRow> MlImporters() { return kRows; }

}  // namespace doppio::converter
