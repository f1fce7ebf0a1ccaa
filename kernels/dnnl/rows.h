// The rows of the oneDNN engine (2.6 to 3.x): float convolution, product, pooling, batch
// normalisation.
//
// A step is one call into oneDNN, hence one unit. Operands that are given to prepare() are
// constants: weights are then reordered once into the form that oneDNN prefers; those that are null
// there are read as they lie at run time. Problems that oneDNN cannot do as stated make prepare()
// return null.
#pragma once

#include <span>

#include "kernels/kernel.h"

namespace doppio::kernels::dnnl {

std::span<const Kernel> Rows();

// How many OpenMP threads each call of oneDNN uses, from prepare() on; 1 at first, so that sessions
// that run side by side do not crowd the machine. Thread safe; no effect when oneDNN is built
// without OpenMP or doppio's build did not find it.
void SetThreads(int threads);

}  // namespace doppio::kernels::dnnl
