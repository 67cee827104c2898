// Tiles in int8 arithmetic for 64-bit Arm with SDOT, which adds four products of signed bytes to a sum: bytes lose 128.
#include "int8_kernels.h"

#if TSUMUGI_ARM64

#define TSUMUGI_TARGET __attribute__((target("+dotprod")))

#include "int8_lanes_neon.h"

namespace tsumugi {
namespace {

constexpr int kByteShift = 128;
constexpr int kWordBytes = 4;

using Weights = int8x16_t;
using Input = int8x16_t;
TSUMUGI_TARGET inline Weights prepare(Bytes bytes) { return vreinterpretq_s8_u8(veorq_u8(bytes, vdupq_n_u8(128))); }
TSUMUGI_TARGET inline Weights prepare_halves(Bytes bytes) { return vreinterpretq_s8_u8(bytes); }
TSUMUGI_TARGET inline Input broadcast_input(const uint8_t* from) {
  int32_t word;
  __builtin_memcpy(&word, from, sizeof word);
  return vreinterpretq_s8_s32(vdupq_n_s32(word));
}
TSUMUGI_TARGET inline Ints dot(Ints sum, Weights weights, Input input) { return vdotq_s32(sum, weights, input); }

}  // namespace
}  // namespace tsumugi

#include "int8_tile.h"

namespace tsumugi {
const Int8Kernels& int8_kernels_neon_dot() {
  static const Int8Kernels kernels = make_int8_kernels();
  return kernels;
}
}  // namespace tsumugi
#endif
