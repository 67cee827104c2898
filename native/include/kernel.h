// How an op's kernel makes itself known: one line in its own file registers it under the op's name.
//
//   struct Clamp { float least; float greatest; };
//   static Clamp prepare_clamp(const OpPlan& op, const SessionData&) { … op.attributes.number("least") … }
//   static void run_clamp(Worker& worker, const OpPlan& op, const StepContext& context, const Clamp& clamp) { … }
//   static const RegisterKernel clamp(kernel<prepare_clamp, run_clamp>("clamp"));
//
// The objects of all kernels are linked as they are, never through a library of which a linker takes what is referred to.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "step.h"

namespace tsumugi {

struct Kernel {
  std::string op;
  // What stays the same from step to step, made once for each op of a session; null: nothing.
  std::shared_ptr<const void> (*prepare)(const OpPlan& op, const SessionData& session) = nullptr;
  // Called by all workers of a job; ends with a barrier.
  void (*run)(Worker& worker, const OpPlan& op, const StepContext& context) = nullptr;
  // Whether outputs that are held in bfloat16 are rounded by the kernel (or are, being copies); else `run_step` does it.
  bool rounds_outputs = false;
  // Memory that the kernel works in; null: none.
  KernelScratch (*scratch)(const OpPlan& op, const SessionData& session) = nullptr;
};

struct KernelOptions {
  bool rounds_outputs = false;
  KernelScratch (*scratch)(const OpPlan& op, const SessionData& session) = nullptr;
};

// Of an op whose attributes `prepare` reads: Settings prepare(op, session); void run(worker, op, context, settings).
template <auto prepare, auto run>
Kernel kernel(const char* op, KernelOptions options = {}) {
  using Settings = decltype(prepare(std::declval<const OpPlan&>(), std::declval<const SessionData&>()));
  Kernel made;
  made.op = op;
  made.prepare = [](const OpPlan& plan, const SessionData& session) -> std::shared_ptr<const void> {
    return std::make_shared<const Settings>(prepare(plan, session));
  };
  made.run = [](Worker& worker, const OpPlan& plan, const StepContext& context) {
    run(worker, plan, context, *static_cast<const Settings*>(plan.settings.get()));
  };
  made.rounds_outputs = options.rounds_outputs;
  made.scratch = options.scratch;
  return made;
}

// Of an op without attributes: void run(worker, op, context).
template <auto run>
Kernel kernel(const char* op, KernelOptions options = {}) {
  Kernel made;
  made.op = op;
  made.run = run;
  made.rounds_outputs = options.rounds_outputs;
  made.scratch = options.scratch;
  return made;
}

class RegisterKernel {
 public:
  explicit RegisterKernel(Kernel kernel);
};

// Throws std::invalid_argument when no kernel has registered itself for the op.
const Kernel& find_kernel(const std::string& op);

// Names of all ops that have a kernel (or of those whose kernels ask for scratch), in order; a name that two kernels took
// stands twice.
std::vector<std::string> kernel_names(bool with_scratch = false);

}  // namespace tsumugi
