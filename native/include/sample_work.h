// What sampling works with, on one thread.
#pragma once

#include <cstdint>
#include <vector>

#include "sample.h"
#include "sample_kernels.h"
#include "sample_math.h"

namespace tsumugi {

// Buffers that a thread keeps from step to step.
struct SampleScratch {
  std::vector<float> scores;
  std::vector<float> weights;
  std::vector<float> keys[2];
  std::vector<float> values[2];

  static float* room(std::vector<float>& buffer, int64_t count) {
    if (buffer.size() < static_cast<size_t>(count) + 16) buffer.resize(static_cast<size_t>(count) + 16);
    return buffer.data();
  }
  static SampleScratch& of_this_thread();
};

// One row of scores on its way, with what is known of it.
struct ScoreRow {
  const SampleKernels& kernels;
  float* scores;
  float* weights;
  int64_t count;
  SampleScratch& scratch;

  bool peaked = false;    // `greatest` is the greatest score
  bool weighted = false;  // weights are exp(score - greatest), and `sum` is their sum
  float greatest = 0;
  double sum = 0;

  // softmax is weight / total().
  void weigh() {
    if (weighted) return;
    if (!peaked) greatest = kernels.maximum(scores, count);
    sum = kernels.exponentials(scores, greatest, weights, count);
    peaked = weighted = true;
  }
  float total() const { return static_cast<float>(sum); }
  void changed() { peaked = weighted = false; }
};

// Runs a step on a row. `guide`: the raw logits of its negative prompt, or null.
void apply_step(ScoreRow& row, const SampleStep& step, const float* guide);

void apply_warp(ScoreRow& row, WarpKind how, double value, int64_t keep);

// Warpers with a search of their own.
void warp_top_p(ScoreRow& row, double value, int64_t keep);
void warp_typical_p(ScoreRow& row, double value, int64_t keep);

// scores = log_softmax(scores)
void log_softmax(ScoreRow& row);

// log(sum(exp(scores))), in float64.
double log_sum_exp(const SampleKernels& kernels, const float* scores, int64_t count);

// The value of the `rank`-th greatest entry, 1 being the greatest; -infinity when fewer are above it.
float kth_greatest(const SampleKernels& kernels, const float* scores, int64_t count, int64_t rank);

// Places of the greatest, greatest first, and among equals the lower place first. NaN counts as least.
std::vector<int32_t> greatest_places(const SampleKernels& kernels, const float* values, int64_t count, int64_t wanted);

// Places of the greatest `picks` values in torch's order (src/sampling/torch-top-k.ts).
std::vector<int32_t> torch_top_k(const SampleKernels& kernels, const float* values, int64_t count, int64_t picks);

// The heap of torch_top_k for few of many, for callers that find the values one by one.
class TopHeap {
 public:
  // `first`: the first values of the row; there are as many as picks.
  explicit TopHeap(std::vector<float> first);
  float least() const { return values_[0]; }
  // Whether a value goes before `least`.
  bool takes(float value) const { return value > values_[0] || (value != value && values_[0] == values_[0]); }
  void replace(float value, int32_t place);
  // Places, greatest first; the heap is no heap any more.
  std::vector<int32_t> sorted();

 private:
  void adjust(int64_t hole, int64_t length, float value, int32_t place);
  std::vector<float> values_;
  std::vector<int32_t> places_;
};

// Where a running sum of weights, in ascending order of keys, passes a bound.
struct BorderSearch {
  const float* keys;     // [count]
  const float* weights;  // [count]; null: the keys
  int64_t count;
  float total;   // weights are divided by it
  double bound;  // what the sum must exceed
  int64_t last;  // the place where the search ends at the latest; below the number of finite keys
};

struct Border {
  bool certain = false;  // false: rounding decides, and the sum must be taken in order
  float key = 0;
  int64_t below = 0;  // keys below it
  int64_t place = 0;  // in ascending order, among equals of equal weight
};

Border find_border(const SampleKernels& kernels, const BorderSearch& search, SampleScratch& scratch);

// Multinomial without replacement: `picks` places among scores [count] (rows one behind the other), best first.
SampleStatus draw(ScoreRow& scores, const RandomPlace& random, int64_t picks, std::vector<int32_t>& places);

}  // namespace tsumugi
