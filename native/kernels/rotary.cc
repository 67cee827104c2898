// rotary_table: cosines, then sines, of each token. The planner makes one table for all layers that turn alike.
// rotary: inputs [x, table].
#include <cmath>

#include "kernel.h"

namespace tsumugi {

struct RotaryTable {
  int64_t half;
  float scaling;
  std::vector<float> frequencies;       // [half]
  std::vector<float> long_frequencies;  // of sequences longer than long_length; empty: the same
  int64_t long_length;
  double dynamic_base;  // 0: not dynamic
  double dynamic_factor;
  double dynamic_original_length;
  bool unrounded;
};

static RotaryTable prepare_rotary_table(const OpPlan& op, const SessionData&) {
  const OpAttributes& given = op.attributes;
  return {given.integer("rotaryDim") / 2,
          static_cast<float>(given.number("scaling")),
          given.floats("frequencies"),
          given.floats("longFrequencies"),
          given.integer("longLength", 0),
          given.number("dynamicBase", 0.0),
          given.number("dynamicFactor", 0.0),
          given.number("dynamicOriginalLength", 0.0),
          given.flag("unrounded")};
}

// Dynamic NTK: every step rounded to float32, as transformers computes it.
static void dynamic_frequencies(const RotaryTable& table, int64_t length, float* out) {
  const int64_t half = table.half;
  const double base = table.dynamic_base;
  const double factor = table.dynamic_factor;
  const double original = table.dynamic_original_length;
  const double dim = static_cast<double>(2 * half);
  const float stretched = static_cast<float>(factor * static_cast<double>(length));
  const float ratio =
      static_cast<float>(static_cast<double>(static_cast<float>(static_cast<double>(stretched) / original)) - (factor - 1.0));
  const float power = static_cast<float>(std::pow(static_cast<double>(ratio), dim / (dim - 2.0)));
  const double grown = static_cast<float>(base * static_cast<double>(power));
  for (int64_t i = 0; i < half; ++i) {
    const double exponent = static_cast<float>(static_cast<double>(2 * i) / dim);
    out[i] = static_cast<float>(1.0 / static_cast<double>(static_cast<float>(std::pow(grown, exponent))));
  }
}

static void run_rotary_table(Worker& worker, const OpPlan& op, const StepContext& context, const RotaryTable& table) {
  const BatchData& batch = context.batch;
  const int64_t half = table.half;
  const bool dynamic = table.dynamic_base != 0.0;
  float* out = context.data(op.outputs[0]);
  for_rows(worker, batch.tokens(), 8, [&](int64_t first, int64_t last) {
    std::vector<float> grown;
    int64_t grown_length = -1;
    int64_t sequence = 0;
    for (int64_t t = first; t < last; ++t) {
      while (batch.sequence_start[static_cast<size_t>(sequence) + 1] <= t) ++sequence;
      const int64_t position = batch.positions[static_cast<size_t>(t)];
      const float* frequencies = table.frequencies.data();
      const int64_t prompt = batch.prompt_length[static_cast<size_t>(sequence)];
      const int64_t lead = batch.rotary_lead.empty() ? 0 : batch.rotary_lead[static_cast<size_t>(sequence)];
      const int64_t length = (prompt > position + 1 ? prompt : position + 1) + lead;
      if (!table.long_frequencies.empty() && length > table.long_length) frequencies = table.long_frequencies.data();
      if (dynamic) {
        if (static_cast<double>(length) > table.dynamic_original_length) {
          if (length != grown_length) {
            grown.resize(static_cast<size_t>(half));
            dynamic_frequencies(table, length, grown.data());
            grown_length = length;
          }
          frequencies = grown.data();
        }
      }
      float* cosine = out + t * 2 * half;
      float* sine = cosine + half;
      for (int64_t i = 0; i < half; ++i) {
        const double angle = static_cast<float>(static_cast<double>(position) * static_cast<double>(frequencies[i]));
        cosine[i] = static_cast<float>(std::cos(angle)) * table.scaling;
        sine[i] = static_cast<float>(std::sin(angle)) * table.scaling;
      }
      if (op.rounds && !table.unrounded) vector_kernels(true).round(cosine, cosine, static_cast<size_t>(2 * half));
    }
  });
}

struct Rotary {
  int64_t heads;
  int64_t head_dim;
  int64_t half;
  bool interleaved;
  bool unrounded;  // products are not rounded
};

static Rotary prepare_rotary(const OpPlan& op, const SessionData&) {
  return {op.attributes.integer("heads"), op.attributes.integer("headDim"), op.attributes.integer("rotaryDim") / 2,
          op.attributes.flag("interleaved"), op.attributes.has("unrounded")};
}

static void run_rotary(Worker& worker, const OpPlan& op, const StepContext& context, const Rotary& rotary) {
  const float* x = context.data(op.inputs[0]);
  const float* table = context.data(op.inputs[1]);
  float* y = context.data(op.outputs[0]);
  const int64_t heads = rotary.heads;
  const int64_t head_dim = rotary.head_dim;
  const int64_t half = rotary.half;
  const VectorKernels& kernels = vector_kernels(context.rounds(op.outputs[0]));
  for_rows(worker, context.batch.tokens(), 8, [&](int64_t first, int64_t last) {
    for (int64_t t = first; t < last; ++t) {
      const float* cosine = table + t * 2 * half;
      kernels.rotate(x + t * heads * head_dim, y + t * heads * head_dim, static_cast<size_t>(heads),
                     static_cast<size_t>(head_dim), static_cast<size_t>(half), rotary.interleaved, cosine, cosine + half,
                     rotary.unrounded);
    }
  });
}

static const RegisterKernel rotary_table_kernel(kernel<prepare_rotary_table, run_rotary_table>("rotary_table",
                                                                                               {.rounds_outputs = true}));
static const RegisterKernel rotary_kernel(kernel<prepare_rotary, run_rotary>("rotary", {.rounds_outputs = true}));

}  // namespace tsumugi
