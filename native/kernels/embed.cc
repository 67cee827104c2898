// embed: numbers [scale, otherwise (-1: none), roundScale]; embed_position: numbers [offset]; wave_position: numbers [offset,
// padding], frequencies; rows: the rows whose logits are wanted; columns: numbers [first].
#include <algorithm>
#include <cmath>
#include <cstring>

#include "step.h"

namespace tsumugi {

static void gather(const Weight& weight, int64_t row, float* out) {
  const size_t columns = static_cast<size_t>(weight.columns);
  const size_t first = static_cast<size_t>(row) * columns;
  if (weight.kind == WeightKind::packed) return unpack_row(weight.matrix(), row, out);
  if (weight.storage == DType::float32) {
    std::memcpy(out, weight.vector() + first, columns * sizeof(float));
    return;
  }
  const uint16_t* from = reinterpret_cast<const uint16_t*>(weight.data) + first;
  if (weight.storage == DType::bfloat16) {
    for (size_t i = 0; i < columns; ++i) out[i] = bfloat16_to_float(from[i]);
  } else {
    for (size_t i = 0; i < columns; ++i) out[i] = float16_to_float(from[i]);
  }
}

static float rounded(float value, DType type) {
  if (type == DType::bfloat16) return round_to_bfloat16(value);
  return type == DType::float16 ? float16_to_float(float_to_float16(value)) : value;
}

void run_embed(Worker& worker, const OpPlan& op, const StepContext& context) {
  const Weight& weight = *context.session.weight(op, 0);
  float* out = context.data(op.outputs[0]);
  const float factor = op.count(2) != 0 ? rounded(op.number(0), weight.storage) : op.number(0);
  const VectorKernels& kernels = vector_kernels(context.narrow(op.outputs[0]));
  const int64_t otherwise = op.count(1);
  for_rows(worker, context.batch.tokens(), 8, [&](int64_t first, int64_t last) {
    for (int64_t t = first; t < last; ++t) {
      float* row = out + t * weight.columns;
      const int64_t id = context.batch.token_ids[static_cast<size_t>(t)];
      gather(weight, id >= weight.rows && otherwise >= 0 ? otherwise : id, row);
      if (factor != 1.0f) kernels.scale(row, factor, row, static_cast<size_t>(weight.columns));
    }
  });
}

void run_embed_position(Worker& worker, const OpPlan& op, const StepContext& context) {
  const Weight& weight = *context.session.weight(op, 0);
  float* out = context.data(op.outputs[0]);
  const int64_t offset = op.count(0);
  for_rows(worker, context.batch.tokens(), 8, [&](int64_t first, int64_t last) {
    for (int64_t t = first; t < last; ++t) {
      gather(weight, context.batch.positions[static_cast<size_t>(t)] + offset, out + t * weight.columns);
    }
  });
}

void run_wave_position(Worker& worker, const OpPlan& op, const StepContext& context) {
  float* out = context.data(op.outputs[0]);
  const int64_t width = context.width(op.outputs[0]);
  const int64_t offset = op.count(0);
  const int64_t padding = op.count(1);
  const size_t half = op.frequencies.size();
  for_rows(worker, context.batch.tokens(), 8, [&](int64_t first, int64_t last) {
    for (int64_t t = first; t < last; ++t) {
      float* row = out + t * width;
      std::fill(row, row + width, 0.0f);
      if (context.batch.token_ids[static_cast<size_t>(t)] == padding) continue;
      const float position = static_cast<float>(context.batch.positions[static_cast<size_t>(t)] + offset);
      for (size_t i = 0; i < half; ++i) {
        const float angle = position * op.frequencies[i];
        row[i] = std::sin(angle);
        row[half + i] = std::cos(angle);
      }
    }
  });
}

void run_rows(Worker& worker, const OpPlan& op, const StepContext& context) {
  const float* x = context.data(op.inputs[0]);
  float* out = context.data(op.outputs[0]);
  const int64_t width = context.width(op.inputs[0]);
  const auto& rows = context.batch.logit_rows;
  for_rows(worker, static_cast<int64_t>(rows.size()), 16, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      std::memcpy(out + r * width, x + rows[static_cast<size_t>(r)] * width, static_cast<size_t>(width) * sizeof(float));
    }
  });
}

void run_columns(Worker& worker, const OpPlan& op, const StepContext& context) {
  const int64_t width = context.width(op.inputs[0]);
  const int64_t count = context.width(op.outputs[0]);
  const float* x = context.data(op.inputs[0]) + op.count(0);
  float* out = context.data(op.outputs[0]);
  for_rows(worker, context.rows(op.inputs[0]), 16, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      std::memcpy(out + row * count, x + row * width, static_cast<size_t>(count) * sizeof(float));
    }
  });
}

}  // namespace tsumugi
