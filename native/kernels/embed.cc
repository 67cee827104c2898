// embed, embed_position, wave_position; rows: those whose logits are wanted; columns.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernel.h"

namespace tsumugi {

static void gather(const Weight& weight, int64_t row, float* out) {
  const size_t columns = static_cast<size_t>(weight.columns);
  const size_t first = static_cast<size_t>(row) * columns;
  if (weight.kind == WeightKind::packed) return unpack_row(weight.matrix(), row, out);
  if (weight.storage == Storage::float32) {
    std::memcpy(out, weight.vector() + first, columns * sizeof(float));
    return;
  }
  const uint16_t* from = reinterpret_cast<const uint16_t*>(weight.data) + first;
  if (weight.storage == Storage::bfloat16) {
    for (size_t i = 0; i < columns; ++i) out[i] = bfloat16_to_float(from[i]);
  } else {
    for (size_t i = 0; i < columns; ++i) out[i] = float16_to_float(from[i]);
  }
}

static float rounded(float value, Storage type) {
  if (type == Storage::bfloat16) return round_to_bfloat16(value);
  return type == Storage::float16 ? float16_to_float(float_to_float16(value)) : value;
}

struct Embed {
  float scale;  // 1: none
  int64_t otherwise;  // row of tokens beyond the table; -1: there are none
  bool round_scale;
};

static Embed prepare_embed(const OpPlan& op, const SessionData&) {
  return {static_cast<float>(op.attributes.number("scale", 1.0)), op.attributes.integer("otherwise", -1),
          op.attributes.flag("roundScale")};
}

static void run_embed(Worker& worker, const OpPlan& op, const StepContext& context, const Embed& embed) {
  const Weight& weight = *context.session.weight(op, 0);
  float* out = context.data(op.outputs[0]);
  const float factor = embed.round_scale ? rounded(embed.scale, value_storage(weight.storage, weight.arithmetic)) : embed.scale;
  const VectorKernels& kernels = vector_kernels(context.rounds(op.outputs[0]));
  const int64_t otherwise = embed.otherwise;
  for_rows(worker, context.batch.tokens(), 8, [&](int64_t first, int64_t last) {
    for (int64_t t = first; t < last; ++t) {
      float* row = out + t * weight.columns;
      const int64_t id = context.batch.token_ids[static_cast<size_t>(t)];
      gather(weight, id >= weight.rows && otherwise >= 0 ? otherwise : id, row);
      if (factor != 1.0f) kernels.scale(row, factor, row, static_cast<size_t>(weight.columns));
    }
  });
}

struct EmbedPosition {
  int64_t offset;
};

static EmbedPosition prepare_embed_position(const OpPlan& op, const SessionData&) { return {op.attributes.integer("offset")}; }

static void run_embed_position(Worker& worker, const OpPlan& op, const StepContext& context, const EmbedPosition& settings) {
  const Weight& weight = *context.session.weight(op, 0);
  float* out = context.data(op.outputs[0]);
  const int64_t offset = settings.offset;
  for_rows(worker, context.batch.tokens(), 8, [&](int64_t first, int64_t last) {
    for (int64_t t = first; t < last; ++t) {
      gather(weight, context.batch.positions[static_cast<size_t>(t)] + offset, out + t * weight.columns);
    }
  });
}

struct WavePosition {
  int64_t offset;
  int64_t padding;  // id of the token that gets zeros
  std::vector<float> frequencies;
};

static WavePosition prepare_wave_position(const OpPlan& op, const SessionData&) {
  return {op.attributes.integer("offset"), op.attributes.integer("padding"), op.attributes.floats("frequencies")};
}

static void run_wave_position(Worker& worker, const OpPlan& op, const StepContext& context, const WavePosition& settings) {
  float* out = context.data(op.outputs[0]);
  const int64_t width = context.width(op.outputs[0]);
  const int64_t offset = settings.offset;
  const int64_t padding = settings.padding;
  const size_t half = settings.frequencies.size();
  for_rows(worker, context.batch.tokens(), 8, [&](int64_t first, int64_t last) {
    for (int64_t t = first; t < last; ++t) {
      float* row = out + t * width;
      std::fill(row, row + width, 0.0f);
      if (context.batch.token_ids[static_cast<size_t>(t)] == padding) continue;
      const float position = static_cast<float>(context.batch.positions[static_cast<size_t>(t)] + offset);
      for (size_t i = 0; i < half; ++i) {
        const float angle = position * settings.frequencies[i];
        row[i] = std::sin(angle);
        row[half + i] = std::cos(angle);
      }
    }
  });
}

static void run_rows(Worker& worker, const OpPlan& op, const StepContext& context) {
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

struct Columns {
  int64_t first;
};

static Columns prepare_columns(const OpPlan& op, const SessionData&) { return {op.attributes.integer("first")}; }

static void run_columns(Worker& worker, const OpPlan& op, const StepContext& context, const Columns& columns) {
  const int64_t width = context.width(op.inputs[0]);
  const int64_t count = context.width(op.outputs[0]);
  const float* x = context.data(op.inputs[0]) + columns.first;
  float* out = context.data(op.outputs[0]);
  for_rows(worker, context.rows(op.inputs[0]), 16, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      std::memcpy(out + row * count, x + row * width, static_cast<size_t>(count) * sizeof(float));
    }
  });
}

static const RegisterKernel embed_kernel(kernel<prepare_embed, run_embed>("embed"));
static const RegisterKernel embed_position_kernel(kernel<prepare_embed_position, run_embed_position>("embed_position"));
static const RegisterKernel wave_position_kernel(kernel<prepare_wave_position, run_wave_position>("wave_position"));
static const RegisterKernel rows_kernel(kernel<run_rows>("rows", {.rounds_outputs = true}));
static const RegisterKernel columns_kernel(kernel<prepare_columns, run_columns>("columns", {.rounds_outputs = true}));

}  // namespace tsumugi
