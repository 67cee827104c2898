// A session's plan and memory, and one step through it. Plain data: the addon fills it, the kernels read it.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "huge_buffer.h"
#include "op_attributes.h"
#include "packed_matrix.h"
#include "thread_pool.h"
#include "vector_kernels.h"

namespace tsumugi {

// First dimension of a value: a number (stored in `rows`), or one that changes from step to step.
enum class Rows : uint8_t { fixed, tokens, sequences, logit_rows };

struct ValuePlan {
  Rows kind = Rows::fixed;
  int64_t rows = 0;   // of kind fixed
  int64_t width = 0;  // float32 values of one row
  size_t offset = 0;  // bytes into the workspace
  int kept = -1;      // index among the outputs that a step keeps, or -1: lives in the workspace
  bool rounds = false;  // rounded to bfloat16 where it is written
};

enum class WeightKind : uint8_t {
  packed,  // matmul, and gathers of a tied weight
  rows,    // gathers only: row-major, storage type
  vector   // float32
};

struct Weight {
  WeightKind kind = WeightKind::vector;
  Storage storage = Storage::float32;  // plain, but for kind packed
  Arithmetic arithmetic = Arithmetic::float32;  // of matmuls
  int64_t groups = 1;  // matrices of a stack, one behind the other (kind packed)
  int64_t rows = 0;    // of one matrix
  int64_t columns = 0;
  bool rounds = false;  // a vector whose values are rounded to bfloat16
  size_t bytes = 0;
  uint8_t* data = nullptr;  // in SessionData::weight_memory
  CodeLayout codes;  // of storages of codes
  float int8_threshold = -1;  // of matmuls

  PackedMatrix matrix(int64_t group = 0) const {
    return {storage, arithmetic,    rows, columns, data + static_cast<size_t>(group) * (bytes / static_cast<size_t>(groups)),
            codes,   int8_threshold};
  }
  const float* vector() const { return reinterpret_cast<const float*>(data); }
};

// One part of a paged state: keys [head][dim][kBlockTokens] or values [head][kBlockTokens][stride] of each block. A slot of
// n floats is a block of keys with one head and enough dim. The parts of a block stand one behind the other, so that what
// few tokens need is few pages.
struct StatePart {
  int state = 0;
  bool transposed = false;  // keys
  bool bfloat16 = false;
  bool int8 = false;  // a head of a block ends with the scales [kBlockTokens] of its tokens, float32
  int64_t heads = 0;
  int64_t dim = 0;
  int64_t blocks = 0;
  uint8_t* data = nullptr;  // in SessionData::cache_memory: that of block 0
  size_t block_step = 0;    // bytes from block to block

  size_t stride() const { return transposed ? static_cast<size_t>(dim) : padded_lanes(static_cast<size_t>(dim)); }
  size_t head_values() const { return (stride() + (int8 ? sizeof(float) : 0)) * static_cast<size_t>(kBlockTokens); }
  size_t block_values() const { return head_values() * static_cast<size_t>(heads); }
  size_t element_bytes() const { return int8 ? 1 : bfloat16 ? 2 : 4; }
  size_t block_bytes() const { return block_values() * element_bytes(); }
  // Values from block to block.
  size_t step_values() const { return block_step / element_bytes(); }
};

struct StateTables {
  std::vector<int32_t> table_start;
  std::vector<int32_t> table;
  std::vector<int32_t> length;
};

struct BlockCopy {
  int32_t state;
  int32_t from;
  int32_t to;
};

struct BatchData {
  std::vector<int32_t> token_ids;
  std::vector<int32_t> positions;
  std::vector<int32_t> sequence_start;
  std::vector<int32_t> prompt_length;
  std::vector<int32_t> rotary_lead;  // added to the length that dynamic RoPE goes by; empty: 0
  std::vector<int32_t> padding;  // pads in front of each sequence; empty: none
  std::vector<int32_t> logit_rows;
  std::vector<StateTables> states;
  std::vector<BlockCopy> copies;
  bool encode = false;  // which program runs

  int64_t tokens() const { return static_cast<int64_t>(token_ids.size()); }
  int64_t sequences() const { return static_cast<int64_t>(prompt_length.size()); }
};

struct Kernel;

// Floats that a kernel works in: of each worker, and of all together.
struct KernelScratch {
  size_t of_worker = 0;
  size_t shared = 0;
};

struct OpPlan {
  std::string name;
  const Kernel* kernel = nullptr;
  std::vector<int> inputs;
  std::vector<int> outputs;
  std::vector<int> weights;  // -1: absent
  std::vector<int> parts;
  OpAttributes attributes;
  std::shared_ptr<const void> settings;  // what the kernel made of the attributes
  bool rounds = false;  // activations are bfloat16
  bool is_light = false;  // a few tokens are one chunk of it
  bool shares_input = false;  // a product of the very values that the op before multiplies, in one loop for few rows
};

// What a step costs, about: for each token, and for each token of context.
struct StepCost {
  double weight_bytes = 0;
  double products = 0;
  double cache_bytes = 0;
};

struct SessionData {
  int workers = 1;
  int64_t max_tokens = 0;
  int64_t max_sequences = 0;
  int64_t max_logit_rows = 0;
  std::vector<ValuePlan> values;
  std::vector<OpPlan> ops;
  size_t encode_from = 0;  // the ops from here on are the encoder's
  StepCost cost;
  std::vector<Weight> weights;
  std::vector<StatePart> parts;
  std::vector<size_t> kept_floats;  // of each output that a step keeps
  HugeBuffer weight_memory;  // one mapping, so that huge pages have no ragged ends
  HugeBuffer cache_memory;
  HugeBuffer workspace;
  HugeBuffer matmul_workspace;
  HugeBuffer scratch;  // one piece for each worker, then the shared one
  KernelScratch scratch_floats;  // the most that an op asks for

  const Weight* weight(const OpPlan& op, size_t index) const {
    const int id = op.weights.at(index);
    return id < 0 ? nullptr : &weights[static_cast<size_t>(id)];
  }
};

using KeptOutputs = std::vector<std::unique_ptr<float[]>>;

struct StepContext {
  const SessionData& session;
  const BatchData& batch;
  const KeptOutputs& kept;

  int64_t rows(int value) const;
  bool rounds(int value) const { return session.values[static_cast<size_t>(value)].rounds; }
  int64_t width(int value) const { return session.values[static_cast<size_t>(value)].width; }
  float* data(int value) const;
  float* scratch(const Worker& worker) const {
    return reinterpret_cast<float*>(session.scratch.data()) +
           static_cast<size_t>(worker.index) * session.scratch_floats.of_worker;
  }
  float* shared_scratch() const {
    return reinterpret_cast<float*>(session.scratch.data()) +
           static_cast<size_t>(session.workers) * session.scratch_floats.of_worker;
  }
};

// Fills in what a step is planned by: `cost`, and what ops say of themselves. Called once, when all else is known.
void plan_steps(SessionData& session);

// How many workers a step pays for: one where waiting for others takes longer than they save.
int step_workers(const SessionData& session, const BatchData& batch);

// Runs the whole program: block copies, then the ops in order. Called by all workers of a job.
void run_step(Worker& worker, const StepContext& context);

// Shares out rows [0, rows) in runs of `run` rows: fn(first, last).
template <typename Function>
void for_rows(Worker& worker, int64_t rows, int64_t run, Function&& fn) {
  worker.parallel_for((rows + run - 1) / run, [&](int64_t chunk) {
    const int64_t first = chunk * run;
    fn(first, first + run < rows ? first + run : rows);
  });
}

}  // namespace tsumugi
