// Sixteen floats in one AVX-512 register. Included inside a namespace, after the target pragma.

struct Lanes {
  __m512 value;

  static Lanes load(const float* from) { return {_mm512_loadu_ps(from)}; }
  static Lanes load(const uint16_t* from) {
    const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(wide, 16))};
  }
  static Lanes set(float x) { return {_mm512_set1_ps(x)}; }
  void store(float* to) const { _mm512_storeu_ps(to, value); }
};

inline Lanes operator+(Lanes a, Lanes b) { return {_mm512_add_ps(a.value, b.value)}; }
inline Lanes operator-(Lanes a, Lanes b) { return {_mm512_sub_ps(a.value, b.value)}; }
inline Lanes operator*(Lanes a, Lanes b) { return {_mm512_mul_ps(a.value, b.value)}; }
inline Lanes operator/(Lanes a, Lanes b) { return {_mm512_div_ps(a.value, b.value)}; }
// a * b + c
inline Lanes fma(Lanes a, Lanes b, Lanes c) { return {_mm512_fmadd_ps(a.value, b.value, c.value)}; }
// NaN in `b` is kept.
inline Lanes minimum(Lanes a, Lanes b) { return {_mm512_min_ps(a.value, b.value)}; }
inline Lanes maximum(Lanes a, Lanes b) { return {_mm512_max_ps(a.value, b.value)}; }
inline Lanes absolute(Lanes a) {
  return {_mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(a.value), _mm512_set1_epi32(0x7fffffff)))};
}
inline Lanes nearest(Lanes a) { return {_mm512_roundscale_ps(a.value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
// a < b ? x : y, lane by lane
inline Lanes select_less(Lanes a, Lanes b, Lanes x, Lanes y) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.value, b.value, _CMP_LT_OQ), y.value, x.value)};
}
// 2^n for whole n in -126..127
inline Lanes power_of_two(Lanes n) {
  const __m512i biased = _mm512_add_epi32(_mm512_cvtps_epi32(n.value), _mm512_set1_epi32(127));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(biased, 23))};
}
// y * 2^n for whole n <= 0 and y in 0.5..2; what would be denormal is 0 (threads of the pool flush it)
inline Lanes scale_down(Lanes y, Lanes n) { return {_mm512_scalef_ps(y.value, n.value)}; }
// The nearest bfloat16, ties to even; a NaN stays one.
inline Lanes to_bfloat16(Lanes a) {
#if defined(TSUMUGI_DOT_PAIRS)
  const __m512i wide = _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(a.value)));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(wide, 16))};
#else
  const __m512i bits = _mm512_castps_si512(a.value);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __m512i kept = _mm512_and_si512(rounded, _mm512_set1_epi32(static_cast<int>(0xffff0000u)));
  return {_mm512_mask_mov_ps(_mm512_castsi512_ps(kept), _mm512_cmp_ps_mask(a.value, a.value, _CMP_UNORD_Q), a.value)};
#endif
}
// The same tree in every instruction set: lanes 8 apart, then 4, 2, 1.
inline float sum(Lanes a) {
  const __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a.value), 1));
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a.value), high);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
inline float largest(Lanes a) {
  const __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a.value), 1));
  const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(a.value), high);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

// Rows that share one pass over keys, rows that share one pass over values, value registers of a pass.
constexpr int kScoreRows = 8;
constexpr int kValueRows = 4;
constexpr int kValueLanes = 4;
