// rms_norm, layer_norm: over groups of values, or whole rows.
#include "kernel.h"

namespace tsumugi {

static int64_t group_size(const OpPlan& op, const SessionData& session) {
  return op.attributes.integer("groupSize", session.values[static_cast<size_t>(op.inputs[0])].width);
}

struct RmsNorm {
  float epsilon;
  float offset;  // of the weight
  int64_t group;
  bool once;  // not rounded before the product with the weight
  bool round_input;
};

static RmsNorm prepare_rms_norm(const OpPlan& op, const SessionData& session) {
  return {static_cast<float>(op.attributes.number("epsilon")), op.attributes.flag("unitOffset") ? 1.0f : 0.0f,
          group_size(op, session), op.attributes.flag("unitOffset") || op.attributes.flag("roundOnce"),
          op.attributes.flag("roundInput")};
}

static void run_rms_norm(Worker& worker, const OpPlan& op, const StepContext& context, const RmsNorm& norm) {
  const Weight* weight = context.session.weight(op, 0);
  const VectorKernels& kernels = vector_kernels(context.rounds(op.outputs[0]));
  const float* x = context.data(op.inputs[0]);
  float* y = context.data(op.outputs[0]);
  const int64_t group = norm.group;
  const int64_t groups = context.rows(op.inputs[0]) * (context.width(op.inputs[0]) / group);
  const int64_t run = group >= 4096 ? 4 : 16384 / group;
  const bool rounds_input = op.rounds && norm.round_input;
  for_rows(worker, groups, run, [&](int64_t first, int64_t last) {
    std::vector<float> rounded(rounds_input ? static_cast<size_t>(group) : 0);
    for (int64_t g = first; g < last; ++g) {
      const float* from = x + g * group;
      if (rounds_input) {
        kernels.round(from, rounded.data(), rounded.size());
        from = rounded.data();
      }
      kernels.rms_norm(from, weight == nullptr ? nullptr : weight->vector(), norm.offset, norm.epsilon, y + g * group,
                       static_cast<size_t>(group), norm.once);
    }
  });
}

struct LayerNorm {
  float epsilon;
  float offset;  // of the weight
  int64_t group;
};

static LayerNorm prepare_layer_norm(const OpPlan& op, const SessionData& session) {
  return {static_cast<float>(op.attributes.number("epsilon")), op.attributes.flag("unitOffset") ? 1.0f : 0.0f,
          group_size(op, session)};
}

static void run_layer_norm(Worker& worker, const OpPlan& op, const StepContext& context, const LayerNorm& norm) {
  const Weight* weight = context.session.weight(op, 0);
  const Weight* bias = context.session.weight(op, 1);
  const VectorKernels& kernels = vector_kernels(context.rounds(op.outputs[0]));
  const float* x = context.data(op.inputs[0]);
  float* y = context.data(op.outputs[0]);
  const int64_t group = norm.group;
  const int64_t in_row = context.width(op.inputs[0]) / group;
  // one weight for every group of a row, or one for all
  const auto part = [group, in_row](const Weight* of, int64_t g) -> const float* {
    if (of == nullptr) return nullptr;
    return of->rows * of->columns == group ? of->vector() : of->vector() + (g % in_row) * group;
  };
  const int64_t run = in_row == 1 || group >= 4096 ? 4 : 16384 / group;
  for_rows(worker, context.rows(op.inputs[0]) * in_row, run, [&](int64_t first, int64_t last) {
    for (int64_t g = first; g < last; ++g) {
      kernels.layer_norm(x + g * group, part(weight, g), part(bias, g), norm.offset, norm.epsilon, y + g * group,
                         static_cast<size_t>(group));
    }
  });
}

static const RegisterKernel rms_norm_kernel(kernel<prepare_rms_norm, run_rms_norm>("rms_norm", {.rounds_outputs = true}));
static const RegisterKernel layer_norm_kernel(kernel<prepare_layer_norm, run_layer_norm>("layer_norm",
                                                                                         {.rounds_outputs = true}));

}  // namespace tsumugi
