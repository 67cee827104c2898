// weighted_sum, match_magnitude, gaussian_cut.
#include <algorithm>
#include <cmath>

#include "kernel.h"

namespace tsumugi {

static float round(const OpPlan& op, float value) { return op.rounds ? round_to_bfloat16(value) : value; }

struct WeightedSum {
  int64_t first;
  float offset;
};

static WeightedSum prepare_weighted_sum(const OpPlan& op, const SessionData&) {
  return {op.attributes.integer("first"), static_cast<float>(op.attributes.number("offset"))};
}

static void run_weighted_sum(Worker& worker, const OpPlan& op, const StepContext& context, const WeightedSum& settings) {
  const float* weights = context.data(op.inputs[0]);
  const int64_t given = context.width(op.inputs[0]);
  const int64_t width = context.width(op.outputs[0]);
  const int64_t place = settings.first;
  float* y = context.data(op.outputs[0]);
  for_rows(worker, context.rows(op.outputs[0]), 4, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      float* out = y + row * width;
      std::fill(out, out + width, 0.0f);
      for (size_t i = 1; i < op.inputs.size(); ++i) {
        const float* x = context.data(op.inputs[i]) + row * width;
        const float weight = round(op, weights[row * given + place + static_cast<int64_t>(i) - 1] + settings.offset);
        for (int64_t column = 0; column < width; ++column) out[column] += weight * x[column];
      }
    }
  });
}

static double mean_square(const OpPlan& op, const float* x, int64_t count) {
  double sum = 0.0;
  if (op.rounds) {
    for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(round_to_bfloat16(x[i] * x[i]));
    return static_cast<double>(round_to_bfloat16(static_cast<float>(sum / static_cast<double>(count))));
  }
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum / static_cast<double>(count);
}

struct MatchMagnitude {
  double epsilon;
};

static MatchMagnitude prepare_match_magnitude(const OpPlan& op, const SessionData&) {
  return {op.attributes.number("epsilon")};
}

static void run_match_magnitude(Worker& worker, const OpPlan& op, const StepContext& context, const MatchMagnitude& settings) {
  const int64_t width = context.width(op.outputs[0]);
  const float* values = context.data(op.inputs[0]);
  const float* others = context.data(op.inputs[1]);
  float* y = context.data(op.outputs[0]);
  for_rows(worker, context.rows(op.outputs[0]), 4, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      const float* x = values + row * width;
      const double least =
          op.rounds ? static_cast<double>(round_to_bfloat16(static_cast<float>(settings.epsilon))) : settings.epsilon;
      const float target = round(op, static_cast<float>(std::sqrt(mean_square(op, others + row * width, width))));
      const float size = round(op, static_cast<float>(std::sqrt(std::max(mean_square(op, x, width), least))));
      for (int64_t i = 0; i < width; ++i) y[row * width + i] = round(op, x[i] * target) / size;
    }
  });
}

struct GaussianCut {
  float deviations;
};

static GaussianCut prepare_gaussian_cut(const OpPlan& op, const SessionData&) {
  return {static_cast<float>(op.attributes.number("deviations"))};
}

static void run_gaussian_cut(Worker& worker, const OpPlan& op, const StepContext& context, const GaussianCut& settings) {
  const int64_t width = context.width(op.outputs[0]);
  const float* values = context.data(op.inputs[0]);
  float* y = context.data(op.outputs[0]);
  for_rows(worker, context.rows(op.outputs[0]), 2, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      const float* x = values + row * width;
      double sum = 0.0;
      for (int64_t i = 0; i < width; ++i) sum += static_cast<double>(x[i]);
      const double mean = sum / static_cast<double>(width);
      double squares = 0.0;
      for (int64_t i = 0; i < width; ++i) squares += (static_cast<double>(x[i]) - mean) * (static_cast<double>(x[i]) - mean);
      const float deviation = round(op, static_cast<float>(std::sqrt(squares / static_cast<double>(width))));
      const float cut = round(op, round(op, static_cast<float>(mean)) + round(op, deviation * round(op, settings.deviations)));
      for (int64_t i = 0; i < width; ++i) y[row * width + i] = std::max(0.0f, x[i] - cut);
    }
  });
}

static const RegisterKernel weighted_sum_kernel(kernel<prepare_weighted_sum, run_weighted_sum>("weighted_sum"));
static const RegisterKernel match_magnitude_kernel(kernel<prepare_match_magnitude, run_match_magnitude>("match_magnitude"));
static const RegisterKernel gaussian_cut_kernel(kernel<prepare_gaussian_cut, run_gaussian_cut>("gaussian_cut"));

}  // namespace tsumugi
