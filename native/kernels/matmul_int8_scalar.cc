// Tiles in int8 arithmetic in plain C++: works everywhere. Multiplies, then adds, where other sets fuse the two.
#include "int8_kernels.h"

#define TSUMUGI_TARGET

namespace tsumugi {
namespace {

constexpr int kLanes = 4;
constexpr int kByteShift = 0;
constexpr int kHeldSums = 4;
constexpr int kRowCounts[] = {1, 2, 4};
constexpr int kWordBytes = 4;
constexpr int kSeveral(int) { return 1; }

struct Ints {
  int32_t lane[kLanes];
};
struct Floats {
  float lane[kLanes];
};
struct Bytes {
  uint8_t lane[4 * kLanes];
};
struct Table {
  uint8_t bytes[16];
};
using Weights = Bytes;
struct Input {
  int8_t lane[4];
};

inline Ints zero_ints() { return {}; }
inline Ints broadcast_int(const int32_t* from) { return {{*from, *from, *from, *from}}; }
inline Ints load_ints(const int32_t* from) { return {{from[0], from[1], from[2], from[3]}}; }
inline void store_ints(int32_t* to, Ints value) {
  for (int i = 0; i < kLanes; ++i) to[i] = value.lane[i];
}
// Sums of a part may pass 32 bits and come back: they count modulo 2^32.
inline int32_t wrapping_add(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}
inline Ints add_ints(Ints a, Ints b) {
  for (int i = 0; i < kLanes; ++i) a.lane[i] = wrapping_add(a.lane[i], b.lane[i]);
  return a;
}
inline Floats to_floats(Ints value) {
  Floats out;
  for (int i = 0; i < kLanes; ++i) out.lane[i] = static_cast<float>(value.lane[i]);
  return out;
}
inline Floats load(const float* from) { return {{from[0], from[1], from[2], from[3]}}; }
inline void store(float* to, Floats value) {
  for (int i = 0; i < kLanes; ++i) to[i] = value.lane[i];
}
inline Floats broadcast(const float* from) { return {{*from, *from, *from, *from}}; }
inline Floats add(Floats a, Floats b) {
  for (int i = 0; i < kLanes; ++i) a.lane[i] += b.lane[i];
  return a;
}
inline Floats load_signed(const uint8_t* from) {
  Floats out;
  for (int i = 0; i < kLanes; ++i) out.lane[i] = static_cast<float>(static_cast<int8_t>(from[i]));
  return out;
}
inline Floats multiply(Floats a, Floats b) {
  for (int i = 0; i < kLanes; ++i) a.lane[i] *= b.lane[i];
  return a;
}
inline Floats multiply_add(Floats a, Floats b, Floats c) {
  for (int i = 0; i < kLanes; ++i) c.lane[i] += a.lane[i] * b.lane[i];
  return c;
}
inline Floats minus_multiply_add(Floats a, Floats b, Floats c) {
  for (int i = 0; i < kLanes; ++i) c.lane[i] -= a.lane[i] * b.lane[i];
  return c;
}
inline Floats load_float16(const uint8_t* from) {
  Floats out;
  for (int i = 0; i < kLanes; ++i) {
    uint16_t half;
    __builtin_memcpy(&half, from + 2 * i, sizeof half);
    out.lane[i] = float16_to_float(half);
  }
  return out;
}
inline Floats load_exponents(const uint8_t* from) {
  Floats out;
  for (int i = 0; i < kLanes; ++i) out.lane[i] = float_from_bits(static_cast<uint32_t>(from[i]) << 23);
  return out;
}
inline Bytes load_bytes(const uint8_t* from) {
  Bytes out;
  __builtin_memcpy(out.lane, from, sizeof out.lane);
  return out;
}
inline void store_bytes(uint8_t* to, Bytes value) { __builtin_memcpy(to, value.lane, sizeof value.lane); }
inline Bytes low_halves(Bytes codes) {
  for (uint8_t& code : codes.lane) code &= 15;
  return codes;
}
inline Bytes high_halves(Bytes codes) {
  for (uint8_t& code : codes.lane) code >>= 4;
  return codes;
}
inline Table load_table(const uint8_t* from) {
  Table out;
  __builtin_memcpy(out.bytes, from, sizeof out.bytes);
  return out;
}
inline Bytes look_up(Bytes codes, const Table& table) {
  for (uint8_t& code : codes.lane) code = table.bytes[code];
  return codes;
}
inline Weights prepare(Bytes bytes) { return bytes; }
inline Weights prepare_halves(Bytes bytes) { return bytes; }
inline Input broadcast_input(const uint8_t* from) {
  Input out;
  __builtin_memcpy(out.lane, from, sizeof out.lane);
  return out;
}
inline Ints dot(Ints sum, const Weights& weights, Input input) {
  for (int i = 0; i < kLanes; ++i) {
    int32_t products = 0;
    for (int k = 0; k < 4; ++k) products += static_cast<int32_t>(weights.lane[4 * i + k]) * input.lane[k];
    sum.lane[i] = wrapping_add(sum.lane[i], products);
  }
  return sum;
}

}  // namespace
}  // namespace tsumugi

#include "int8_tile.h"

namespace tsumugi {
const Int8Kernels& int8_kernels_scalar() {
  static const Int8Kernels kernels = make_int8_kernels();
  return kernels;
}
}  // namespace tsumugi
