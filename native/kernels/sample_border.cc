// The border of a running sum, without sorting: ranges of keys that a small sample suggests are counted and summed until few
// keys are left. Sums are taken in another order than the oracle's; where that could decide, the border is not certain.
#include <algorithm>
#include <cmath>
#include <limits>

#include "sample_work.h"

namespace tsumugi {

namespace {

constexpr int64_t kFew = 256;
constexpr int64_t kSamples = 64;
constexpr int64_t kReach = 5;  // samples on each side of where the border is looked for
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Entry {
  float key;
  float weight;
};

enum class Answer { no, yes, unsure };

class Search {
 public:
  Search(const SampleKernels& kernels, const BorderSearch& given, SampleScratch& scratch)
      : kernels_(kernels),
        given_(given),
        scratch_(scratch),
        error_(static_cast<double>(2 * given.count + 64) * 0x1p-53),
        keys_(given.keys),
        weights_(given.weights),
        count_(given.count) {}

  Border run() {
    bool narrows = true;  // false: the last range held everything
    while (count_ > kFew) {
      const Entry* middle = sample();
      const int64_t reach = narrows ? kReach : 0;
      const float low = middle - entries_ < reach ? kNoScore : middle[-reach].key;
      const bool is_open = middle + reach >= entries_ + kSamples;
      const float most = is_open ? kInfinity : middle[reach].key;
      const float high = is_open ? kInfinity : std::nextafter(most, kInfinity);
      const int64_t before = count_;
      const Answer found = enter(low, high);
      if (found == Answer::unsure) return {};
      narrows = count_ < before;
      if (found == Answer::yes && low == most) return among_equals(low);
    }
    return among_few();
  }

 private:
  Answer exceeds(double sum) const {
    const double margin = error_ * sum;
    if (sum - margin > given_.bound) return Answer::yes;
    return sum + margin < given_.bound ? Answer::no : Answer::unsure;
  }

  // Whether the border stands before the place `place`, below which the weights sum to `sum`.
  Answer is_before(int64_t place, double sum) const { return place > given_.last ? Answer::yes : exceeds(sum); }

  double weight(int64_t i) const {
    const float* values = weights_ != nullptr ? weights_ : keys_;
    return static_cast<double>(values[i] / given_.total);
  }

  // The sample at which the border may be.
  const Entry* sample() {
    for (int64_t i = 0; i < kSamples; ++i) {
      const int64_t at = i * count_ / kSamples;
      entries_[i] = {keys_[at], static_cast<float>(weight(at))};
    }
    std::sort(entries_, entries_ + kSamples, [](const Entry& a, const Entry& b) { return a.key < b.key; });
    const double share = given_.bound - below_sum_;
    const double scale = static_cast<double>(count_) / static_cast<double>(kSamples);
    const int64_t rank = (given_.last - below_) * kSamples / count_;
    double sum = 0;
    for (int64_t i = 0; i < kSamples - 1; ++i) {
      sum += static_cast<double>(entries_[i].weight) * scale;
      if (sum > share || i >= rank) return entries_ + i;
    }
    return entries_ + kSamples - 1;
  }

  Narrowed take(float low, float high) {
    float* keys = SampleScratch::room(scratch_.keys[next_], count_);
    float* weights = weights_ != nullptr ? SampleScratch::room(scratch_.values[next_], count_) : nullptr;
    const Narrowed found = kernels_.narrow(keys_, weights_, given_.total, count_, low, high, keys, weights);
    taken_keys_ = keys;
    taken_weights_ = weights;
    return found;
  }

  void keep(int64_t count) {
    keys_ = taken_keys_;
    weights_ = taken_weights_;
    count_ = count;
    next_ = 1 - next_;
  }

  // Goes on with the range if the border is inside (yes), else with what is below or above it (no).
  Answer enter(float low, float high) {
    const Narrowed inside = take(low, high);
    const int64_t first = below_ + inside.below;
    const double first_sum = below_sum_ + inside.below_sum;
    if (inside.below > 0) {
      const Answer before = is_before(first, first_sum);
      if (before == Answer::unsure) return before;
      if (before == Answer::yes) {
        const Narrowed below = take(kNoScore, low);
        keep(below.inside);
        return Answer::no;
      }
    }
    float none[32], nothing[32];  // no key is that great
    const double sum =
        kernels_.narrow(taken_keys_, taken_weights_, given_.total, inside.inside, kInfinity, kInfinity, none, nothing)
            .below_sum;
    const int64_t end = first + inside.inside;
    const double end_sum = first_sum + sum;
    const Answer before = high == kInfinity ? Answer::yes : is_before(end, end_sum);
    if (before == Answer::unsure) return before;
    if (before == Answer::yes) {
      below_ = first;
      below_sum_ = first_sum;
      keep(inside.inside);
      return before;
    }
    const Narrowed above = take(high, kInfinity);
    below_ = end;
    below_sum_ = end_sum;
    keep(above.inside);
    return before;
  }

  Border among_equals(float key) const {
    if (weights_ != nullptr) return {true, key, below_, below_};
    const double each = weight(0);
    int64_t rank = given_.last - below_;
    if (each > 0) {
      const double steps = std::floor((given_.bound - below_sum_) / each);
      const int64_t passing = steps < 0 ? 0 : steps > static_cast<double>(rank) ? rank : static_cast<int64_t>(steps);
      if (passing < rank) {
        if (exceeds(below_sum_ + static_cast<double>(passing + 1) * each) != Answer::yes) return {};
        rank = passing;
      }
    }
    if (rank > 0 && exceeds(below_sum_ + static_cast<double>(rank) * each) != Answer::no) return {};
    return {true, key, below_, below_ + rank};
  }

  Border among_few() const {
    Entry entries[kFew];
    for (int64_t i = 0; i < count_; ++i) entries[i] = {keys_[i], static_cast<float>(weight(i))};
    std::sort(entries, entries + count_, [](const Entry& a, const Entry& b) { return a.key < b.key; });
    double sum = below_sum_;
    for (int64_t i = 0; i < count_; ++i) {
      sum += static_cast<double>(entries[i].weight);
      const Answer passed = below_ + i >= given_.last ? Answer::yes : exceeds(sum);
      if (passed == Answer::unsure) return {};
      if (passed == Answer::no) continue;
      int64_t equal = i;
      while (equal > 0 && entries[equal - 1].key == entries[i].key) --equal;
      return {true, entries[i].key, below_ + equal, below_ + i};
    }
    return {};
  }

  const SampleKernels& kernels_;
  const BorderSearch& given_;
  SampleScratch& scratch_;
  const double error_;  // of a sum, in parts of it
  const float* keys_;
  const float* weights_;
  int64_t count_;
  int64_t below_ = 0;
  double below_sum_ = 0;
  int next_ = 0;
  const float* taken_keys_ = nullptr;
  const float* taken_weights_ = nullptr;
  Entry entries_[kSamples];
};

}  // namespace

Border find_border(const SampleKernels& kernels, const BorderSearch& search, SampleScratch& scratch) {
  return Search(kernels, search, scratch).run();
}

}  // namespace tsumugi
