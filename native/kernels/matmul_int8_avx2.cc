// Tiles in int8 arithmetic for AVX2: bytes are widened to 16 bits, of which vpmaddwd adds products in pairs.
#include "int8_kernels.h"

#if TSUMUGI_X86

#define TSUMUGI_TARGET TSUMUGI_AVX2

#include "int8_lanes_avx2.h"

namespace tsumugi {
namespace {

constexpr int kRowCounts[] = {1, 2, 4};
constexpr int kWordBytes = 8;
constexpr int kSeveral(int rows) { return rows <= 2 ? 2 : 1; }

struct Weights {
  __m256i even, odd;
};
struct Input {
  __m256i even, odd;
};
TSUMUGI_TARGET inline Weights prepare(Bytes bytes) {
  return {_mm256_and_si256(bytes, _mm256_set1_epi16(255)), _mm256_srli_epi16(bytes, 8)};
}
TSUMUGI_TARGET inline Weights prepare_halves(Bytes bytes) { return prepare(bytes); }
TSUMUGI_TARGET inline Input broadcast_input(const uint8_t* from) {
  int32_t words[2];
  __builtin_memcpy(words, from, sizeof words);
  return {_mm256_set1_epi32(words[0]), _mm256_set1_epi32(words[1])};
}
TSUMUGI_TARGET inline Ints dot(Ints sum, Weights weights, Input input) {
  sum = _mm256_add_epi32(sum, _mm256_madd_epi16(weights.even, input.even));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(weights.odd, input.odd));
}

}  // namespace
}  // namespace tsumugi

#include "int8_tile.h"

namespace tsumugi {
const Int8Kernels& int8_kernels_avx2() {
  static const Int8Kernels kernels = make_int8_kernels();
  return kernels;
}
}  // namespace tsumugi
#endif
