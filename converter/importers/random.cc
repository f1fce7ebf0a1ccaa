// Random numbers: what a node draws is the same in every run (runtime/operators/random.cc).
#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

constexpr ImporterRow kRows[] = {
    {"RandomUniform", 1, ImportAsIs}, {"RandomUniformLike", 1, ImportAsIs},
    {"RandomNormal", 1, ImportAsIs},  {"RandomNormalLike", 1, ImportAsIs},
    {"Bernoulli", 15, ImportAsIs},    {"Multinomial", 7, ImportAsIs},
};

}  // namespace

std::span<const ImporterRow> RandomImporters() { return kRows; }

}  // namespace doppio::converter
