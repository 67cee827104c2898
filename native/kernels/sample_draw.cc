// Multinomial without replacement as torch does it: the greatest of p / q, where q is the exponential variate of the entry's
// place. q is at least the uniform number that it is made of, so that most entries are out without a logarithm.
#include "sample_random.h"
#include "sample_work.h"

namespace tsumugi {

namespace {

constexpr int64_t kRun = RowWords::kRunTokens;

// Every quotient, for few entries, many picks, and pairs of words that a block does not hold.
std::vector<int32_t> draw_in_order(ScoreRow& row, const RandomPlace& random, int64_t picks) {
  const float total = row.total();
  std::vector<float> quotients(static_cast<size_t>(row.count));
  RowWords words(row.kernels, random);
  int64_t best = -1;
  for (int64_t first = 0; first < row.count; first += kRun) {
    const int64_t end = first + kRun < row.count ? first + kRun : row.count;
    words.enter(first, end - first);
    for (int64_t i = first; i < end; ++i) {
      if (row.scores[i] == kNoScore) continue;
      const float p = row.weights[i] != 0 ? row.weights[i] / total : 0.0f;
      quotients[static_cast<size_t>(i)] = p / words.variate(i);
      if (picks != 1) continue;
      const float value = quotients[static_cast<size_t>(i)];
      if (value != value) return {static_cast<int32_t>(i)};
      if (best < 0 || value > quotients[static_cast<size_t>(best)]) best = i;
    }
  }
  if (picks == 1) return {static_cast<int32_t>(best)};
  return torch_top_k(row.kernels, quotients.data(), row.count, picks);
}

class Drawing {
 public:
  Drawing(ScoreRow& row, const RandomPlace& random) : row_(row), words_(row.kernels, random), total_(row.total()) {}

  std::vector<int32_t> run(int64_t picks) {
    enter(0);
    std::vector<float> first;
    for (int64_t i = 0; i < picks; ++i) first.push_back(quotient(i));
    TopHeap heap(std::move(first));
    for (int64_t start = 0; start < row_.count; start += kRun) {
      if (start > 0) enter(start);
      look(heap, start == 0 ? picks : 0);
    }
    return heap.least() > 0 ? heap.sorted() : std::vector<int32_t>();
  }

 private:
  void enter(int64_t start) {
    start_ = start;
    length_ = start + kRun < row_.count ? kRun : row_.count - start;
    words_.enter(start, length_);
  }

  float quotient(int64_t place) const {
    if (row_.scores[place] == kNoScore) return 0;
    return row_.weights[place] != 0 ? row_.weights[place] / total_ / words_.variate(place) : 0.0f / words_.variate(place);
  }

  void look(TopHeap& heap, int64_t from) {
    const float* weights = row_.weights + start_;
    int64_t i = row_.kernels.next_above(weights, from, length_, 0.0f);
    if (i == length_) return;
    const uint32_t* highs = words_.highs();
    if (heap.least() > 0) i = row_.kernels.next_chance(weights, highs, factor(heap), i, length_);
    while (i < length_) {
      const float value = quotient(start_ + i);
      if (heap.takes(value)) heap.replace(value, static_cast<int32_t>(start_ + i));
      i = heap.least() > 0 ? row_.kernels.next_chance(weights, highs, factor(heap), i + 1, length_)
                           : row_.kernels.next_above(weights, i + 1, length_, 0.0f);
    }
  }

  // A weight below high * factor cannot come before the heap's least: p / q <= p / (high / 2^21), up to rounding.
  float factor(const TopHeap& heap) const {
    return static_cast<float>(static_cast<double>(heap.least()) * static_cast<double>(total_) * 0x1p-21 * (1 - 1e-5));
  }

  ScoreRow& row_;
  RowWords words_;
  const float total_;
  int64_t start_ = 0;
  int64_t length_ = 0;
};

}  // namespace

SampleStatus draw(ScoreRow& row, const RandomPlace& random, int64_t picks, std::vector<int32_t>& places) {
  row.weigh();
  if (row.sum == 0) return SampleStatus::all_masked;
  if (row.sum != row.sum) return SampleStatus::not_finite;
  constexpr int64_t kMany = 2048;
  const bool is_plain = random.kind == StreamKind::torch || random.offset % 2 == 0;
  if (row.count >= kMany && picks * 64 <= row.count && picks <= kRun && is_plain) {
    places = Drawing(row, random).run(picks);
    if (!places.empty()) return SampleStatus::good;
  }
  places = draw_in_order(row, random, picks);
  return SampleStatus::good;
}

}  // namespace tsumugi
