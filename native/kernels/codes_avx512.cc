// Codes as values for AVX-512 (F, BW, VL, DQ).
#include "code_kernels.h"

#if TSUMUGI_X86
#include "x86_intrinsics.h"

#define TSUMUGI_TARGET TSUMUGI_AVX512

#include "code_lanes_avx512.inl"

namespace tsumugi {
namespace {

TSUMUGI_TARGET inline void store_rounded(uint8_t* to, Vector even, Vector odd) {
  const __m512i low = _mm512_srli_epi32(_mm512_castps_si512(to_bfloat16(even)), 16);
  _mm512_storeu_si512(to, _mm512_mask_blend_epi16(0xaaaaaaaa, low, _mm512_castps_si512(to_bfloat16(odd))));
}

}  // namespace
}  // namespace tsumugi

#include "code_expand.inl"
#include "code_tile.inl"

namespace tsumugi {
const CodeKernels& code_kernels_avx512(const PackedMatrix& matrix) { return code_kernels_of<4>(matrix); }
}  // namespace tsumugi
#endif
