// Matmul tiles in plain C++: works everywhere. Products of bfloat16 are exact in float32, so multiplying and then
// adding gives the bits of a fused multiply-add (unless a product is denormal); for float32 and float16 it does not.
#include "matmul_kernels.h"

#define TSUMUGI_TARGET

namespace tsumugi {
namespace {

constexpr int kLanes = 4;
constexpr int kRoom = 8;
struct Vector {
  float lane[kLanes];
};

inline Vector zero() { return {}; }
inline Vector load(const float* from) { return {{from[0], from[1], from[2], from[3]}}; }
inline void store(float* to, Vector value) {
  for (int i = 0; i < kLanes; ++i) to[i] = value.lane[i];
}
inline Vector to_bfloat16(Vector value) {
  float lanes[kLanes];
  store(lanes, value);
  for (float& lane : lanes) lane = round_to_bfloat16(lane);
  return load(lanes);
}
inline Vector broadcast(const float* from) { return {{*from, *from, *from, *from}}; }
inline Vector add(Vector a, Vector b) {
  for (int i = 0; i < kLanes; ++i) a.lane[i] += b.lane[i];
  return a;
}
inline Vector multiply_add(Vector a, Vector b, Vector c) {
  for (int i = 0; i < kLanes; ++i) c.lane[i] += a.lane[i] * b.lane[i];
  return c;
}
inline uint16_t half_at(const uint8_t* from, int index) {
  uint16_t half;
  __builtin_memcpy(&half, from + 2 * index, sizeof half);
  return half;
}
inline Vector load_even(const uint8_t* pairs) {
  Vector out;
  for (int i = 0; i < kLanes; ++i) out.lane[i] = bfloat16_to_float(half_at(pairs, 2 * i));
  return out;
}
inline Vector load_odd(const uint8_t* pairs) {
  Vector out;
  for (int i = 0; i < kLanes; ++i) out.lane[i] = bfloat16_to_float(half_at(pairs, 2 * i + 1));
  return out;
}
inline Vector load_float16(const uint8_t* from) {
  Vector out;
  for (int i = 0; i < kLanes; ++i) out.lane[i] = float16_to_float(half_at(from, i));
  return out;
}

}  // namespace
}  // namespace tsumugi

#include "matmul_tile.h"

namespace tsumugi {
const TileKernels& tile_kernels_scalar(Storage storage, Arithmetic arithmetic) { return tables<8, 1>(storage, arithmetic); }
}  // namespace tsumugi
