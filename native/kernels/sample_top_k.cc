// Selections: the k-th greatest value, and the greatest k in torch's order. That order is, among equals, what libstdc++'s
// algorithms leave; src/sampling/torch-top-k.ts does them step by step, and so does this, so that other C++ libraries agree.
#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <utility>

#include "sample_work.h"

namespace tsumugi {

namespace {

bool precedes(float x, float y) { return x > y || (x != x && y == y); }

int floor_log2(int64_t n) { return 63 - std::countl_zero(static_cast<uint64_t>(n)); }

// nth_element and sort on places, [first, last).
class Selection {
 public:
  Selection(const float* values, std::vector<int32_t>& order) : values_(values), order_(order) {}

  void nth_element(int64_t nth) {
    int64_t first = 0, last = static_cast<int64_t>(order_.size());
    for (int depth = 2 * floor_log2(last); last - first > 3; --depth) {
      if (depth == 0) {
        heap_select(first, nth + 1, last);
        std::swap(at(first), at(nth));
        return;
      }
      const int64_t cut = partition(first, last);
      (cut <= nth ? first : last) = cut;
    }
    insertion_sort(first, last);
  }

  void sort(int64_t first, int64_t last) {
    if (first == last) return;
    introsort(first, last, 2 * floor_log2(last - first));
    if (last - first <= kThreshold) return insertion_sort(first, last);
    insertion_sort(first, first + kThreshold);
    for (int64_t i = first + kThreshold; i < last; ++i) insert(i);
  }

 private:
  static constexpr int64_t kThreshold = 16;

  int32_t& at(int64_t i) { return order_[static_cast<size_t>(i)]; }
  float value(int64_t i) { return values_[at(i)]; }
  bool before(int64_t a, int64_t b) { return precedes(value(a), value(b)); }

  void introsort(int64_t first, int64_t last, int depth) {
    while (last - first > kThreshold) {
      if (depth == 0) {
        heap_select(first, last, last);
        sort_heap(first, last);
        return;
      }
      --depth;
      const int64_t cut = partition(first, last);
      introsort(cut, last, depth);
      last = cut;
    }
  }

  // Moves the hole down to a leaf, then `place` up from there.
  void adjust_heap(int64_t first, int64_t hole, int64_t length, int32_t place) {
    const int64_t top = hole;
    int64_t child = hole;
    while (child < (length - 1) >> 1) {
      child = 2 * (child + 1);
      if (before(first + child, first + child - 1)) --child;
      at(first + hole) = at(first + child);
      hole = child;
    }
    if ((length & 1) == 0 && child == (length - 2) >> 1) {
      child = 2 * (child + 1);
      at(first + hole) = at(first + child - 1);
      hole = child - 1;
    }
    int64_t parent = (hole - 1) >> 1;
    while (hole > top && precedes(value(first + parent), values_[place])) {
      at(first + hole) = at(first + parent);
      hole = parent;
      parent = (hole - 1) >> 1;
    }
    at(first + hole) = place;
  }

  void sort_heap(int64_t first, int64_t last) {
    for (int64_t end = last - 1; end > first; --end) {
      const int32_t place = at(end);
      at(end) = at(first);
      adjust_heap(first, 0, end - first, place);
    }
  }

  void heap_select(int64_t first, int64_t middle, int64_t last) {
    const int64_t length = middle - first;
    for (int64_t parent = (length - 2) >> 1; parent >= 0; --parent) adjust_heap(first, parent, length, at(first + parent));
    for (int64_t i = middle; i < last; ++i) {
      if (!before(i, first)) continue;
      const int32_t place = at(i);
      at(i) = at(first);
      adjust_heap(first, 0, length, place);
    }
  }

  int64_t partition(int64_t first, int64_t last) {
    median_to_first(first, first + 1, first + ((last - first) >> 1), last - 1);
    int64_t low = first + 1, high = last;
    for (;;) {
      while (before(low, first)) ++low;
      --high;
      while (before(first, high)) --high;
      if (low >= high) return low;
      std::swap(at(low), at(high));
      ++low;
    }
  }

  void median_to_first(int64_t result, int64_t a, int64_t b, int64_t c) {
    if (before(a, b)) {
      std::swap(at(result), at(before(b, c) ? b : before(a, c) ? c : a));
    } else {
      std::swap(at(result), at(before(a, c) ? a : before(b, c) ? c : b));
    }
  }

  void insertion_sort(int64_t first, int64_t last) {
    for (int64_t i = first + 1; i < last; ++i) {
      if (!before(i, first)) {
        insert(i);
        continue;
      }
      const int32_t place = at(i);
      for (int64_t j = i; j > first; --j) at(j) = at(j - 1);
      at(first) = place;
    }
  }

  // Moves entry `i` down to its place; something before it stops it.
  void insert(int64_t i) {
    const int32_t place = at(i);
    for (; precedes(values_[place], value(i - 1)); --i) at(i) = at(i - 1);
    at(i) = place;
  }

  const float* values_;
  std::vector<int32_t>& order_;
};

}  // namespace

TopHeap::TopHeap(std::vector<float> first) : values_(std::move(first)) {
  const int64_t length = static_cast<int64_t>(values_.size());
  for (int64_t i = 0; i < length; ++i) places_.push_back(static_cast<int32_t>(i));
  for (int64_t parent = (length - 2) >> 1; parent >= 0; --parent) {
    adjust(parent, length, values_[static_cast<size_t>(parent)], places_[static_cast<size_t>(parent)]);
  }
}

void TopHeap::adjust(int64_t hole, int64_t length, float value, int32_t place) {
  const auto move = [this](int64_t to, int64_t from) {
    values_[static_cast<size_t>(to)] = values_[static_cast<size_t>(from)];
    places_[static_cast<size_t>(to)] = places_[static_cast<size_t>(from)];
  };
  const int64_t top = hole;
  int64_t child = hole;
  while (child < (length - 1) >> 1) {
    child = 2 * (child + 1);
    if (precedes(values_[static_cast<size_t>(child)], values_[static_cast<size_t>(child - 1)])) --child;
    move(hole, child);
    hole = child;
  }
  if ((length & 1) == 0 && child == (length - 2) >> 1) {
    child = 2 * (child + 1);
    move(hole, child - 1);
    hole = child - 1;
  }
  int64_t parent = (hole - 1) >> 1;
  while (hole > top && precedes(values_[static_cast<size_t>(parent)], value)) {
    move(hole, parent);
    hole = parent;
    parent = (hole - 1) >> 1;
  }
  values_[static_cast<size_t>(hole)] = value;
  places_[static_cast<size_t>(hole)] = place;
}

void TopHeap::replace(float value, int32_t place) { adjust(0, static_cast<int64_t>(values_.size()), value, place); }

std::vector<int32_t> TopHeap::sorted() {
  for (int64_t end = static_cast<int64_t>(values_.size()) - 1; end > 0; --end) {
    const float value = values_[static_cast<size_t>(end)];
    const int32_t place = places_[static_cast<size_t>(end)];
    values_[static_cast<size_t>(end)] = values_[0];
    places_[static_cast<size_t>(end)] = places_[0];
    adjust(0, end, value, place);
  }
  return std::move(places_);
}

std::vector<int32_t> torch_top_k(const SampleKernels& kernels, const float* values, int64_t count, int64_t picks) {
  const int64_t k = std::min(picks, count);
  if (k == 0) return {};
  if (k * 64 <= count) {
    TopHeap heap(std::vector<float>(values, values + k));
    const auto next = [&](int64_t from) { return kernels.next_above(values, from, count, heap.least()); };
    for (int64_t i = next(k); i < count; i = next(i + 1)) {
      if (heap.takes(values[i])) heap.replace(values[i], static_cast<int32_t>(i));
    }
    return heap.sorted();
  }
  std::vector<int32_t> order(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) order[static_cast<size_t>(i)] = static_cast<int32_t>(i);
  Selection selection(values, order);
  selection.nth_element(k - 1);
  selection.sort(0, k - 1);
  order.resize(static_cast<size_t>(k));
  return order;
}

std::vector<int32_t> greatest_places(const SampleKernels& kernels, const float* values, int64_t count, int64_t wanted) {
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

float kth_greatest(const SampleKernels& kernels, const float* scores, int64_t count, int64_t rank) {
  constexpr int64_t kHeap = 512;
  if (rank > kHeap) {
    std::vector<float> numbers;
    numbers.reserve(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
      if (scores[i] == scores[i]) numbers.push_back(scores[i]);
    }
    if (static_cast<int64_t>(numbers.size()) < rank) return kNoScore;
    std::nth_element(numbers.begin(), numbers.begin() + (rank - 1), numbers.end(), std::greater<float>());
    return numbers[static_cast<size_t>(rank - 1)];
  }
  std::vector<float> heap(static_cast<size_t>(rank), kNoScore);
  const auto is_greater = std::greater<float>();  // the least is on top
  const auto next = [&](int64_t from) { return kernels.next_above(scores, from, count, heap.front()); };
  for (int64_t i = next(0); i < count; i = next(i + 1)) {
    if (scores[i] != scores[i]) continue;
    std::pop_heap(heap.begin(), heap.end(), is_greater);
    heap.back() = scores[i];
    std::push_heap(heap.begin(), heap.end(), is_greater);
  }
  return heap.front();
}

}  // namespace tsumugi
