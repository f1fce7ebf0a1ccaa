#include "kernels/problems/elementwise.h"

namespace doppio::kernels {

void Collapse(int* rank, int64_t* dims, int operands, int64_t* const* strides) {
  int kept = 0;
  for (int i = 0; i < *rank; ++i) {
    if (dims[i] == 1) continue;
    bool merges = kept > 0;
    for (int s = 0; s < operands && merges; ++s) {
      merges = strides[s][kept - 1] == strides[s][i] * dims[i];
    }
    if (merges) {
      dims[kept - 1] *= dims[i];
      for (int s = 0; s < operands; ++s) strides[s][kept - 1] = strides[s][i];
    } else {
      dims[kept] = dims[i];
      for (int s = 0; s < operands; ++s) strides[s][kept] = strides[s][i];
      ++kept;
    }
  }
  *rank = kept;
}

}  // namespace doppio::kernels
