// The sampling kernels that are written by hand for AVX-512.

static double add_lanes(const double* lanes);

// The operations of exponential() (sample_math.h), in their order.
static inline __m512d exponential8(__m512d x) {
  const __m512d low_powers = _mm512_loadu_pd(kPowersOfTwo), high_powers = _mm512_loadu_pd(kPowersOfTwo + 8);
  const __m512d shifted = _mm512_add_pd(_mm512_mul_pd(x, _mm512_set1_pd(kPerUnit)), _mm512_set1_pd(kRounding));
  const __m512d units = _mm512_sub_pd(shifted, _mm512_set1_pd(kRounding));
  __m512d r = _mm512_sub_pd(x, _mm512_mul_pd(units, _mm512_set1_pd(kUnitHigh)));
  r = _mm512_sub_pd(r, _mm512_mul_pd(units, _mm512_set1_pd(kUnitLow)));
  __m512d tail = _mm512_mul_pd(r, _mm512_set1_pd(1.0 / 720));
  tail = _mm512_mul_pd(r, _mm512_add_pd(_mm512_set1_pd(1.0 / 120), tail));
  tail = _mm512_mul_pd(r, _mm512_add_pd(_mm512_set1_pd(1.0 / 24), tail));
  tail = _mm512_mul_pd(r, _mm512_add_pd(_mm512_set1_pd(1.0 / 6), tail));
  tail = _mm512_mul_pd(_mm512_mul_pd(r, r), _mm512_add_pd(_mm512_set1_pd(1.0 / 2), tail));
  const __m512d power = _mm512_permutex2var_pd(low_powers, _mm512_castpd_si512(shifted), high_powers);
  const __m512d result = _mm512_add_pd(power, _mm512_mul_pd(power, _mm512_add_pd(r, tail)));
  const __mmask8 some = _mm512_cmp_pd_mask(x, _mm512_set1_pd(kLeastExponent), _CMP_NLT_UQ);
  return _mm512_maskz_scalef_pd(some, result, _mm512_mul_pd(units, _mm512_set1_pd(1.0 / 16)));
}

static inline __m512d lower8(__m512 x) { return _mm512_cvtps_pd(_mm512_castps512_ps256(x)); }
static inline __m512d upper8(__m512 x) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1)); }

static inline __mmask16 lanes_left(int64_t left) {
  return left >= 16 ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1u << left) - 1u);
}

static double exponentials(const float* x, float greatest, float* weights, int64_t count) {
  const __m512 best = _mm512_set1_ps(greatest), none = _mm512_set1_ps(kNoScore);
  __m512d sum0 = _mm512_setzero_pd(), sum1 = _mm512_setzero_pd();
  for (int64_t i = 0; i < count; i += 16) {
    const __mmask16 live = lanes_left(count - i);
    const __m512 value = _mm512_mask_loadu_ps(none, live, x + i);
    const __mmask16 some = _mm512_cmp_ps_mask(value, none, _CMP_NEQ_UQ);
    if (some == 0) {
      _mm512_mask_storeu_ps(weights + i, live, _mm512_setzero_ps());
      continue;
    }
    const __m512 distance = _mm512_sub_ps(value, best);
    const __m256 low = _mm512_cvtpd_ps(exponential8(lower8(distance)));
    const __m256 high = _mm512_cvtpd_ps(exponential8(upper8(distance)));
    const __m512 weight = _mm512_maskz_mov_ps(some, _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1));
    _mm512_mask_storeu_ps(weights + i, live, weight);
    sum0 = _mm512_add_pd(sum0, lower8(weight));
    sum1 = _mm512_add_pd(sum1, upper8(weight));
  }
  alignas(64) double lanes[16];
  _mm512_store_pd(lanes, sum0);
  _mm512_store_pd(lanes + 8, sum1);
  return add_lanes(lanes);
}

static double exponential_sum(const float* x, float greatest, int64_t count) {
  const __m512d best = _mm512_set1_pd(static_cast<double>(greatest));
  const __m512 none = _mm512_set1_ps(kNoScore);
  __m512d sum0 = _mm512_setzero_pd(), sum1 = _mm512_setzero_pd();
  for (int64_t i = 0; i < count; i += 16) {
    const __m512 value = _mm512_mask_loadu_ps(none, lanes_left(count - i), x + i);
    const __mmask16 some = _mm512_cmp_ps_mask(value, none, _CMP_NEQ_UQ);
    if (some == 0) continue;
    const __m512d low = exponential8(_mm512_sub_pd(lower8(value), best));
    const __m512d high = exponential8(_mm512_sub_pd(upper8(value), best));
    sum0 = _mm512_add_pd(sum0, _mm512_maskz_mov_pd(static_cast<__mmask8>(some), low));
    sum1 = _mm512_add_pd(sum1, _mm512_maskz_mov_pd(static_cast<__mmask8>(some >> 8), high));
  }
  alignas(64) double lanes[16];
  _mm512_store_pd(lanes, sum0);
  _mm512_store_pd(lanes + 8, sum1);
  return add_lanes(lanes);
}

static Narrowed narrow(const float* keys, const float* weights, float divisor, int64_t count, float low, float high, float* out,
                       float* weights_out) {
  const __m512 least = _mm512_set1_ps(low), end = _mm512_set1_ps(high), total = _mm512_set1_ps(divisor);
  __m512d sum0 = _mm512_setzero_pd(), sum1 = _mm512_setzero_pd();
  Narrowed found;
  for (int64_t i = 0; i < count; i += 16) {
    const __mmask16 live = lanes_left(count - i);
    const __m512 key = _mm512_maskz_loadu_ps(live, keys + i);
    const __mmask16 below = _mm512_mask_cmp_ps_mask(live, key, least, _CMP_LT_OQ);
    const __mmask16 inside =
        _mm512_mask_cmp_ps_mask(_mm512_mask_cmp_ps_mask(live, key, least, _CMP_GE_OQ), key, end, _CMP_LT_OQ);
    const __m512 value = weights != nullptr ? _mm512_maskz_loadu_ps(live, weights + i) : key;
    if (below != 0) {
      const __m512 weight = _mm512_maskz_div_ps(below, value, total);
      sum0 = _mm512_add_pd(sum0, lower8(weight));
      sum1 = _mm512_add_pd(sum1, upper8(weight));
      found.below += __builtin_popcount(below);
    }
    if (inside != 0) {
      _mm512_storeu_ps(out + found.inside, _mm512_maskz_compress_ps(inside, key));
      if (weights != nullptr) _mm512_storeu_ps(weights_out + found.inside, _mm512_maskz_compress_ps(inside, value));
      found.inside += __builtin_popcount(inside);
    }
  }
  found.below_sum = _mm512_reduce_add_pd(_mm512_add_pd(sum0, sum1));
  return found;
}

struct Product16 {
  __m512i high, low;
};

static inline Product16 multiply16(__m512i words, uint32_t multiplier) {
  const __m512i factor = _mm512_set1_epi64(multiplier);
  const __m512i even = _mm512_mul_epu32(words, factor);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(words, 32), factor);
  return {_mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd),
          _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32))};
}

static void philox_highs(uint64_t block, uint64_t position, uint32_t key0, uint32_t key1, int64_t count, uint32_t* highs) {
  const __m512i steps = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const __m512i first = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const __m512i second = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8);
  const __m512i mask = _mm512_set1_epi32(0x1fffff);
  for (int64_t i = 0; i < count; i += 16) {
    const uint64_t at = block + static_cast<uint64_t>(i);
    const __m512i base = _mm512_set1_epi32(static_cast<int>(static_cast<uint32_t>(at)));
    __m512i c0 = _mm512_add_epi32(base, steps);
    __m512i c1 = _mm512_set1_epi32(static_cast<int>(static_cast<uint32_t>(at >> 32)));
    c1 = _mm512_mask_add_epi32(c1, _mm512_cmplt_epu32_mask(c0, base), c1, _mm512_set1_epi32(1));
    __m512i c2 = _mm512_set1_epi32(static_cast<int>(static_cast<uint32_t>(position)));
    __m512i c3 = _mm512_set1_epi32(static_cast<int>(static_cast<uint32_t>(position >> 32)));
    uint32_t k0 = key0, k1 = key1;
    for (int round = 0; round < kPhiloxRounds; ++round) {
      const Product16 product0 = multiply16(c0, kPhiloxMultiplier0), product1 = multiply16(c2, kPhiloxMultiplier1);
      c0 = _mm512_xor_si512(_mm512_xor_si512(product1.high, c1), _mm512_set1_epi32(static_cast<int>(k0)));
      c1 = product1.low;
      c2 = _mm512_xor_si512(_mm512_xor_si512(product0.high, c3), _mm512_set1_epi32(static_cast<int>(k1)));
      c3 = product0.low;
      k0 += kPhiloxWeyl0;
      k1 += kPhiloxWeyl1;
    }
    c0 = _mm512_and_si512(c0, mask);
    c2 = _mm512_and_si512(c2, mask);
    _mm512_storeu_si512(highs + 2 * i, _mm512_permutex2var_epi32(c0, first, c2));
    _mm512_storeu_si512(highs + 2 * i + 16, _mm512_permutex2var_epi32(c0, second, c2));
  }
}
