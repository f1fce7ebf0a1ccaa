// Caffe2's SpaceToBatch and BatchToSpace: blocks of a padded map become images of the batch.
#include <algorithm>

#include "base/message.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/lower_context.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/view.h"

namespace doppio::operators {
namespace {

using base::Cat;

struct BlockArgs {
  int64_t pad = 0, block = 2;
};

Status ReadBlockArgs(const ArgReader& args, BlockArgs* a) {
  std::string_view order;
  constexpr int64_t kMost = 1 << 20;
  DOPPIO_RETURN_IF_ERROR(args.IntIn("pad", 0, kMost, &a->pad));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("block_size", 1, kMost, &a->block));
  DOPPIO_RETURN_IF_ERROR(args.Text("order", &order));
  return order == "NCHW" ? Status() : InvalidArgument("only order NCHW is known");
}

// (x + plus) / by, which must come out even where it is known.
Status Share(const InferContext& c, Dim x, int64_t plus, int64_t by, Dim* y) {
  const Dim padded = c.symbols().Add(x, Dim(plus));
  if (padded.known() && padded.value() % by != 0) {
    return InvalidArgument(
        Cat("the padded size ", padded.value(), " of ", c.Describe(0), " does not divide by ", by));
  }
  *y = c.symbols().FloorDiv(padded, Dim(by));
  return {};
}

Status InferBlocks(InferContext& c) {
  BlockArgs a;
  const Shape& x = c.input(0).shape;
  DOPPIO_RETURN_IF_ERROR(ReadBlockArgs(c.args, &a));
  if (x.rank != 4 || c.input(0).type != ElementType::kFloat) {
    return InvalidArgument(Cat(c.Describe(0), " must be float32 of 4 dimensions"));
  }
  Shape y = x;
  if (c.node().type == "SpaceToBatch") {
    y[0] = c.symbols().Mul(x[0], Dim(a.block * a.block));
    for (const int i : {2, 3}) {
      DOPPIO_RETURN_IF_ERROR(Share(c, x[i], 2 * a.pad, a.block, &y[i]));
    }
  } else {
    // Images that make no whole block are left over, as in the original.
    y[0] = c.symbols().FloorDiv(x[0], Dim(a.block * a.block));
    for (const int i : {2, 3}) {
      y[i] = c.symbols().Sub(c.symbols().Mul(x[i], Dim(a.block)), Dim(2 * a.pad));
      if (y[i].known() && y[i].value() < 0) {
        return InvalidArgument(Cat("pad ", a.pad, " cuts away more than ", c.Describe(0), " has"));
      }
    }
  }
  c.Set(0, c.input(0).type, y);
  return {};
}

// The pixels of one place within their blocks: in the blocks' tensor all of one axis from `first`
// on, in the map every block-th from `at` on.
struct Places {
  int64_t first = 0, at = 0, count = 0;
};
Places PlacesOf(int64_t place, int64_t pad, int64_t block, int64_t blocks, int64_t size) {
  Places p;
  p.first = place >= pad ? 0 : (pad - place + block - 1) / block;
  p.at = place - pad + p.first * block;
  const int64_t last = p.at < size ? (size - 1 - p.at) / block + 1 : 0;
  p.count = std::clamp<int64_t>(last, 0, blocks - p.first);
  return p;
}

Status LowerBlocks(LowerContext& c) {
  BlockArgs a;
  DOPPIO_RETURN_IF_ERROR(ReadBlockArgs(c.args, &a));
  const bool to_batch = c.node().type == "SpaceToBatch";
  const TensorRef map = to_batch ? c.input(0) : c.output(0);
  const TensorRef all = to_batch ? c.output(0) : c.input(0);
  if (c.output(0).count() == 0) return {};
  constexpr unsigned char kZero[16] = {};
  if (to_batch && a.pad > 0) DOPPIO_RETURN_IF_ERROR(c.Fill(all, kZero));
  const int64_t images = map.dims[0];
  for (int64_t place = 0; place < a.block * a.block; ++place) {
    const Places h = PlacesOf(place / a.block, a.pad, a.block, all.dims[2], map.dims[2]);
    const Places w = PlacesOf(place % a.block, a.pad, a.block, all.dims[3], map.dims[3]);
    if (h.count <= 0 || w.count <= 0) continue;
    TensorRef blocks = Cut(all, 0, place * images, images);
    blocks = Cut(Cut(blocks, 2, h.first, h.count), 3, w.first, w.count);
    const TensorRef pixels = Cut(Cut(map, 2, h.at, h.count, a.block), 3, w.at, w.count, a.block);
    DOPPIO_RETURN_IF_ERROR(to_batch ? c.Copy(pixels, blocks) : c.Copy(blocks, pixels));
  }
  return {};
}

constexpr ArgSpec kArgs[] = {{"pad", ArgKind::kInt},
                             {"block_size", ArgKind::kInt, 2},
                             {"order", ArgKind::kString, 0, "NCHW"}};

constexpr Operator Blocks(std::string_view type, const char* summary) {
  return {.domain = "",
          .type = type,
          .min_inputs = 1,
          .max_inputs = 1,
          .min_outputs = 1,
          .max_outputs = 1,
          .layout = LayoutTrait::kRowMajor,
          .flags = kPlain,
          .infer = InferBlocks,
          .lower = LowerBlocks,
          .args = kArgs,
          .summary = summary};
}

}  // namespace

const Operator kSpaceToBatch = Blocks("SpaceToBatch", "blocks of a map as images of the batch");
const Operator kBatchToSpace = Blocks("BatchToSpace", "images of the batch as blocks of a map");

}  // namespace doppio::operators
