// What tiles in int8 arithmetic need of NEON, but for how bytes are multiplied (int8_tile.h).
#pragma once

#include <arm_neon.h>

#include "int8_kernels.h"

namespace tsumugi {
namespace {

constexpr int kLanes = 4;
constexpr int kHeldSums = 8;
constexpr int kRowCounts[] = {1, 2, 4};
constexpr int kSeveral(int rows) { return rows == 1 ? 2 : 1; }

using Ints = int32x4_t;
using Floats = float32x4_t;
using Bytes = uint8x16_t;
using Table = uint8x16_t;

TSUMUGI_TARGET inline Ints zero_ints() { return vdupq_n_s32(0); }
TSUMUGI_TARGET inline Ints broadcast_int(const int32_t* from) { return vld1q_dup_s32(from); }
TSUMUGI_TARGET inline Ints load_ints(const int32_t* from) { return vld1q_s32(from); }
TSUMUGI_TARGET inline void store_ints(int32_t* to, Ints value) { vst1q_s32(to, value); }
TSUMUGI_TARGET inline Ints add_ints(Ints a, Ints b) { return vaddq_s32(a, b); }
TSUMUGI_TARGET inline Floats to_floats(Ints value) { return vcvtq_f32_s32(value); }
TSUMUGI_TARGET inline Floats load(const float* from) { return vld1q_f32(from); }
TSUMUGI_TARGET inline void store(float* to, Floats value) { vst1q_f32(to, value); }
TSUMUGI_TARGET inline Floats broadcast(const float* from) { return vld1q_dup_f32(from); }
TSUMUGI_TARGET inline Floats add(Floats a, Floats b) { return vaddq_f32(a, b); }
TSUMUGI_TARGET inline Floats multiply(Floats a, Floats b) { return vmulq_f32(a, b); }
TSUMUGI_TARGET inline Floats multiply_add(Floats a, Floats b, Floats c) { return vfmaq_f32(c, a, b); }
TSUMUGI_TARGET inline Floats minus_multiply_add(Floats a, Floats b, Floats c) { return vfmsq_f32(c, a, b); }
TSUMUGI_TARGET inline Floats load_float16(const uint8_t* from) { return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(from))); }
TSUMUGI_TARGET inline Floats load_exponents(const uint8_t* from) {
  const uint32_t lanes[kLanes] = {from[0], from[1], from[2], from[3]};
  return vreinterpretq_f32_u32(vshlq_n_u32(vld1q_u32(lanes), 23));
}
TSUMUGI_TARGET inline Floats load_signed(const uint8_t* from) {
  const int32_t lanes[kLanes] = {static_cast<int8_t>(from[0]), static_cast<int8_t>(from[1]), static_cast<int8_t>(from[2]),
                                 static_cast<int8_t>(from[3])};
  return vcvtq_f32_s32(vld1q_s32(lanes));
}
TSUMUGI_TARGET inline Bytes load_bytes(const uint8_t* from) { return vld1q_u8(from); }
TSUMUGI_TARGET inline void store_bytes(uint8_t* to, Bytes value) { vst1q_u8(to, value); }
TSUMUGI_TARGET inline Bytes low_halves(Bytes codes) { return vandq_u8(codes, vdupq_n_u8(15)); }
TSUMUGI_TARGET inline Bytes high_halves(Bytes codes) { return vshrq_n_u8(codes, 4); }
TSUMUGI_TARGET inline Table load_table(const uint8_t* from) { return vld1q_u8(from); }
TSUMUGI_TARGET inline Bytes look_up(Bytes codes, const Table& table) { return vqtbl1q_u8(table, codes); }

}  // namespace
}  // namespace tsumugi
