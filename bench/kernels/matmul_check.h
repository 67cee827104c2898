// One whole matmul as a plain C function: for the bench, and for checks written in other languages.
#pragma once

#include <cstddef>
#include <cstdint>

// Packs weight[n][k] (float32 values, rounded to the storage type), multiplies on the shared pool with the named instruction
// set ("" = the active one) and waits. bias and residual may be null. Returns 0, or 1 with a message in `error` (when it is
// not null).
extern "C" int tsumugi_matmul_check(const char* storage, const char* isa, int64_t rows, int64_t outputs, int64_t columns,
                                    const float* x, const float* weight, const float* bias, const float* residual, float* y,
                                    int workers, char* error, size_t error_bytes);
