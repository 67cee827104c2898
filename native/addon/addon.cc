// Entry of the native addon. Context-aware: every Node environment (worker_threads too) gets its own exports.
#include <napi.h>

#include "kernel.h"
#include "matmul.h"
#include "parse.h"
#include "session.h"

namespace tsumugi {
namespace {

// isa(): the instruction set in use.
Napi::Value isa(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), isa_name(active_isa())); }

// Names of the instruction sets that run here and that TSUMUGI_ISA allows, the best one last.
std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (int level = 0; level <= static_cast<int>(active_isa()); ++level) {
    if (isa_available(static_cast<Isa>(level))) names.emplace_back(kIsaNames[level]);
  }
  return names;
}

// defaultWorkers(): physical cores that this process may use.
Napi::Value default_workers(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), ThreadPool::default_workers());
}

// packedBytes(storage, rows, columns, codes?)
Napi::Value packed_matrix_bytes(const Napi::CallbackInfo& info) {
  const Storage storage = storage_named(info[0].ToString().Utf8Value());
  const CodeLayout codes = is_plain(storage) ? CodeLayout{} : parse_codes(info[3], storage);
  const size_t bytes = packed_bytes(storage, info[1].ToNumber().Int64Value(), info[2].ToNumber().Int64Value(), codes);
  return Napi::Number::New(info.Env(), static_cast<double>(bytes));
}

// workspaceBytes(plan): what kernels work in beside the plan's own workspace.
Napi::Value plan_workspace_bytes(const Napi::CallbackInfo& info) {
  if (!info[0].IsObject()) throw Napi::TypeError::New(info.Env(), "[addon] workspaceBytes: expected a plan");
  try {
    return Napi::Number::New(info.Env(), static_cast<double>(workspace_bytes(info[0].As<Napi::Object>())));
  } catch (const std::invalid_argument& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
}

Napi::Array names_of(Napi::Env env, const std::vector<std::string>& names) {
  const Napi::Array list = Napi::Array::New(env, names.size());
  for (uint32_t i = 0; i < names.size(); ++i) list.Set(i, names[i]);
  return list;
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  if (!isa_error().empty()) throw Napi::Error::New(env, isa_error());
  exports.Set("Session", Session::define(env));
  exports.Set("isa", Napi::Function::New(env, isa));
  exports.Set("isas", names_of(env, available_isas()));
  exports.Set("defaultWorkers", Napi::Function::New(env, default_workers));
  exports.Set("packedBytes", Napi::Function::New(env, packed_matrix_bytes));
  exports.Set("workspaceBytes", Napi::Function::New(env, plan_workspace_bytes));
  exports.Set("kernels", names_of(env, kernel_names()));
  exports.Set("scratchKernels", names_of(env, kernel_names(true)));
  exports.Set("blockTokens", Napi::Number::New(env, static_cast<double>(kBlockTokens)));
  return exports;
}

}  // namespace
}  // namespace tsumugi

static Napi::Object initialise_addon(Napi::Env env, Napi::Object exports) { return tsumugi::initialise(env, exports); }

NODE_API_MODULE(tsumugi, initialise_addon)
