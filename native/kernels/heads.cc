// head_linear: a matrix for each head. join_heads: heads of two inputs side by side.
#include <cstring>

#include "kernel.h"
#include "matmul.h"

namespace tsumugi {

static void run_head_linear(Worker& worker, const OpPlan& op, const StepContext& context) {
  const Weight& weight = *context.session.weight(op, 0);
  MatmulArguments arguments;
  arguments.rows = context.rows(op.inputs[0]);
  arguments.x_stride = weight.groups * weight.columns;
  arguments.y_stride = weight.groups * weight.rows;
  arguments.rounds = context.rounds(op.outputs[0]);
  arguments.workspace = context.session.matmul_workspace.data();
  for (int64_t head = 0; head < weight.groups; ++head) {
    const PackedMatrix matrix = weight.matrix(head);
    arguments.weight = &matrix;
    arguments.x = context.data(op.inputs[0]) + head * weight.columns;
    arguments.y = context.data(op.outputs[0]) + head * weight.rows;
    matmul(worker, arguments);
  }
}

struct JoinHeads {
  int64_t heads;
};

static JoinHeads prepare_join_heads(const OpPlan& op, const SessionData&) { return {op.attributes.integer("heads")}; }

static void run_join_heads(Worker& worker, const OpPlan& op, const StepContext& context, const JoinHeads& join) {
  const float* a = context.data(op.inputs[0]);
  const float* b = context.data(op.inputs[1]);
  float* y = context.data(op.outputs[0]);
  const int64_t heads = join.heads;
  const int64_t a_width = context.width(op.inputs[0]) / heads;
  const int64_t b_width = context.width(op.inputs[1]) / heads;
  for_rows(worker, context.rows(op.inputs[0]) * heads, 64, [&](int64_t first, int64_t last) {
    for (int64_t head = first; head < last; ++head) {
      float* out = y + head * (a_width + b_width);
      std::memcpy(out, a + head * a_width, static_cast<size_t>(a_width) * sizeof(float));
      std::memcpy(out + a_width, b + head * b_width, static_cast<size_t>(b_width) * sizeof(float));
    }
  });
}

static const RegisterKernel head_linear_kernel(kernel<run_head_linear>("head_linear", {.rounds_outputs = true}));
static const RegisterKernel join_heads_kernel(kernel<prepare_join_heads, run_join_heads>("join_heads",
                                                                                         {.rounds_outputs = true}));

}  // namespace tsumugi
