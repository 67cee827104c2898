// One step: the program's ops in order, each run by all workers of the job.
#include "step.h"

#include <algorithm>
#include <cstring>
#include <iterator>

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

// Ops of which a few tokens are one chunk, which one worker does while the others wait.
constexpr const char* kLight[] = {"add",        "clamp",    "embed",    "gated_activation", "activation",
                                  "layer_norm", "multiply", "rms_norm", "rotary",           "rotary_table",
                                  "rows",       "scale",    "store"};
constexpr int64_t kFewTokens = 2;

static bool is_light(const OpPlan& op) { return std::find(std::begin(kLight), std::end(kLight), op.name) != std::end(kLight); }

// Whether a product of few rows is one loop, which needs nothing that other workers make.
static bool is_one_loop(const SessionData& session, const OpPlan& op) {
  if (op.name != "linear" || op.inputs.size() != 1 || op.weights.empty() || active_isa() == Isa::amx) return false;
  const Weight& weight = *session.weight(op, 0);
  const bool is_float = weight.arithmetic == Arithmetic::float32 || weight.arithmetic == Arithmetic::bfloat16;
  return is_float && (is_plain(weight.storage) || !weight.codes.permuted);
}

static bool shares_input(const SessionData& session, const OpPlan& before, const OpPlan& op) {
  if (!is_one_loop(session, before) || !is_one_loop(session, op) || before.inputs != op.inputs) return false;
  return session.weight(before, 0)->matrix().padded_columns() == session.weight(op, 0)->matrix().padded_columns();
}

void plan_steps(SessionData& session) {
  constexpr int64_t kChosen = 8;  // of a stack: experts that a token meets, at most
  for (size_t i = 0; i < session.ops.size(); ++i) {
    OpPlan& op = session.ops[i];
    op.is_light = is_light(op);
    op.shares_input = i > 0 && i != session.encode_from && shares_input(session, session.ops[i - 1], op);
  }
  for (const Weight& weight : session.weights) {
    if (weight.kind != WeightKind::packed) continue;
    const double met = static_cast<double>(std::min(weight.groups, kChosen));
    session.cost.products += met * static_cast<double>(weight.rows) * static_cast<double>(weight.columns);
    session.cost.weight_bytes += met * static_cast<double>(weight.bytes) / static_cast<double>(weight.groups);
  }
  for (const StatePart& part : session.parts) {
    session.cost.cache_bytes += static_cast<double>(part.block_values() * part.element_bytes()) / kBlockTokens;
  }
}

int step_workers(const SessionData& session, const BatchData& batch) {
  // Of one worker, in a microsecond; and what an op must take for a worker more to pay for the waiting.
  constexpr double kBytes = 20000, kProducts = 32000, kMicroseconds = 3;
  double context = 0;
  for (const StateTables& tables : batch.states) {
    for (const int32_t length : tables.length) context = std::max(context, static_cast<double>(length));
  }
  const double sequences = static_cast<double>(std::max<int64_t>(batch.sequences(), 1));
  const double reading = (session.cost.weight_bytes + sequences * context * session.cost.cache_bytes) / kBytes;
  const double multiplying = static_cast<double>(batch.tokens()) * session.cost.products / kProducts;
  const double each = std::max(reading, multiplying) / static_cast<double>(std::max<size_t>(session.ops.size(), 1));
  return static_cast<int>(std::min(static_cast<double>(session.workers), std::max(1.0, each / kMicroseconds)));
}

static void run_op(Worker& worker, const OpPlan& op, const StepContext& context) {
  op.kernel->run(worker, op, context);
  if (op.rounds && !op.kernel->rounds_outputs) round_outputs(worker, op, context);
}

void run_step(Worker& worker, const StepContext& context) {
  copy_blocks(worker, context);
  const std::vector<OpPlan>& ops = context.session.ops;
  const size_t middle = context.session.encode_from;
  const size_t last = context.batch.encode ? ops.size() : middle;
  const bool is_small = worker.count > 1 && context.batch.tokens() <= kFewTokens;
  for (size_t i = context.batch.encode ? middle : 0; i < last; ++i) {
    if (is_small && ops[i].is_light) {
      Worker alone = worker.alone();
      const size_t first = i;
      while (i + 1 < last && ops[i + 1].is_light) ++i;
      for (size_t j = first; worker.index == 0 && j <= i; ++j) run_op(alone, ops[j], context);
      worker.barrier();
      continue;
    }
    if (is_small && i + 1 < last && ops[i + 1].shares_input) worker.join_loops();
    run_op(worker, ops[i], context);
  }
}

}  // namespace tsumugi
