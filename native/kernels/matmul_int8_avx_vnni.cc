// Tiles in int8 arithmetic for AVX2 with AVX-VNNI: vpdpbusd in 256 bits.
#include "int8_kernels.h"

#if TSUMUGI_X86

#define TSUMUGI_TARGET TSUMUGI_AVX_VNNI

#include "int8_lanes_avx2.h"

namespace tsumugi {
namespace {

constexpr int kRowCounts[] = {1, 2, 4, 6};
constexpr int kWordBytes = 4;
constexpr int kSeveral(int rows) { return rows <= 2 ? 2 : 1; }

using Weights = __m256i;
using Input = __m256i;
TSUMUGI_TARGET inline Weights prepare(Bytes bytes) { return bytes; }
TSUMUGI_TARGET inline Weights prepare_halves(Bytes bytes) { return bytes; }
TSUMUGI_TARGET inline Input broadcast_input(const uint8_t* from) {
  int32_t word;
  __builtin_memcpy(&word, from, sizeof word);
  return _mm256_set1_epi32(word);
}
TSUMUGI_TARGET inline Ints dot(Ints sum, Weights weights, Input input) { return _mm256_dpbusd_avx_epi32(sum, weights, input); }

}  // namespace
}  // namespace tsumugi

#include "int8_tile.h"

namespace tsumugi {
const Int8Kernels& int8_kernels_avx_vnni() {
  static const Int8Kernels kernels = make_int8_kernels();
  return kernels;
}
}  // namespace tsumugi
#endif
