// The sampling kernels that are written by hand for AVX-512.

static double add_lanes(const double* lanes);

// The operations of exponential() (sample_math.h), in their order, for x of at least kLeastExponent, or NaN. Whole units are
// the lower bits of `shifted`; kScales has 2^(j/16) less what j sixteenths add to the exponent when all units are added there.
static inline __m512d exponential8(__m512d x) {
  const __m512i low_scales = _mm512_loadu_si512(kScales.data()), high_scales = _mm512_loadu_si512(kScales.data() + 8);
  const __m512d shifted = _mm512_add_pd(_mm512_mul_pd(x, _mm512_set1_pd(kPerUnit)), _mm512_set1_pd(kRounding));
  const __m512d units = _mm512_sub_pd(shifted, _mm512_set1_pd(kRounding));
  __m512d r = _mm512_sub_pd(x, _mm512_mul_pd(units, _mm512_set1_pd(kUnitHigh)));
  r = _mm512_sub_pd(r, _mm512_mul_pd(units, _mm512_set1_pd(kUnitLow)));
  __m512d tail = _mm512_mul_pd(r, _mm512_set1_pd(1.0 / 720));
  tail = _mm512_mul_pd(r, _mm512_add_pd(_mm512_set1_pd(1.0 / 120), tail));
  tail = _mm512_mul_pd(r, _mm512_add_pd(_mm512_set1_pd(1.0 / 24), tail));
  tail = _mm512_mul_pd(r, _mm512_add_pd(_mm512_set1_pd(1.0 / 6), tail));
  tail = _mm512_mul_pd(_mm512_mul_pd(r, r), _mm512_add_pd(_mm512_set1_pd(1.0 / 2), tail));
  const __m512i bits = _mm512_castpd_si512(shifted);
  const __m512i power = _mm512_permutex2var_epi64(low_scales, bits, high_scales);
  const __m512d scale = _mm512_castsi512_pd(_mm512_add_epi64(power, _mm512_slli_epi64(bits, 48)));
  return _mm512_add_pd(scale, _mm512_mul_pd(scale, _mm512_add_pd(r, tail)));
}

static inline __m512d lower8(__m512 x) { return _mm512_cvtps_pd(_mm512_castps512_ps256(x)); }
static inline __m512d upper8(__m512 x) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1)); }

static inline __mmask16 lanes_left(int64_t left) {
  return left >= 16 ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1u << left) - 1u);
}

// The same within 2^-42, by fewer operations. What it is rounded to is what exponential8 is rounded to, unless it stands beside
// the middle of two float32 values: those lanes are set in `unsure`. Not for results below float32's least normal value.
static inline __m512d approximation8(__m512d x, __mmask8* unsure) {
  const __m512i low_scales = _mm512_loadu_si512(kScales.data()), high_scales = _mm512_loadu_si512(kScales.data() + 8);
  const __m512d shifted = _mm512_fmadd_pd(x, _mm512_set1_pd(kPerUnit), _mm512_set1_pd(kRounding));
  const __m512d units = _mm512_sub_pd(shifted, _mm512_set1_pd(kRounding));
  __m512d r = _mm512_fnmadd_pd(units, _mm512_set1_pd(kUnitHigh), x);
  r = _mm512_fnmadd_pd(units, _mm512_set1_pd(kUnitLow), r);
  __m512d tail = _mm512_fmadd_pd(r, _mm512_set1_pd(1.0 / 120), _mm512_set1_pd(1.0 / 24));
  tail = _mm512_fmadd_pd(r, tail, _mm512_set1_pd(1.0 / 6));
  tail = _mm512_fmadd_pd(r, tail, _mm512_set1_pd(1.0 / 2));
  tail = _mm512_fmadd_pd(_mm512_mul_pd(r, r), tail, r);
  const __m512i bits = _mm512_castpd_si512(shifted);
  const __m512i power = _mm512_permutex2var_epi64(low_scales, bits, high_scales);
  const __m512d scale = _mm512_castsi512_pd(_mm512_add_epi64(power, _mm512_slli_epi64(bits, 48)));
  const __m512d result = _mm512_fmadd_pd(scale, tail, scale);
  constexpr int64_t kDropped = (int64_t{1} << 29) - 1, kMiddle = int64_t{1} << 28, kReach = int64_t{1} << 12;
  const __m512i distance = _mm512_sub_epi64(_mm512_castpd_si512(result), _mm512_set1_epi64(kMiddle - kReach));
  const __m512i beside = _mm512_and_si512(distance, _mm512_set1_epi64(kDropped));
  *unsure = _mm512_cmple_epu64_mask(beside, _mm512_set1_epi64(2 * kReach));
  return result;
}

static double exponentials(const float* x, float greatest, float* weights, int64_t count) {
  const __m512 best = _mm512_set1_ps(greatest), none = _mm512_set1_ps(kNoScore);
  const __m512 least = _mm512_set1_ps(static_cast<float>(kLeastExponent)), normal = _mm512_set1_ps(-87);
  __m512d sum0 = _mm512_setzero_pd(), sum1 = _mm512_setzero_pd();
  for (int64_t i = 0; i < count; i += 16) {
    const __mmask16 live = lanes_left(count - i);
    const __m512 value = _mm512_mask_loadu_ps(none, live, x + i);
    const __m512 distance = _mm512_sub_ps(value, best);
    const __mmask16 some = _mm512_mask_cmp_ps_mask(_mm512_cmp_ps_mask(value, none, _CMP_NEQ_UQ), distance, least, _CMP_NLT_UQ);
    if (some == 0) {
      _mm512_mask_storeu_ps(weights + i, live, _mm512_setzero_ps());
      continue;
    }
    __mmask8 unsure0, unsure1;
    __m512d low = approximation8(lower8(distance), &unsure0);
    __m512d high = approximation8(upper8(distance), &unsure1);
    const __mmask16 unsure = static_cast<__mmask16>(unsure0 | unsure1 << 8);
    if (((unsure | _mm512_cmp_ps_mask(distance, normal, _CMP_NGE_UQ)) & some) != 0) {
      low = exponential8(lower8(distance));
      high = exponential8(upper8(distance));
    }
    __m512 weight = _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low)), _mm512_cvtpd_ps(high), 1);
    weight = _mm512_maskz_mov_ps(some, weight);
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
  const __m512d least = _mm512_set1_pd(kLeastExponent);
  __m512d sum0 = _mm512_setzero_pd(), sum1 = _mm512_setzero_pd();
  for (int64_t i = 0; i < count; i += 16) {
    const __m512 value = _mm512_mask_loadu_ps(none, lanes_left(count - i), x + i);
    const __mmask16 some = _mm512_cmp_ps_mask(value, none, _CMP_NEQ_UQ);
    if (some == 0) continue;
    const __m512d low = _mm512_sub_pd(lower8(value), best), high = _mm512_sub_pd(upper8(value), best);
    const __mmask8 some0 = _mm512_mask_cmp_pd_mask(static_cast<__mmask8>(some), low, least, _CMP_NLT_UQ);
    const __mmask8 some1 = _mm512_mask_cmp_pd_mask(static_cast<__mmask8>(some >> 8), high, least, _CMP_NLT_UQ);
    sum0 = _mm512_add_pd(sum0, _mm512_maskz_mov_pd(some0, exponential8(low)));
    sum1 = _mm512_add_pd(sum1, _mm512_maskz_mov_pd(some1, exponential8(high)));
  }
  alignas(64) double lanes[16];
  _mm512_store_pd(lanes, sum0);
  _mm512_store_pd(lanes + 8, sum1);
  return add_lanes(lanes);
}

static Narrowed narrow(const float* keys, const float* weights, float divisor, int64_t count, float low, float high, float* out,
                       float* weights_out) {
  const __m512 least = _mm512_set1_ps(low), end = _mm512_set1_ps(high), total = _mm512_set1_ps(divisor);
  const __m512 inverse = _mm512_set1_ps(1 / divisor);
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
      // value / total, rounded as a division is (Markstein, 1990)
      const __m512 near = _mm512_mul_ps(value, inverse);
      const __m512 weight = _mm512_maskz_fmadd_ps(below, _mm512_fnmadd_ps(near, total, value), inverse, near);
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

// Removes where `goes` says so, of 16 entries; adds the weights that stay.
static inline void remove16(float* scores, float* weights, __m512 weight, __mmask16 live, __mmask16 goes, __m512d* sums) {
  const __m512 stays = _mm512_maskz_mov_ps(static_cast<__mmask16>(live & ~goes), weight);
  _mm512_mask_storeu_ps(scores, goes, _mm512_set1_ps(kNoScore));
  _mm512_mask_storeu_ps(weights, live, stays);
  sums[0] = _mm512_add_pd(sums[0], lower8(stays));
  sums[1] = _mm512_add_pd(sums[1], upper8(stays));
}

static inline double add_sums(const __m512d* sums) {
  alignas(64) double lanes[16];
  _mm512_store_pd(lanes, sums[0]);
  _mm512_store_pd(lanes + 8, sums[1]);
  return add_lanes(lanes);
}

static double remove_light(float* scores, float* weights, float least, int64_t count) {
  __m512d sums[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
  const __m512 bound = _mm512_set1_ps(least);
  for (int64_t i = 0; i < count; i += 16) {
    const __mmask16 live = lanes_left(count - i);
    const __m512 weight = _mm512_maskz_loadu_ps(live, weights + i);
    const __mmask16 goes = _mm512_mask_cmp_ps_mask(live, weight, bound, _CMP_LT_OQ);
    remove16(scores + i, weights + i, weight, live, goes, sums);
  }
  return add_sums(sums);
}

static double remove_improbable(float* scores, float* weights, float total, float limit, float kept, int64_t count) {
  __m512d sums[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
  const __m512 divisor = _mm512_set1_ps(total), bound = _mm512_set1_ps(limit), best = _mm512_set1_ps(kept);
  for (int64_t i = 0; i < count; i += 16) {
    const __mmask16 live = lanes_left(count - i);
    const __m512 weight = _mm512_maskz_loadu_ps(live, weights + i);
    const __m512 score = _mm512_maskz_loadu_ps(live, scores + i);
    const __mmask16 light = _mm512_mask_cmp_ps_mask(live, _mm512_div_ps(weight, divisor), bound, _CMP_LT_OQ);
    remove16(scores + i, weights + i, weight, live, _mm512_mask_cmp_ps_mask(light, score, best, _CMP_LT_OQ), sums);
  }
  return add_sums(sums);
}

// Eight blocks, a word of each in the lower half of 64 bits; upper halves are whatever products leave there.
struct Philox8 {
  __m512i c0, c1, c2, c3;

  void round(__m512i key0, __m512i key1) {
    constexpr int kXor = 0x96;
    const __m512i product0 = _mm512_mul_epu32(c0, _mm512_set1_epi64(kPhiloxMultiplier0));
    const __m512i product1 = _mm512_mul_epu32(c2, _mm512_set1_epi64(kPhiloxMultiplier1));
    c0 = _mm512_ternarylogic_epi64(_mm512_srli_epi64(product1, 32), c1, key0, kXor);
    c1 = product1;
    c2 = _mm512_ternarylogic_epi64(_mm512_srli_epi64(product0, 32), c3, key1, kXor);
    c3 = product0;
  }
};

static inline Philox8 philox_start(uint64_t block, uint64_t position) {
  const __m512i counter =
      _mm512_add_epi64(_mm512_set1_epi64(static_cast<int64_t>(block)), _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
  const __m512i place = _mm512_set1_epi64(static_cast<int64_t>(position));
  return {counter, _mm512_srli_epi64(counter, 32), place, _mm512_srli_epi64(place, 32)};
}

// Words 0 and 2 of the eight blocks, side by side.
static inline void philox_store(const Philox8& blocks, uint32_t* highs) {
  const __m512i words = _mm512_mask_blend_epi32(0xaaaa, blocks.c0, _mm512_slli_epi64(blocks.c2, 32));
  _mm512_storeu_si512(highs, _mm512_and_si512(words, _mm512_set1_epi32(0x1fffff)));
}

static void philox_highs(uint64_t block, uint64_t position, uint32_t key0, uint32_t key1, int64_t count, uint32_t* highs) {
  for (int64_t i = 0; i < count; i += 16) {
    Philox8 first = philox_start(block + static_cast<uint64_t>(i), position);
    Philox8 second = philox_start(block + static_cast<uint64_t>(i) + 8, position);
    uint32_t word0 = key0, word1 = key1;
    for (int round = 0; round < kPhiloxRounds; ++round) {
      const __m512i now0 = _mm512_set1_epi64(word0), now1 = _mm512_set1_epi64(word1);
      first.round(now0, now1);
      second.round(now0, now1);
      word0 += kPhiloxWeyl0;
      word1 += kPhiloxWeyl1;
    }
    philox_store(first, highs + 2 * i);
    philox_store(second, highs + 2 * i + 16);
  }
}
