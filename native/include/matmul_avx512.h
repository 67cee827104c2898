// What register tiles are made of in AVX-512 (F, BW, VL, DQ): matmul_tile.h says what it wants. Included at file scope.

#include "x86_intrinsics.h"

#define TSUMUGI_TARGET TSUMUGI_AVX512

namespace tsumugi {
namespace {

using Vector = __m512;
constexpr int kLanes = 16;
constexpr int kRoom = 24;

TSUMUGI_TARGET inline Vector zero() { return _mm512_setzero_ps(); }
TSUMUGI_TARGET inline Vector load(const float* from) { return _mm512_loadu_ps(from); }
TSUMUGI_TARGET inline void store(float* to, Vector value) { _mm512_storeu_ps(to, value); }
TSUMUGI_TARGET inline Vector broadcast(const float* from) { return _mm512_set1_ps(*from); }
TSUMUGI_TARGET inline Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
TSUMUGI_TARGET inline Vector multiply_add(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
TSUMUGI_TARGET inline Vector to_bfloat16(Vector value) {
  const __m512i bits = _mm512_castps_si512(value);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __m512i kept = _mm512_and_si512(rounded, _mm512_set1_epi32(static_cast<int>(0xffff0000u)));
  return _mm512_mask_mov_ps(_mm512_castsi512_ps(kept), _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q), value);
}
TSUMUGI_TARGET inline Vector load_even(const uint8_t* pairs) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(pairs), 16));
}
TSUMUGI_TARGET inline Vector load_odd(const uint8_t* pairs) {
  return _mm512_castsi512_ps(_mm512_and_si512(_mm512_loadu_si512(pairs), _mm512_set1_epi32(static_cast<int>(0xffff0000u))));
}
TSUMUGI_TARGET inline Vector load_float16(const uint8_t* from) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}

}  // namespace
}  // namespace tsumugi
