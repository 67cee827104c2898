// Vector kernels for avx512_bf16: those of avx512, but that bfloat16 attention multiplies pairs by vdpbf16ps. Standard headers come first, so that nothing of theirs is compiled for it.
#include "vector_kernels.h"

#if TSUMUGI_X86
#include <immintrin.h>

#include <cmath>
#include <cstring>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16"))), \
                             apply_to = function)
#elif defined(__GNUC__)
// False alarms of GCC 12 about its own intrinsics.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")
#endif

#define TSUMUGI_DOT_PAIRS

namespace tsumugi {
namespace {
namespace avx512_bf16 {
#include "lanes_avx512.inl"
#include "vector_body.inl"
constexpr VectorKernels kTable = TSUMUGI_VECTOR_TABLE(false);
constexpr VectorKernels kNarrowTable = TSUMUGI_VECTOR_TABLE(true);
}  // namespace avx512_bf16
}  // namespace
const VectorKernels kAvx512Bf16VectorKernels[2] = {avx512_bf16::kTable, avx512_bf16::kNarrowTable};
}  // namespace tsumugi

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
