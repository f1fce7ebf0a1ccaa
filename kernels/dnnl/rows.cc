#include "kernels/dnnl/rows.h"

#include "kernels/dnnl/families.h"

namespace doppio::kernels::dnnl {

// Rows are chosen by engine name only, and each kind has one: no cost is estimated.
std::span<const Kernel> Rows() {
  static const Kernel rows[] = {kConvRow, kConvTransposeRow, kGemmRow, kPoolRow, kAffineRow};
  return rows;
}

}  // namespace doppio::kernels::dnnl
