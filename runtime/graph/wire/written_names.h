// WrittenNames: which blob name each SSA value gets in a net, where names may be used again.
#pragma once

#include <doppio/status.h>

#include <string_view>

#include "base/array.h"
#include "base/name_map.h"
#include "runtime/graph/graph.h"

namespace doppio::graph::wire {

// Values keep their own names; where two that live at the same time bear one name, graph inputs and
// outputs keep it and the other gets a suffix ("x_2"). A value without a name gets one.
class WrittenNames {
 public:
  // `captured` are the names of the captured inputs of a child graph, in their order. Renamed names
  // live in `text`, which outlives this.
  Status Assign(const Graph& graph, std::span<const std::string_view> captured,
                base::Array<base::Buffer>* text);

  std::string_view of(const Value* value) const { return names_[value->id]; }
  // Graph outputs whose value is written under another name need a copy at the end.
  bool NeedsCopy(const GraphOutput& output) const { return of(output.value) != output.name; }

 private:
  struct Holder {
    const Value* value = nullptr;
    int64_t last_use = 0;  // position in execution order; INT64_MAX for the ends of the net
  };
  // A name of an output of the net; others may have it that die before the output is made.
  struct Reserved {
    const Value* value = nullptr;
    int64_t made = 0;  // position; 0 for inputs and constants, INT64_MAX for a copy at the end
  };
  bool MayTake(const Value* value, std::string_view name, int64_t position) const;
  Status ReserveEnds(const Graph& graph, std::span<const std::string_view> captured);
  Status ComputeLastUses(const Graph& graph);
  Status Name(const Value* value, int64_t position, base::Array<base::Buffer>* text);

  base::Array<std::string_view> names_;
  base::Array<int64_t> made_, last_use_;  // by value id
  base::NameMap<Holder> holders_;
  base::NameMap<Reserved> outputs_;
  base::NameMap<int64_t> taken_;  // of a base name: suffixes up to this one belong to constants
};

}  // namespace doppio::graph::wire
