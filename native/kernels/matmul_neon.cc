// Matmul tiles for 64-bit Arm.
#include "matmul_kernels.h"

#if TSUMUGI_ARM64
#include <arm_neon.h>

#define TSUMUGI_TARGET

namespace tsumugi {
namespace {

using Vector = float32x4_t;
constexpr int kLanes = 4;
constexpr int kRoom = 24;

inline Vector zero() { return vdupq_n_f32(0.0f); }
inline Vector load(const float* from) { return vld1q_f32(from); }
inline void store(float* to, Vector value) { vst1q_f32(to, value); }
inline Vector to_bfloat16(Vector value) {
  float lanes[kLanes];
  store(lanes, value);
  for (float& lane : lanes) lane = round_to_bfloat16(lane);
  return load(lanes);
}
inline Vector broadcast(const float* from) { return vld1q_dup_f32(from); }
inline Vector add(Vector a, Vector b) { return vaddq_f32(a, b); }
inline Vector multiply_add(Vector a, Vector b, Vector c) { return vfmaq_f32(c, a, b); }
inline uint32x4_t load_pairs(const uint8_t* pairs) { return vreinterpretq_u32_u8(vld1q_u8(pairs)); }
inline Vector load_even(const uint8_t* pairs) { return vreinterpretq_f32_u32(vshlq_n_u32(load_pairs(pairs), 16)); }
inline Vector load_odd(const uint8_t* pairs) {
  return vreinterpretq_f32_u32(vandq_u32(load_pairs(pairs), vdupq_n_u32(0xffff0000u)));
}
inline Vector load_float16(const uint8_t* from) { return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(from))); }

}  // namespace
}  // namespace tsumugi

#include "matmul_tile.h"

namespace tsumugi {
const TileKernels& tile_kernels_neon(Storage storage, Arithmetic arithmetic) { return tables<6, 1>(storage, arithmetic); }
}  // namespace tsumugi
#endif
