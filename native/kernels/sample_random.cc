#include "sample_random.h"

#include <cstring>
#include <deque>
#include <map>
#include <mutex>

#include "sample_math.h"

namespace tsumugi {

namespace {

constexpr uint64_t kBlock = 624;
constexpr size_t kSnapshots = 1024;
constexpr size_t kRecent = 64;
constexpr size_t kGenerators = 16;

}  // namespace

struct TwisterStates::Known {
  std::mutex mutex;
  const SampleKernels* kernels = nullptr;
  std::map<uint64_t, TwisterState> snapshots;  // block 0 always; every `stride` blocks
  std::map<uint64_t, TwisterState> recent;     // where rows began and ended
  std::deque<uint64_t> age;                    // of `recent`
  uint64_t stride = 512;

  void keep(uint64_t block, const TwisterState& state) {
    if (!recent.emplace(block, state).second) return;
    age.push_back(block);
    if (age.size() <= kRecent) return;
    recent.erase(age.front());
    age.pop_front();
  }

  void snapshot(uint64_t block, const TwisterState& state) {
    snapshots.emplace(block, state);
    if (snapshots.size() <= kSnapshots) return;
    stride *= 2;
    std::erase_if(snapshots, [this](const auto& entry) { return entry.first % stride != 0; });
  }
};

TwisterStates::TwisterStates(const int32_t* seeded, const SampleKernels& kernels) : known_(new Known) {
  known_->kernels = &kernels;
  TwisterState state;
  std::memcpy(state.data(), seeded, sizeof state);
  kernels.twist(state.data());
  known_->snapshots.emplace(0, state);
}

TwisterStates::~TwisterStates() = default;

std::shared_ptr<TwisterStates> TwisterStates::of(const int32_t* seeded) {
  struct Entry {
    TwisterState seeded;
    std::shared_ptr<TwisterStates> states;
  };
  static std::mutex mutex;
  static std::deque<Entry> entries;
  const std::lock_guard<std::mutex> lock(mutex);
  for (size_t i = 0; i < entries.size(); ++i) {
    if (std::memcmp(entries[i].seeded.data(), seeded, sizeof(TwisterState)) != 0) continue;
    const Entry found = entries[i];
    if (i > 0) {
      entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(i));
      entries.push_front(found);
    }
    return found.states;
  }
  if (entries.size() == kGenerators) entries.pop_back();
  Entry made;
  std::memcpy(made.seeded.data(), seeded, sizeof(TwisterState));
  made.states = std::make_shared<TwisterStates>(seeded, sample_kernels());
  entries.push_front(made);
  return made.states;
}

TwisterState TwisterStates::at(uint64_t block) {
  Known& known = *known_;
  const std::lock_guard<std::mutex> lock(known.mutex);
  const auto before = std::prev(known.snapshots.upper_bound(block));
  const auto after = known.recent.upper_bound(block);
  const bool is_recent = after != known.recent.begin() && std::prev(after)->first > before->first;
  const auto nearest = is_recent ? std::prev(after) : before;
  uint64_t at = nearest->first;
  TwisterState state = nearest->second;
  while (at < block) {
    known.kernels->twist(state.data());
    ++at;
    if (at % known.stride == 0) known.snapshot(at, state);
  }
  known.keep(block, state);
  return state;
}

void TwisterStates::remember(uint64_t block, const TwisterState& state) {
  const std::lock_guard<std::mutex> lock(known_->mutex);
  known_->keep(block, state);
}

RowWords::RowWords(const SampleKernels& kernels, const RandomPlace& random) : kernels_(kernels), random_(random) {
  if (random.kind != StreamKind::torch) return;
  states_ = TwisterStates::of(random.state);
  block_ = random.offset / kBlock;
  state_ = states_->at(block_);
}

RowWords::~RowWords() {
  if (states_) states_->remember(block_, state_);
}

void RowWords::enter(int64_t first, int64_t tokens) {
  if (random_.kind == StreamKind::torch) {
    const size_t wanted = 2 * static_cast<size_t>(tokens);
    size_t skipped = 0;  // of the block that the row begins in
    if (tokens_ == 0) {
      kernels_.temper(state_.data(), words_);
      skipped = static_cast<size_t>(random_.offset % kBlock);
      held_ = kBlock;
    } else {
      skipped = 2 * static_cast<size_t>(tokens_);
    }
    held_ -= skipped;
    std::memmove(words_, words_ + skipped, held_ * sizeof(uint32_t));
    while (held_ < wanted) {
      kernels_.twist(state_.data());
      ++block_;
      kernels_.temper(state_.data(), words_ + held_);
      held_ += kBlock;
    }
  }
  first_ = first;
  tokens_ = tokens;
}

const uint32_t* RowWords::highs() {
  if (random_.kind == StreamKind::torch) {
    for (int64_t i = 0; i < tokens_; ++i) highs_[i] = words_[2 * i] & 0x1fffffu;
    return highs_;
  }
  const uint64_t pair = random_.offset / 2 + static_cast<uint64_t>(first_);
  const int64_t shift = static_cast<int64_t>(pair % 2);
  const uint32_t key0 = static_cast<uint32_t>(random_.seed), key1 = static_cast<uint32_t>(random_.seed >> 32);
  kernels_.philox_highs(pair / 2, random_.position, key0, key1, (tokens_ + shift + 1) / 2, highs_);
  return highs_ + shift;
}

float RowWords::variate(int64_t token) const {
  uint32_t high, low;
  if (random_.kind == StreamKind::torch) {
    high = words_[2 * (token - first_)];
    low = words_[2 * (token - first_) + 1];
  } else {
    const uint32_t key0 = static_cast<uint32_t>(random_.seed), key1 = static_cast<uint32_t>(random_.seed >> 32);
    const uint64_t place = random_.offset + 2 * static_cast<uint64_t>(token);
    high = philox(place / 4, random_.position, key0, key1).word[place % 4];
    low = philox((place + 1) / 4, random_.position, key0, key1).word[(place + 1) % 4];
  }
  const uint64_t part = (static_cast<uint64_t>(high & 0x1fffffu) << 32) | low;
  return static_cast<float>(negative_log((1ULL << 53) - part));
}

}  // namespace tsumugi
