// store: inputs [k, v], parts [keys, values].
#include <cmath>
#include <cstring>
#include <limits>

#include "kernel.h"

namespace tsumugi {

// One head's values of tokens [first, last) of a sequence; `source` is its row 0 of the step.
template <class Element, class Convert>
static void store_head(const StatePart& part, const BatchData& batch, const int32_t* table, int64_t head, const float* source,
                       int64_t width, int64_t first, int64_t last, Convert convert) {
  Element* base = reinterpret_cast<Element*>(part.data) + static_cast<size_t>(head) * part.head_values();
  const size_t block = part.step_values();
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

// The same as int8: of each token and head the greatest magnitude stands for 127. What is not finite makes all of it NaN.
static void store_head_int8(const StatePart& part, const BatchData& batch, const int32_t* table, int64_t head,
                            const float* source, int64_t width, int64_t first, int64_t last) {
  for (int64_t t = first; t < last; ++t) {
    const int64_t position = batch.positions[static_cast<size_t>(t)];
    const int64_t slot = position % kBlockTokens;
    uint8_t* block = part.data + static_cast<size_t>(table[position / kBlockTokens]) * part.block_step +
                     static_cast<size_t>(head) * part.head_values();
    const float* from = source + t * width + head * part.dim;
    float most = 0.0f;
    bool finite = true;
    for (int64_t d = 0; d < part.dim; ++d) {
      const float size = std::fabs(from[d]);
      finite = finite && size <= std::numeric_limits<float>::max();
      most = size > most ? size : most;
    }
    const float scale = finite ? most / 127.0f : std::numeric_limits<float>::quiet_NaN();
    const float inverse = finite && scale > 0.0f ? 127.0f / most : 0.0f;
    auto* codes = reinterpret_cast<int8_t*>(block);
    for (int64_t d = 0; d < part.dim; ++d) {
      // to the nearest, ties to even: exact for numbers this small
      const float code = inverse == 0.0f ? 0.0f : (from[d] * inverse + 12582912.0f) - 12582912.0f;
      codes[part.transposed ? d * kBlockTokens + slot : slot * static_cast<int64_t>(part.stride()) + d] =
          static_cast<int8_t>(code);
    }
    const size_t scales = part.stride() * static_cast<size_t>(kBlockTokens);
    std::memcpy(block + scales + static_cast<size_t>(slot) * sizeof(float), &scale, sizeof(scale));
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
      if (part.int8) {
        store_head_int8(part, batch, table, head, source, width, first, last);
      } else if (part.bfloat16) {
        store_head<uint16_t>(part, batch, table, head, source, width, first, last, ToBfloat16{});
      } else {
        store_head<float>(part, batch, table, head, source, width, first, last, Identity{});
      }
    });
  }
}

static const RegisterKernel store_kernel(kernel<run_store>("store", {.rounds_outputs = true}));

}  // namespace tsumugi
