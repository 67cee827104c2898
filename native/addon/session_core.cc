#include "session_core.h"

namespace tsumugi {

KeptOutputs SessionCore::take_outputs() {
  {
    const std::lock_guard<std::mutex> lock(mutex);
    ++lent;
    if (!spare.empty()) {
      KeptOutputs outputs = std::move(spare.back());
      spare.pop_back();
      return outputs;
    }
  }
  KeptOutputs outputs;
  for (const size_t floats : data.kept_floats) outputs.emplace_back(new float[floats]);
  return outputs;
}

void SessionCore::give_outputs(KeptOutputs outputs) {
  const std::lock_guard<std::mutex> lock(mutex);
  --lent;
  if (!closed && spare.size() < 2) spare.push_back(std::move(outputs));
}

size_t SessionCore::output_bytes() {
  size_t floats = 0;
  for (const size_t count : data.kept_floats) floats += count;
  const std::lock_guard<std::mutex> lock(mutex);
  return (lent + spare.size()) * floats * sizeof(float);
}

StepRecord::StepRecord(std::shared_ptr<SessionCore> owner, BatchData given)
    : core(std::move(owner)), batch(std::move(given)), kept(core->take_outputs()) {}

StepRecord::~StepRecord() { core->give_outputs(std::move(kept)); }

bool StepRecord::attach(const std::shared_ptr<SampleCall>& call) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!ended_) attached_.push_back(call);
  return !ended_;
}

void StepRecord::run(Worker& worker) {
  run_step(worker, StepContext{core->data, batch, kept});
  if (worker.index == 0) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
    running_ = std::move(attached_);
  }
  worker.barrier();
  for (const auto& call : running_) answer(worker, *call);
}

void StepRecord::end(const std::exception_ptr& failure) {
  error = describe(failure);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
    running_.insert(running_.end(), attached_.begin(), attached_.end());
    attached_.clear();
  }
  for (const auto& call : running_) call->settle(error);
  running_.clear();
}

void StepRecord::answer(Worker& worker, const SampleCall& call) const {
  sample_groups(worker, call.request, kept[0].get(), core->vocabulary());
}

std::string describe(const std::exception_ptr& error) {
  if (!error) return "";
  try {
    std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    return "out of memory";
  } catch (const std::exception& known) {
    return known.what();
  } catch (...) {
    return "unknown failure";
  }
}

}  // namespace tsumugi
