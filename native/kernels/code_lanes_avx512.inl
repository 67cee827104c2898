// Registers of AVX-512 for codes (code_expand.inl says what is asked for): the part that every level above it shares.

namespace tsumugi {
namespace {

constexpr int kLanes = 16;
using Vector = __m512;
using Words = __m512i;
using Table = __m512;

TSUMUGI_TARGET inline Vector load(const float* from) { return _mm512_loadu_ps(from); }
TSUMUGI_TARGET inline void store(float* to, Vector value) { _mm512_storeu_ps(to, value); }
TSUMUGI_TARGET inline Vector zero() { return _mm512_setzero_ps(); }
TSUMUGI_TARGET inline Vector broadcast(const float* from) { return _mm512_set1_ps(*from); }
TSUMUGI_TARGET inline Vector multiply_add(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
TSUMUGI_TARGET inline Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
TSUMUGI_TARGET inline Vector subtract(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
TSUMUGI_TARGET inline Vector multiply(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
TSUMUGI_TARGET inline Vector to_bfloat16(Vector value) {
  const __m512i bits = _mm512_castps_si512(value);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __m512i kept = _mm512_and_si512(rounded, _mm512_set1_epi32(static_cast<int>(0xffff0000u)));
  return _mm512_mask_mov_ps(_mm512_castsi512_ps(kept), _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q), value);
}
TSUMUGI_TARGET inline Vector load_float16(const uint8_t* from) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}
TSUMUGI_TARGET inline Vector load_exponents(const uint8_t* from) {
  const __m512i bytes = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  return _mm512_castsi512_ps(_mm512_slli_epi32(bytes, 23));
}
TSUMUGI_TARGET inline Vector load_signed(const uint8_t* from) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
}
TSUMUGI_TARGET inline Words load_words(const uint8_t* from) { return _mm512_loadu_si512(from); }
template <int kBits>
TSUMUGI_TARGET inline Words shift_right(Words words) {
  if constexpr (kBits == 0) return words;
  return _mm512_srli_epi32(words, kBits);
}
TSUMUGI_TARGET inline Table open_table(const float* values) { return _mm512_loadu_ps(values); }
TSUMUGI_TARGET inline Vector look_up(Table table, Words words) { return _mm512_permutexvar_ps(words, table); }
TSUMUGI_TARGET inline Vector low_byte(Words words) {
  return _mm512_cvtepi32_ps(_mm512_and_si512(words, _mm512_set1_epi32(255)));
}
// By way of float16, whose exponents are 8 higher and which keeps denormals.
TSUMUGI_TARGET inline Vector float8_value(Words words) {
  const __m512i size = _mm512_and_si512(words, _mm512_set1_epi32(127));
  const __m512i sign = _mm512_slli_epi32(_mm512_and_si512(words, _mm512_set1_epi32(128)), 8);
  const __m512i halves = _mm512_or_si512(_mm512_slli_epi32(size, 7), sign);
  const Vector value = _mm512_mul_ps(_mm512_cvtph_ps(_mm512_cvtepi32_epi16(halves)), _mm512_set1_ps(256.0f));
  const __mmask16 is_nan = _mm512_cmpeq_epi32_mask(size, _mm512_set1_epi32(127));
  return _mm512_mask_mov_ps(value, is_nan, _mm512_castsi512_ps(_mm512_set1_epi32(0x7fc00000)));
}

}  // namespace
}  // namespace tsumugi
