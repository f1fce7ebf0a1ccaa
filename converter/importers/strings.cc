// Operators on strings.
#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

constexpr ImporterRow kRows[] = {
    {"StringConcat", 20, ImportAsIs},
    {"StringSplit", 20, ImportAsIs},
    {"StringNormalizer", 10, ImportAsIs},
    {"TfIdfVectorizer", 9, ImportAsIs},
};

}  // namespace

std::span<const ImporterRow> StringImporters() { return kRows; }

}  // namespace doppio::converter
