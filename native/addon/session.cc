#include "session.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "parse.h"
#include "typed_array.h"

namespace tsumugi {

namespace {

// Calls into JavaScript fail where the environment is ending (a worker that exits): nobody listens there any more, and an
// exception must not leave a callback of the event loop.
template <typename Work>
void unless_ending(const Work& work) {
  try {
    work();
  } catch (const Napi::Error&) {
  }
}

Napi::Error row_error(Napi::Env env, int64_t rows, int32_t given) {
  return Napi::RangeError::New(env,
                               "[read] a row: expected 0 to " + std::to_string(rows - 1) + ", given " + std::to_string(given));
}

}  // namespace

Napi::Function Session::define(Napi::Env env) {
  return DefineClass(
      env, "Session",
      {InstanceMethod<&Session::load>("load"), InstanceMethod<&Session::cancel_load>("cancelLoad"),
       InstanceMethod<&Session::run>("run"), InstanceMethod<&Session::sample>("sample"), InstanceMethod<&Session::read>("read"),
       InstanceMethod<&Session::release>("release"), InstanceMethod<&Session::memory>("memory"),
       InstanceMethod<&Session::trim>("trim"), InstanceMethod<&Session::dispose>("dispose")});
}

Session::Session(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Session>(info), core_(std::make_shared<SessionCore>()) {
  if (!info[0].IsObject()) throw Napi::TypeError::New(info.Env(), "[addon] Session: expected a plan");
  try {
    parse_session(info[0].As<Napi::Object>(), core_->data);
  } catch (const std::bad_alloc&) {
    throw Napi::Error::New(info.Env(), "out of memory");
  } catch (const std::invalid_argument& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
  calls_ = Napi::ThreadSafeFunction::New(info.Env(), Napi::Function::New(info.Env(), [](const Napi::CallbackInfo&) {}),
                                         "tsumugi.session", 0, 1);
  calls_.Unref(info.Env());
  // Hooks run last in, first out: this one before that of the thread-safe function.
  napi_add_env_cleanup_hook(info.Env(), clean_up, this);
}

Session::~Session() {
  core_->wait_until_idle();
  if (ended_) return;  // the thread-safe function went with the environment
  napi_remove_env_cleanup_hook(Env(), clean_up, this);
  if (calls_) calls_.Release();
}

// The environment ends: pool threads must not write into its arrays any more.
void Session::clean_up(void* data) {
  Session* session = static_cast<Session*>(data);
  session->ended_ = true;
  session->core_->cancelled = true;
  session->core_->wait_until_idle();
}

const std::shared_ptr<StepRecord>& Session::step(const Napi::CallbackInfo& info) const {
  const uint32_t id = info[0].IsNumber() ? info[0].As<Napi::Number>().Uint32Value() : 0;  // no step is number 0
  const auto found = steps_.find(id);
  if (found == steps_.end()) {
    throw Napi::RangeError::New(info.Env(), "[session] step: expected a live one, given " + info[0].ToString().Utf8Value());
  }
  return found->second;
}

Request* Session::open(Napi::Env env) {
  Request* request = new Request(env);
  if (open_requests_++ == 0) calls_.Ref(env);
  Ref();
  core_->begin();
  return request;
}

void Session::settle(const std::shared_ptr<SessionCore>& core, const Napi::ThreadSafeFunction& calls, Session* session,
                     Request* request) {
  calls.NonBlockingCall(request, [session](Napi::Env env, Napi::Function, Request* done) {
    if (env == nullptr) return;  // the environment is ending; its memory goes with it
    const Napi::HandleScope scope(env);
    unless_ending([&] {
      if (--session->open_requests_ == 0) session->calls_.Unref(env);
      if (done->error.empty()) {
        done->deferred.Resolve(Napi::Boolean::New(env, !done->cancelled));
      } else {
        done->deferred.Reject(Napi::Error::New(env, done->error).Value());
      }
      delete done;
      session->Unref();
    });
  });
  core->end();
}

// load(plan, onProgress): true, or false when it was cancelled.
Napi::Value Session::load(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto memory = std::make_shared<std::vector<std::vector<uint8_t>>>();
  const auto plan = std::make_shared<LoadPlan>(parse_load(info[0].As<Napi::Object>(), *memory));
  Request* request = open(env);
  const Napi::Promise promise = request->deferred.Promise();
  request->on_progress = Napi::Persistent(info[1].As<Napi::Function>());
  std::thread([core = core_, calls = calls_, session = this, request, plan, memory] {
    try {
      auto last = std::chrono::steady_clock::now();
      const auto progress = [&](uint64_t bytes) {
        const auto now = std::chrono::steady_clock::now();
        if (now - last < std::chrono::milliseconds(50)) return;
        last = now;
        // The request lives until `settle`, which comes later on the same queue.
        calls.NonBlockingCall(request, [bytes](Napi::Env given, Napi::Function, Request* open) {
          if (given == nullptr) return;
          const Napi::HandleScope scope(given);
          unless_ending([&] { open->on_progress.Call({Napi::Number::New(given, static_cast<double>(bytes))}); });
        });
      };
      request->cancelled = !load_weights(core->data, *plan, core->cancelled, progress);
    } catch (...) {
      request->error = describe(std::current_exception());
    }
    settle(core, calls, session, request);
  }).detach();
  return promise;
}

void Session::cancel_load(const Napi::CallbackInfo&) { core_->cancelled = true; }

// run(batch, encode): the step's number. The batch is copied here; the step runs on the pool.
Napi::Value Session::run(const Napi::CallbackInfo& info) {
  if (disposed_) throw Napi::Error::New(info.Env(), "[addon] run: the session was disposed");
  BatchData batch = parse_batch(info[0].As<Napi::Object>(), core_->data);
  batch.encode = info[1].ToBoolean().Value();
  const auto record = std::make_shared<StepRecord>(core_, std::move(batch));
  const uint32_t id = next_step_++;
  steps_.emplace(id, record);
  ThreadPool::shared().submit(
      step_workers(core_->data, record->batch), [record](Worker& worker) { record->run(worker); },
      [record](std::exception_ptr error) { record->end(error); });
  return Napi::Number::New(info.Env(), id);
}

// read(step, output, rows: Int32Array, out: Float32Array)
Napi::Value Session::read(const Napi::CallbackInfo& info) {
  const auto record = step(info);
  const int64_t outputs = static_cast<int64_t>(record->kept.size());
  const int64_t given = info[1].IsNumber() ? info[1].As<Napi::Number>().Int64Value() : -1;
  if (given < 0 || given >= outputs) {
    throw Napi::RangeError::New(info.Env(), "[read] output: expected 0 to " + std::to_string(outputs - 1) + ", given " +
                                                info[1].ToString().Utf8Value());
  }
  const size_t output = static_cast<size_t>(given);
  const auto rows = std::make_shared<std::vector<int32_t>>(parse_int32(info[2], "rows"));
  Napi::Float32Array out = typed_array<Napi::Float32Array>(info[3], napi_float32_array, "read", "out", "a Float32Array");
  const size_t width = rows->empty() ? 0 : out.ElementLength() / rows->size();
  const int64_t live = width == 0 ? 0 : static_cast<int64_t>(core_->data.kept_floats[output] / width);
  for (const int32_t row : *rows) {
    if (row < 0 || row >= live) throw row_error(info.Env(), live, row);
  }
  Request* request = open(info.Env());
  request->held.push_back(Napi::Persistent(info[3].As<Napi::Object>()));
  const Napi::Promise promise = request->deferred.Promise();
  ThreadPool::shared().submit(
      core_->data.workers,
      [record, rows, output, width, to = out.Data()](Worker& worker) {
        if (!record->error.empty()) return;
        worker.parallel_for(static_cast<int64_t>(rows->size()), [&](int64_t i) {
          const float* from = record->kept[output].get() + static_cast<size_t>((*rows)[static_cast<size_t>(i)]) * width;
          std::memcpy(to + static_cast<size_t>(i) * width, from, width * sizeof(float));
        });
      },
      [record, core = core_, calls = calls_, session = this, request](std::exception_ptr error) {
        request->error = error ? describe(error) : record->error;
        settle(core, calls, session, request);
      });
  return promise;
}

void Session::release(const Napi::CallbackInfo& info) {
  step(info);
  steps_.erase(info[0].ToNumber().Uint32Value());
}

// memory(): bytes that are in memory now, {weights, cache, workspace}.
Napi::Value Session::memory(const Napi::CallbackInfo& info) {
  const SessionData& data = core_->data;
  const auto bytes = [&](size_t count) { return Napi::Number::New(info.Env(), disposed_ ? 0.0 : static_cast<double>(count)); };
  const auto of = [&](const HugeBuffer& buffer) { return disposed_ ? 0 : buffer.resident_bytes(); };
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("weights", bytes(of(data.weight_memory)));
  out.Set("cache", bytes(of(data.cache_memory)));
  out.Set("workspace", bytes(of(data.workspace) + of(data.matmul_workspace) + of(data.scratch) + core_->output_bytes()));
  return out;
}

// trim(): gives the memory of the cache back when the queue has passed. No sequence may have tokens in it.
void Session::trim(const Napi::CallbackInfo&) {
  if (disposed_) return;
  ThreadPool::shared().submit(1, [core = core_](Worker&) { core->data.cache_memory.give_back(); }, [](std::exception_ptr) {});
}

// dispose(): when the queue has passed, memory is given back.
Napi::Value Session::dispose(const Napi::CallbackInfo& info) {
  disposed_ = true;
  core_->cancelled = true;
  steps_.clear();
  Request* request = open(info.Env());
  const Napi::Promise promise = request->deferred.Promise();
  ThreadPool::shared().submit(
      1, [](Worker&) {},
      [core = core_, calls = calls_, session = this, request](std::exception_ptr) {
        core->data.weight_memory = HugeBuffer();
        core->data.cache_memory = HugeBuffer();
        core->data.workspace = HugeBuffer();
        core->data.matmul_workspace = HugeBuffer();
        core->data.scratch = HugeBuffer();
        {
          const std::lock_guard<std::mutex> lock(core->mutex);
          core->closed = true;
          core->spare.clear();
        }
        settle(core, calls, session, request);
      });
  return promise;
}

}  // namespace tsumugi
