// attend: inputs [q], parts [keys, values], weights [sinks?, biases?] or fewer.
#include <algorithm>
#include <cstdint>

#include "kernel.h"

namespace tsumugi {

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
  bool unrounded_scores;
  bool scale_query;
  bool fused_scores;

  int64_t group() const { return heads / key_value_heads; }
  // As in vector_attend.inl.
  int64_t first_visible(int64_t position) const {
    if (chunk > 0) return position - position % chunk;
    return window > 0 && position >= window ? position - window + 1 : 0;
  }
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
          given.flag("unroundedScores"),
          given.flag("scaleQuery"),
          given.flag("fusedScores")};
}

// Rows of segments that have a place while several workers share out a tile.
constexpr int64_t kSharedRows = 1024;

static KernelScratch attend_scratch(const OpPlan& op, const SessionData& session) {
  const Attend settings = prepare_attend(op, session);
  const size_t rows = static_cast<size_t>(std::max(kTileRows, settings.group()));
  const size_t stride = padded_lanes(static_cast<size_t>(settings.value_head_dim));
  const bool shares = session.workers > 1 && !op.rounds;
  return {attend_scratch_floats(static_cast<size_t>(settings.head_dim), stride, rows),
          shares ? static_cast<size_t>(kSharedRows) * gathered_floats(1, stride) : 0};
}

// What a step is cut into. Items: (tile of tokens, key/value head, run of its query heads); tiles are counted sequence by
// sequence. Who computes what changes no bit of an answer.
struct Division {
  int64_t tile_tokens = 1;  // of a tile, at most
  int64_t tiles = 0;
  int64_t runs = 1;
  int64_t run_heads = 1;
  int64_t rows = 1;           // of an item, at most
  int64_t first_segment = 0;  // of what the step's tokens see
  int64_t segments = 0;
  bool splits = false;  // the segments of an item go to different workers
};

static Division divide(const Attend& settings, const BatchData& batch, const StateTables& tables, int workers, bool rounds) {
  const int64_t group = settings.group();
  Division made;
  made.tile_tokens = group >= kTileRows ? 1 : kTileRows / group;
  int64_t earliest = INT64_MAX;  // what tokens see begins here at the earliest
  int64_t end = 0;               // and ends before this at the latest
  int64_t longest = 0;           // tokens of one sequence
  for (size_t sequence = 0; sequence < static_cast<size_t>(batch.sequences()); ++sequence) {
    const int64_t first = batch.sequence_start[sequence];
    const int64_t tokens = batch.sequence_start[sequence + 1] - first;
    if (tokens == 0) continue;
    made.tiles += (tokens + made.tile_tokens - 1) / made.tile_tokens;
    const int64_t last = batch.positions[static_cast<size_t>(first + tokens - 1)];
    earliest = std::min(earliest, settings.first_visible(batch.positions[static_cast<size_t>(first)]));
    end = std::max(end, settings.causal ? last + 1 : static_cast<int64_t>(tables.length[sequence]));
    longest = std::max(longest, tokens);
  }
  const int64_t shares = made.tiles * settings.key_value_heads;
  if (shares == 0 || end <= earliest) return made;
  made.first_segment = earliest / kSegmentTokens;
  made.segments = (end - 1) / kSegmentTokens + 1 - made.first_segment;

  // Segments are shared out where heads and tiles do not keep the workers busy and contexts are long enough to pay for a
  // second barrier: when few sequences are decoded. Not with bfloat16 activations: a probability is rounded before it meets
  // its value, and for that the total of all must be known.
  const int64_t tile_rows = std::min(made.tile_tokens, longest) * group;
  const bool even = batch.sequences() == 1 && shares % workers == 0;
  // Runs of query heads, where there are enough of them, need no second barrier and are faster.
  const bool has_runs = group >= 16 && shares * (group / 8) >= 2 * workers;
  made.splits = !rounds && workers > 1 && end - earliest >= 2 * kSegmentTokens && shares < 2 * workers && !even && !has_runs &&
                2 * shares * tile_rows <= kSharedRows;

  // Where many query heads share one key/value head (latent attention) and there is little else to share out, an item is
  // a run of these heads.
  const int64_t others = made.splits ? shares * ((end - earliest) / kSegmentTokens) : shares;
  if (group >= 16 && others < workers) made.runs = std::min(group / 8, (2 * workers + others - 1) / others);
  made.run_heads = (group + made.runs - 1) / made.runs;
  made.runs = (group + made.run_heads - 1) / made.run_heads;
  made.rows = std::min(made.tile_tokens, longest) * made.run_heads;
  return made;
}

// What every tile of the step has in common.
static AttendTile common_tile(const Worker& worker, const OpPlan& op, const StepContext& context, const Attend& settings) {
  const StatePart& keys = context.session.parts[static_cast<size_t>(op.parts.at(0))];
  const StatePart& values = context.session.parts[static_cast<size_t>(op.parts.at(1))];
  AttendTile tile{};
  tile.q_stride = static_cast<size_t>(settings.heads * keys.dim);
  tile.out_stride = static_cast<size_t>(settings.heads * values.dim);
  tile.key_block = keys.step_values();
  tile.value_block = values.step_values();
  tile.head_dim = static_cast<size_t>(keys.dim);
  tile.value_dim = static_cast<size_t>(values.dim);
  tile.value_stride = values.stride();
  tile.scale = settings.scale;
  tile.window = settings.window;
  tile.chunk = settings.chunk;
  tile.rounded_slopes = settings.rounded_slopes;
  tile.softcap = settings.softcap;
  tile.unrounded_scores = settings.unrounded_scores;
  tile.scale_query = settings.scale_query;
  tile.fused_scores = settings.fused_scores;
  tile.bfloat16 = keys.bfloat16;
  tile.int8 = keys.int8;
  tile.scratch = context.scratch(worker);
  // those of the first head; `tile_of` goes on from there
  tile.q = context.data(op.inputs[0]);
  tile.out = context.data(op.outputs[0]);
  tile.keys = keys.data;
  tile.values = values.data;
  tile.slopes = settings.slopes.empty() ? nullptr : settings.slopes.data();
  const Weight* sinks = op.weights.empty() ? nullptr : context.session.weight(op, 0);
  tile.sinks = sinks == nullptr ? nullptr : sinks->vector();
  const Weight* biases = op.weights.size() < 2 ? nullptr : context.session.weight(op, 1);
  if (biases != nullptr) {
    tile.biases = biases->vector();
    tile.bias_stride = static_cast<size_t>(settings.heads);
    tile.buckets = settings.buckets.data();
    tile.reach = (static_cast<int64_t>(settings.buckets.size()) - 1) / 2;
  }
  return tile;
}

// Few items with long contexts: workers share out their segments, as many at a time as there is room for, and merge them in
// order. The bits are those of `attend`.
template <class TileOf>
static void share_out_segments(Worker& worker, const VectorKernels& kernels, const Division& division, int64_t items,
                               size_t value_stride, float* room, const TileOf& tile_of) {
  const size_t floats = gathered_floats(static_cast<size_t>(division.rows), value_stride);
  // the first place of each item holds what is merged so far
  const int64_t places = std::max<int64_t>(2, kSharedRows / (division.rows * items));
  const auto place = [&](int64_t item, int64_t index) { return room + static_cast<size_t>(item * places + index) * floats; };
  for (int64_t from = 0; from < division.segments;) {
    const int64_t first_place = from == 0 ? 0 : 1;
    const int64_t here = std::min(places - first_place, division.segments - from);
    worker.parallel_for(items * here, [&](int64_t index) {
      const int64_t item = index / here;
      const int64_t segment = from + index % here;
      kernels.attend_segment(tile_of(item), division.first_segment + segment, place(item, first_place + index % here));
    });
    worker.parallel_for(items, [&](int64_t item) {
      const AttendTile tile = tile_of(item);
      for (int64_t index = 1; index < first_place + here; ++index) {
        kernels.merge_segment(tile, place(item, 0), place(item, index));
      }
      if (from + here == division.segments) kernels.finish_tile(tile, place(item, 0));
    });
    from += here;
  }
}

static void run_attend(Worker& worker, const OpPlan& op, const StepContext& context, const Attend& settings) {
  const BatchData& batch = context.batch;
  const StatePart& keys = context.session.parts[static_cast<size_t>(op.parts.at(0))];
  const StatePart& values = context.session.parts[static_cast<size_t>(op.parts.at(1))];
  const StateTables& tables = batch.states[static_cast<size_t>(keys.state)];
  const Division division = divide(settings, batch, tables, worker.count, op.rounds);
  const AttendTile common = common_tile(worker, op, context, settings);

  const auto tile_of = [&](int64_t item) {
    int64_t tile = division.tiles - 1 - item / division.runs / settings.key_value_heads;  // last tiles see most: they go first
    size_t sequence = 0;
    int64_t first = 0;
    int64_t end = 0;
    for (;; ++sequence) {
      first = batch.sequence_start[sequence];
      end = batch.sequence_start[sequence + 1];
      const int64_t here = (end - first + division.tile_tokens - 1) / division.tile_tokens;
      if (tile < here) break;
      tile -= here;
    }
    first += tile * division.tile_tokens;
    const int64_t head = item / division.runs % settings.key_value_heads;
    const int64_t first_head = item % division.runs * division.run_heads;  // of the group
    const int64_t query_head = head * settings.group() + first_head;
    AttendTile work = common;
    work.tokens = std::min(end - first, division.tile_tokens);
    work.group = std::min(division.run_heads, settings.group() - first_head);
    work.positions = batch.positions.data() + first;
    work.table = tables.table.data() + tables.table_start[sequence];
    work.length = settings.causal ? 0 : tables.length[sequence];
    work.q += (first * settings.heads + query_head) * keys.dim;
    work.out += (first * settings.heads + query_head) * values.dim;
    work.keys =
        static_cast<const uint8_t*>(common.keys) + static_cast<size_t>(head) * keys.head_values() * keys.element_bytes();
    work.values =
        static_cast<const uint8_t*>(common.values) + static_cast<size_t>(head) * values.head_values() * values.element_bytes();
    if (work.biases != nullptr) work.biases += query_head;
    if (work.slopes != nullptr) work.slopes += query_head;
    if (work.sinks != nullptr) work.sinks += query_head;
    return work;
  };

  const VectorKernels& kernels = vector_kernels(op.rounds);
  const int64_t items = division.tiles * settings.key_value_heads * division.runs;
  if (division.splits) {
    share_out_segments(worker, kernels, division, items, common.value_stride, context.shared_scratch(), tile_of);
  } else {
    worker.parallel_for(items, [&](int64_t item) { kernels.attend(tile_of(item)); });
  }
}

static const RegisterKernel attend_kernel(kernel<prepare_attend, run_attend>("attend", {.rounds_outputs = true,
                                                                                        .scratch = attend_scratch}));

}  // namespace tsumugi
