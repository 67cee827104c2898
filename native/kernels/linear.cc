// linear: inputs [x, residual?], weights [W, bias?]. The residual is an `add` that the planner folded in.
#include "kernel.h"
#include "matmul.h"

namespace tsumugi {

struct Linear {
  bool round_product;
};

static Linear prepare_linear(const OpPlan& op, const SessionData&) { return {op.attributes.flag("roundProduct")}; }

static void run_linear(Worker& worker, const OpPlan& op, const StepContext& context, const Linear& linear) {
  const PackedMatrix weight = context.session.weight(op, 0)->matrix();
  const Weight* bias = context.session.weight(op, 1);
  MatmulArguments arguments;
  arguments.weight = &weight;
  arguments.x = context.data(op.inputs[0]);
  arguments.x_stride = weight.columns;
  arguments.rows = context.rows(op.inputs[0]);
  arguments.bias = bias == nullptr ? nullptr : bias->vector();
  if (op.inputs.size() > 1) {
    arguments.residual = context.data(op.inputs[1]);
    arguments.residual_stride = weight.rows;
  }
  arguments.rounds = context.rounds(op.outputs[0]);
  arguments.rounds_product = linear.round_product;
  arguments.y = context.data(op.outputs[0]);
  arguments.y_stride = weight.rows;
  arguments.workspace = context.session.matmul_workspace.data();
  matmul(worker, arguments);
}

static const RegisterKernel linear_kernel(kernel<prepare_linear, run_linear>("linear", {.rounds_outputs = true}));

}  // namespace tsumugi
