// Vector kernels for avx2. Standard headers come first, so that nothing of theirs is compiled for it.
#include "vector_kernels.h"

#if TSUMUGI_X86
#include <immintrin.h>

#include <cmath>
#include <cstring>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC target("avx2,fma")
#endif

namespace tsumugi {
namespace {
namespace avx2 {
#include "lanes_avx2.inl"
#include "vector_body.inl"
constexpr VectorKernels kTable = TSUMUGI_VECTOR_TABLE(false);
constexpr VectorKernels kNarrowTable = TSUMUGI_VECTOR_TABLE(true);
}  // namespace avx2
}  // namespace
const VectorKernels kAvx2VectorKernels[2] = {avx2::kTable, avx2::kNarrowTable};
}  // namespace tsumugi

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
