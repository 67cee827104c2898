// Sampling kernels for avx512. Standard headers come first, so that nothing of theirs is compiled for it.
#include "philox.h"
#include "sample_kernels.h"
#include "sample_math.h"

#if TSUMUGI_X86
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq")
#endif

namespace tsumugi {
namespace {
namespace avx512 {
#include "sample_lanes_avx512.inl"

#include "sample_body.inl"
constexpr SampleKernels kTable = TSUMUGI_SAMPLE_TABLE;
}  // namespace avx512
}  // namespace
const SampleKernels kAvx512SampleKernels = avx512::kTable;
}  // namespace tsumugi

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
