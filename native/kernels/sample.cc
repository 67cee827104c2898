// Groups of one call: the rows of all groups side by side, then what is picked of those that have several rows.
#include "sample.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "sample_work.h"

namespace tsumugi {

namespace {

// Where a group's results stand, in words.
struct Results {
  int32_t* status;
  int32_t* rows;
  int32_t* tokens;
  int32_t* scores;  // bits of floats
  int32_t* picked;  // bits of floats
  int32_t* likeliest;
  int32_t* values;  // bits of floats
};

int64_t reported(const SampleGroup& group, int64_t vocabulary) { return std::min(group.logprobs, vocabulary); }

Results results_of(const SampleGroup& group, int64_t vocabulary) {
  Results results;
  results.status = group.out;
  results.rows = group.out + 1;
  results.tokens = results.rows + group.count;
  results.scores = results.tokens + group.count;
  results.picked = results.scores + group.count;
  results.likeliest = results.picked + group.count;
  results.values = results.likeliest + group.count * std::max<int64_t>(reported(group, vocabulary), 0);
  return results;
}

int32_t bits(double value) { return std::bit_cast<int32_t>(static_cast<float>(value)); }

// Places of the greatest, greatest first, and among equals the lower place first. NaN counts as least.
std::vector<int32_t> greatest(const SampleKernels& kernels, const float* values, int64_t count, int64_t wanted) {
  const auto precedes = [values](int32_t a, int32_t b) {
    const float x = values[a], y = values[b];
    if (x != x || y != y) return x == x ? true : y == y ? false : a < b;
    return x > y || (x == y && a < b);
  };
  std::vector<int32_t> best;
  if (wanted > 256) {
    best.resize(static_cast<size_t>(count));
    std::iota(best.begin(), best.end(), 0);
    std::partial_sort(best.begin(), best.begin() + wanted, best.end(), precedes);
    best.resize(static_cast<size_t>(wanted));
    return best;
  }
  for (int64_t i = 0; i < count && wanted > 0; ++i) {
    if (static_cast<int64_t>(best.size()) == wanted) {
      if (values[best.back()] == values[best.back()]) i = kernels.next_above(values, i, count, values[best.back()]);
      if (i == count) break;
      if (!precedes(static_cast<int32_t>(i), best.back())) continue;
      best.pop_back();
    }
    best.insert(std::upper_bound(best.begin(), best.end(), static_cast<int32_t>(i), precedes), static_cast<int32_t>(i));
  }
  return best;
}

void add_logprobs(const SampleKernels& kernels, const SampleGroup& group, const float* logits, int64_t vocabulary) {
  const Results results = results_of(group, vocabulary);
  const int64_t wanted = reported(group, vocabulary);
  int32_t known = -1;
  double total = 0;
  std::vector<int32_t> best;
  for (int64_t pick = 0; pick < group.count; ++pick) {
    const int32_t row = results.rows[pick];
    const float* raw = logits + group.rows[static_cast<size_t>(row)].row * vocabulary;
    if (row != known) {
      known = row;
      total = log_sum_exp(kernels, raw, vocabulary);
      best = greatest(kernels, raw, vocabulary, wanted);
    }
    results.picked[pick] = bits(static_cast<double>(raw[results.tokens[pick]]) - total);
    for (int64_t place = 0; place < wanted; ++place) {
      const int32_t token = best[static_cast<size_t>(place)];
      results.likeliest[pick * wanted + place] = token;
      results.values[pick * wanted + place] = bits(static_cast<double>(raw[token]) - total);
    }
  }
}

int64_t first_greatest(const SampleKernels& kernels, const float* scores, int64_t count) {
  const float most = kernels.maximum(scores, count);
  const int64_t nan = kernels.next_above(scores, 0, count, most);
  if (nan < count) return nan;
  const int64_t first = kernels.next_above(scores, 0, count, std::nextafter(most, kNoScore));
  return first == count ? 0 : first;  // all of them are -infinity
}

// Picks from scores [rows][vocabulary] that have gone through the steps.
void pick(ScoreRow& scores, const SampleGroup& group, const float* logits, int64_t vocabulary) {
  const Results results = results_of(group, vocabulary);
  std::vector<int32_t> places;
  SampleStatus status = SampleStatus::good;
  if (group.pick == PickKind::draw) {
    status = draw(scores, group.random, group.count, places);
  } else if (group.pick == PickKind::top) {
    places = torch_top_k(scores.kernels, scores.scores, scores.count, group.count);
  } else if (group.pick == PickKind::argmax) {
    places = {static_cast<int32_t>(first_greatest(scores.kernels, scores.scores, scores.count))};
  }
  *results.status = static_cast<int32_t>(status);
  if (status != SampleStatus::good) return;
  for (int64_t i = 0; i < group.count; ++i) {
    if (group.pick == PickKind::score) {
      const float* row = scores.scores + i * vocabulary;
      const int32_t token = group.rows[static_cast<size_t>(i)].target;
      results.rows[i] = static_cast<int32_t>(i);
      results.tokens[i] = token;
      results.scores[i] = bits(static_cast<double>(row[token]) - log_sum_exp(scores.kernels, row, vocabulary));
      continue;
    }
    const int32_t place = places[static_cast<size_t>(i)];
    results.rows[i] = static_cast<int32_t>(place / vocabulary);
    results.tokens[i] = static_cast<int32_t>(place % vocabulary);
    results.scores[i] = std::bit_cast<int32_t>(scores.scores[place]);
  }
  if (group.logprobs >= 0) add_logprobs(scores.kernels, group, logits, vocabulary);
}

bool is_plain(const SampleRow& row) { return row.steps.empty() && row.bias == 0; }

// The steps of one row, into `row.scores`.
void process(ScoreRow& row, const SampleRow& given, const float* logits, int64_t vocabulary) {
  const float* raw = logits + given.row * vocabulary;
  const bool is_warm = !given.steps.empty() && given.steps[0].kind == StepKind::warp &&
                       given.steps[0].how == static_cast<int32_t>(WarpKind::temperature);
  // A temperature in front is applied while the logits are copied.
  if (is_warm) {
    row.greatest = row.kernels.divide(raw, static_cast<float>(given.steps[0].value), row.scores, vocabulary);
    row.peaked = true;
  } else {
    std::copy(raw, raw + vocabulary, row.scores);
  }
  const float* guide = given.guide < 0 ? nullptr : logits + given.guide * vocabulary;
  apply_steps(row, given.steps.data() + is_warm, given.steps.data() + given.steps.size(), guide);
  if (given.bias == 0) return;
  for (int64_t i = 0; i < vocabulary; ++i) {
    row.scores[i] = static_cast<float>(static_cast<double>(row.scores[i]) + given.bias);
  }
  row.changed();
}

}  // namespace

int64_t result_words(const SampleGroup& group, int64_t vocabulary) {
  const int64_t logprobs = group.logprobs < 0 ? 0 : group.count * (1 + 2 * reported(group, vocabulary));
  return 1 + 3 * group.count + logprobs;
}

void sample_groups(Worker& worker, const SampleRequest& request, const float* logits, int64_t vocabulary) {
  const DenormalsKept denormals;
  const SampleKernels& kernels = sample_kernels();
  // Rows of groups with several are kept together; single rows are picked from at once, in this thread's memory.
  struct Item {
    const SampleGroup* group;
    const SampleRow* row;
    int64_t place;  // among kept rows; -1: a single one
  };
  std::vector<Item> items;
  int64_t kept = 0;
  for (const SampleGroup& group : request.groups) {
    const bool is_single = group.rows.size() == 1;
    for (const SampleRow& row : group.rows) items.push_back({&group, &row, is_single ? -1 : kept++});
  }
  float* shared = request.scores.get();
  worker.parallel_for(static_cast<int64_t>(items.size()), [&](int64_t i) {
    const Item& item = items[static_cast<size_t>(i)];
    SampleScratch& scratch = SampleScratch::of_this_thread();
    const bool is_raw = item.place < 0 && is_plain(*item.row);
    float* scores = item.place >= 0 ? shared + item.place * vocabulary
                    : is_raw        ? const_cast<float*>(logits) + item.row->row * vocabulary
                                    : SampleScratch::room(scratch.scores, vocabulary);
    ScoreRow row{kernels, scores, SampleScratch::room(scratch.weights, vocabulary), vocabulary, scratch};
    if (!is_raw) process(row, *item.row, logits, vocabulary);
    if (item.place < 0) pick(row, *item.group, logits, vocabulary);
  });
  if (kept == 0) return;
  std::vector<const Item*> firsts;
  for (const Item& item : items) {
    if (item.place >= 0 && item.row == item.group->rows.data()) firsts.push_back(&item);
  }
  worker.parallel_for(static_cast<int64_t>(firsts.size()), [&](int64_t i) {
    const Item& item = *firsts[static_cast<size_t>(i)];
    SampleScratch& scratch = SampleScratch::of_this_thread();
    const int64_t count = static_cast<int64_t>(item.group->rows.size()) * vocabulary;
    ScoreRow rows{kernels, shared + item.place * vocabulary, SampleScratch::room(scratch.weights, count), count, scratch};
    pick(rows, *item.group, logits, vocabulary);
  });
}

}  // namespace tsumugi
