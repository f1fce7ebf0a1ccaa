// What classifiers of domain ai.onnx.ml share: the labels of their classes, and what they do to
// scores at the end.
#pragma once

#include "kernels/problems/scores.h"
#include "runtime/operators/operator.h"

namespace doppio::operators {

// Labels of the classes, in order: strings or int64. A model with one label tells a yes from a no:
// the labels are "0" and "1" then.
class ClassLabels {
 public:
  // From 'classlabels_strings', or the list `ints_name`.
  Status Read(const ArgReader& args, std::string_view ints_name);

  ElementType type() const { return strings_.empty() ? ElementType::kInt64 : ElementType::kString; }
  // How many the model names.
  size_t named() const { return named_; }
  // How many there are to choose from: at least 2.
  size_t size() const { return strings_.empty() ? ints_.size() : strings_.size(); }
  // An array of size() std::string_view or int64.
  const void* data() const {
    return strings_.empty() ? static_cast<const void*>(ints_.data()) : strings_.data();
  }
  // Writes label `from` to element `at` of `labels`, a tensor of type().
  void Write(size_t from, size_t at, void* labels) const {
    if (strings_.empty()) {
      static_cast<int64_t*>(labels)[at] = ints_[from];
    } else {
      static_cast<std::string_view*>(labels)[at] = strings_[from];
    }
  }

 private:
  std::span<const int64_t> ints_;
  std::span<const std::string_view> strings_;
  size_t named_ = 0;
};

// The argument 'post_transform'.
Status ReadTransform(const ArgReader& args, kernels::ScoreTransform* transform);

}  // namespace doppio::operators
