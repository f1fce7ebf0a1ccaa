#include <doppio/status.h>

#include <cstdlib>
#include <cstring>

namespace doppio {

// One allocation: this header, the text, a zero.
struct Status::Rep {
  StatusCode code;
  bool owned;
  const char* text;
};

const char* StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "ok";
    case StatusCode::kInvalidArgument:
      return "invalid argument";
    case StatusCode::kNotFound:
      return "not found";
    case StatusCode::kCorruptModel:
      return "corrupt model";
    case StatusCode::kUnsupported:
      return "unsupported";
    case StatusCode::kComputeError:
      return "compute error";
    case StatusCode::kOutOfMemory:
      return "out of memory";
    case StatusCode::kIoError:
      return "i/o error";
    case StatusCode::kInternal:
      return "internal error";
  }
  return "unknown";
}

Status::Rep* Status::MakeRep(StatusCode code, std::string_view context, std::string_view message) {
  static Rep out_of_memory{StatusCode::kOutOfMemory, false, "out of memory"};
  const size_t separator = context.empty() ? 0 : 2;
  const size_t size = context.size() + separator + message.size();
  char* block = static_cast<char*>(std::malloc(sizeof(Rep) + size + 1));
  if (block == nullptr) return &out_of_memory;
  char* text = block + sizeof(Rep);
  char* to = text;
  if (!context.empty()) {
    std::memcpy(to, context.data(), context.size());
    std::memcpy(to + context.size(), ": ", 2);
    to += context.size() + 2;
  }
  if (!message.empty()) std::memcpy(to, message.data(), message.size());
  text[size] = '\0';
  return new (block) Rep{code, true, text};
}

void Status::Free(Rep* rep) {
  if (rep != nullptr && rep->owned) std::free(rep);
}

Status::Status(StatusCode code, std::string_view message)
    : rep_(code == StatusCode::kOk ? nullptr : MakeRep(code, {}, message)) {}

Status::Status(const Status& other) {
  if (other.rep_ != nullptr) {
    rep_ = other.rep_->owned ? MakeRep(other.rep_->code, {}, other.rep_->text) : other.rep_;
  }
}

Status::~Status() { Free(rep_); }

StatusCode Status::code() const { return rep_ == nullptr ? StatusCode::kOk : rep_->code; }

const char* Status::message() const { return rep_ == nullptr ? "" : rep_->text; }

Status Status::Annotate(std::string_view context) const {
  Status annotated;
  if (rep_ != nullptr) annotated.rep_ = MakeRep(rep_->code, context, rep_->text);
  return annotated;
}

Status InvalidArgument(std::string_view m) { return Status(StatusCode::kInvalidArgument, m); }
Status NotFound(std::string_view m) { return Status(StatusCode::kNotFound, m); }
Status CorruptModel(std::string_view m) { return Status(StatusCode::kCorruptModel, m); }
Status Unsupported(std::string_view m) { return Status(StatusCode::kUnsupported, m); }
Status ComputeError(std::string_view m) { return Status(StatusCode::kComputeError, m); }
Status OutOfMemory(std::string_view m) { return Status(StatusCode::kOutOfMemory, m); }
Status IoError(std::string_view m) { return Status(StatusCode::kIoError, m); }
Status Internal(std::string_view m) { return Status(StatusCode::kInternal, m); }

}  // namespace doppio
