// The quantiser int4 over sixteen groups at once.
#include "int4_groups.h"

#if TSUMUGI_X86
#include <immintrin.h>

#include <cmath>
#include <limits>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#define TSUMUGI_TARGET TSUMUGI_AVX512

namespace tsumugi {
namespace {
namespace int4_avx512 {

constexpr int kLanes = 16;

struct Lanes {
  __m512 value;
};
using Mask = __mmask16;

TSUMUGI_TARGET inline Lanes operator+(Lanes a, Lanes b) { return {_mm512_add_ps(a.value, b.value)}; }
TSUMUGI_TARGET inline Lanes operator*(Lanes a, Lanes b) { return {_mm512_mul_ps(a.value, b.value)}; }
TSUMUGI_TARGET inline Lanes operator/(Lanes a, Lanes b) { return {_mm512_div_ps(a.value, b.value)}; }
TSUMUGI_TARGET inline Lanes load(const float* from) { return {_mm512_load_ps(from)}; }
TSUMUGI_TARGET inline void store(float* to, Lanes a) { _mm512_store_ps(to, a.value); }
TSUMUGI_TARGET inline Lanes set(float x) { return {_mm512_set1_ps(x)}; }
TSUMUGI_TARGET inline Lanes absolute(Lanes a) { return {_mm512_abs_ps(a.value)}; }
TSUMUGI_TARGET inline Mask greater(Lanes a, Lanes b) { return _mm512_cmp_ps_mask(a.value, b.value, _CMP_GT_OQ); }
TSUMUGI_TARGET inline Lanes select(Mask mask, Lanes a, Lanes b) { return {_mm512_mask_blend_ps(mask, b.value, a.value)}; }
TSUMUGI_TARGET inline Lanes square_sum(Lanes a, Lanes sum) { return {_mm512_fmadd_ps(a.value, a.value, sum.value)}; }

// Rounding is monotonous: a value is above all borders of lower whole numbers and above none of higher ones, so that only the
// border of its own, if there is one, must be compared. Above it stands what the next whole number begins with.
class Nearest {
 public:
  TSUMUGI_TARGET explicit Nearest(const Int4Table& table) : spread(table.spread) {
    alignas(64) float borders[32], values[32];
    alignas(64) int32_t codes[32];
    int code = 0;
    for (int whole = -16; whole < 16; ++whole) {
      const int at = whole & 31;  // lookups take the low five bits
      codes[at] = code;
      values[at] = table.values[code];
      borders[at] = std::numeric_limits<float>::infinity();
      if (code < 15 && std::nearbyintf(table.borders[code] * spread) == static_cast<float>(whole)) {
        borders[at] = table.borders[code++] * spread;
      }
    }
    for (int half = 0; half < 2; ++half) {
      borders_[half] = _mm512_load_ps(borders + 16 * half);
      values_[half] = _mm512_load_ps(values + 16 * half);
      codes_[half] = _mm512_load_si512(codes + 16 * half);
    }
  }

  template <bool kept>
  TSUMUGI_TARGET Lanes near(Lanes scaled, int32_t* codes) const {
    // the bound comes second, so that a NaN becomes it and has code 0, as it is above no border
    const __m512 bounded = _mm512_min_ps(_mm512_max_ps(scaled.value, _mm512_set1_ps(-16.0f)), _mm512_set1_ps(15.0f));
    const __m512i whole = _mm512_cvtps_epi32(bounded);
    const __m512 border = _mm512_permutex2var_ps(borders_[0], whole, borders_[1]);
    const __mmask16 above = _mm512_cmp_ps_mask(scaled.value, border, _CMP_GT_OQ);
    const __m512i at = _mm512_mask_add_epi32(whole, above, whole, _mm512_set1_epi32(1));
    if constexpr (kept) _mm512_store_si512(codes, _mm512_permutex2var_epi32(codes_[0], at, codes_[1]));
    return {_mm512_permutex2var_ps(values_[0], at, values_[1])};
  }

  const float spread;

 private:
  __m512 borders_[2], values_[2];
  __m512i codes_[2];
};

#include "quantise_int4_lanes.inl"

}  // namespace int4_avx512
}  // namespace

const Int4Lanes kInt4LanesAvx512 = {int4_avx512::kLanes, int4_avx512::quantise};

}  // namespace tsumugi
#endif
