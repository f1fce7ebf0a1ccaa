#include "runtime/operators/class_labels.h"

#include "base/message.h"

namespace doppio::operators {

using base::Cat;
using base::Quoted;

Status ClassLabels::Read(const ArgReader& args, std::string_view ints_name) {
  static constexpr int64_t kIntAnswers[] = {0, 1};
  static constexpr std::string_view kTextAnswers[] = {"0", "1"};
  strings_ = args.Strings("classlabels_strings");
  ints_ = args.Ints(ints_name);
  if (strings_.empty() == ints_.empty()) {
    return InvalidArgument(Cat("one of the arguments 'classlabels_strings' and ", Quoted(ints_name),
                               " must name the classes"));
  }
  named_ = size();
  if (named_ == 1 && strings_.empty()) ints_ = kIntAnswers;
  if (named_ == 1 && !strings_.empty()) strings_ = kTextAnswers;
  return {};
}

Status ReadTransform(const ArgReader& args, kernels::ScoreTransform* transform) {
  constexpr std::string_view kNames[] = {"NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"};
  std::string_view name;
  DOPPIO_RETURN_IF_ERROR(args.Text("post_transform", &name));
  if (name.empty()) name = kNames[0];
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (name != kNames[i]) continue;
    *transform = static_cast<kernels::ScoreTransform>(i);
    return {};
  }
  return InvalidArgument(Cat("post_transform ", Quoted(name), " is unknown"));
}

}  // namespace doppio::operators
