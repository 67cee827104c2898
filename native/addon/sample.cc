// sample(step, words: Int32Array, numbers: Float64Array, out: Int32Array): picks from the step's logits, which are output 0.
#include "sample.h"

#include "parse.h"
#include "session.h"
#include "typed_array.h"

namespace tsumugi {

Napi::Value Session::sample(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto record = step(info);
  const auto call = std::make_shared<SampleCall>();
  SampleRequest& request = call->request;
  request.words = parse_int32(info[1], "words");
  const auto numbers = typed_array<Napi::Float64Array>(info[2], napi_float64_array, "sample", "numbers", "a Float64Array");
  request.numbers.assign(numbers.Data(), numbers.Data() + numbers.ElementLength());
  Napi::Int32Array out = typed_array<Napi::Int32Array>(info[3], napi_int32_array, "sample", "out", "an Int32Array");
  const int64_t vocabulary = core_->vocabulary();
  try {
    parse_request(request, static_cast<int64_t>(record->batch.logit_rows.size()), vocabulary);
  } catch (const std::invalid_argument& error) {
    throw Napi::RangeError::New(env, error.what());
  }
  int64_t room = 0;
  for (SampleGroup& group : request.groups) room += place_results(group, out.Data() + room, vocabulary);
  if (static_cast<int64_t>(out.ElementLength()) != room) {
    throw Napi::RangeError::New(
        env, "[sample] length of out: expected " + std::to_string(room) + ", given " + std::to_string(out.ElementLength()));
  }
  Request* settled = open(env);
  settled->held.push_back(Napi::Persistent(info[3].As<Napi::Object>()));
  const Napi::Promise promise = settled->deferred.Promise();
  call->settle = [core = core_, calls = calls_, session = this, settled](const std::string& error) {
    settled->error = error;
    settle(core, calls, session, settled);
  };
  if (record->attach(call)) return promise;
  const int workers = static_cast<int>(std::min<size_t>(core_->data.workers, std::max<size_t>(request.rows(), 1)));
  ThreadPool::shared().submit(
      workers,
      [record, call](Worker& worker) {
        if (record->error.empty()) record->answer(worker, *call);
      },
      [record, call](std::exception_ptr error) { call->settle(error ? describe(error) : record->error); });
  return promise;
}

}  // namespace tsumugi
