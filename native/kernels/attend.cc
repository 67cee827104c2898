// store: inputs [k, v], parts [keys, values]. attend: parts [keys, values], weights [sinks?, biases?] or fewer.
#include <algorithm>

#include "kernel.h"

namespace tsumugi {

// One head's values of tokens [first, last) of a sequence; `source` is its row 0 of the step.
template <class Element, class Convert>
static void store_head(const StatePart& part, const BatchData& batch, const int32_t* table, int64_t head, const float* source,
                       int64_t width, int64_t first, int64_t last, Convert convert) {
  Element* base = reinterpret_cast<Element*>(part.data) + static_cast<size_t>(head) * part.head_values();
  const size_t block = part.block_values();
  const auto place = [&](int64_t t, int64_t& slot) {
    const int64_t position = batch.positions[static_cast<size_t>(t)];
    slot = position % kBlockTokens;
    return base + static_cast<size_t>(table[position / kBlockTokens]) * block;
  };
  if (part.transposed) {
    // Tokens of one block are neighbours: write along them.
    for (int64_t t = first; t < last;) {
      int64_t slot;
      Element* to = place(t, slot);
      const int64_t count = kBlockTokens - slot < last - t ? kBlockTokens - slot : last - t;
      const float* from = source + t * width + head * part.dim;
      for (int64_t d = 0; d < part.dim; ++d) {
        for (int64_t i = 0; i < count; ++i) to[d * kBlockTokens + slot + i] = convert(from[i * width + d]);
      }
      t += count;
    }
    return;
  }
  for (int64_t t = first; t < last; ++t) {
    int64_t slot;
    Element* to = place(t, slot);
    to += static_cast<size_t>(slot) * part.stride();
    const float* from = source + t * width + head * part.dim;
    for (int64_t d = 0; d < part.dim; ++d) to[d] = convert(from[d]);
  }
}

struct Identity {
  float operator()(float x) const { return x; }
};
struct ToBfloat16 {
  uint16_t operator()(float x) const { return float_to_bfloat16(x); }
};

static void run_store(Worker& worker, const OpPlan& op, const StepContext& context) {
  const BatchData& batch = context.batch;
  for (size_t index = 0; index < op.parts.size(); ++index) {
    const StatePart& part = context.session.parts[static_cast<size_t>(op.parts[index])];
    const StateTables& tables = batch.states[static_cast<size_t>(part.state)];
    const float* source = context.data(op.inputs[index]);
    const int64_t width = part.heads * part.dim;
    worker.parallel_for(batch.sequences() * part.heads, [&](int64_t item) {
      const int64_t head = item % part.heads;
      const size_t sequence = static_cast<size_t>(item / part.heads);
      const int32_t* table = tables.table.data() + tables.table_start[sequence];
      const int64_t first = batch.sequence_start[sequence];
      const int64_t last = batch.sequence_start[sequence + 1];
      if (part.bfloat16) {
        store_head<uint16_t>(part, batch, table, head, source, width, first, last, ToBfloat16{});
      } else {
        store_head<float>(part, batch, table, head, source, width, first, last, Identity{});
      }
    });
  }
}

struct Attend {
  int64_t heads;
  int64_t key_value_heads;
  int64_t head_dim;
  int64_t value_head_dim;
  float scale;
  int64_t window;  // 0: none
  int64_t chunk;   // 0: none
  float softcap;   // 0: none
  bool causal;
  std::vector<float> slopes;   // of each head; empty: none
  std::vector<float> buckets;  // row of the biases for each distance; empty: there are no biases
  bool rounded_slopes;
  bool wide_scores;
  bool scale_query;
  bool fused_scores;

  int64_t group() const { return heads / key_value_heads; }
};

static Attend prepare_attend(const OpPlan& op, const SessionData&) {
  const OpAttributes& given = op.attributes;
  return {given.integer("heads"),
          given.integer("keyValueHeads"),
          given.integer("headDim"),
          given.integer("valueHeadDim"),
          static_cast<float>(given.number("scale")),
          given.integer("window", 0),
          given.integer("chunk", 0),
          static_cast<float>(given.number("softcap", 0.0)),
          given.flag("causal"),
          given.floats("slopes"),
          given.floats("buckets"),
          given.flag("roundedSlopes"),
          given.flag("wideScores"),
          given.flag("scaleQuery"),
          given.flag("fusedScores")};
}

static KernelScratch attend_scratch(const OpPlan& op, const SessionData& session) {
  const Attend settings = prepare_attend(op, session);
  const size_t rows = static_cast<size_t>(std::max(kTileRows, settings.group()));
  const size_t stride = padded_lanes(static_cast<size_t>(settings.value_head_dim));
  return {attend_scratch_floats(static_cast<size_t>(settings.head_dim), stride, rows), 0};
}

static void run_attend(Worker& worker, const OpPlan& op, const StepContext& context, const Attend& settings) {
  const BatchData& batch = context.batch;
  const int64_t heads = settings.heads;
  const int64_t kv_heads = settings.key_value_heads;
  const int64_t group = settings.group();
  const StatePart& keys = context.session.parts[static_cast<size_t>(op.parts.at(0))];
  const StatePart& values = context.session.parts[static_cast<size_t>(op.parts.at(1))];
  const StateTables& tables = batch.states[static_cast<size_t>(keys.state)];
  const float* q = context.data(op.inputs[0]);
  float* out = context.data(op.outputs[0]);

  AttendTile shared{};
  shared.q_stride = static_cast<size_t>(heads * keys.dim);
  shared.out_stride = static_cast<size_t>(heads * values.dim);
  shared.key_block = keys.block_values();
  shared.value_block = values.block_values();
  shared.head_dim = static_cast<size_t>(keys.dim);
  shared.value_dim = static_cast<size_t>(values.dim);
  shared.value_stride = values.stride();
  shared.scale = settings.scale;
  shared.window = settings.window;
  shared.chunk = settings.chunk;
  shared.rounded_slopes = settings.rounded_slopes;
  shared.softcap = settings.softcap;
  shared.wide_scores = settings.wide_scores;
  shared.scale_query = settings.scale_query;
  shared.fused_scores = settings.fused_scores;
  shared.bfloat16 = keys.bfloat16;
  shared.scratch = context.scratch(worker);
  const Weight* biases = op.weights.size() < 2 ? nullptr : context.session.weight(op, 1);
  const float* slopes = settings.slopes.empty() ? nullptr : settings.slopes.data();
  if (biases != nullptr) {
    shared.bias_stride = static_cast<size_t>(heads);
    shared.buckets = settings.buckets.data();
    shared.reach = (static_cast<int64_t>(settings.buckets.size()) - 1) / 2;
  }
  const Weight* sinks = op.weights.empty() ? nullptr : context.session.weight(op, 0);

  // Items: (tile of tokens, key/value head). Tiles are counted sequence by sequence.
  const int64_t tile_tokens = group >= kTileRows ? 1 : kTileRows / group;
  int64_t tiles = 0;
  for (int64_t s = 0; s < batch.sequences(); ++s) {
    const int64_t tokens = batch.sequence_start[static_cast<size_t>(s) + 1] - batch.sequence_start[static_cast<size_t>(s)];
    tiles += (tokens + tile_tokens - 1) / tile_tokens;
  }
  // Where many query heads share one key/value head (latent attention) and there is little else to share out, an item is
  // a run of these heads.
  int64_t runs = 1;
  if (group >= 16 && tiles > 0 && tiles * kv_heads < worker.count) {
    runs = std::min(group / 8, (2 * worker.count + tiles * kv_heads - 1) / (tiles * kv_heads));
  }
  const int64_t run_heads = (group + runs - 1) / runs;
  worker.parallel_for(tiles * kv_heads * runs, [&](int64_t item) {
    const int64_t head = item / runs % kv_heads;
    const int64_t first_head = item % runs * run_heads;  // of the group
    if (first_head >= group) return;
    int64_t tile = tiles - 1 - item / runs / kv_heads;  // last tiles see most: they go first
    size_t sequence = 0;
    int64_t first = 0;
    int64_t end = 0;
    for (;; ++sequence) {
      first = batch.sequence_start[sequence];
      end = batch.sequence_start[sequence + 1];
      const int64_t here = (end - first + tile_tokens - 1) / tile_tokens;
      if (tile < here) break;
      tile -= here;
    }
    first += tile * tile_tokens;
    AttendTile work = shared;
    work.tokens = end - first < tile_tokens ? end - first : tile_tokens;
    work.positions = batch.positions.data() + first;
    work.table = tables.table.data() + tables.table_start[sequence];
    const int64_t query_head = head * group + first_head;
    work.group = std::min(run_heads, group - first_head);
    work.q = q + (first * heads + query_head) * keys.dim;
    work.out = out + (first * heads + query_head) * values.dim;
    work.length = settings.causal ? 0 : tables.length[sequence];
    work.biases = biases == nullptr ? nullptr : biases->vector() + query_head;
    work.slopes = slopes == nullptr ? nullptr : slopes + query_head;
    work.sinks = sinks == nullptr ? nullptr : sinks->vector() + query_head;
    work.keys = keys.data + static_cast<size_t>(head) * keys.head_values() * keys.element_bytes();
    work.values = values.data + static_cast<size_t>(head) * values.head_values() * values.element_bytes();
    vector_kernels(op.narrow).attend(work);
  });
}

static const RegisterKernel store_kernel(kernel<run_store>("store", {.rounds_outputs = true}));
static const RegisterKernel attend_kernel(kernel<prepare_attend, run_attend>("attend", {.rounds_outputs = true,
                                                                                        .scratch = attend_scratch}));

}  // namespace tsumugi
