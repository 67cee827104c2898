// What a session's jobs share with its JavaScript object. Jobs hold it by shared_ptr, so it outlives them.
#pragma once

#include <napi.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "load_weights.h"
#include "sample.h"
#include "step.h"

namespace tsumugi {

struct SessionCore {
  SessionData data;
  std::atomic<bool> cancelled{false};  // loading

  std::mutex mutex;
  std::condition_variable idle;
  int outstanding = 0;             // requests that pool threads may still write results of
  std::vector<KeptOutputs> spare;  // buffers of released steps
  size_t lent = 0;                 // buffers that steps hold
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

  // Width of the logits, which are output 0.
  int64_t vocabulary() const { return static_cast<int64_t>(data.kept_floats[0]) / data.max_logit_rows; }

  KeptOutputs take_outputs();
  void give_outputs(KeptOutputs outputs);
  size_t output_bytes();  // of all steps that are not released, and of spare buffers
};

// A call of `sample`, until it is settled.
struct SampleCall {
  SampleRequest request;
  std::function<void(const std::string& error)> settle;
};

// A queued step. Its outputs go back to the session with the last holder: the job or the handle.
//
// Calls of `sample` that come before the step has ended are answered by its own job: a job of their own would have to wake the
// workers again.
struct StepRecord {
  StepRecord(std::shared_ptr<SessionCore> owner, BatchData given);
  ~StepRecord();
  StepRecord(const StepRecord&) = delete;
  StepRecord& operator=(const StepRecord&) = delete;

  std::shared_ptr<SessionCore> core;
  BatchData batch;
  KeptOutputs kept;
  std::string error;  // set before any later job starts

  // False: the step has ended, and the call needs a job of its own.
  bool attach(const std::shared_ptr<SampleCall>& call);
  // The step's job, called by all workers, and its end.
  void run(Worker& worker);
  void end(const std::exception_ptr& failure);
  // Picks for one call, called by all workers of a job.
  void answer(Worker& worker, const SampleCall& call) const;

 private:
  std::mutex mutex_;
  bool ended_ = false;                                // takes no more calls
  std::vector<std::shared_ptr<SampleCall>> attached_;
  std::vector<std::shared_ptr<SampleCall>> running_;  // those that the job answers
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
