// Segment: a Program and what surrounds it. A plan is a tree of segments: where sizes depend on
// data a segment ends, and the next one is looked up by the sizes (or values) that the run has
// found.
#pragma once

#include <cstdint>
#include <memory>

#include "base/array.h"
#include "base/memory.h"
#include "kernels/kernel.h"
#include "runtime/exec/program.h"
#include "runtime/graph/graph.h"
#include "runtime/operators/facts.h"

namespace doppio::plan {

// Which implementations a plan may use.
enum class EngineChoice : uint8_t { kAuto, kReference, kSimd, kDnnl, kCudnn };

struct PlanOptions {
  EngineChoice engine = EngineChoice::kAuto;
  bool exact = false;  // no kernel that computes in a transformed space
  // Where nodes run: a number of the DeviceTable for all of them, or kAsNodesSay (DeviceOption).
  int device = kAsNodesSay;

  static constexpr int kAsNodesSay = -1;
};

// A value that later segments read: what it is and where it stands.
struct FrontierValue {
  uint32_t value = 0;
  operators::ValueFacts facts;
  bool placed = false;  // false: its content is known and nobody has needed it in memory
  exec::BufferRef place;
  int64_t offset = 0;  // in elements
  Dims strides;
};

// A value of which the last step of a segment, or a call, finds out the sizes.
struct DynamicValue {
  uint32_t value = 0;
  uint32_t slot = 0;  // of BufferRef::index, Place::kDynamic
  ElementType type = ElementType::kUndefined;
};

enum class SegmentEnd : uint8_t {
  kFinished,       // every output of the net is there
  kDynamicValues,  // the next segment depends on the sizes of `dynamics`
  kContent,        // ... on the elements in `content_place`
  kCall,           // the session computes `call`; its outputs are the `dynamics`
};

// Where an input of a called node stands: row-major, in ordinary memory. Sequences and optionals
// stand in slots (Place::kDynamic) or are inputs of the graph.
struct CallInput {
  bool present = false;
  exec::BufferRef place;
  ElementType type = ElementType::kUndefined;
  Dims dims;
};

struct OutputInfo {
  bool defined = false;  // by this segment or one before it
  graph::ValueKind kind = graph::ValueKind::kTensor;
  exec::BufferRef place;  // where a sequence or an optional stands
  ElementType type = ElementType::kUndefined;
  Dims dims;
};

struct Segment {
  Segment() = default;
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  ~Segment() {
    for (const Handle& handle : handles) handle.kernel->release(handle.handle);
  }

  struct Handle {
    const kernels::Kernel* kernel = nullptr;
    void* handle = nullptr;
  };
  struct Continuation {
    base::Array<int64_t> key;
    std::shared_ptr<Segment> segment;
  };

  uint32_t index = 0;  // how many segments came before on this path
  exec::Program program;
  base::Array<const graph::Node*> labels;            // by Step::label
  base::Array<base::Buffer> constants;               // made while planning
  base::Array<exec::DeviceMemory> device_constants;  // the same, on other devices
  base::Array<Handle> handles;
  base::Array<OutputInfo> outputs;  // of the net

  SegmentEnd end = SegmentEnd::kFinished;
  const graph::Node* next_node = nullptr;  // where the next segment begins
  base::Array<FrontierValue> frontier;
  base::Array<DynamicValue> dynamics;
  uint32_t dynamic_slots = 0;  // used by this path so far
  graph::Constant found;  // the content that led here, when it is no integers; in `constants`
  uint32_t content_value = 0;
  exec::BufferRef content_place;
  const graph::Node* call = nullptr;
  base::Array<CallInput> call_inputs;
  base::Array<Continuation> next;  // most recently used last
};

}  // namespace doppio::plan
