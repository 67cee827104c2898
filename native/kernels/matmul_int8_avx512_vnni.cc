// Tiles in int8 arithmetic for AVX-512 with VNNI: vpdpbusd adds four products of bytes to a sum.
#include "int8_kernels.h"

#if TSUMUGI_X86

#define TSUMUGI_TARGET TSUMUGI_AVX512_VNNI

#include "int8_lanes_avx512.h"

namespace tsumugi {
namespace {

constexpr int kWordBytes = 4;
constexpr int kSeveral(int rows) { return rows <= 6 ? 4 : 2; }

using Weights = __m512i;
using Input = __m512i;
TSUMUGI_TARGET inline Weights prepare(Bytes bytes) { return bytes; }
TSUMUGI_TARGET inline Weights prepare_halves(Bytes bytes) { return bytes; }
TSUMUGI_TARGET inline Input broadcast_input(const uint8_t* from) {
  int32_t word;
  __builtin_memcpy(&word, from, sizeof word);
  return _mm512_set1_epi32(word);
}
TSUMUGI_TARGET inline Ints dot(Ints sum, Weights weights, Input input) { return _mm512_dpbusd_epi32(sum, weights, input); }

}  // namespace
}  // namespace tsumugi

#include "int8_tile.h"

namespace tsumugi {
const Int8Kernels& int8_kernels_avx512_vnni() {
  static const Int8Kernels kernels = make_int8_kernels();
  return kernels;
}
}  // namespace tsumugi
#endif
