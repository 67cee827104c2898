// The JavaScript class `Session`: load, run, sample, read, release, memory, trim, dispose. Its typed mirror is addon.ts.
#pragma once

#include <napi.h>

#include <memory>
#include <unordered_map>

#include "session_core.h"

namespace tsumugi {

class Session : public Napi::ObjectWrap<Session> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Session(const Napi::CallbackInfo& info);
  ~Session() override;

 private:
  Napi::Value load(const Napi::CallbackInfo& info);
  void cancel_load(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value sample(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  void release(const Napi::CallbackInfo& info);
  Napi::Value memory(const Napi::CallbackInfo& info);
  void trim(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  const std::shared_ptr<StepRecord>& step(const Napi::CallbackInfo& info) const;
  // Counts the request, keeps this object and the process alive until `settle`.
  Request* open(Napi::Env env);
  // From any thread: settles the promise on the event loop.
  static void settle(const std::shared_ptr<SessionCore>& core, const Napi::ThreadSafeFunction& calls, Session* session,
                     Request* request);
  static void clean_up(void* data);

  std::shared_ptr<SessionCore> core_;
  Napi::ThreadSafeFunction calls_;
  std::unordered_map<uint32_t, std::shared_ptr<StepRecord>> steps_;
  uint32_t next_step_ = 1;
  int open_requests_ = 0;
  bool disposed_ = false;
  bool ended_ = false;  // the environment
};

}  // namespace tsumugi
