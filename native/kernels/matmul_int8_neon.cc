// Tiles in int8 arithmetic for 64-bit Arm: bytes are widened to 16 bits, whose products are added in pairs.
#include "int8_kernels.h"

#if TSUMUGI_ARM64

#define TSUMUGI_TARGET

#include "int8_lanes_neon.h"

namespace tsumugi {
namespace {

constexpr int kByteShift = 0;
constexpr int kWordBytes = 8;

struct Weights {
  int16x8_t even, odd;
};
struct Input {
  int16x8_t even, odd;
};
inline Weights prepare(Bytes bytes) {
  const uint16x8_t both = vreinterpretq_u16_u8(bytes);
  return {vreinterpretq_s16_u16(vandq_u16(both, vdupq_n_u16(255))), vreinterpretq_s16_u16(vshrq_n_u16(both, 8))};
}
inline Weights prepare_halves(Bytes bytes) { return prepare(bytes); }
inline Input broadcast_input(const uint8_t* from) {
  int32_t words[2];
  __builtin_memcpy(words, from, sizeof words);
  return {vreinterpretq_s16_s32(vdupq_n_s32(words[0])), vreinterpretq_s16_s32(vdupq_n_s32(words[1]))};
}
// Sums of neighbours: lanes 0 and 1 of 16 bits make lane 0 of 32.
inline Ints add_products(Ints sum, int16x8_t a, int16x8_t b) {
  const int32x4_t low = vmull_s16(vget_low_s16(a), vget_low_s16(b));
  const int32x4_t high = vmull_s16(vget_high_s16(a), vget_high_s16(b));
  return vaddq_s32(sum, vpaddq_s32(low, high));
}
inline Ints dot(Ints sum, Weights weights, Input input) {
  return add_products(add_products(sum, weights.even, input.even), weights.odd, input.odd);
}

}  // namespace
}  // namespace tsumugi

#include "int8_tile.h"

namespace tsumugi {
const Int8Kernels& int8_kernels_neon() {
  static const Int8Kernels kernels = make_int8_kernels();
  return kernels;
}
}  // namespace tsumugi
#endif
