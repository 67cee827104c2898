// top-p and typical-p: the tokens that stay are found by where a running sum passes a bound. `find_border` finds it without
// sorting; where rounding could decide, the sum is taken in order, as src/sampling/warpers.ts does it.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "sample_work.h"

namespace tsumugi {

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// What a sum in float64 must pass to be at least `value` when it is rounded to float32.
double bound_before(float value) {
  return (static_cast<double>(std::nextafter(value, -kInfinity)) + static_cast<double>(value)) / 2;
}

// Removes the lowest `dropped` scores; among equals the lower index goes first.
void remove_lowest(ScoreRow& row, int64_t dropped) {
  std::vector<int32_t> order(static_cast<size_t>(row.count));
  std::iota(order.begin(), order.end(), 0);
  const auto precedes = [&](int32_t a, int32_t b) {
    const float x = row.scores[a], y = row.scores[b];
    if (x != x || y != y) return x == x ? true : y == y ? false : a < b;  // NaN goes last
    return x < y || (x == y && a < b);
  };
  std::nth_element(order.begin(), order.begin() + dropped, order.end(), precedes);
  for (int64_t i = 0; i < dropped; ++i) row.scores[order[static_cast<size_t>(i)]] = kNoScore;
  row.changed();
}

void top_p_in_order(ScoreRow& row, float limit, int64_t last) {
  std::vector<float> sorted(row.weights, row.weights + row.count);
  const float total = row.total();
  std::sort(sorted.begin(), sorted.end());
  int64_t dropped = 0;
  double sum = 0;
  for (; dropped < last; ++dropped) {
    sum += static_cast<double>(total > 0 ? sorted[static_cast<size_t>(dropped)] / total : 0.0f);
    if (static_cast<float>(sum) > limit) break;
  }
  if (dropped > 0) remove_lowest(row, dropped);
}

// With NaN among the scores all probabilities are NaN, and no sum is above the limit.
void top_p_of_nan(ScoreRow& row, int64_t keep) {
  std::vector<float> sorted;
  for (int64_t i = 0; i < row.count; ++i) {
    if (row.scores[i] == row.scores[i] && row.scores[i] != kNoScore) sorted.push_back(row.scores[i]);
  }
  const int64_t finite = static_cast<int64_t>(sorted.size());
  int64_t survivors = 0;
  for (int64_t i = 0; i < row.count; ++i) survivors += row.scores[i] != kNoScore;
  const int64_t dropped = survivors - keep;
  if (dropped <= 0 || dropped >= finite) return;  // the border would be NaN, which removes nothing
  remove_lowest(row, dropped + row.count - survivors);
}

struct Tie {
  float score;
  int32_t place;
};

}  // namespace

void warp_top_p(ScoreRow& row, double value, int64_t keep) {
  row.weigh();
  if (row.sum != row.sum) return top_p_of_nan(row, keep);
  const float limit = static_cast<float>(1 - value);
  const int64_t last = row.count - keep;  // removed entries come first: they are never at the border
  if (last <= 0 || row.sum == 0) return;
  const double bound = bound_before(std::nextafter(limit, kInfinity));
  const Border border = find_border(row.kernels, {row.weights, nullptr, row.count, row.total(), bound, last}, row.scratch);
  if (!border.certain) return top_p_in_order(row, limit, last);
  const int64_t equals = border.place - border.below;
  if (equals > 0) {
    std::vector<Tie> ties;
    for (int64_t i = 0; i < row.count; ++i) {
      if (row.weights[i] == border.key) ties.push_back({row.scores[i], static_cast<int32_t>(i)});
    }
    std::nth_element(ties.begin(), ties.begin() + equals, ties.end(),
                     [](const Tie& a, const Tie& b) { return a.score < b.score || (a.score == b.score && a.place < b.place); });
    for (int64_t i = 0; i < equals; ++i) {
      row.scores[ties[static_cast<size_t>(i)].place] = kNoScore;
      row.weights[ties[static_cast<size_t>(i)].place] = 0;
    }
  }
  row.sum = row.kernels.remove_light(row.scores, row.weights, border.key, row.count);
}

void warp_typical_p(ScoreRow& row, double value, int64_t keep) {
  row.weigh();
  if (row.sum != row.sum || row.sum == 0) return;  // all distances are NaN, or nothing is left
  const float shift = static_cast<float>(logarithm(row.sum));
  float* distance = SampleScratch::room(row.scratch.keys[0], row.count);
  double lanes[16] = {};
  for (int64_t i = 0; i < row.count; ++i) {
    distance[i] = (row.scores[i] - row.greatest) - shift;
    if (distance[i] == kNoScore) continue;
    lanes[i % 16] += static_cast<double>(distance[i] * static_cast<float>(exponential(static_cast<double>(distance[i]))));
  }
  for (int64_t half = 8; half >= 1; half /= 2) {
    for (int64_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  const float entropy = static_cast<float>(-lanes[0]);
  std::vector<float> keys(static_cast<size_t>(row.count));
  int64_t survivors = 0;
  for (int64_t i = 0; i < row.count; ++i) {
    const bool stays = row.scores[i] != kNoScore;
    keys[static_cast<size_t>(i)] = stays ? std::fabs(-distance[i] - entropy) : kInfinity;
    survivors += stays;
  }
  const float least = static_cast<float>(value);
  Border border;
  bool all_finite = true;
  for (int64_t i = 0; i < row.count; ++i) {
    all_finite &= row.scores[i] == kNoScore || keys[static_cast<size_t>(i)] < kInfinity;
  }
  if (all_finite && keep <= 1) {
    const BorderSearch search = {keys.data(), row.weights, row.count, row.total(), bound_before(least), survivors - 1};
    border = find_border(row.kernels, search, row.scratch);
  }
  std::vector<int32_t> order;
  if (!border.certain) {
    for (int64_t i = 0; i < row.count; ++i) {
      if (row.scores[i] != kNoScore) order.push_back(static_cast<int32_t>(i));
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](int32_t a, int32_t b) { return keys[static_cast<size_t>(a)] < keys[static_cast<size_t>(b)]; });
    double sum = 0;
    const float total = row.total();
    size_t last = 0;
    for (; last + 1 < order.size(); ++last) {
      sum += static_cast<double>(row.weights[order[last]] / total);
      if (!(static_cast<float>(sum) < least)) break;
    }
    border.key = keys[static_cast<size_t>(order[last])];
  }
  std::vector<float> kept_scores;
  const int64_t kept = std::min<int64_t>(keep, static_cast<int64_t>(order.size()));
  for (int64_t i = 0; i < kept; ++i) kept_scores.push_back(row.scores[order[static_cast<size_t>(i)]]);
  for (int64_t i = 0; i < row.count; ++i) {
    if (keys[static_cast<size_t>(i)] > border.key) row.scores[i] = kNoScore;
  }
  for (int64_t i = 0; i < kept; ++i) row.scores[order[static_cast<size_t>(i)]] = kept_scores[static_cast<size_t>(i)];
  row.changed();
}

}  // namespace tsumugi
