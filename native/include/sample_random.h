// Random words by their place in a stream (src/sampling/random-stream.ts).
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "philox.h"
#include "sample.h"
#include "sample_kernels.h"

namespace tsumugi {

using TwisterState = std::array<uint32_t, 624>;

// The states of MT19937 behind a seeded state, by block of 624 words. They are remembered between calls, so that a row that
// goes on where another ended costs no words twice. For all threads.
class TwisterStates {
 public:
  // The states behind `seeded` [624], made with the first call.
  static std::shared_ptr<TwisterStates> of(const int32_t* seeded);

  TwisterStates(const int32_t* seeded, const SampleKernels& kernels);
  ~TwisterStates();
  TwisterState at(uint64_t block);
  // A state that somebody has come to.
  void remember(uint64_t block, const TwisterState& state);

 private:
  struct Known;
  std::unique_ptr<Known> known_;
};

// The words of one row, in runs of tokens that go upwards.
class RowWords {
 public:
  RowWords(const SampleKernels& kernels, const RandomPlace& random);
  ~RowWords();

  // Goes to `tokens` tokens from `first` on, kRunTokens at most. Runs follow one another without gaps.
  void enter(int64_t first, int64_t tokens);
  // The upper words of the run's variates, their lower 21 bits. Not before `enter`.
  const uint32_t* highs();
  // The exponential variate of a token of the run.
  float variate(int64_t token) const;

  static constexpr int64_t kRunTokens = 1024;

 private:
  const SampleKernels& kernels_;
  const RandomPlace random_;
  int64_t first_ = 0;
  int64_t tokens_ = 0;
  // torch's
  std::shared_ptr<TwisterStates> states_;
  TwisterState state_;
  uint64_t block_ = 0;
  size_t held_ = 0;  // words of words_ that were read on beyond the run before
  alignas(64) uint32_t words_[2 * kRunTokens + 624 + 16];
  alignas(64) uint32_t highs_[kRunTokens + 64];
};

}  // namespace tsumugi
