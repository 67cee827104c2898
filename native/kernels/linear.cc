// linear: inputs [x, residual?], weights [W, bias?], numbers [roundProduct]. The residual is an `add` that the planner folded in.
#include "matmul.h"
#include "step.h"

namespace tsumugi {

void run_linear(Worker& worker, const OpPlan& op, const StepContext& context) {
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
  arguments.narrow = context.narrow(op.outputs[0]);
  arguments.narrow_product = op.count(0) != 0;
  arguments.y = context.data(op.outputs[0]);
  arguments.y_stride = weight.rows;
  arguments.workspace = context.session.matmul_workspace.data();
  matmul(worker, arguments);
}

}  // namespace tsumugi
