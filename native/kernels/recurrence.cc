// What a sequence carries in a slot (one block of a part, [heads 1][dim][kBlockTokens], taken as plain floats).
// causal_convolution: weights [kernel, bias?], the slot holds the last rows. selective_scan: weights [aLog, d].
// gated_delta: weights [aLog, stepBias].
// Each channel (or head) of a sequence goes token by token on one worker, so that chunking and neighbours change nothing.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernel.h"

namespace tsumugi {

// One sequence of the step, and its slot.
struct Carried {
  int64_t first;
  int64_t last;
  bool fresh;  // begins at position 0: the slot counts as zeros
  float* slot;
};

static Carried carried(const OpPlan& op, const StepContext& context, int64_t sequence) {
  const StatePart& part = context.session.parts[static_cast<size_t>(op.parts[0])];
  const StateTables& tables = context.batch.states[static_cast<size_t>(part.state)];
  const size_t s = static_cast<size_t>(sequence);
  const int64_t first = context.batch.sequence_start[s];
  const size_t block = static_cast<size_t>(tables.table[static_cast<size_t>(tables.table_start[s])]);
  float* slot = reinterpret_cast<float*>(part.data) + block * part.step_values();
  return {first, context.batch.sequence_start[s + 1], context.batch.positions[static_cast<size_t>(first)] == 0, slot};
}

static float softplus(float x) { return x > 20.0f ? x : std::log1p(std::exp(x)); }

static void run_causal_convolution(Worker& worker, const OpPlan& op, const StepContext& context) {
  const Weight& kernel = *context.session.weight(op, 0);
  const Weight* bias = context.session.weight(op, 1);
  const float* x = context.data(op.inputs[0]);
  float* y = context.data(op.outputs[0]);
  const int64_t channels = context.width(op.inputs[0]);
  const int64_t size = kernel.rows * kernel.columns / channels;
  const int64_t before = size - 1;
  constexpr int64_t run = 64;
  const int64_t runs = (channels + run - 1) / run;
  worker.parallel_for(context.batch.sequences() * runs, [&](int64_t item) {
    const Carried at = carried(op, context, item / runs);
    const int64_t from = (item % runs) * run;
    const int64_t to = std::min(channels, from + run);
    if (at.fresh) {
      for (int64_t row = 0; row < before; ++row)
        std::fill(at.slot + row * channels + from, at.slot + row * channels + to, 0.0f);
    }
    // row i of the last rows and then the step's own
    const auto row = [&](int64_t i) { return i < before ? at.slot + i * channels : x + (at.first + i - before) * channels; };
    const int64_t count = at.last - at.first;
    for (int64_t t = 0; t < count; ++t) {
      float* out = y + (at.first + t) * channels;
      for (int64_t c = from; c < to; ++c) out[c] = bias == nullptr ? 0.0f : bias->vector()[c];
      for (int64_t k = 0; k < size; ++k) {
        const float* in = row(t + k);
        for (int64_t c = from; c < to; ++c) out[c] += kernel.vector()[c * size + k] * in[c];
      }
    }
    // rows come from behind where they go
    for (int64_t i = 0; i < before; ++i) {
      const float* in = row(count + i);
      std::memmove(at.slot + i * channels + from, in + from, static_cast<size_t>(to - from) * sizeof(float));
    }
  });
}

static void run_selective_scan(Worker& worker, const OpPlan& op, const StepContext& context) {
  const float* x = context.data(op.inputs[0]);
  const float* delta = context.data(op.inputs[1]);
  const float* b = context.data(op.inputs[2]);
  const float* c = context.data(op.inputs[3]);
  const float* a_log = context.session.weight(op, 0)->vector();
  const float* d = context.session.weight(op, 1)->vector();
  float* y = context.data(op.outputs[0]);
  const int64_t channels = context.width(op.inputs[0]);
  const int64_t size = context.width(op.inputs[2]);
  const auto round = [&op](float value) { return op.rounds ? round_to_bfloat16(value) : value; };
  constexpr int64_t run = 16;
  const int64_t runs = (channels + run - 1) / run;
  worker.parallel_for(context.batch.sequences() * runs, [&](int64_t item) {
    const Carried at = carried(op, context, item / runs);
    const int64_t from = (item % runs) * run;
    const int64_t to = std::min(channels, from + run);
    std::vector<float> rates(static_cast<size_t>(size));
    for (int64_t channel = from; channel < to; ++channel) {
      float* state = at.slot + channel * size;
      if (at.fresh) std::fill(state, state + size, 0.0f);
      for (int64_t n = 0; n < size; ++n) rates[static_cast<size_t>(n)] = -std::exp(a_log[channel * size + n]);
      for (int64_t t = at.first; t < at.last; ++t) {
        const float in = x[t * channels + channel];
        const float step = round(softplus(delta[t * channels + channel]));
        float sum = 0.0f;
        for (int64_t n = 0; n < size; ++n) {
          const float decay = std::exp(rates[static_cast<size_t>(n)] * step);
          state[n] = decay * state[n] + step * b[t * size + n] * in;
          sum += round(state[n]) * c[t * size + n];
        }
        y[t * channels + channel] = round(sum) + d[channel] * in;
      }
    }
  });
}

// A vector divided by its length, times `factor`.
static void to_unit(const float* vector, int64_t size, float factor, float* out) {
  float squares = 1e-6f;
  for (int64_t i = 0; i < size; ++i) squares += vector[i] * vector[i];
  const float inverse = 1.0f / std::sqrt(squares);
  for (int64_t i = 0; i < size; ++i) out[i] = vector[i] * inverse * factor;
}

struct GatedDelta {
  int64_t key_heads;
  int64_t value_heads;
  int64_t key_dim;
  int64_t value_dim;
};

static GatedDelta prepare_gated_delta(const OpPlan& op, const SessionData&) {
  return {op.attributes.integer("keyHeads"), op.attributes.integer("valueHeads"), op.attributes.integer("keyHeadDim"),
          op.attributes.integer("valueHeadDim")};
}

static void run_gated_delta(Worker& worker, const OpPlan& op, const StepContext& context, const GatedDelta& sizes) {
  const int64_t key_heads = sizes.key_heads;
  const int64_t value_heads = sizes.value_heads;
  const int64_t key_dim = sizes.key_dim;
  const int64_t value_dim = sizes.value_dim;
  const float* mixed = context.data(op.inputs[0]);
  const float* a = context.data(op.inputs[1]);
  const float* b = context.data(op.inputs[2]);
  const float* a_log = context.session.weight(op, 0)->vector();
  const float* step_bias = context.session.weight(op, 1)->vector();
  float* y = context.data(op.outputs[0]);
  const int64_t width = context.width(op.inputs[0]);
  const float query_factor = 1.0f / std::sqrt(static_cast<float>(key_dim));
  worker.parallel_for(context.batch.sequences() * value_heads, [&](int64_t item) {
    const Carried at = carried(op, context, item / value_heads);
    const int64_t head = item % value_heads;
    const int64_t key_head = head / (value_heads / key_heads);
    float* state = at.slot + head * key_dim * value_dim;  // [key_dim][value_dim]
    if (at.fresh) std::fill(state, state + key_dim * value_dim, 0.0f);
    std::vector<float> scratch(static_cast<size_t>(2 * key_dim + value_dim));
    float* query = scratch.data();
    float* key = query + key_dim;
    float* change = key + key_dim;
    const float rate = -std::exp(a_log[head]);
    for (int64_t t = at.first; t < at.last; ++t) {
      const float* row = mixed + t * width;
      to_unit(row + key_head * key_dim, key_dim, query_factor, query);
      to_unit(row + (key_heads + key_head) * key_dim, key_dim, 1.0f, key);
      const float* value = row + 2 * key_heads * key_dim + head * value_dim;
      const float decay = std::exp(rate * softplus(a[t * value_heads + head] + step_bias[head]));
      const float opening = 1.0f / (1.0f + std::exp(-b[t * value_heads + head]));
      const float share = op.rounds ? round_to_bfloat16(opening) : opening;
      std::fill(change, change + value_dim, 0.0f);
      for (int64_t i = 0; i < key_dim; ++i) {
        float* held = state + i * value_dim;
        for (int64_t j = 0; j < value_dim; ++j) {
          held[j] *= decay;
          change[j] += held[j] * key[i];
        }
      }
      for (int64_t j = 0; j < value_dim; ++j) change[j] = share * (value[j] - change[j]);
      float* out = y + (t * value_heads + head) * value_dim;
      std::fill(out, out + value_dim, 0.0f);
      for (int64_t i = 0; i < key_dim; ++i) {
        float* held = state + i * value_dim;
        for (int64_t j = 0; j < value_dim; ++j) {
          held[j] += key[i] * change[j];
          out[j] += held[j] * query[i];
        }
      }
    }
  });
}

static const RegisterKernel causal_convolution_kernel(kernel<run_causal_convolution>("causal_convolution"));
static const RegisterKernel selective_scan_kernel(kernel<run_selective_scan>("selective_scan"));
static const RegisterKernel gated_delta_kernel(kernel<prepare_gated_delta, run_gated_delta>("gated_delta"));

}  // namespace tsumugi
