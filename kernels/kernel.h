// Kernel: one implementation of one kind of problem, as a row of functions over plain data.
//
// A kernel knows sizes, pointers and strides; no tensor class, no operator, no file. The planner
// poses a problem (a plain struct, see problems/*.h), asks every row of that kind whether it
// supports the problem and what it would cost, packs constant operands once, and runs the winner's
// phases. Tests and benches walk the same rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/step_status.h"

namespace doppio::kernels {

using base::StepCode;
using base::StepStatus;

// What is to be computed; each kind has one plain struct in kernels/problems/.
enum class ProblemKind : uint16_t {
  kConv,              // ConvProblem
  kConvTranspose,     // ConvProblem, transposed
  kGemm,              // GemmProblem
  kPool,              // PoolProblem
  kUnary,             // UnaryProblem
  kBinary,            // BinaryProblem
  kWhere,             // WhereProblem
  kCast,              // CastProblem
  kCopy,              // CopyProblem
  kFill,              // FillProblem
  kReduce,            // ReduceProblem
  kArgReduce,         // ArgReduceProblem
  kSoftmax,           // SoftmaxProblem
  kAffine,            // AffineProblem: per-channel scale and shift
  kLrn,               // LrnProblem
  kLayerNorm,         // LayerNormProblem: layer, instance and group normalisation
  kResize,            // ResizeProblem
  kGather,            // GatherProblem
  kGatherNd,          // GatherNdProblem
  kScatter,           // ScatterProblem
  kNonZero,           // NonZeroProblem: the first with a data-dependent shape
  kRnn,               // RnnProblem: the recurrent part of RNN, LSTM, GRU
  kTopK,              // TopKProblem
  kGridSample,        // GridSampleProblem
  kRoiAlign,          // RoiAlignProblem
  kDeformColumns,     // DeformColumnsProblem: the patches that a deformable convolution multiplies
  kDft,               // DftProblem
  kRandom,            // RandomProblem
  kTreeEnsemble,      // TreeEnsembleProblem
  kLinearAttention,   // LinearAttentionProblem
  kRequantize,        // RequantizeProblem: sums of quantised products to 8 bits
  kQuantizedAdd,      // QuantizedAddProblem
  kQuantizedSoftmax,  // QuantizedSoftmaxProblem
  kLookup,            // LookupProblem: any function of 8 bits
  kTransfer,          // TransferProblem (device.h): between the CPU's memory and a device's
  kCount,
};

// Who implements it. Order is not preference: the planner decides by name and cost.
enum class Engine : uint8_t { kReference, kSimd, kDnnl, kCudnn };

const char* EngineName(Engine engine);

// Units [begin, end) of one phase.
struct Range {
  int64_t begin = 0;
  int64_t end = 0;
};

// What a cost function may know of the machine. Depends on the SIMD target alone, never on a
// measurement of this machine, so that the same plan is made everywhere.
struct Machine {
  int vector_floats = 4;           // floats in one vector
  double flops_per_ns = 8;         // peak fp32, multiply and add counted apart
  double stream_bytes_per_ns = 8;  // main memory, one thread
  int64_t l1_bytes = 32 << 10;
  int64_t l2_bytes = 1 << 20;
};

// A data-dependent output asks here for its memory, once, when it knows its shape.
class OutputAllocator {
 public:
  // Memory for output `index` with the given sizes, or null (the kernel then returns kOutOfMemory).
  virtual void* Allocate(int index, std::span<const int64_t> dims) = 0;

 protected:
  ~OutputAllocator() = default;
};

// Pointers of one step. Which index means what is written at the problem's struct; an absent
// optional operand is null. Inputs never alias outputs unless the problem's comment says that they
// may.
struct Operands {
  const void* const* in = nullptr;
  void* const* out = nullptr;
  const void* packed =
      nullptr;  // made by Kernel::pack, 64-byte aligned; null when the row packs nothing
  void* workspace = nullptr;  // shared by all threads and phases of the step, 64-byte aligned
  void* handle = nullptr;     // made by Kernel::prepare
  OutputAllocator* allocator = nullptr;  // only for kinds with data-dependent outputs
};

// A row. Every function takes the problem as plain data of the kind's struct. Functions that may be
// null say so. All are re-entrant, allocate nothing, start no threads, print nothing.
struct Kernel {
  // Grammar: <op>_<layout>_<algorithm><tile>_<type>, e.g. "conv_nhwc_indirect_f32".
  const char* name;
  ProblemKind kind;
  Engine engine;
  // Whether this row computes the problem, exactly as stated (types, strides, epilogue).
  bool (*supports)(const void* problem);
  // Estimated nanoseconds on one thread, weights warm. Null: taken only when no other row supports
  // it.
  double (*cost)(const void* problem, const Machine& machine);
  // True when the algorithm computes in a transformed space (Winograd, FFT): refused under --exact.
  bool transforms;
  // Constant operands repacked once. Null packed_bytes: nothing to pack. A row that packs
  // reads `in[packed_operand]` at pack time only; it may be null at run time.
  int packed_operand;
  size_t (*packed_bytes)(const void* problem);
  // Phase-less and parallel: pack_units() units, each range writes its own part of `packed`.
  int64_t (*pack_units)(const void* problem);
  void (*pack)(const void* problem, Range range, const void* const* in, void* packed);
  // Shared memory for the whole step; null: none.
  size_t (*workspace_bytes)(const void* problem);
  // Memory for each thread, passed as `scratch`; null: none.
  size_t (*scratch_bytes)(const void* problem);
  // Phases run one after the other with a barrier between. Results depend on the units, never on
  // how ranges of units are cut: each unit writes its own outputs.
  int phases;
  int64_t (*units)(const void* problem, int phase);
  StepStatus (*run)(const void* problem, int phase, Range range, const Operands& operands,
                    void* scratch);
  // Engines with handles: made at plan time (null result: this row cannot after all), freed with
  // the plan. Null for all others.
  void* (*prepare)(const void* problem, const void* const* in);
  void (*release)(void* handle);
  // DeviceOption.device_type of where it runs and its operands stand; 0: the CPU.
  int32_t device = 0;
};

struct DeviceDriver;

// The rows of all engines that this build holds, for the SIMD target chosen when it was made.
// Order: most specialised first, reference last.
class KernelTable {
 public:
  static constexpr int kMaxKernels = 256;

  // For the best target of this CPU (Highway's supported targets, see cpu/target.h), with the rows
  // of further devices, which are borrowed.
  explicit KernelTable(std::span<const DeviceDriver* const> devices = {});

  std::span<const Kernel* const> rows() const { return {rows_, static_cast<size_t>(count_)}; }
  // Index of the row of that name, or -1.
  int Find(const char* name) const;
  const Machine& machine() const { return machine_; }

 private:
  void Add(std::span<const Kernel> rows);

  const Kernel* rows_[kMaxKernels];
  int count_ = 0;
  Machine machine_;
};

}  // namespace doppio::kernels
