// What one call samples, as src/backends/cpu/encode-groups.ts writes it: groups of rows, the steps of each row, and what is picked.
// src/sampling/ has the meaning of all of it; src/sampling/chain.ts is the oracle.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "thread_pool.h"

namespace tsumugi {

enum class StepKind : int32_t { normalise, guide, edit, only, allow, mask, invalid, warp };
enum class EditKind : int32_t { add, set, scale, lift, grow };
enum class WarpKind : int32_t {
  temperature,
  top_n_sigma,
  top_h,
  top_k,
  top_p,
  min_p,
  typical_p,
  epsilon_cutoff,
  eta_cutoff,
  xtc
};
enum class PickKind : int32_t { argmax, draw, top, score };
enum class StreamKind : int32_t { none, torch, counter };
// What a group ends with; src/backends/cpu/sample-native.ts makes errors of it.
enum class SampleStatus : int32_t { good, all_masked, not_finite };

struct SampleStep {
  StepKind kind = StepKind::normalise;
  int32_t how = 0;  // EditKind or WarpKind; of "allow": 1 forces
  double value = 0;
  int64_t keep = 1;  // of warpers
  const int32_t* tokens = nullptr;
  const float* values = nullptr;
  const uint32_t* bits = nullptr;
  int64_t count = 0;  // tokens, or words of bits
};

struct SampleRow {
  int32_t row = 0;
  int32_t guide = -1;
  double bias = 0;
  int32_t target = 0;
  std::vector<SampleStep> steps;
  int32_t* report = nullptr;  // tokens, the steps that removed them, scores [steps + 1]; null: none is asked for
};

struct RandomPlace {
  StreamKind kind = StreamKind::none;
  const int32_t* state = nullptr;  // [624], of torch's
  uint64_t offset = 0;  // words into the stream; of torch's, from the seed on
  uint64_t seed = 0;
  uint64_t position = 0;
};

struct SampleGroup {
  PickKind pick = PickKind::argmax;
  int64_t count = 1;
  int64_t logprobs = -1;  // tokens of each pick that are reported; -1: no log probabilities at all
  int64_t report = 0;  // tokens of each row whose way through the steps is reported
  std::vector<SampleRow> rows;
  RandomPlace random;
  int32_t* out = nullptr;  // status, rows, tokens, scores; with log probabilities picked, tokens, values
};

// Gives a group its place in `out`, and says how many words it takes.
int64_t place_results(SampleGroup& group, int32_t* out, int64_t vocabulary);

struct SampleRequest {
  std::vector<int32_t> words;
  std::vector<double> numbers;
  std::vector<SampleGroup> groups;
  std::unique_ptr<float[]> scores;  // of the rows of groups that have several

  size_t rows() const {
    size_t count = 0;
    for (const SampleGroup& group : groups) count += group.rows.size();
    return count;
  }
};

// Reads the groups of `words` and `numbers`. Throws std::invalid_argument where they are not what they should be.
void parse_request(SampleRequest& request, int64_t logit_rows, int64_t vocabulary);

// Samples all groups, rows side by side. Called by all workers of a job; ends with a barrier.
//
// `logits`: [logit rows][vocabulary]; they are not changed.
void sample_groups(Worker& worker, const SampleRequest& request, const float* logits, int64_t vocabulary);

}  // namespace tsumugi
