// Places the intermediates of a program in one arena, by lifetime.
//
// Greedy by size: take the buffers from the largest to the smallest; for each, look at those
// already placed whose lifetimes meet its own, in the order of their offsets, and take the first
// gap that is wide enough, else the end of the last. Not optimal, but within a few per cent of the
// lower bound on real nets. Source: Pisarchyk and Lee 2020, "Efficient Memory Management for Deep
// Neural Net Inference", section 5.2.
#pragma once

#include <doppio/status.h>

#include <cstdint>
#include <span>
#include <string>

namespace doppio::plan {

// Lives from step `first` to step `last`, both included. `offset` is the answer.
struct Lifetime {
  int64_t bytes = 0;
  int32_t first = 0;
  int32_t last = 0;
  int64_t offset = -1;
};

// Gives every buffer of more than 0 bytes an offset, a multiple of base::kAlignment, so that two
// that live at the same time never overlap. Returns the bytes of the arena. O(n^2) in the number of
// buffers.
StatusOr<int64_t> PlaceBuffers(std::span<Lifetime> buffers);

// Whether no two buffers that live at the same time overlap.
bool NoOverlap(std::span<const Lifetime> buffers);

// The most bytes that live at one step: no placement can do with less.
int64_t LowerBound(std::span<const Lifetime> buffers);

// A picture for people: a line a buffer, time to the right, offsets at the front.
std::string ToAscii(std::span<const Lifetime> buffers);

}  // namespace doppio::plan
