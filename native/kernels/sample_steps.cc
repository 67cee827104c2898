// The steps of src/sampling/chain.ts on one row.
#include <algorithm>
#include <cmath>
#include <limits>

#include "sample_work.h"

namespace tsumugi {

SampleScratch& SampleScratch::of_this_thread() {
  static thread_local SampleScratch scratch;
  return scratch;
}

double log_sum_exp(const SampleKernels& kernels, const float* scores, int64_t count) {
  const float greatest = kernels.maximum(scores, count);
  if (greatest == kNoScore) return static_cast<double>(kNoScore);
  return static_cast<double>(greatest) + logarithm(kernels.exponential_sum(scores, greatest, count));
}

void log_softmax(ScoreRow& row) {
  row.weigh();
  const float total = static_cast<float>(logarithm(row.sum));
  for (int64_t i = 0; i < row.count; ++i) row.scores[i] = (row.scores[i] - row.greatest) - total;
  row.changed();
}

namespace {

void guide_row(ScoreRow& row, double scale, const float* raw) {
  std::vector<float> unguided(raw, raw + row.count);
  ScoreRow guide{row.kernels, unguided.data(), row.weights, row.count, row.scratch};
  log_softmax(guide);
  const float factor = static_cast<float>(scale);
  for (int64_t i = 0; i < row.count; ++i) {
    const float other = unguided[static_cast<size_t>(i)];
    row.scores[i] = factor * (row.scores[i] - other) + other;
  }
}

float edited(EditKind how, float score, float value) {
  switch (how) {
    case EditKind::add:
      return score + value;
    case EditKind::set:
      return value;
    case EditKind::scale:
      return score * value;
    case EditKind::grow:
      return score == kNoScore ? score : score + std::fabs(score) * value;
    case EditKind::lift:
      break;
  }
  return score < 0 ? score * value : score / value;
}

void edit(ScoreRow& row, const SampleStep& step) {
  const EditKind how = static_cast<EditKind>(step.how);
  for (int64_t i = 0; i < step.count; ++i) {
    float& score = row.scores[step.tokens[i]];
    score = edited(how, score, step.values[i]);
  }
}

// The tokens keep their scores, or are set to 0: always ("only"), or where all of them are -infinity and `how` is 1.
void allow(ScoreRow& row, const SampleStep& step) {
  std::vector<float> kept;
  bool none = true;
  for (int64_t i = 0; i < step.count; ++i) {
    kept.push_back(row.scores[step.tokens[i]]);
    none &= kept.back() == kNoScore;
  }
  const bool zero = step.kind == StepKind::only || (step.how == 1 && none);
  std::fill(row.scores, row.scores + row.count, kNoScore);
  for (int64_t i = 0; i < step.count; ++i) row.scores[step.tokens[i]] = zero ? 0.0f : kept[static_cast<size_t>(i)];
}

void mask(ScoreRow& row, const SampleStep& step) {
  for (int64_t word = 0; word * 32 < row.count; ++word) {
    const uint32_t bits = word < step.count ? step.bits[word] : 0;
    if (bits == ~0u) continue;
    const int64_t first = word * 32, end = std::min(first + 32, row.count);
    for (int64_t i = first; i < end; ++i) row.scores[i] = bits >> (i - first) & 1 ? row.scores[i] : kNoScore;
  }
}

void remove_invalid(ScoreRow& row) {
  constexpr float kMost = std::numeric_limits<float>::max();
  for (int64_t i = 0; i < row.count; ++i) {
    const float value = row.scores[i];
    const float raised = value > -kMost ? value : -kMost;
    row.scores[i] = value != value ? 0.0f : raised < kMost ? raised : kMost;
  }
}

}  // namespace

void apply_step(ScoreRow& row, const SampleStep& step, const float* guide) {
  if (step.kind == StepKind::warp) return apply_warp(row, static_cast<WarpKind>(step.how), step.value, step.keep);
  if (step.kind == StepKind::normalise) log_softmax(row);
  if (step.kind == StepKind::guide) guide_row(row, step.value, guide);
  if (step.kind == StepKind::edit) edit(row, step);
  if (step.kind == StepKind::only || step.kind == StepKind::allow) allow(row, step);
  if (step.kind == StepKind::mask) mask(row, step);
  if (step.kind == StepKind::invalid) remove_invalid(row);
  row.changed();
}

}  // namespace tsumugi
