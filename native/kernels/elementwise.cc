// add, multiply, clamp (numbers [least, greatest]), scale (numbers [factor]), scale_rows (inputs [x, factors]), activation and gated_activation (numbers [kind]).
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
    vector_kernels().add(a + first, b + first, y + first, static_cast<size_t>(last - first));
  });
}

void run_multiply(Worker& worker, const OpPlan& op, const StepContext& context) {
  const float* a = context.data(op.inputs[0]);
  const float* b = context.data(op.inputs[1]);
  float* y = context.data(op.outputs[0]);
  for_rows(worker, values_of(op, context), kChunk, [&](int64_t first, int64_t last) {
    vector_kernels().multiply(a + first, b + first, y + first, static_cast<size_t>(last - first));
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
  for_rows(worker, values_of(op, context), kChunk, [&](int64_t first, int64_t last) {
    vector_kernels().scale(x + first, op.number(0), y + first, static_cast<size_t>(last - first));
  });
}

void run_scale_rows(Worker& worker, const OpPlan& op, const StepContext& context) {
  const float* x = context.data(op.inputs[0]);
  const float* factors = context.data(op.inputs[1]);
  float* y = context.data(op.outputs[0]);
  const int64_t width = context.width(op.inputs[0]);
  for_rows(worker, context.rows(op.inputs[0]), 4, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      vector_kernels().scale(x + row * width, factors[row], y + row * width, static_cast<size_t>(width));
    }
  });
}

void run_activation(Worker& worker, const OpPlan& op, const StepContext& context) {
  const float* x = context.data(op.inputs[0]);
  float* y = context.data(op.outputs[0]);
  const auto kind = static_cast<Activation>(op.count(0));
  for_rows(worker, values_of(op, context), kChunk, [&](int64_t first, int64_t last) {
    vector_kernels().activation(x + first, y + first, static_cast<size_t>(last - first), kind);
  });
}

void run_gated_activation(Worker& worker, const OpPlan& op, const StepContext& context) {
  const float* gate = context.data(op.inputs[0]);
  const float* up = context.data(op.inputs[1]);
  float* y = context.data(op.outputs[0]);
  const auto kind = static_cast<Activation>(op.count(0));
  for_rows(worker, values_of(op, context), kChunk, [&](int64_t first, int64_t last) {
    vector_kernels().gated_activation(gate + first, up + first, y + first, static_cast<size_t>(last - first), kind);
  });
}

}  // namespace tsumugi
