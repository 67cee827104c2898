#include "session_core.h"

namespace tsumugi {

KeptOutputs SessionCore::take_outputs() {
  {
    const std::lock_guard<std::mutex> lock(mutex);
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
  if (!closed && spare.size() < 2) spare.push_back(std::move(outputs));
}

StepRecord::StepRecord(std::shared_ptr<SessionCore> owner, BatchData given)
    : core(std::move(owner)), batch(std::move(given)), kept(core->take_outputs()) {}

StepRecord::~StepRecord() { core->give_outputs(std::move(kept)); }

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
