// Decision trees: each tree walks a block of rows before the next one comes, so that its nodes stay
// in the cache; sums are float64.
#include "kernels/problems/tree_ensemble.h"

#include <algorithm>
#include <cmath>

#include "kernels/reference/families.h"

namespace doppio::kernels::reference {
namespace {

const TreeEnsembleProblem& As(const void* problem) {
  return *static_cast<const TreeEnsembleProblem*>(problem);
}

// A unit is that many rows.
constexpr int64_t kUnitRows = 32;

int64_t BlockRows(const TreeEnsembleProblem& p) { return std::min(kUnitRows, p.rows); }

bool Supports(const void* problem) {
  const TreeEnsembleProblem& p = As(problem);
  return p.trees >= 0 && p.targets >= 1 && (p.output != TreeOutput::kBinary || p.targets == 2);
}

int64_t Units(const void* problem, int) { return (As(problem).rows + kUnitRows - 1) / kUnitRows; }

// Sums, and whether any leaf has spoken of the target (least and greatest begin with that).
size_t ScratchBytes(const void* problem) {
  const TreeEnsembleProblem& p = As(problem);
  return static_cast<size_t>(BlockRows(p)) * static_cast<size_t>(p.targets) * (sizeof(double) + 1);
}

template <class T>
bool GoesToYes(const TreeNode<T>& node, T x) {
  switch (node.test()) {
    case TreeTest::kLessEqual:
      return x <= node.value;
    case TreeTest::kLess:
      return x < node.value;
    case TreeTest::kGreaterEqual:
      return x >= node.value;
    case TreeTest::kGreater:
      return x > node.value;
    case TreeTest::kEqual:
      return x == node.value;
    case TreeTest::kNotEqual:
      return x != node.value;
    case TreeTest::kLeaf:
      break;
  }
  return false;
}

void Add(TreeAggregate aggregate, double value, double* sum, uint8_t* spoken) {
  if (aggregate == TreeAggregate::kSum || aggregate == TreeAggregate::kAverage) {
    *sum += value;
  } else if (*spoken == 0) {
    *sum = value;
    *spoken = 1;
  } else {
    *sum = aggregate == TreeAggregate::kMin ? std::min(*sum, value) : std::max(*sum, value);
  }
}

template <class T>
struct Ensemble {
  const TreeEnsembleProblem& p;
  const T* x;
  const TreeNode<T>* nodes;
  const int32_t* roots;
  const int32_t* weight_targets;
  const T* weights;
  const double* base;
  T* scores;
  int64_t* classes;

  void Walk(int32_t root, const T* row, double* sums, uint8_t* spoken) const {
    const TreeNode<T>* node = nodes + root;
    while (node->test() != TreeTest::kLeaf) {
      const T value = row[node->feature()];
      const bool yes = GoesToYes(*node, value) || (node->nan_goes_to_yes() && std::isnan(value));
      node = nodes + (yes ? node->yes : node->no);
    }
    if (node->yes == TreeNode<T>::kInline) {
      const uint32_t target = node->feature();
      Add(p.aggregate, static_cast<double>(node->value), sums + target, spoken + target);
      return;
    }
    for (int32_t i = node->yes; i < node->no; ++i) {
      const int32_t target = weight_targets[i];
      Add(p.aggregate, static_cast<double>(weights[i]), sums + target, spoken + target);
    }
  }

  double Base(int32_t target) const {
    return p.base_count == 0 ? 0 : base[p.base_count == 1 ? 0 : target];
  }

  // The class, and the scores as they are given out.
  int64_t Finish(double* sums) const {
    for (int32_t i = 0; i < p.targets; ++i) {
      if (p.aggregate == TreeAggregate::kAverage) sums[i] /= p.trees;
    }
    if (p.output == TreeOutput::kBinary) return FinishBinary(sums);
    for (int32_t i = 0; i < p.targets; ++i) sums[i] += Base(i);
    const int64_t best = p.output == TreeOutput::kSign
                             ? (sums[0] > 0 ? 1 : 0)
                             : std::max_element(sums, sums + p.targets) - sums;
    TransformTargets(p.transform, {sums, static_cast<size_t>(p.targets)});
    return best;
  }

  int64_t FinishBinary(double* sums) const {
    const double sum = sums[p.spoken_of] + Base(p.spoken_of);
    sums[1] = sum;
    if (p.spoken_of == 0) {
      AddSecondScore(p.all_positive ? SecondScore::kComplement : SecondScore::kOpposite,
                     p.transform, sums);
    } else {
      sums[0] = p.base_count == 2 ? base[0] : 0;
      TransformScores(p.transform, {sums, 2});
    }
    return sum > (p.all_positive ? 0.5 : 0) ? 1 : 0;
  }

  void RunBlock(int64_t begin, int64_t end, double* sums) const {
    const int64_t rows = end - begin, count = rows * p.targets;
    auto* spoken = reinterpret_cast<uint8_t*>(sums + BlockRows(p) * p.targets);
    std::fill_n(sums, count, 0.0);
    std::fill_n(spoken, count, uint8_t{0});
    for (int32_t tree = 0; tree < p.trees; ++tree) {
      for (int64_t i = 0; i < rows; ++i) {
        Walk(roots[tree], x + (begin + i) * p.features, sums + i * p.targets,
             spoken + i * p.targets);
      }
    }
    for (int64_t i = 0; i < rows; ++i) {
      double* const row = sums + i * p.targets;
      const int64_t best = Finish(row);
      if (classes != nullptr) classes[begin + i] = best;
      if (scores == nullptr) continue;
      T* const to = scores + (begin + i) * p.targets;
      for (int32_t target = 0; target < p.targets; ++target)
        to[target] = static_cast<T>(row[target]);
    }
  }
};

template <class T>
void RunUnits(const TreeEnsembleProblem& p, Range range, const Operands& operands, double* sums) {
  const Ensemble<T> ensemble{p,
                             static_cast<const T*>(operands.in[0]),
                             static_cast<const TreeNode<T>*>(operands.in[1]),
                             static_cast<const int32_t*>(operands.in[2]),
                             static_cast<const int32_t*>(operands.in[3]),
                             static_cast<const T*>(operands.in[4]),
                             static_cast<const double*>(operands.in[5]),
                             static_cast<T*>(operands.out[0]),
                             static_cast<int64_t*>(operands.out[1])};
  for (int64_t unit = range.begin; unit < range.end; ++unit) {
    ensemble.RunBlock(unit * kUnitRows, std::min((unit + 1) * kUnitRows, p.rows), sums);
  }
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void* scratch) {
  const TreeEnsembleProblem& p = As(problem);
  (p.wide ? RunUnits<double> : RunUnits<float>)(p, range, operands, static_cast<double*>(scratch));
  return {};
}

constexpr Kernel kRows[] = {{.name = "tree_ensemble_reference",
                             .kind = ProblemKind::kTreeEnsemble,
                             .engine = Engine::kReference,
                             .supports = Supports,
                             .packed_operand = -1,
                             .scratch_bytes = ScratchBytes,
                             .phases = 1,
                             .units = Units,
                             .run = Run}};

}  // namespace

std::span<const Kernel> TreeEnsembleRows() { return kRows; }

}  // namespace doppio::kernels::reference
