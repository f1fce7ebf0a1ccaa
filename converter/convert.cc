#include <doppio/convert.h>

#include <algorithm>
#include <new>
#include <tuple>

#include "base/message.h"
#include "base/shape_text.h"
#include "converter/convert_error.h"
#include "converter/importer.h"
#include "converter/strict_caffe2.h"
#include "runtime/api/predictor_impl.h"
#include "runtime/graph/wire/pair_writer.h"
#include "runtime/passes/pass.h"

namespace doppio {
namespace {

using base::Cat;
using base::Quoted;
using converter::Check;
using converter::ConvertError;
using converter::Unwrap;

// Renames every value called OLD, inputs and outputs included.
void Rename(graph::Graph* graph, const std::vector<std::string>& renames) {
  for (const std::string& text : renames) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
      throw ConvertError{InvalidArgument(Cat("--rename ", Quoted(text), ": write OLD=NEW"))};
    }
    const std::string old_name = text.substr(0, equals);
    const std::string_view new_name = Unwrap(graph->Intern(text.substr(equals + 1)));
    bool found = false;
    for (uint32_t id = 0; id < graph->value_ids(); ++id) {
      graph::Value* value = graph->value(id);
      if (value == nullptr || value->name != old_name) continue;
      value->name = new_name;
      found = true;
    }
    found |= graph->RenameOutput(old_name, new_name);
    if (!found) throw ConvertError{NotFound(Cat("--rename: there is no blob ", Quoted(old_name)))};
  }
}

TensorInfo Describe(const graph::Declaration& declared, std::string_view name,
                    const graph::SymbolTable& symbols) {
  TensorInfo info;
  info.name = name;
  info.type = declared.type;
  info.has_shape = declared.has_shape;
  for (const graph::Dim& dim : declared.dims) {
    info.dims.push_back({dim.known() ? dim.value() : -1, dim.known() ? "" : symbols.Text(dim)});
  }
  return info;
}

void Report(const graph::Graph& graph, ConversionReport* report) {
  for (const graph::Value* input : graph.inputs()) {
    report->inputs.push_back(Describe(input->declared, input->name, graph.symbols()));
  }
  for (const graph::GraphOutput& output : graph.outputs()) {
    report->outputs.push_back(Describe(output.value->declared, output.name, graph.symbols()));
  }
  for (const graph::Node* node = graph.first(); node != nullptr; node = node->next) {
    ++report->operators[node->domain.empty() ? std::string(node->type)
                                             : Cat(node->domain, ".", node->type)];
  }
  for (uint32_t id = 0; id < graph.value_ids(); ++id) {
    const graph::Value* value = graph.value(id);
    if (value == nullptr || !value->is_constant || value->uses.empty()) continue;
    ++report->weight_tensors;
    report->parameters += value->constant.count;
    report->weight_bytes += StorageBytes(value->constant.type, value->constant.count);
  }
}

std::unique_ptr<graph::Graph> Import(const std::string& path, const ConvertOptions& options,
                                     ConversionReport* report) {
  std::vector<base::ShapeText> shapes;
  for (const std::string& text : options.shapes) {
    shapes.push_back(Unwrap(base::ParseShapeText(text)));
  }
  const std::shared_ptr<converter::onnx::ModelProto> model = converter::ReadModelFile(path);
  auto graph = std::make_unique<graph::Graph>();
  converter::Importer importer(path, model, graph.get());
  importer.Import(shapes, options.inputs, options.outputs);
  Rename(graph.get(), options.renames);
  passes::PassReport changes;
  if (options.optimize) {
    const std::vector<std::string_view> disabled(options.disabled_passes.begin(),
                                                 options.disabled_passes.end());
    const Status status = passes::Simplify(*graph, disabled, &changes);
    if (!status.ok()) throw ConvertError{status.Annotate(path)};
  }
  if (options.strict_caffe2) {
    const Status status = converter::CheckCaffe2(*graph);
    if (!status.ok()) throw ConvertError{status.Annotate(path)};
  }
  if (report != nullptr) {
    *report = ConversionReport();
    report->warnings = importer.warnings;
    report->opset = importer.opset;
    report->source_nodes = model->graph().node_size();
    report->producer = model->producer_name();
    if (!model->producer_version().empty()) report->producer += " " + model->producer_version();
    for (size_t i = 0; i < passes::AllPasses().size(); ++i) {
      report->passes.emplace_back(passes::AllPasses()[i].name, changes.changes[i]);
    }
    Report(*graph, report);
  }
  return graph;
}

// The one place where what the converter throws becomes a Status.
template <class F>
Status Guard(const std::string& path, F body) {
  try {
    body();
    return {};
  } catch (const ConvertError& error) {
    return error.status;
  } catch (const std::bad_alloc&) {
    return OutOfMemory(Cat(path, ": not enough memory to convert it"));
  } catch (const std::exception& error) {
    return Internal(Cat(path, ": ", error.what()));
  }
}

}  // namespace

Status ConvertFile(const std::string& model, const std::string& folder,
                   const ConvertOptions& options, ConversionReport* report) {
  return Guard(model, [&] {
    const std::unique_ptr<graph::Graph> graph = Import(model, options, report);
    Check(graph::wire::WritePairFiles(*graph, folder.c_str()));
  });
}

StatusOr<std::shared_ptr<const Predictor>> LoadOnnx(const std::string& model,
                                                    const ConvertOptions& options,
                                                    const PredictorOptions& run_options) {
  std::shared_ptr<const Predictor> predictor;
  const Status status = Guard(model, [&] {
    auto impl = std::make_unique<Predictor::Impl>(run_options);
    Check(impl->Adopt(Import(model, options, nullptr)));
    predictor = Unwrap(MakePredictor(std::move(impl)));
  });
  if (!status.ok()) return status;
  return predictor;
}

std::vector<ImportedOperator> ListImportedOperators() {
  std::vector<ImportedOperator> list;
  for (const std::span<const converter::ImporterRow> rows : converter::AllImporters()) {
    for (const converter::ImporterRow& row : rows) {
      list.push_back({*row.domain == 0 ? "ai.onnx" : row.domain, row.type, row.since});
    }
  }
  std::sort(list.begin(), list.end(), [](const ImportedOperator& a, const ImportedOperator& b) {
    return std::tie(a.domain, a.type) < std::tie(b.domain, b.type);
  });
  return list;
}

std::vector<PassInfo> ListPasses() {
  std::vector<PassInfo> list;
  for (const passes::Pass& pass : passes::AllPasses()) list.push_back({pass.name, pass.summary});
  return list;
}

int NewestOpset() { return converter::kNewestOpset; }

}  // namespace doppio
