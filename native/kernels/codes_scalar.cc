// Codes as values in plain C++: works everywhere.
#include "code_kernels.h"

#define TSUMUGI_TARGET

namespace tsumugi {
namespace {

constexpr int kLanes = 4;
struct Vector {
  float lane[kLanes];
};
struct Words {
  uint32_t lane[kLanes];
};
struct Table {
  const float* values;
};

inline Vector load(const float* from) { return {{from[0], from[1], from[2], from[3]}}; }
inline void store(float* to, Vector value) { std::memcpy(to, value.lane, sizeof value.lane); }
inline Vector zero() { return {}; }
inline Vector broadcast(const float* from) { return {{*from, *from, *from, *from}}; }
inline Vector multiply_add(Vector a, Vector b, Vector c) {
  for (int i = 0; i < kLanes; ++i) c.lane[i] += a.lane[i] * b.lane[i];
  return c;
}
inline Vector add(Vector a, Vector b) {
  for (int i = 0; i < kLanes; ++i) a.lane[i] += b.lane[i];
  return a;
}
inline Vector subtract(Vector a, Vector b) {
  for (int i = 0; i < kLanes; ++i) a.lane[i] -= b.lane[i];
  return a;
}
inline Vector multiply(Vector a, Vector b) {
  for (int i = 0; i < kLanes; ++i) a.lane[i] *= b.lane[i];
  return a;
}
inline Vector to_bfloat16(Vector value) {
  for (float& lane : value.lane) lane = round_to_bfloat16(lane);
  return value;
}
inline void store_rounded(uint8_t* to, Vector even, Vector odd) {
  for (int i = 0; i < kLanes; ++i) {
    const uint32_t pair = float_to_bfloat16(even.lane[i]) | static_cast<uint32_t>(float_to_bfloat16(odd.lane[i])) << 16;
    std::memcpy(to + 4 * i, &pair, sizeof pair);
  }
}
inline Vector load_float16(const uint8_t* from) {
  uint16_t halves[kLanes];
  std::memcpy(halves, from, sizeof halves);
  Vector out;
  for (int i = 0; i < kLanes; ++i) out.lane[i] = float16_to_float(halves[i]);
  return out;
}
inline Vector load_exponents(const uint8_t* from) {
  Vector out;
  for (int i = 0; i < kLanes; ++i) out.lane[i] = float_from_bits(static_cast<uint32_t>(from[i]) << 23);
  return out;
}
inline Vector load_signed(const uint8_t* from) {
  Vector out;
  for (int i = 0; i < kLanes; ++i) out.lane[i] = static_cast<float>(static_cast<int8_t>(from[i]));
  return out;
}
inline Words load_words(const uint8_t* from) {
  Words out;
  std::memcpy(out.lane, from, sizeof out.lane);
  return out;
}
template <int kBits>
inline Words shift_right(Words words) {
  for (uint32_t& word : words.lane) word >>= kBits;
  return words;
}
inline Table open_table(const float* values) { return {values}; }
inline Vector look_up(Table table, Words words) {
  Vector out;
  for (int i = 0; i < kLanes; ++i) out.lane[i] = table.values[words.lane[i] & 15];
  return out;
}
inline Vector low_byte(Words words) {
  Vector out;
  for (int i = 0; i < kLanes; ++i) out.lane[i] = static_cast<float>(words.lane[i] & 255);
  return out;
}
inline Vector float8_value(Words words) {
  Vector out;
  for (int i = 0; i < kLanes; ++i) out.lane[i] = code_values(CodeTable::float8)[words.lane[i] & 255];
  return out;
}

}  // namespace
}  // namespace tsumugi

#include "code_expand.inl"
#include "code_tile.inl"

namespace tsumugi {
const CodeKernels& code_kernels_scalar(const PackedMatrix& matrix) { return code_kernels_of<0>(matrix); }

const CodeKernels& code_kernels(Isa isa, const PackedMatrix& matrix) {
#if TSUMUGI_X86
  if (isa >= Isa::avx512_bf16 && matrix.arithmetic == Arithmetic::bfloat16) return code_kernels_avx512_bf16(matrix);
  if (has_avx512(isa)) return code_kernels_avx512(matrix);
  if (has_avx2(isa)) return code_kernels_avx2(matrix);
#endif
#if TSUMUGI_ARM64
  if (has_neon(isa)) return code_kernels_neon(matrix);
#endif
  (void)isa;
  return code_kernels_scalar(matrix);
}
}  // namespace tsumugi
