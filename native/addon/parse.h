// From JavaScript objects to plans. The objects come from src/backends/cpu/plan.ts, which has checked the model.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "load_weights.h"
#include "step.h"

namespace tsumugi {

// Fills everything but the weights' contents, and takes the memory.
void parse_session(const Napi::Object& plan, SessionData& session);

// Bytes that kernels of a session of this plan work in, matmuls' included, beside the plan's own workspace.
size_t workspace_bytes(const Napi::Object& plan);

// `memory` receives copies of sources that are bytes in memory.
LoadPlan parse_load(const Napi::Object& plan, std::vector<std::vector<uint8_t>>& memory);

BatchData parse_batch(const Napi::Object& batch, const SessionData& session);

// A typed array's contents; throws a TypeError that names it.
std::vector<int32_t> parse_int32(const Napi::Value& value, const char* name);

DType parse_dtype(const std::string& name);

// The layout of codes of a storage.
CodeLayout parse_codes(const Napi::Value& value, Storage storage);

}  // namespace tsumugi
