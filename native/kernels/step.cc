// One step: the program's ops in order, each run by all workers of the job.
#include "step.h"

#include <cstring>

#include "kernel.h"

namespace tsumugi {

int64_t StepContext::rows(int value) const {
  const ValuePlan& plan = session.values[static_cast<size_t>(value)];
  switch (plan.kind) {
    case Rows::tokens:
      return batch.tokens();
    case Rows::sequences:
      return batch.sequences();
    case Rows::logit_rows:
      return static_cast<int64_t>(batch.logit_rows.size());
    case Rows::fixed:
      break;
  }
  return plan.rows;
}

float* StepContext::data(int value) const {
  const ValuePlan& plan = session.values[static_cast<size_t>(value)];
  if (plan.kept >= 0) return kept[static_cast<size_t>(plan.kept)].get();
  return reinterpret_cast<float*>(session.workspace.data() + plan.offset);
}

static void copy_blocks(Worker& worker, const StepContext& context) {
  const auto& copies = context.batch.copies;
  if (copies.empty()) return;
  const auto& parts = context.session.parts;
  // Parts side by side, the copies of one part in order.
  worker.parallel_for(static_cast<int64_t>(parts.size()), [&](int64_t index) {
    const StatePart& part = parts[static_cast<size_t>(index)];
    const auto block = [&](int32_t id) { return part.data + static_cast<size_t>(id) * part.block_step; };
    for (const BlockCopy& copy : copies) {
      if (copy.state != part.state) continue;
      std::memcpy(block(copy.to), block(copy.from), part.block_bytes());
    }
  });
}

// For the ops whose kernels do not round.
static void round_outputs(Worker& worker, const OpPlan& op, const StepContext& context) {
  for (const int output : op.outputs) {
    if (!context.rounds(output)) continue;
    float* y = context.data(output);
    for_rows(worker, context.rows(output) * context.width(output), 16384, [&](int64_t first, int64_t last) {
      vector_kernels(true).round(y + first, y + first, static_cast<size_t>(last - first));
    });
  }
}

void run_step(Worker& worker, const StepContext& context) {
  copy_blocks(worker, context);
  const std::vector<OpPlan>& ops = context.session.ops;
  const size_t middle = context.session.encode_from;
  const size_t last = context.batch.encode ? ops.size() : middle;
  for (size_t i = context.batch.encode ? middle : 0; i < last; ++i) {
    ops[i].kernel->run(worker, ops[i], context);
    if (ops[i].rounds && !ops[i].kernel->rounds_outputs) round_outputs(worker, ops[i], context);
  }
}

}  // namespace tsumugi
