// Times store and attend over 16 layers at the shape of Llama 3.2 1B (32 heads, 8 key/value heads, 64 wide).
// From the project's root:
//   g++ -std=c++20 -O3 -fno-math-errno -ffp-contract=off -pthread -Inative/include -Inative/kernels
//       bench/kernels/attend_bench.cc native/kernels/*.cc -o /tmp/attend_bench
//   /tmp/attend_bench TOKENS PAST bfloat16|float32 WORKERS REPEATS [KEY_VALUE_HEADS [rounds]]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "kernel.h"

using namespace tsumugi;

namespace {

constexpr int kLayers = 16;
constexpr int64_t kHeads = 32;
constexpr int64_t kHeadDim = 64;

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

SessionData make_session(int64_t tokens, int64_t past, bool bfloat16, int workers, int64_t key_value_heads) {
  SessionData session;
  session.workers = workers;
  session.max_tokens = tokens;
  const int64_t q = kHeads * kHeadDim;
  const int64_t kv = key_value_heads * kHeadDim;
  const size_t row = static_cast<size_t>(tokens) * sizeof(float);
  session.values = {{Rows::tokens, 0, q, 0, -1},
                    {Rows::tokens, 0, kv, row * q, -1},
                    {Rows::tokens, 0, q, row * static_cast<size_t>(q + kv), -1}};
  session.workspace = HugeBuffer(row * static_cast<size_t>(2 * q + kv));
  float* values = reinterpret_cast<float*>(session.workspace.data());
  for (size_t i = 0; i < session.workspace.bytes() / sizeof(float); ++i)
    values[i] = round_to_bfloat16(static_cast<float>(i * 7919 % 1000) / 500 - 1);

  session.parts.resize(2 * kLayers);
  size_t of_block = 0;  // all parts of it
  for (size_t i = 0; i < session.parts.size(); ++i) {
    StatePart& part = session.parts[i];
    part.transposed = i % 2 == 0;
    part.bfloat16 = bfloat16;
    part.heads = key_value_heads;
    part.dim = kHeadDim;
    part.blocks = (tokens + past + kBlockTokens - 1) / kBlockTokens;
    of_block += (part.block_bytes() + 63) / 64 * 64;
  }
  session.cache_memory = HugeBuffer(of_block * static_cast<size_t>(session.parts[0].blocks));
  uint8_t* next = session.cache_memory.data();
  for (StatePart& part : session.parts) {
    part.data = next;
    part.block_step = of_block;
    next += (part.block_bytes() + 63) / 64 * 64;
  }
  return session;
}

BatchData make_batch(int64_t tokens, int64_t past) {
  BatchData batch;
  for (int64_t t = 0; t < tokens; ++t) {
    batch.token_ids.push_back(0);
    batch.positions.push_back(static_cast<int32_t>(past + t));
  }
  batch.sequence_start = {0, static_cast<int32_t>(tokens)};
  batch.prompt_length = {static_cast<int32_t>(past + tokens)};
  const int32_t blocks = static_cast<int32_t>((tokens + past + kBlockTokens - 1) / kBlockTokens);
  StateTables tables;
  tables.table_start = {0, blocks};
  for (int32_t block = 0; block < blocks; ++block) tables.table.push_back(block);
  tables.length = {static_cast<int32_t>(past + tokens)};
  batch.states.push_back(tables);
  return batch;
}

double best_of(int repeats, const StepContext& context, OpPlan op) {
  double best = 1e9;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    const double start = seconds();
    ThreadPool::shared().run(context.session.workers, [&](Worker& worker) {
      OpPlan own = op;
      for (int layer = 0; layer < kLayers; ++layer) {
        own.parts = {2 * layer, 2 * layer + 1};
        own.kernel->run(worker, own, context);
      }
    });
    const double took = seconds() - start;
    if (took < best) best = took;
  }
  return best;
}

// An op of the session, as the addon would have made it ready.
OpPlan make_op(const char* name, SessionData& session, bool rounds) {
  OpPlan op;
  op.rounds = rounds;
  op.name = name;
  op.kernel = &find_kernel(name);
  for (const auto& [attribute, value] : {std::pair{"heads", kHeads},
                                         {"keyValueHeads", session.parts[0].heads},
                                         {"headDim", kHeadDim},
                                         {"valueHeadDim", kHeadDim}}) {
    op.attributes.set(attribute, static_cast<double>(value));
  }
  op.attributes.set("scale", 0.125);
  op.attributes.set("causal", true);
  for (const char* flag : {"roundedSlopes", "unroundedScores", "scaleQuery", "fusedScores"}) op.attributes.set(flag, false);
  if (op.kernel->prepare != nullptr) op.settings = op.kernel->prepare(op, session);
  if (op.kernel->scratch != nullptr) {
    session.scratch_floats = op.kernel->scratch(op, session);
    const size_t of_workers = session.scratch_floats.of_worker * static_cast<size_t>(session.workers);
    session.scratch = HugeBuffer((of_workers + session.scratch_floats.shared) * sizeof(float));
  }
  return op;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 6 || count > 8) {
    std::fprintf(stderr, "usage: attend_bench TOKENS PAST bfloat16|float32 WORKERS REPEATS [KEY_VALUE_HEADS [rounds]]\n");
    return 2;
  }
  const int64_t tokens = std::atoll(arguments[1]);
  const int64_t past = std::atoll(arguments[2]);
  const bool bfloat16 = std::strcmp(arguments[3], "bfloat16") == 0;
  const int repeats = std::atoi(arguments[5]);
  const int64_t key_value_heads = count >= 7 ? std::atoll(arguments[6]) : 8;
  const bool rounds = count == 8 && std::strcmp(arguments[7], "rounds") == 0;  // activations in bfloat16
  SessionData session = make_session(tokens, past, bfloat16, std::atoi(arguments[4]), key_value_heads);
  OpPlan store = make_op("store", session, rounds);
  store.inputs = {1, 1};
  OpPlan attend = make_op("attend", session, rounds);
  attend.inputs = {0};
  attend.outputs = {2};
  const BatchData batch = make_batch(tokens, past);
  const KeptOutputs kept;
  const StepContext context{session, batch, kept};
  std::printf("{\"isa\": \"%s\", \"tokens\": %lld, \"past\": %lld, \"cache\": \"%s\", \"workers\": %d, ",
              isa_name(active_isa()), static_cast<long long>(tokens), static_cast<long long>(past), arguments[3],
              session.workers);
  std::printf("\"storeMs\": %.3f, ", best_of(repeats, context, store) * 1e3);
  std::printf("\"attendMs\": %.3f}\n", best_of(repeats, context, attend) * 1e3);
  return 0;
}
