// add, multiply, clamp (numbers [least, greatest]), scale (numbers [factor], or weights [factors]), scale_rows (inputs [x, factors]),
// scale_by_position (numbers [strength, length, offset, countsPadding, roundFactor]), activation (numbers [kind]) and gated_activation
// (numbers [kind, wideGate]), xielu (weights [alphaP, alphaN, beta?, epsilon?]).
#include <cmath>

#include "step.h"

namespace tsumugi {

// A multiple of 16: where a chunk begins does not change a value anyway.
constexpr int64_t kChunk = 16384;

static int64_t values_of(const OpPlan& op, const StepContext& context) {
  return context.rows(op.outputs[0]) * context.width(op.outputs[0]);
}

void run_add(Worker& worker, const OpPlan& op, const StepContext& context) {
  const float* a = context.data(op.inputs[0]);
  const float* b = context.data(op.inputs[1]);
  float* y = context.data(op.outputs[0]);
  for_rows(worker, values_of(op, context), kChunk, [&](int64_t first, int64_t last) {
    vector_kernels(context.narrow(op.outputs[0])).add(a + first, b + first, y + first, static_cast<size_t>(last - first));
  });
}

void run_multiply(Worker& worker, const OpPlan& op, const StepContext& context) {
  const float* a = context.data(op.inputs[0]);
  const float* b = context.data(op.inputs[1]);
  float* y = context.data(op.outputs[0]);
  for_rows(worker, values_of(op, context), kChunk, [&](int64_t first, int64_t last) {
    vector_kernels(context.narrow(op.outputs[0])).multiply(a + first, b + first, y + first, static_cast<size_t>(last - first));
  });
}

void run_clamp(Worker& worker, const OpPlan& op, const StepContext& context) {
  const float* x = context.data(op.inputs[0]);
  float* y = context.data(op.outputs[0]);
  const float least = op.number(0);
  const float greatest = op.number(1);
  for_rows(worker, values_of(op, context), kChunk, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) y[i] = x[i] < least ? least : x[i] > greatest ? greatest : x[i];
  });
}

void run_scale(Worker& worker, const OpPlan& op, const StepContext& context) {
  const float* x = context.data(op.inputs[0]);
  float* y = context.data(op.outputs[0]);
  const Weight* weight = op.weights.empty() ? nullptr : context.session.weight(op, 0);
  if (weight != nullptr && weight->columns > 1) {
    const int64_t width = weight->columns;
    for_rows(worker, context.rows(op.outputs[0]), 4, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        vector_kernels(context.narrow(op.outputs[0])).multiply(x + row * width, weight->vector(), y + row * width, static_cast<size_t>(width));
      }
    });
    return;
  }
  const float factor = weight == nullptr ? op.number(0) : weight->vector()[0];
  for_rows(worker, values_of(op, context), kChunk, [&](int64_t first, int64_t last) {
    vector_kernels(context.narrow(op.outputs[0])).scale(x + first, factor, y + first, static_cast<size_t>(last - first));
  });
}

void run_scale_rows(Worker& worker, const OpPlan& op, const StepContext& context) {
  const float* x = context.data(op.inputs[0]);
  const float* factors = context.data(op.inputs[1]);
  float* y = context.data(op.outputs[0]);
  const int64_t width = context.width(op.inputs[0]);
  for_rows(worker, context.rows(op.inputs[0]), 4, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      vector_kernels(context.narrow(op.outputs[0])).scale(x + row * width, factors[row], y + row * width, static_cast<size_t>(width));
    }
  });
}

void run_scale_by_position(Worker& worker, const OpPlan& op, const StepContext& context) {
  const BatchData& batch = context.batch;
  const float* x = context.data(op.inputs[0]);
  float* y = context.data(op.outputs[0]);
  const int64_t width = context.width(op.inputs[0]);
  const bool padded = op.count(3) != 0 && !batch.padding.empty();
  const VectorKernels& kernels = vector_kernels(context.narrow(op.outputs[0]));
  for_rows(worker, batch.tokens(), 4, [&](int64_t first, int64_t last) {
    size_t sequence = 0;
    for (int64_t t = first; t < last; ++t) {
      while (t >= batch.sequence_start[sequence + 1]) ++sequence;
      const int64_t position = batch.positions[static_cast<size_t>(t)] + (padded ? batch.padding[sequence] : 0) + op.count(2);
      const float steps = std::floor(static_cast<float>(position) / op.number(1));
      const float growth = static_cast<float>(std::log1p(static_cast<double>(steps))) * op.number(0);
      const float factor = op.narrow && op.count(4) != 0 ? round_to_bfloat16(growth + 1.0f) : growth + 1.0f;
      kernels.scale(x + t * width, factor, y + t * width, static_cast<size_t>(width));
    }
  });
}

void run_activation(Worker& worker, const OpPlan& op, const StepContext& context) {
  const float* x = context.data(op.inputs[0]);
  float* y = context.data(op.outputs[0]);
  const auto kind = static_cast<Activation>(op.count(0));
  for_rows(worker, values_of(op, context), kChunk, [&](int64_t first, int64_t last) {
    vector_kernels(context.narrow(op.outputs[0])).activation(x + first, y + first, static_cast<size_t>(last - first), kind);
  });
}

void run_xielu(Worker& worker, const OpPlan& op, const StepContext& context) {
  const float* x = context.data(op.inputs[0]);
  float* y = context.data(op.outputs[0]);
  const auto number = [&](size_t index, float otherwise) {
    const Weight* weight = context.session.weight(op, index);
    return weight == nullptr ? otherwise : weight->vector()[0];
  };
  const auto softplus = [](float value) { return value > 20.0f ? value : std::log1p(std::exp(value)); };
  const float beta = number(2, 0.5f);
  const float epsilon = number(3, -1e-6f);
  const auto round = [&op](float value) { return op.narrow ? round_to_bfloat16(value) : value; };
  const float above = round(softplus(number(0, 0.0f)));
  const float below = round(beta + round(softplus(number(1, 0.0f))));
  for_rows(worker, values_of(op, context), kChunk, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const float value = x[i];
      const float bent = value > 0.0f ? round(above * value) * value
                                      : round(round(std::expm1(value < epsilon ? value : epsilon)) - value) * below;
      y[i] = round(bent) + round(beta * value);
    }
  });
}

void run_gated_activation(Worker& worker, const OpPlan& op, const StepContext& context) {
  const float* gate = context.data(op.inputs[0]);
  const float* up = context.data(op.inputs[1]);
  float* y = context.data(op.outputs[0]);
  const auto kind = static_cast<Activation>(op.count(0));
  for_rows(worker, values_of(op, context), kChunk, [&](int64_t first, int64_t last) {
    vector_kernels(context.narrow(op.outputs[0]))
        .gated_activation(gate + first, up + first, y + first, static_cast<size_t>(last - first), kind,
                                      op.count(1) != 0);
  });
}

}  // namespace tsumugi
