// The warpers of src/sampling/warpers.ts, but for those that search a border (sample_nucleus.cc).
#include <algorithm>
#include <cmath>

#include "sample_work.h"

namespace tsumugi {

namespace {

double lane_sum(const double* lanes) {
  double sums[16];
  std::copy(lanes, lanes + 16, sums);
  for (int half = 8; half >= 1; half /= 2) {
    for (int lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
  }
  return sums[0];
}

void top_n_sigma(ScoreRow& row, double value) {
  const double sum = row.kernels.sum(row.scores, row.count);
  int64_t count = 0;
  for (int64_t i = 0; i < row.count; ++i) count += row.scores[i] != kNoScore;
  const double mean = sum / static_cast<double>(count);
  double lanes[16] = {};
  for (int64_t i = 0; i < row.count; ++i) {
    const double distance = static_cast<double>(row.scores[i]) - mean;
    if (row.scores[i] != kNoScore) lanes[i % 16] += distance * distance;
  }
  const double greatest = static_cast<double>(row.kernels.maximum(row.scores, row.count));
  const double limit = greatest - value * std::sqrt(lane_sum(lanes) / static_cast<double>(count));
  for (int64_t i = 0; i < row.count; ++i) {
    if (static_cast<double>(row.scores[i]) < limit) row.scores[i] = kNoScore;
  }
  row.changed();
}

void top_h(ScoreRow& row, double value) {
  constexpr int64_t kBest = 100;
  std::vector<int32_t> best = torch_top_k(row.kernels, row.scores, row.count, std::min(kBest, row.count));
  std::erase_if(best, [&](int32_t i) { return row.scores[i] == kNoScore; });
  std::vector<float> scores, probabilities(best.size());
  for (const int32_t i : best) scores.push_back(row.scores[i]);
  const int64_t count = static_cast<int64_t>(best.size());
  const float greatest = row.kernels.maximum(scores.data(), count);
  const float total = static_cast<float>(row.kernels.exponentials(scores.data(), greatest, probabilities.data(), count));
  std::vector<float> terms;
  double sum = 0;
  for (const float weight : probabilities) {
    const float p = weight != 0 ? weight / total : 0.0f;
    // a probability that is 0 in float32 ends the head: torch's 0 * log 0 is NaN
    const float term = p > 0 ? -p * static_cast<float>(logarithm(static_cast<double>(p))) : std::nanf("");
    terms.push_back(term);
    sum += term == term ? static_cast<double>(term) : 0.0;
  }
  const float threshold = static_cast<float>(sum * value);
  double entropy = 0;
  size_t kept = 0;
  for (; kept < best.size(); ++kept) {
    entropy += static_cast<double>(terms[kept]);
    if (kept > 0 && !(static_cast<float>(entropy) <= threshold)) break;
  }
  std::fill(row.scores, row.scores + row.count, kNoScore);
  for (size_t i = 0; i < kept; ++i) row.scores[best[i]] = scores[i];
  row.changed();
}

void min_p(ScoreRow& row, double value, int64_t keep) {
  row.weigh();
  if (row.sum != row.sum || row.sum == 0) return;
  const float total = row.total();
  const float greatest = row.kernels.maximum(row.weights, row.count) / total;
  const float limit = static_cast<float>(value) * greatest;
  if (keep <= 1 && !(greatest < limit)) {  // the greatest, which must stay, does
    row.sum = row.kernels.remove_improbable(row.scores, row.weights, total, limit, INFINITY, row.count);
    return;
  }
  float* probabilities = SampleScratch::room(row.scratch.keys[0], row.count);
  for (int64_t i = 0; i < row.count; ++i) probabilities[i] = row.weights[i] / total;
  const std::vector<int32_t> kept = torch_top_k(row.kernels, probabilities, row.count, keep);
  std::vector<float> scores;
  for (const int32_t i : kept) scores.push_back(row.scores[i]);
  for (int64_t i = 0; i < row.count; ++i) {
    if (probabilities[i] < limit) row.scores[i] = kNoScore;
  }
  for (size_t i = 0; i < kept.size(); ++i) row.scores[kept[i]] = scores[i];
  row.changed();
}

// Removes tokens less probable than `limit`, except those among the greatest `keep`.
void cut_off(ScoreRow& row, float limit, int64_t keep) {
  if (row.sum == 0) return;
  const float kept = kth_greatest(row.kernels, row.scores, row.count, std::min(keep, row.count));
  if (row.sum != row.sum) {  // all probabilities are NaN but those of 0
    for (int64_t i = 0; i < row.count; ++i) {
      if (row.weights[i] == 0 && limit > 0 && row.scores[i] < kept) row.scores[i] = kNoScore;
    }
    return row.changed();
  }
  row.sum = row.kernels.remove_improbable(row.scores, row.weights, row.total(), limit, kept, row.count);
}

void eta_cutoff(ScoreRow& row, double value, int64_t keep) {
  row.weigh();
  if (row.sum != row.sum || row.sum == 0) return;
  const float total = row.total(), shift = static_cast<float>(logarithm(row.sum));
  double lanes[16] = {};
  for (int64_t i = 0; i < row.count; ++i) {
    const float p = row.weights[i] / total;
    if (p != 0) lanes[i % 16] += static_cast<double>(((row.scores[i] - row.greatest) - shift) * p);
  }
  const float entropy = static_cast<float>(lane_sum(lanes));
  const float epsilon = static_cast<float>(value);
  const float root = static_cast<float>(std::sqrt(static_cast<double>(epsilon)));
  cut_off(row, std::min(epsilon, root * static_cast<float>(exponential(static_cast<double>(entropy)))), keep);
}

void exclude_top(ScoreRow& row, double value, int64_t keep) {
  row.weigh();
  if (row.sum != row.sum) return;
  const float total = row.total();
  std::vector<int32_t> top;
  int64_t rest = 0;
  for (int64_t i = 0; i < row.count; ++i) {
    const float p = row.weights[i] != 0 ? row.weights[i] / total : 0.0f;
    if (static_cast<double>(p) >= value) {
      top.push_back(static_cast<int32_t>(i));
    } else {
      rest += row.scores[i] != kNoScore;
    }
  }
  std::stable_sort(top.begin(), top.end(), [&](int32_t a, int32_t b) { return row.scores[a] > row.scores[b]; });
  const int64_t excluded = std::max<int64_t>(static_cast<int64_t>(top.size()) - 1, 0);
  if (rest + static_cast<int64_t>(top.size()) - excluded < keep) return;
  for (int64_t i = 0; i < excluded; ++i) row.scores[top[static_cast<size_t>(i)]] = kNoScore;
  row.changed();
}

}  // namespace

void apply_warp(ScoreRow& row, WarpKind how, double value, int64_t keep) {
  switch (how) {
    case WarpKind::temperature:
      row.kernels.divide(row.scores, static_cast<float>(value), row.scores, row.count);
      return row.changed();
    case WarpKind::top_n_sigma:
      return top_n_sigma(row, value);
    case WarpKind::top_h:
      return top_h(row, value);
    case WarpKind::top_k: {
      const double rank = std::min(std::max(value, static_cast<double>(keep)), static_cast<double>(row.count));
      const float limit = kth_greatest(row.kernels, row.scores, row.count, static_cast<int64_t>(rank));
      row.kernels.remove_below(row.scores, limit, row.count);
      return row.changed();
    }
    case WarpKind::top_p:
      return warp_top_p(row, value, keep);
    case WarpKind::min_p:
      return min_p(row, value, keep);
    case WarpKind::typical_p:
      return warp_typical_p(row, value, keep);
    case WarpKind::epsilon_cutoff:
      row.weigh();
      return cut_off(row, static_cast<float>(value), keep);
    case WarpKind::eta_cutoff:
      return eta_cutoff(row, value, keep);
    case WarpKind::xtc:
      return exclude_top(row, value, keep);
  }
}

}  // namespace tsumugi
