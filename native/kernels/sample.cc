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
      best = greatest_places(kernels, raw, vocabulary, wanted);
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

// Notes what the steps of a row do to its likeliest tokens.
class StepReport {
 public:
  StepReport(const SampleRow& given, const float* raw, const ScoreRow& row, int64_t followed) : row_(row), followed_(followed) {
    if (given.report == nullptr) return;
    const std::vector<int32_t> tokens = greatest_places(row.kernels, raw, row.count, followed);
    tokens_ = given.report;
    std::copy(tokens.begin(), tokens.end(), tokens_);
    removed_ = tokens_ + followed;
    std::fill(removed_, removed_ + followed, -1);
    scores_ = removed_ + followed;
    for (int64_t i = 0; i < followed; ++i) scores_[i] = std::bit_cast<int32_t>(raw[tokens_[i]]);
  }

  // Behind each step.
  void note() {
    if (tokens_ == nullptr) return;
    const int32_t* before = scores_;
    scores_ += followed_;
    constexpr int32_t kNone = std::bit_cast<int32_t>(kNoScore);
    for (int64_t i = 0; i < followed_; ++i) {
      scores_[i] = std::bit_cast<int32_t>(row_.scores[tokens_[i]]);
      if (scores_[i] == kNone && before[i] != kNone && removed_[i] < 0) removed_[i] = step_;
    }
    ++step_;
  }

 private:
  const ScoreRow& row_;
  const int64_t followed_;
  int32_t* tokens_ = nullptr;
  int32_t* removed_ = nullptr;
  int32_t* scores_ = nullptr;  // behind the last step
  int32_t step_ = 0;
};

bool is_plain(const SampleRow& row) { return row.steps.empty() && row.bias == 0 && row.report == nullptr; }

// The steps of one row, into `row.scores`.
void process(ScoreRow& row, const SampleRow& given, int64_t followed, const float* logits, int64_t vocabulary) {
  const float* raw = logits + given.row * vocabulary;
  StepReport report(given, raw, row, followed);
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
  if (is_warm) report.note();
  for (size_t i = is_warm; i < given.steps.size(); ++i) {
    apply_step(row, given.steps[i], guide);
    report.note();
  }
  if (given.bias == 0) return;
  for (int64_t i = 0; i < vocabulary; ++i) {
    row.scores[i] = static_cast<float>(static_cast<double>(row.scores[i]) + given.bias);
  }
  row.changed();
}

}  // namespace

int64_t place_results(SampleGroup& group, int32_t* out, int64_t vocabulary) {
  const int64_t logprobs = group.logprobs < 0 ? 0 : group.count * (1 + 2 * reported(group, vocabulary));
  int64_t words = 1 + 3 * group.count + logprobs;
  group.out = out;
  const int64_t followed = std::min(group.report, vocabulary);
  for (SampleRow& row : group.rows) {
    if (followed == 0) continue;
    row.report = out + words;
    words += (3 + static_cast<int64_t>(row.steps.size())) * followed;
  }
  return words;
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
    if (!is_raw) process(row, *item.row, std::min(item.group->report, vocabulary), logits, vocabulary);
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
