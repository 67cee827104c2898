// Codes as values for 64-bit Arm.
#include "code_kernels.h"

#if TSUMUGI_ARM64
#include <arm_neon.h>

#define TSUMUGI_TARGET

namespace tsumugi {
namespace {

constexpr int kLanes = 4;
using Vector = float32x4_t;
using Words = uint32x4_t;
using Table = uint8x16x4_t;  // the bytes of 16 floats

inline Vector load(const float* from) { return vld1q_f32(from); }
inline void store(float* to, Vector value) { vst1q_f32(to, value); }
inline Vector zero() { return vdupq_n_f32(0.0f); }
inline Vector broadcast(const float* from) { return vld1q_dup_f32(from); }
inline Vector multiply_add(Vector a, Vector b, Vector c) { return vfmaq_f32(c, a, b); }
inline Vector add(Vector a, Vector b) { return vaddq_f32(a, b); }
inline Vector subtract(Vector a, Vector b) { return vsubq_f32(a, b); }
inline Vector multiply(Vector a, Vector b) { return vmulq_f32(a, b); }
inline Vector to_bfloat16(Vector value) {
  const uint32x4_t bits = vreinterpretq_u32_f32(value);
  const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
  const uint32x4_t rounded = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
  const uint32x4_t kept = vandq_u32(rounded, vdupq_n_u32(0xffff0000u));
  return vbslq_f32(vceqq_f32(value, value), vreinterpretq_f32_u32(kept), value);
}
inline void store_rounded(uint8_t* to, Vector even, Vector odd) {
  const uint32x4_t high = vandq_u32(vreinterpretq_u32_f32(to_bfloat16(odd)), vdupq_n_u32(0xffff0000u));
  const uint32x4_t low = vshrq_n_u32(vreinterpretq_u32_f32(to_bfloat16(even)), 16);
  vst1q_u8(to, vreinterpretq_u8_u32(vorrq_u32(low, high)));
}
inline Vector load_float16(const uint8_t* from) { return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(from))); }
inline Vector load_exponents(const uint8_t* from) {
  const uint32_t bytes[kLanes] = {from[0], from[1], from[2], from[3]};
  return vreinterpretq_f32_u32(vshlq_n_u32(vld1q_u32(bytes), 23));
}
inline Vector load_signed(const uint8_t* from) {
  const float lanes[kLanes] = {
      static_cast<float>(static_cast<int8_t>(from[0])), static_cast<float>(static_cast<int8_t>(from[1])),
      static_cast<float>(static_cast<int8_t>(from[2])), static_cast<float>(static_cast<int8_t>(from[3]))};
  return vld1q_f32(lanes);
}
inline Words load_words(const uint8_t* from) { return vreinterpretq_u32_u8(vld1q_u8(from)); }
template <int kBits>
inline Words shift_right(Words words) {
  if constexpr (kBits == 0) {
    return words;
  } else {
    return vshrq_n_u32(words, kBits);
  }
}
inline Table open_table(const float* values) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(values);
  return {{vld1q_u8(bytes), vld1q_u8(bytes + 16), vld1q_u8(bytes + 32), vld1q_u8(bytes + 48)}};
}
// Four bytes of the table for each word, from the byte 4 · code on.
inline Vector look_up(const Table& table, Words words) {
  const uint32x4_t code = vandq_u32(words, vdupq_n_u32(15));
  const uint32x4_t places = vmlaq_n_u32(vdupq_n_u32(0x03020100u), code, 0x04040404u);
  return vreinterpretq_f32_u8(vqtbl4q_u8(table, vreinterpretq_u8_u32(places)));
}
inline Vector low_byte(Words words) { return vcvtq_f32_u32(vandq_u32(words, vdupq_n_u32(255))); }
inline Vector float8_value(Words words) {
  const float* values = code_values(CodeTable::float8);
  const float lanes[kLanes] = {values[vgetq_lane_u32(words, 0) & 255], values[vgetq_lane_u32(words, 1) & 255],
                               values[vgetq_lane_u32(words, 2) & 255], values[vgetq_lane_u32(words, 3) & 255]};
  return vld1q_f32(lanes);
}

}  // namespace
}  // namespace tsumugi

#include "code_expand.inl"
#include "code_tile.inl"

namespace tsumugi {
const CodeKernels& code_kernels_neon(const PackedMatrix& matrix) { return code_kernels_of<1>(matrix); }
}  // namespace tsumugi
#endif
