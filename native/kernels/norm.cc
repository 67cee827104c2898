// rms_norm: numbers [epsilon, unitOffset, groupSize, roundOnce, roundInput]; layer_norm: numbers [epsilon, groupSize, unitOffset].
#include "step.h"

namespace tsumugi {

void run_rms_norm(Worker& worker, const OpPlan& op, const StepContext& context) {
  const Weight* weight = context.session.weight(op, 0);
  const VectorKernels& kernels = vector_kernels(context.narrow(op.outputs[0]));
  const float* x = context.data(op.inputs[0]);
  float* y = context.data(op.outputs[0]);
  const int64_t group = op.count(2);
  const int64_t groups = context.rows(op.inputs[0]) * (context.width(op.inputs[0]) / group);
  const int64_t run = group >= 4096 ? 4 : 16384 / group;
  const bool rounds_input = op.narrow && op.count(4) != 0;
  for_rows(worker, groups, run, [&](int64_t first, int64_t last) {
    std::vector<float> rounded(rounds_input ? static_cast<size_t>(group) : 0);
    for (int64_t g = first; g < last; ++g) {
      const float* from = x + g * group;
      if (rounds_input) {
        kernels.round(from, rounded.data(), rounded.size());
        from = rounded.data();
      }
      kernels.rms_norm(from, weight == nullptr ? nullptr : weight->vector(), op.number(1), op.number(0), y + g * group,
                       static_cast<size_t>(group), op.count(1) != 0 || op.count(3) != 0);
    }
  });
}

void run_layer_norm(Worker& worker, const OpPlan& op, const StepContext& context) {
  const Weight* weight = context.session.weight(op, 0);
  const Weight* bias = context.session.weight(op, 1);
  const VectorKernels& kernels = vector_kernels(context.narrow(op.outputs[0]));
  const float* x = context.data(op.inputs[0]);
  float* y = context.data(op.outputs[0]);
  const int64_t group = op.count(1);
  const int64_t in_row = context.width(op.inputs[0]) / group;
  // one weight for every group of a row, or one for all
  const auto part = [group, in_row](const Weight* of, int64_t g) -> const float* {
    if (of == nullptr) return nullptr;
    return of->rows * of->columns == group ? of->vector() : of->vector() + (g % in_row) * group;
  };
  const int64_t run = in_row == 1 || group >= 4096 ? 4 : 16384 / group;
  for_rows(worker, context.rows(op.inputs[0]) * in_row, run, [&](int64_t first, int64_t last) {
    for (int64_t g = first; g < last; ++g) {
      kernels.layer_norm(x + g * group, part(weight, g), part(bias, g), op.number(2), op.number(0), y + g * group,
                         static_cast<size_t>(group));
    }
  });
}

}  // namespace tsumugi
