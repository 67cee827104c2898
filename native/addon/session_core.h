// What a session's jobs share with its JavaScript object. Jobs hold it by shared_ptr, so it outlives them.
#pragma once

#include <napi.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "load_weights.h"
#include "step.h"

namespace tsumugi {

struct SessionCore {
  SessionData data;
  std::atomic<bool> cancelled{false};  // loading

  std::mutex mutex;
  std::condition_variable idle;
  int outstanding = 0;             // requests that pool threads may still write results of
  std::vector<KeptOutputs> spare;  // buffers of released steps
  bool closed = false;             // disposed: nothing is kept any more

  void begin() {
    const std::lock_guard<std::mutex> lock(mutex);
    ++outstanding;
  }
  void end() {
    const std::lock_guard<std::mutex> lock(mutex);
    if (--outstanding == 0) idle.notify_all();
  }
  void wait_until_idle() {
    std::unique_lock<std::mutex> lock(mutex);
    idle.wait(lock, [this] { return outstanding == 0; });
  }

  KeptOutputs take_outputs();
  void give_outputs(KeptOutputs outputs);
};

// A queued step. Its outputs go back to the session with the last holder: the job or the handle.
struct StepRecord {
  StepRecord(std::shared_ptr<SessionCore> owner, BatchData given);
  ~StepRecord();
  StepRecord(const StepRecord&) = delete;
  StepRecord& operator=(const StepRecord&) = delete;

  std::shared_ptr<SessionCore> core;
  BatchData batch;
  KeptOutputs kept;
  std::string error;  // set before any later job starts
};

// A promise that a pool thread's work will settle. `held` keeps the JavaScript arrays that are written to.
struct Request {
  explicit Request(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}

  Napi::Promise::Deferred deferred;
  std::vector<Napi::ObjectReference> held;
  Napi::FunctionReference on_progress;
  std::string error;
  bool cancelled = false;
};

std::string describe(const std::exception_ptr& error);

}  // namespace tsumugi
