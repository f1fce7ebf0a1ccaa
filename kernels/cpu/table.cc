#include <hwy/highway.h>

#include "kernels/cpu/groups.h"
#include "kernels/cpu/rows.h"
#include "kernels/cpu/target.h"

namespace doppio::kernels::cpu {

void ForEachGroup(GroupVisitor visit, void* context) {
  UpdateChosenTarget();
  visit(ConvRows(), context);
  visit(DwConvRows(), context);
  visit(CopyRows(), context);
  visit(UnaryRows(), context);
  visit(BinaryRows(), context);
  visit(PoolRows(), context);
  visit(SoftmaxRows(), context);
  visit(AffineRows(), context);
  visit(ReduceRows(), context);
  visit(ConvTransposeRows(), context);
  visit(LayerNormRows(), context);
  visit(LrnRows(), context);
  visit(ResizeRows(), context);
  visit(GemmRows(), context);
  visit(RnnRows(), context);
}

}  // namespace doppio::kernels::cpu
