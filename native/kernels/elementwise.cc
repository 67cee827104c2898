// add, multiply, clamp, scale (by a number, or by what its weight holds), scale_rows, scale_by_position, activation,
// gated_activation, xielu.
#include <cmath>

#include "kernel.h"

namespace tsumugi {

// A multiple of 16: where a chunk begins does not change a value anyway.
constexpr int64_t kChunk = 16384;

static int64_t values_of(const OpPlan& op, const StepContext& context) {
  return context.rows(op.outputs[0]) * context.width(op.outputs[0]);
}

static void run_add(Worker& worker, const OpPlan& op, const StepContext& context) {
  const float* a = context.data(op.inputs[0]);
  const float* b = context.data(op.inputs[1]);
  float* y = context.data(op.outputs[0]);
  for_rows(worker, values_of(op, context), kChunk, [&](int64_t first, int64_t last) {
    vector_kernels(context.rounds(op.outputs[0])).add(a + first, b + first, y + first, static_cast<size_t>(last - first));
  });
}

static void run_multiply(Worker& worker, const OpPlan& op, const StepContext& context) {
  const float* a = context.data(op.inputs[0]);
  const float* b = context.data(op.inputs[1]);
  float* y = context.data(op.outputs[0]);
  for_rows(worker, values_of(op, context), kChunk, [&](int64_t first, int64_t last) {
    vector_kernels(context.rounds(op.outputs[0])).multiply(a + first, b + first, y + first, static_cast<size_t>(last - first));
  });
}

struct Clamp {
  float least;
  float greatest;
};

static Clamp prepare_clamp(const OpPlan& op, const SessionData&) {
  return {static_cast<float>(op.attributes.number("least")), static_cast<float>(op.attributes.number("greatest"))};
}

static void run_clamp(Worker& worker, const OpPlan& op, const StepContext& context, const Clamp& clamp) {
  const float* x = context.data(op.inputs[0]);
  float* y = context.data(op.outputs[0]);
  const float least = clamp.least;
  const float greatest = clamp.greatest;
  for_rows(worker, values_of(op, context), kChunk, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) y[i] = x[i] < least ? least : x[i] > greatest ? greatest : x[i];
  });
}

struct Scale {
  float factor;  // without a weight
};

static Scale prepare_scale(const OpPlan& op, const SessionData&) {
  return {static_cast<float>(op.attributes.number("factor", 1.0))};
}

static void run_scale(Worker& worker, const OpPlan& op, const StepContext& context, const Scale& scale) {
  const float* x = context.data(op.inputs[0]);
  float* y = context.data(op.outputs[0]);
  const Weight* weight = op.weights.empty() ? nullptr : context.session.weight(op, 0);
  if (weight != nullptr && weight->columns > 1) {
    const int64_t width = weight->columns;
    for_rows(worker, context.rows(op.outputs[0]), 4, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        vector_kernels(context.rounds(op.outputs[0]))
            .multiply(x + row * width, weight->vector(), y + row * width, static_cast<size_t>(width));
      }
    });
    return;
  }
  const float factor = weight == nullptr ? scale.factor : weight->vector()[0];
  for_rows(worker, values_of(op, context), kChunk, [&](int64_t first, int64_t last) {
    vector_kernels(context.rounds(op.outputs[0])).scale(x + first, factor, y + first, static_cast<size_t>(last - first));
  });
}

static void run_scale_rows(Worker& worker, const OpPlan& op, const StepContext& context) {
  const float* x = context.data(op.inputs[0]);
  const float* factors = context.data(op.inputs[1]);
  float* y = context.data(op.outputs[0]);
  const int64_t width = context.width(op.inputs[0]);
  for_rows(worker, context.rows(op.inputs[0]), 4, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      vector_kernels(context.rounds(op.outputs[0]))
          .scale(x + row * width, factors[row], y + row * width, static_cast<size_t>(width));
    }
  });
}

struct ScaleByPosition {
  float strength;
  float length;
  int64_t offset;
  bool counts_padding;
  bool round_factor;
};

static ScaleByPosition prepare_scale_by_position(const OpPlan& op, const SessionData&) {
  return {static_cast<float>(op.attributes.number("strength")), static_cast<float>(op.attributes.number("length")),
          op.attributes.integer("offset"), op.attributes.flag("countsPadding"), op.attributes.flag("roundFactor")};
}

static void run_scale_by_position(Worker& worker, const OpPlan& op, const StepContext& context,
                                  const ScaleByPosition& settings) {
  const BatchData& batch = context.batch;
  const float* x = context.data(op.inputs[0]);
  float* y = context.data(op.outputs[0]);
  const int64_t width = context.width(op.inputs[0]);
  const bool padded = settings.counts_padding && !batch.padding.empty();
  const VectorKernels& kernels = vector_kernels(context.rounds(op.outputs[0]));
  for_rows(worker, batch.tokens(), 4, [&](int64_t first, int64_t last) {
    size_t sequence = 0;
    for (int64_t t = first; t < last; ++t) {
      while (t >= batch.sequence_start[sequence + 1]) ++sequence;
      const int64_t position =
          batch.positions[static_cast<size_t>(t)] + (padded ? batch.padding[sequence] : 0) + settings.offset;
      const float steps = std::floor(static_cast<float>(position) / settings.length);
      const float growth = static_cast<float>(std::log1p(static_cast<double>(steps))) * settings.strength;
      const float factor = op.rounds && settings.round_factor ? round_to_bfloat16(growth + 1.0f) : growth + 1.0f;
      kernels.scale(x + t * width, factor, y + t * width, static_cast<size_t>(width));
    }
  });
}

struct ActivationSettings {
  Activation kind;
};

static ActivationSettings prepare_activation(const OpPlan& op, const SessionData&) {
  return {op.attributes.one_of<Activation>("kind", kActivationNames)};
}

static void run_activation(Worker& worker, const OpPlan& op, const StepContext& context, const ActivationSettings& settings) {
  const float* x = context.data(op.inputs[0]);
  float* y = context.data(op.outputs[0]);
  for_rows(worker, values_of(op, context), kChunk, [&](int64_t first, int64_t last) {
    vector_kernels(context.rounds(op.outputs[0]))
        .activation(x + first, y + first, static_cast<size_t>(last - first), settings.kind);
  });
}

static void run_xielu(Worker& worker, const OpPlan& op, const StepContext& context) {
  const float* x = context.data(op.inputs[0]);
  float* y = context.data(op.outputs[0]);
  const auto number = [&](size_t index, float otherwise) {
    const Weight* weight = context.session.weight(op, index);
    return weight == nullptr ? otherwise : weight->vector()[0];
  };
  const auto softplus = [](float value) { return value > 20.0f ? value : std::log1p(std::exp(value)); };
  const float beta = number(2, 0.5f);
  const float epsilon = number(3, -1e-6f);
  const auto round = [&op](float value) { return op.rounds ? round_to_bfloat16(value) : value; };
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

struct GatedActivation {
  Activation kind;
  bool unrounded_gate;
};

static GatedActivation prepare_gated_activation(const OpPlan& op, const SessionData&) {
  return {op.attributes.one_of<Activation>("kind", kActivationNames), op.attributes.flag("unroundedGate")};
}

static void run_gated_activation(Worker& worker, const OpPlan& op, const StepContext& context,
                                 const GatedActivation& settings) {
  const float* gate = context.data(op.inputs[0]);
  const float* up = context.data(op.inputs[1]);
  float* y = context.data(op.outputs[0]);
  for_rows(worker, values_of(op, context), kChunk, [&](int64_t first, int64_t last) {
    vector_kernels(context.rounds(op.outputs[0]))
        .gated_activation(gate + first, up + first, y + first, static_cast<size_t>(last - first), settings.kind,
                          settings.unrounded_gate);
  });
}

static const RegisterKernel add_kernel(kernel<run_add>("add", {.rounds_outputs = true}));
static const RegisterKernel multiply_kernel(kernel<run_multiply>("multiply", {.rounds_outputs = true}));
static const RegisterKernel clamp_kernel(kernel<prepare_clamp, run_clamp>("clamp"));
static const RegisterKernel scale_kernel(kernel<prepare_scale, run_scale>("scale", {.rounds_outputs = true}));
static const RegisterKernel scale_rows_kernel(kernel<run_scale_rows>("scale_rows", {.rounds_outputs = true}));
static const RegisterKernel scale_by_position_kernel(
    kernel<prepare_scale_by_position, run_scale_by_position>("scale_by_position", {.rounds_outputs = true}));
static const RegisterKernel activation_kernel(kernel<prepare_activation, run_activation>("activation",
                                                                                         {.rounds_outputs = true}));
static const RegisterKernel gated_activation_kernel(
    kernel<prepare_gated_activation, run_gated_activation>("gated_activation", {.rounds_outputs = true}));
static const RegisterKernel xielu_kernel(kernel<run_xielu>("xielu"));

}  // namespace tsumugi
