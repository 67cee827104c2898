// Entry of the native addon. Context-aware: every Node environment (worker_threads too) gets its own exports.
#include <napi.h>

#include "matmul.h"
#include "parse.h"
#include "session.h"

namespace tsumugi {
namespace {

// isa(): the instruction set in use.
Napi::Value isa(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), isa_name(active_isa())); }

// defaultWorkers(): physical cores that this process may use.
Napi::Value default_workers(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), ThreadPool::default_workers());
}

// packedBytes(storage, rows, columns)
Napi::Value packed_matrix_bytes(const Napi::CallbackInfo& info) {
  const DType storage = parse_dtype(info[0].ToString().Utf8Value());
  const size_t bytes = packed_bytes(storage, info[1].ToNumber().Int64Value(), info[2].ToNumber().Int64Value());
  return Napi::Number::New(info.Env(), static_cast<double>(bytes));
}

// workspaceBytes(rows, columns, outputs, workers, headDim, valueDim, group): matmul and attention together
Napi::Value workspace_bytes(const Napi::CallbackInfo& info) {
  const auto number = [&](size_t index) { return info[index].ToNumber().Int64Value(); };
  const size_t matmul = matmul_workspace_bytes(number(0), number(1), number(2), static_cast<int>(number(3)));
  const size_t rows = static_cast<size_t>(number(6) > kTileRows ? number(6) : kTileRows);
  const size_t attend = attend_scratch_floats(static_cast<size_t>(number(4)), padded_lanes(static_cast<size_t>(number(5))), rows);
  return Napi::Number::New(info.Env(), static_cast<double>(matmul + attend * sizeof(float) * static_cast<size_t>(number(3))));
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  if (!isa_error().empty()) throw Napi::Error::New(env, isa_error());
  exports.Set("Session", Session::define(env));
  exports.Set("isa", Napi::Function::New(env, isa));
  exports.Set("defaultWorkers", Napi::Function::New(env, default_workers));
  exports.Set("packedBytes", Napi::Function::New(env, packed_matrix_bytes));
  exports.Set("workspaceBytes", Napi::Function::New(env, workspace_bytes));
  exports.Set("blockTokens", Napi::Number::New(env, static_cast<double>(kBlockTokens)));
  return exports;
}

}  // namespace
}  // namespace tsumugi

static Napi::Object initialise_addon(Napi::Env env, Napi::Object exports) { return tsumugi::initialise(env, exports); }

NODE_API_MODULE(tsumugi, initialise_addon)
