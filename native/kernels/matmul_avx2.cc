// Matmul tiles for AVX2 with FMA and F16C.
#include "matmul_kernels.h"

#if TSUMUGI_X86
#include "x86_intrinsics.h"

#define TSUMUGI_TARGET TSUMUGI_AVX2

namespace tsumugi {
namespace {

using Vector = __m256;
constexpr int kLanes = 8;
constexpr int kRoom = 12;

TSUMUGI_TARGET inline Vector zero() { return _mm256_setzero_ps(); }
TSUMUGI_TARGET inline Vector load(const float* from) { return _mm256_loadu_ps(from); }
TSUMUGI_TARGET inline void store(float* to, Vector value) { _mm256_storeu_ps(to, value); }
TSUMUGI_TARGET inline Vector broadcast(const float* from) { return _mm256_broadcast_ss(from); }
TSUMUGI_TARGET inline Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
TSUMUGI_TARGET inline Vector multiply_add(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
TSUMUGI_TARGET inline Vector to_bfloat16(Vector value) {
  const __m256i bits = _mm256_castps_si256(value);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i kept = _mm256_and_si256(rounded, _mm256_set1_epi32(static_cast<int>(0xffff0000u)));
  return _mm256_blendv_ps(_mm256_castsi256_ps(kept), value, _mm256_cmp_ps(value, value, _CMP_UNORD_Q));
}
TSUMUGI_TARGET inline __m256i load_pairs(const uint8_t* pairs) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pairs));
}
TSUMUGI_TARGET inline Vector load_even(const uint8_t* pairs) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(load_pairs(pairs), 16));
}
TSUMUGI_TARGET inline Vector load_odd(const uint8_t* pairs) {
  return _mm256_castsi256_ps(_mm256_and_si256(load_pairs(pairs), _mm256_set1_epi32(static_cast<int>(0xffff0000u))));
}
TSUMUGI_TARGET inline Vector load_float16(const uint8_t* from) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}

}  // namespace
}  // namespace tsumugi

#include "matmul_tile.h"

namespace tsumugi {
const TileKernels& tile_kernels_avx2(Storage storage, Arithmetic arithmetic) { return tables<6, 1>(storage, arithmetic); }
}  // namespace tsumugi
#endif
