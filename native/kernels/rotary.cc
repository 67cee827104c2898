// rotary_table: numbers [half, scaling, dynamicBase (0: none), dynamicFactor, dynamicOriginalLength,
//   longLength (0: none), wide], frequencies [half], and where there is a longLength those of longer sequences after them
//   -> [T, 2 * half]: cosines, then sines. The planner makes one table for all layers that turn alike.
// rotary: inputs [x, table], numbers [heads, headDim, half, interleaved, wide].
#include <cmath>

#include "step.h"

namespace tsumugi {

// Dynamic NTK: every step rounded to float32, as transformers computes it.
static void dynamic_frequencies(const OpPlan& op, int64_t length, float* out) {
  const int64_t half = op.count(0);
  const double base = op.numbers.at(2);
  const double factor = op.numbers.at(3);
  const double original = op.numbers.at(4);
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

void run_rotary_table(Worker& worker, const OpPlan& op, const StepContext& context) {
  const BatchData& batch = context.batch;
  const int64_t half = op.count(0);
  const float scaling = op.number(1);
  const bool dynamic = op.numbers.at(2) != 0.0;
  const int64_t long_length = op.count(5);
  float* out = context.data(op.outputs[0]);
  for_rows(worker, batch.tokens(), 8, [&](int64_t first, int64_t last) {
    std::vector<float> grown;
    int64_t grown_length = -1;
    int64_t sequence = 0;
    for (int64_t t = first; t < last; ++t) {
      while (batch.sequence_start[static_cast<size_t>(sequence) + 1] <= t) ++sequence;
      const int64_t position = batch.positions[static_cast<size_t>(t)];
      const float* frequencies = op.frequencies.data();
      const int64_t prompt = batch.prompt_length[static_cast<size_t>(sequence)];
      const int64_t lead = batch.rotary_lead.empty() ? 0 : batch.rotary_lead[static_cast<size_t>(sequence)];
      const int64_t length = (prompt > position + 1 ? prompt : position + 1) + lead;
      if (long_length > 0 && length > long_length) frequencies += half;
      if (dynamic) {
        if (static_cast<double>(length) > op.numbers.at(4)) {
          if (length != grown_length) {
            grown.resize(static_cast<size_t>(half));
            dynamic_frequencies(op, length, grown.data());
            grown_length = length;
          }
          frequencies = grown.data();
        }
      }
      float* cosine = out + t * 2 * half;
      float* sine = cosine + half;
      for (int64_t i = 0; i < half; ++i) {
        const double angle = static_cast<float>(static_cast<double>(position) * static_cast<double>(frequencies[i]));
        cosine[i] = static_cast<float>(std::cos(angle)) * scaling;
        sine[i] = static_cast<float>(std::sin(angle)) * scaling;
      }
      if (op.narrow && op.count(6) == 0) vector_kernels(true).round(cosine, cosine, static_cast<size_t>(2 * half));
    }
  });
}

void run_rotary(Worker& worker, const OpPlan& op, const StepContext& context) {
  const float* x = context.data(op.inputs[0]);
  const float* table = context.data(op.inputs[1]);
  float* y = context.data(op.outputs[0]);
  const int64_t heads = op.count(0);
  const int64_t head_dim = op.count(1);
  const int64_t half = op.count(2);
  const VectorKernels& kernels = vector_kernels(context.narrow(op.outputs[0]));
  for_rows(worker, context.batch.tokens(), 8, [&](int64_t first, int64_t last) {
    for (int64_t t = first; t < last; ++t) {
      const float* cosine = table + t * 2 * half;
      kernels.rotate(x + t * heads * head_dim, y + t * heads * head_dim, static_cast<size_t>(heads),
                              static_cast<size_t>(head_dim), static_cast<size_t>(half), op.count(3) != 0, cosine,
                     cosine + half, op.count(4) != 0);
    }
  });
}

}  // namespace tsumugi
