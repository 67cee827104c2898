// The inner loops of sampling that are compiled once for each instruction set. All give the same bits everywhere: sums go to
// lane i mod 16, in float64, and the lanes are added in halves (src/sampling/lane-sums.ts).
#pragma once

#include <cstdint>

#include "isa.h"

namespace tsumugi {

// What `narrow` found below `low`, and among [low, high).
struct Narrowed {
  int64_t below = 0;
  double below_sum = 0;  // not in lanes: a bound of its error is what counts
  int64_t inside = 0;
};

struct SampleKernels {
  // The greatest value; NaN is skipped; -infinity where there is none.
  float (*maximum)(const float* x, int64_t count);
  // y = x / divisor; gives the maximum of y. x may be y.
  float (*divide)(const float* x, float divisor, float* y, int64_t count);
  // The first place from `from` on whose value is above `least` or NaN; `count`: there is none.
  int64_t (*next_above)(const float* x, int64_t from, int64_t count, float least);
  // weights = exp(x - greatest), rounded to float32; gives their sum.
  double (*exponentials)(const float* x, float greatest, float* weights, int64_t count);
  // The sum of exp(x - greatest), in float64 all the way.
  double (*exponential_sum)(const float* x, float greatest, int64_t count);
  // The sum of values; -infinity is skipped.
  double (*sum)(const float* x, int64_t count);
  // Writes the keys with low <= key < high to `out` (room for 16 more than there are), with their weights to `weights_out`.
  // A weight is weights[i] / divisor, or without weights key / divisor.
  Narrowed (*narrow)(const float* keys, const float* weights, float divisor, int64_t count, float low, float high, float* out,
                     float* weights_out);
  // Removes (score -infinity, weight 0) what weighs less than `least`; gives the sum of weights that stay.
  double (*remove_light)(float* scores, float* weights, float least, int64_t count);
  // Removes what has weight / total < limit and a score below `kept`; gives the sum of weights that stay.
  double (*remove_improbable)(float* scores, float* weights, float total, float limit, float kept, int64_t count);
  // Sets scores below `limit` to -infinity.
  void (*remove_below)(float* scores, float limit, int64_t count);
  // The first place from `from` on with weight >= high * factor; `count`: there is none.
  int64_t (*next_chance)(const float* weights, const uint32_t* highs, float factor, int64_t from, int64_t count);
  // Words 0 and 2 of `count` Philox blocks: highs[2 i] and highs[2 i + 1], their lower 21 bits. Room for 32 more.
  void (*philox_highs)(uint64_t block, uint64_t position, uint32_t key0, uint32_t key1, int64_t count, uint32_t* highs);
  // The next 624 words of MT19937, in place, and what is read of them.
  void (*twist)(uint32_t* state);
  void (*temper)(const uint32_t* state, uint32_t* words);
};

extern const SampleKernels kPortableSampleKernels;
#if TSUMUGI_X86
extern const SampleKernels kAvx2SampleKernels;
extern const SampleKernels kAvx512SampleKernels;
#endif

// Those of the active instruction set.
const SampleKernels& sample_kernels();

}  // namespace tsumugi
