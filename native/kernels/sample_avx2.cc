// Sampling kernels for avx2. Standard headers come first, so that nothing of theirs is compiled for it.
#include "philox.h"
#include "sample_kernels.h"
#include "sample_math.h"

#if TSUMUGI_X86
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC target("avx2,fma")
#endif

namespace tsumugi {
namespace {
namespace avx2 {
#include "sample_lanes_portable.inl"

#include "sample_body.inl"
constexpr SampleKernels kTable = TSUMUGI_SAMPLE_TABLE;
}  // namespace avx2
}  // namespace
const SampleKernels kAvx2SampleKernels = avx2::kTable;
}  // namespace tsumugi

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
