// Codes as values for AVX2 with F16C.
#include "code_kernels.h"

#if TSUMUGI_X86
#include "x86_intrinsics.h"

#define TSUMUGI_TARGET TSUMUGI_AVX2

namespace tsumugi {
namespace {

constexpr int kLanes = 8;
using Vector = __m256;
using Words = __m256i;
struct Table {
  __m256 first, second;  // of codes 0 … 7, and 8 … 15
};

TSUMUGI_TARGET inline Vector load(const float* from) { return _mm256_loadu_ps(from); }
TSUMUGI_TARGET inline void store(float* to, Vector value) { _mm256_storeu_ps(to, value); }
TSUMUGI_TARGET inline Vector zero() { return _mm256_setzero_ps(); }
TSUMUGI_TARGET inline Vector broadcast(const float* from) { return _mm256_broadcast_ss(from); }
TSUMUGI_TARGET inline Vector multiply_add(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
TSUMUGI_TARGET inline Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
TSUMUGI_TARGET inline Vector subtract(Vector a, Vector b) { return _mm256_sub_ps(a, b); }
TSUMUGI_TARGET inline Vector multiply(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
TSUMUGI_TARGET inline Vector to_bfloat16(Vector value) {
  const __m256i bits = _mm256_castps_si256(value);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i kept = _mm256_and_si256(rounded, _mm256_set1_epi32(static_cast<int>(0xffff0000u)));
  return _mm256_blendv_ps(_mm256_castsi256_ps(kept), value, _mm256_cmp_ps(value, value, _CMP_UNORD_Q));
}
TSUMUGI_TARGET inline void store_rounded(uint8_t* to, Vector even, Vector odd) {
  const __m256i low = _mm256_srli_epi32(_mm256_castps_si256(to_bfloat16(even)), 16);
  const __m256i high = _mm256_castps_si256(to_bfloat16(odd));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_blend_epi16(low, high, 0xaa));
}
TSUMUGI_TARGET inline Vector load_float16(const uint8_t* from) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}
TSUMUGI_TARGET inline Vector load_exponents(const uint8_t* from) {
  const __m256i bytes = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)));
  return _mm256_castsi256_ps(_mm256_slli_epi32(bytes, 23));
}
TSUMUGI_TARGET inline Vector load_signed(const uint8_t* from) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
}
TSUMUGI_TARGET inline Words load_words(const uint8_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}
template <int kBits>
TSUMUGI_TARGET inline Words shift_right(Words words) {
  if constexpr (kBits == 0) return words;
  return _mm256_srli_epi32(words, kBits);
}
TSUMUGI_TARGET inline Table open_table(const float* values) { return {load(values), load(values + 8)}; }
// The low three bits choose of each half of the table, the fourth between the halves.
TSUMUGI_TARGET inline Vector look_up(const Table& table, Words words) {
  const Vector first = _mm256_permutevar8x32_ps(table.first, words);
  const Vector second = _mm256_permutevar8x32_ps(table.second, words);
  return _mm256_blendv_ps(first, second, _mm256_castsi256_ps(_mm256_slli_epi32(words, 28)));
}
TSUMUGI_TARGET inline Vector low_byte(Words words) {
  return _mm256_cvtepi32_ps(_mm256_and_si256(words, _mm256_set1_epi32(255)));
}
// By way of float16, whose exponents are 8 higher and which keeps denormals.
TSUMUGI_TARGET inline Vector float8_value(Words words) {
  const __m256i size = _mm256_and_si256(words, _mm256_set1_epi32(127));
  const __m256i sign = _mm256_slli_epi32(_mm256_and_si256(words, _mm256_set1_epi32(128)), 8);
  const __m256i halves = _mm256_or_si256(_mm256_slli_epi32(size, 7), sign);
  const __m128i packed = _mm_packus_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
  const Vector value = _mm256_mul_ps(_mm256_cvtph_ps(packed), _mm256_set1_ps(256.0f));
  const Vector is_nan = _mm256_castsi256_ps(_mm256_cmpeq_epi32(size, _mm256_set1_epi32(127)));
  return _mm256_blendv_ps(value, _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000)), is_nan);
}

}  // namespace
}  // namespace tsumugi

#include "code_expand.inl"
#include "code_tile.inl"

namespace tsumugi {
const CodeKernels& code_kernels_avx2(const PackedMatrix& matrix) { return code_kernels_of<2>(matrix); }
}  // namespace tsumugi
#endif
