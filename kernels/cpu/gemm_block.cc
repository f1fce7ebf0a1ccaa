// The micro-kernel of kRows x 2 vectors and the loops around it; see gemm_block.h.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/gemm_block.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

#include "kernels/cpu/gemm_block-inl.h"
#include "kernels/cpu/unary_row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

// Rows of a tile. 12 x 2 accumulators, 2 columns and a broadcast are 27 of 32 registers; 6 x 2, 2
// and 1 are 15 of 16; without fused multiply-add the product needs one more: 5 x 2, 2, 1 and 1
// are 14.
#if HWY_TARGET == HWY_AVX2
constexpr int kTileRows = 6;
#elif HWY_ARCH_X86 && HWY_TARGET != HWY_AVX3 && HWY_TARGET != HWY_AVX3_DL
constexpr int kTileRows = 5;
#else
constexpr int kTileRows = 12;
#endif

// What a tile needs, once for all tiles of a panel and depth block.
struct TileTask {
  const float* const* rows;  // of the tile's first row at the block's first tap
  int64_t row_stride;
  int64_t taps, c_begin, c_count;
  const float* packed;
  float* sums;    // [rows][width] of the tile
  bool first;     // the depth block begins the sum; else it goes on from the sums
  bool last;      // the depth block ends it
  bool store;     // last, and the epilogue is one that End knows
  bool activate;  // the activation is not a clamp
  float* y;
  int64_t ldy;
  int64_t columns;  // <= width
  const float* bias;
  const float* residual;
  const BlockEpilogue* epilogue;
  float lo, hi;  // clamp in registers; +-infinity: none
};

template <int kRows, int kRow>
HWY_INLINE const float* RowPointer(const TileTask& t, int64_t tap) {
  return t.rows[tap * t.row_stride + (kRow < kRows ? kRow : 0)] + t.c_begin;
}

template <int kRows, int kRow, int kVectors>
HWY_INLINE void Begin(const TileTask& t, Floats& c0, Floats& c1) {
  const FloatTag d;
  c0 = hn::Zero(d);
  c1 = hn::Zero(d);
  if constexpr (kRow < kRows) {
    if (!t.first) {
      const int64_t lanes = VectorLanes();
      c0 = hn::Load(d, t.sums + kRow * kVectors * lanes);
      if constexpr (kVectors == 2) c1 = hn::Load(d, t.sums + (kRow * 2 + 1) * lanes);
    }
  }
}

template <int kRows, int kRow, int kVectors>
HWY_INLINE void Step(const float* HWY_RESTRICT a, int64_t k, Floats b0, Floats b1, Floats& c0,
                     Floats& c1) {
  if constexpr (kRow < kRows) {
    const Floats x = hn::Set(FloatTag(), a[k]);
    c0 = hn::MulAdd(x, b0, c0);
    if constexpr (kVectors == 2) c1 = hn::MulAdd(x, b1, c1);
  }
}

// Ends a row of the tile: into y with the common epilogue, in registers, or into the sums, which
// the next depth block or FinishTile takes up.
template <int kRows, int kRow, int kVectors>
HWY_INLINE void End(const TileTask& t, Floats bias0, Floats bias1, Floats c0, Floats c1) {
  if constexpr (kRow < kRows) {
    const FloatTag d;
    const int64_t lanes = VectorLanes();
    if (!t.store) {
      hn::Store(c0, d, t.sums + kRow * kVectors * lanes);
      if constexpr (kVectors == 2) hn::Store(c1, d, t.sums + (kRow * 2 + 1) * lanes);
      return;
    }
    c0 = hn::Add(c0, bias0);
    if constexpr (kVectors == 2) c1 = hn::Add(c1, bias1);
    if (t.residual != nullptr) {
      const float* const residual = t.residual + kRow * t.epilogue->ld_residual;
      c0 = hn::Add(c0, hn::LoadU(d, residual));
      if constexpr (kVectors == 2) c1 = hn::Add(c1, hn::LoadU(d, residual + lanes));
    }
    const Floats lo = hn::Set(d, t.lo);
    const Floats hi = hn::Set(d, t.hi);
    float* const y = t.y + kRow * t.ldy;
    hn::StoreU(ClampTo(c0, lo, hi), d, y);
    if constexpr (kVectors == 2) hn::StoreU(ClampTo(c1, lo, hi), d, y + lanes);
  }
}

// The epilogue of tiles that End leaves in the sums: ragged columns, scaled products, and the
// heavier activations, which go over the row while it is in L1.
HWY_NOINLINE void FinishTile(const TileTask& t, int64_t rows, int64_t width) {
  const FloatTag d;
  const BlockEpilogue& e = *t.epilogue;
  const int64_t lanes = VectorLanes();
  for (int64_t i = 0; i < rows; ++i) {
    float* const y = t.y + i * t.ldy;
    for (int64_t j = 0; j < t.columns; j += lanes) {
      const int64_t left = t.columns - j;
      Floats sum = hn::Mul(hn::Load(d, t.sums + i * width + j), hn::Set(d, e.alpha));
      if (t.bias != nullptr) {
        sum = hn::MulAdd(LoadUpTo(t.bias + j, left), hn::Set(d, e.bias_scale), sum);
      }
      if (t.residual != nullptr) {
        const Floats residual = LoadUpTo(t.residual + i * e.ld_residual + j, left);
        sum = hn::MulAdd(residual, hn::Set(d, e.residual_scale), sum);
      }
      StoreUpTo(ClampTo(sum, hn::Set(d, t.lo), hn::Set(d, t.hi)), y + j, left);
    }
    if (t.activate) UnaryRow(e.activation, e.a, e.b, y, y, t.columns);
  }
}

// kRows x kVectors accumulators, named: arrays of vectors do not exist for SVE and RVV.
template <int kRows, int kVectors>
void Tile(const TileTask& t) {
  const FloatTag d;
  const int64_t lanes = VectorLanes();
  Floats c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51;
  Floats c60, c61, c70, c71, c80, c81, c90, c91, ca0, ca1, cb0, cb1;
  Begin<kRows, 0, kVectors>(t, c00, c01);
  Begin<kRows, 1, kVectors>(t, c10, c11);
  Begin<kRows, 2, kVectors>(t, c20, c21);
  Begin<kRows, 3, kVectors>(t, c30, c31);
  Begin<kRows, 4, kVectors>(t, c40, c41);
  Begin<kRows, 5, kVectors>(t, c50, c51);
  Begin<kRows, 6, kVectors>(t, c60, c61);
  Begin<kRows, 7, kVectors>(t, c70, c71);
  Begin<kRows, 8, kVectors>(t, c80, c81);
  Begin<kRows, 9, kVectors>(t, c90, c91);
  Begin<kRows, 10, kVectors>(t, ca0, ca1);
  Begin<kRows, 11, kVectors>(t, cb0, cb1);
  const float* HWY_RESTRICT b = t.packed;
  for (int64_t tap = 0; tap < t.taps; ++tap) {
    const float* const a0 = RowPointer<kRows, 0>(t, tap);
    const float* const a1 = RowPointer<kRows, 1>(t, tap);
    const float* const a2 = RowPointer<kRows, 2>(t, tap);
    const float* const a3 = RowPointer<kRows, 3>(t, tap);
    const float* const a4 = RowPointer<kRows, 4>(t, tap);
    const float* const a5 = RowPointer<kRows, 5>(t, tap);
    const float* const a6 = RowPointer<kRows, 6>(t, tap);
    const float* const a7 = RowPointer<kRows, 7>(t, tap);
    const float* const a8 = RowPointer<kRows, 8>(t, tap);
    const float* const a9 = RowPointer<kRows, 9>(t, tap);
    const float* const aa = RowPointer<kRows, 10>(t, tap);
    const float* const ab = RowPointer<kRows, 11>(t, tap);
    for (int64_t k = 0; k < t.c_count; ++k) {
      const Floats b0 = hn::Load(d, b);
      const Floats b1 = kVectors == 2 ? hn::Load(d, b + lanes) : b0;
      b += kVectors * lanes;
      Step<kRows, 0, kVectors>(a0, k, b0, b1, c00, c01);
      Step<kRows, 1, kVectors>(a1, k, b0, b1, c10, c11);
      Step<kRows, 2, kVectors>(a2, k, b0, b1, c20, c21);
      Step<kRows, 3, kVectors>(a3, k, b0, b1, c30, c31);
      Step<kRows, 4, kVectors>(a4, k, b0, b1, c40, c41);
      Step<kRows, 5, kVectors>(a5, k, b0, b1, c50, c51);
      Step<kRows, 6, kVectors>(a6, k, b0, b1, c60, c61);
      Step<kRows, 7, kVectors>(a7, k, b0, b1, c70, c71);
      Step<kRows, 8, kVectors>(a8, k, b0, b1, c80, c81);
      Step<kRows, 9, kVectors>(a9, k, b0, b1, c90, c91);
      Step<kRows, 10, kVectors>(aa, k, b0, b1, ca0, ca1);
      Step<kRows, 11, kVectors>(ab, k, b0, b1, cb0, cb1);
    }
  }
  Floats bias0 = hn::Zero(d);
  Floats bias1 = bias0;
  if (t.store && t.bias != nullptr) {
    bias0 = hn::LoadU(d, t.bias);
    if constexpr (kVectors == 2) bias1 = hn::LoadU(d, t.bias + lanes);
  }
  End<kRows, 0, kVectors>(t, bias0, bias1, c00, c01);
  End<kRows, 1, kVectors>(t, bias0, bias1, c10, c11);
  End<kRows, 2, kVectors>(t, bias0, bias1, c20, c21);
  End<kRows, 3, kVectors>(t, bias0, bias1, c30, c31);
  End<kRows, 4, kVectors>(t, bias0, bias1, c40, c41);
  End<kRows, 5, kVectors>(t, bias0, bias1, c50, c51);
  End<kRows, 6, kVectors>(t, bias0, bias1, c60, c61);
  End<kRows, 7, kVectors>(t, bias0, bias1, c70, c71);
  End<kRows, 8, kVectors>(t, bias0, bias1, c80, c81);
  End<kRows, 9, kVectors>(t, bias0, bias1, c90, c91);
  End<kRows, 10, kVectors>(t, bias0, bias1, ca0, ca1);
  End<kRows, 11, kVectors>(t, bias0, bias1, cb0, cb1);
}

// A single row reads each weight once, so memory sets the pace, and two accumulators would wait for
// each other: 4 steps of 2 vectors at a time are 8 chains, as many as 2 pipes x 4 cycles of
// latency.
template <int kVectors>
void VectorTile(const TileTask& t) {
  const FloatTag d;
  const int64_t lanes = VectorLanes();
  const int64_t width = kVectors * lanes;
  Floats c00, c01, c10, c11, c20, c21, c30, c31;
  Begin<1, 0, kVectors>(t, c00, c01);
  c10 = c11 = c20 = c21 = c30 = c31 = hn::Zero(d);
  const float* HWY_RESTRICT b = t.packed;
  for (int64_t tap = 0; tap < t.taps; ++tap) {
    const float* const a = RowPointer<1, 0>(t, tap);
    int64_t k = 0;
    for (; k + 4 <= t.c_count; k += 4, b += 4 * width) {
      Step<1, 0, kVectors>(a, k, hn::Load(d, b), hn::Load(d, b + width - lanes), c00, c01);
      Step<1, 0, kVectors>(a, k + 1, hn::Load(d, b + width), hn::Load(d, b + 2 * width - lanes),
                           c10, c11);
      Step<1, 0, kVectors>(a, k + 2, hn::Load(d, b + 2 * width), hn::Load(d, b + 3 * width - lanes),
                           c20, c21);
      Step<1, 0, kVectors>(a, k + 3, hn::Load(d, b + 3 * width), hn::Load(d, b + 4 * width - lanes),
                           c30, c31);
    }
    for (; k < t.c_count; ++k, b += width) {
      Step<1, 0, kVectors>(a, k, hn::Load(d, b), hn::Load(d, b + width - lanes), c00, c01);
    }
  }
  c00 = hn::Add(hn::Add(c00, c10), hn::Add(c20, c30));
  c01 = hn::Add(hn::Add(c01, c11), hn::Add(c21, c31));
  Floats bias0 = hn::Zero(d);
  Floats bias1 = bias0;
  if (t.store && t.bias != nullptr) {
    bias0 = hn::LoadU(d, t.bias);
    if constexpr (kVectors == 2) bias1 = hn::LoadU(d, t.bias + lanes);
  }
  End<1, 0, kVectors>(t, bias0, bias1, c00, c01);
}

using TileFunction = void (*)(const TileTask&);

// Tile functions of 1 to kTileRows rows, [vectors - 1][rows - 1].
template <int kVectors>
TileFunction TileOf(int64_t rows) {
  switch (rows) {
    case 1:
      return VectorTile<kVectors>;
    case 2:
      return Tile<2, kVectors>;
    case 3:
      return Tile<3, kVectors>;
    case 4:
      return Tile<4, kVectors>;
    case 5:
      return Tile<5, kVectors>;
    case 6:
      return Tile<std::min(6, kTileRows), kVectors>;
    case 7:
      return Tile<std::min(7, kTileRows), kVectors>;
    case 8:
      return Tile<std::min(8, kTileRows), kVectors>;
    case 9:
      return Tile<std::min(9, kTileRows), kVectors>;
    case 10:
      return Tile<std::min(10, kTileRows), kVectors>;
    case 11:
      return Tile<std::min(11, kTileRows), kVectors>;
    default:
      return Tile<kTileRows, kVectors>;
  }
}

// One depth block: taps [tap, tap + taps) and channels [c_begin, c_begin + c_count) of each.
struct Depth {
  int64_t tap, taps, c_begin, c_count;
};

void RunDepth(const GemmBlock& block, const Depth& depth, TileTask task) {
  const int64_t lanes = VectorLanes();
  const int64_t width = 2 * lanes;
  const int64_t k = block.taps * block.c;
  // Rows are dealt evenly: 49 are 10 + 10 + 10 + 10 + 9, not 4 x 12 + 1, as a tile of few rows
  // waits for its loads.
  const int64_t tiles = base::CeilDiv(block.m, static_cast<int64_t>(kTileRows));
  const BlockEpilogue& e = block.epilogue;
  const bool plain = !task.activate && e.alpha == 1 && e.bias_scale == 1 && e.residual_scale == 1;
  task.taps = depth.taps;
  task.c_begin = depth.c_begin;
  task.c_count = depth.c_count;
  for (int64_t j = 0; j < block.n; j += width) {
    const int64_t columns = std::min(block.n - j, width);
    const int vectors = columns > lanes ? 2 : 1;
    const int64_t panel_width = vectors * lanes;
    task.columns = columns;
    task.store = task.last && plain && columns == panel_width;
    task.packed = block.packed + j * k + (depth.tap * block.c + depth.c_begin) * panel_width;
    task.bias = e.bias != nullptr ? e.bias + j : nullptr;
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t i = tile * block.m / tiles;
      const int64_t rows = (tile + 1) * block.m / tiles - i;
      task.rows = block.rows + depth.tap * block.row_stride + i;
      task.sums = block.sums + j * kBlockRows + i * panel_width;
      task.y = block.y + i * block.ldy + j;
      if (e.residual != nullptr) task.residual = e.residual + i * e.ld_residual + j;
      (vectors == 2 ? TileOf<2>(rows) : TileOf<1>(rows))(task);
      if (task.last && !task.store) FinishTile(task, rows, panel_width);
    }
  }
}

}  // namespace

void PackPanels(const float* b, int64_t b_row, int64_t b_col, int64_t k, int64_t n, int64_t first,
                int64_t last, float* packed) {
  const int64_t width = PanelWidth();
  for (int64_t panel = first; panel < last; ++panel) {
    const int64_t j0 = panel * width;
    const int64_t columns = std::min(n - j0, width);
    const int64_t padded = columns > VectorLanes() ? width : VectorLanes();
    float* const to = packed + j0 * k;
    if (b_col == 1) {
      for (int64_t i = 0; i < k; ++i) {
        const float* const from = b + i * b_row + j0;
        for (int64_t j = 0; j < columns; ++j) to[i * padded + j] = from[j];
        for (int64_t j = columns; j < padded; ++j) to[i * padded + j] = 0;
      }
      continue;
    }
    // Runs of 16 rows: both the reads (unit row stride) and the writes stay within few cache lines.
    for (int64_t i0 = 0; i0 < k; i0 += 16) {
      const int64_t i1 = std::min(i0 + 16, k);
      for (int64_t j = 0; j < padded; ++j) {
        for (int64_t i = i0; i < i1; ++i) {
          to[i * padded + j] = j < columns ? b[i * b_row + (j0 + j) * b_col] : 0;
        }
      }
    }
  }
}

void RunGemmBlock(const GemmBlock& block) {
  TileTask task = {};
  task.row_stride = block.row_stride;
  task.ldy = block.ldy;
  task.epilogue = &block.epilogue;
  task.lo = -std::numeric_limits<float>::infinity();
  task.hi = std::numeric_limits<float>::infinity();
  switch (block.epilogue.activation) {
    case UnaryOp::kIdentity:
      break;
    case UnaryOp::kRelu:
      task.lo = 0;
      break;
    case UnaryOp::kClip:
      task.lo = block.epilogue.a;
      task.hi = block.epilogue.b;
      break;
    default:
      task.activate = true;
  }
  // A whole number of taps a pass where they fit, else equal parts of one tap's channels. A single
  // tile meets each panel once, so nothing is gained by cutting.
  int64_t parts = std::max<int64_t>(1, base::CeilDiv(block.c, kBlockDepth));
  int64_t taps = parts > 1 ? 1 : std::max<int64_t>(1, kBlockDepth / std::max<int64_t>(1, block.c));
  if (block.m <= kTileRows) {
    parts = 1;
    taps = block.taps;
  }
  for (int64_t tap = 0; tap < block.taps; tap += taps) {
    for (int64_t part = 0; part < parts; ++part) {
      Depth depth;
      depth.tap = tap;
      depth.taps = std::min(taps, block.taps - tap);
      depth.c_begin = part * block.c / parts;
      depth.c_count = (part + 1) * block.c / parts - depth.c_begin;
      task.first = tap == 0 && part == 0;
      task.last = tap + depth.taps == block.taps && part == parts - 1;
      RunDepth(block, depth, task);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace doppio::kernels::cpu
HWY_AFTER_NAMESPACE();
