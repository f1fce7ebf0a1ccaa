// Recurrent layers: RNN, LSTM, GRU.
#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

// `output_sequence` said before opset 7 whether the first output was wanted; now its name does.
// Before opset 3 GRU's linear_before_reset was not there: 0, which is the default.
void ImportRecurrent(const NodeContext& n) {
  if (n.input_count() < 3) n.Unsupported("input, weight and recurrent weight are needed");
  PassThrough(n, {"output_sequence"});
}

constexpr ImporterRow kRows[] = {
    {"RNN", 1, ImportRecurrent},
    {"GRU", 1, ImportRecurrent},
    {"LSTM", 1, ImportRecurrent},
};

}  // namespace

std::span<const ImporterRow> RecurrentImporters() { return kRows; }

}  // namespace doppio::converter
