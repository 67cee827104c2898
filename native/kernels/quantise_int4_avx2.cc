// The quantiser int4 over eight groups at once.
#include "int4_groups.h"

#if TSUMUGI_X86
#include <immintrin.h>

#define TSUMUGI_TARGET TSUMUGI_AVX2

namespace tsumugi {
namespace {
namespace int4_avx2 {

constexpr int kLanes = 8;

struct Lanes {
  __m256 value;
};
using Mask = Lanes;

TSUMUGI_TARGET inline Lanes operator+(Lanes a, Lanes b) { return {_mm256_add_ps(a.value, b.value)}; }
TSUMUGI_TARGET inline Lanes operator*(Lanes a, Lanes b) { return {_mm256_mul_ps(a.value, b.value)}; }
TSUMUGI_TARGET inline Lanes operator/(Lanes a, Lanes b) { return {_mm256_div_ps(a.value, b.value)}; }
TSUMUGI_TARGET inline Lanes load(const float* from) { return {_mm256_load_ps(from)}; }
TSUMUGI_TARGET inline void store(float* to, Lanes a) { _mm256_store_ps(to, a.value); }
TSUMUGI_TARGET inline Lanes set(float x) { return {_mm256_set1_ps(x)}; }
TSUMUGI_TARGET inline Lanes absolute(Lanes a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.value)}; }
TSUMUGI_TARGET inline Mask greater(Lanes a, Lanes b) { return {_mm256_cmp_ps(a.value, b.value, _CMP_GT_OQ)}; }
TSUMUGI_TARGET inline Lanes select(Mask mask, Lanes a, Lanes b) { return {_mm256_blendv_ps(b.value, a.value, mask.value)}; }
TSUMUGI_TARGET inline Lanes square_sum(Lanes a, Lanes sum) { return {_mm256_fmadd_ps(a.value, a.value, sum.value)}; }

// Halves the borders four times; those of the last two times are looked up by the code so far.
class Nearest {
 public:
  TSUMUGI_TARGET explicit Nearest(const Int4Table& table) : spread(1.0f) {
    alignas(32) float quarters[8] = {}, eighths[8], even[8], odd[8];
    for (int i = 0; i < 8; ++i) {
      if (i < 4) quarters[i] = table.borders[4 * i + 1];
      eighths[i] = table.borders[2 * i];
      even[i] = table.values[2 * i];
      odd[i] = table.values[2 * i + 1];
    }
    middle_ = _mm256_set1_ps(table.borders[7]);
    low_ = _mm256_set1_ps(table.borders[3]);
    high_ = _mm256_set1_ps(table.borders[11]);
    quarters_ = _mm256_load_ps(quarters);
    eighths_ = _mm256_load_ps(eighths);
    even_ = _mm256_load_ps(even);
    odd_ = _mm256_load_ps(odd);
  }

  template <bool kept>
  TSUMUGI_TARGET Lanes near(Lanes scaled, int32_t* codes) const {
    const __m256 first = _mm256_cmp_ps(scaled.value, middle_, _CMP_GT_OQ);
    const __m256 second = _mm256_cmp_ps(scaled.value, _mm256_blendv_ps(low_, high_, first), _CMP_GT_OQ);
    const __m256i four = append(append(_mm256_setzero_si256(), first), second);
    const __m256 third = _mm256_cmp_ps(scaled.value, _mm256_permutevar8x32_ps(quarters_, four), _CMP_GT_OQ);
    const __m256i eight = append(four, third);
    const __m256 last = _mm256_cmp_ps(scaled.value, _mm256_permutevar8x32_ps(eighths_, eight), _CMP_GT_OQ);
    if constexpr (kept) _mm256_store_si256(reinterpret_cast<__m256i*>(codes), append(eight, last));
    return {_mm256_blendv_ps(_mm256_permutevar8x32_ps(even_, eight), _mm256_permutevar8x32_ps(odd_, eight), last)};
  }

  const float spread;

 private:
  // code * 2, and 1 more where it is above
  TSUMUGI_TARGET static __m256i append(__m256i code, __m256 above) {
    return _mm256_sub_epi32(_mm256_add_epi32(code, code), _mm256_castps_si256(above));
  }

  __m256 middle_, low_, high_, quarters_, eighths_, even_, odd_;
};

#include "quantise_int4_lanes.inl"

}  // namespace int4_avx2
}  // namespace

const Int4Lanes kInt4LanesAvx2 = {int4_avx2::kLanes, int4_avx2::quantise};

}  // namespace tsumugi
#endif
