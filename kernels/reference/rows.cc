#include "kernels/reference/rows.h"

#include "kernels/reference/families.h"

namespace doppio::kernels::reference {

void ForEachGroup(GroupVisitor visit, void* context) {
  visit(ConvRows(), context);
  visit(GemmRows(), context);
  visit(PoolRows(), context);
  visit(UnaryRows(), context);
  visit(BinaryRows(), context);
  visit(WhereRows(), context);
  visit(CastRows(), context);
  visit(CopyRows(), context);
  visit(ReduceRows(), context);
  visit(ArgReduceRows(), context);
  visit(SoftmaxRows(), context);
  visit(AffineRows(), context);
  visit(LrnRows(), context);
  visit(LayerNormRows(), context);
  visit(ResizeRows(), context);
  visit(GatherRows(), context);
  visit(ScatterRows(), context);
  visit(NonZeroRows(), context);
  visit(RnnRows(), context);
  visit(TopKRows(), context);
  visit(SamplingRows(), context);
  visit(DftRows(), context);
  visit(RandomRows(), context);
  visit(LinearAttentionRows(), context);
  visit(TreeEnsembleRows(), context);
  visit(QuantizedRows(), context);
}

}  // namespace doppio::kernels::reference
