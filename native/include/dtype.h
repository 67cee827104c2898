// Element types of tensors, and exact conversions between them (round to nearest, ties to even).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tsumugi {

enum class DType : uint8_t { float32, bfloat16, float16, float64, int32 };

constexpr size_t dtype_bytes(DType type) {
  switch (type) {
    case DType::float64:
      return 8;
    case DType::float32:
    case DType::int32:
      return 4;
    default:
      return 2;
  }
}

constexpr const char* dtype_name(DType type) {
  switch (type) {
    case DType::float32:
      return "float32";
    case DType::bfloat16:
      return "bfloat16";
    case DType::float16:
      return "float16";
    case DType::float64:
      return "float64";
    case DType::int32:
      return "int32";
  }
  return "unknown";
}

inline uint32_t float_bits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float float_from_bits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline float bfloat16_to_float(uint16_t bits) { return float_from_bits(static_cast<uint32_t>(bits) << 16); }

// A NaN stays a NaN (quiet, sign kept); overflow goes to infinity.
inline uint16_t float_to_bfloat16(float value) {
  const uint32_t bits = float_bits(value);
  const uint32_t rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
  const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
  return static_cast<uint16_t>((is_nan ? bits | 0x00400000u : rounded) >> 16);
}

// The value that a float has after a trip through bfloat16.
inline float round_to_bfloat16(float value) { return bfloat16_to_float(float_to_bfloat16(value)); }

// Integer arithmetic only, so that flushing denormals (threads of the pool do) changes nothing.
inline float float16_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0x1fu) return float_from_bits(sign | 0x7f800000u | (mantissa << 13) | (mantissa ? 0x00400000u : 0u));
  if (exponent != 0) return float_from_bits(sign | ((exponent + 112u) << 23) | (mantissa << 13));
  if (mantissa == 0) return float_from_bits(sign);
  uint32_t shifted = 113;
  while ((mantissa & 0x400u) == 0) {
    mantissa <<= 1;
    --shifted;
  }
  return float_from_bits(sign | (shifted << 23) | ((mantissa & 0x3ffu) << 13));
}

inline uint16_t float_to_float16(float value) {
  const uint32_t bits = float_bits(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);  // 65520 and above
  if (magnitude >= 0x38800000u) {                                              // normal in float16
    const uint32_t rebased = magnitude - 0x38000000u;
    return static_cast<uint16_t>(sign | ((rebased + 0xfffu + ((rebased >> 13) & 1u)) >> 13));
  }
  if (magnitude < 0x33000000u) return static_cast<uint16_t>(sign);  // below half of the least denormal
  const uint32_t shift = 126u - (magnitude >> 23);
  const uint32_t mantissa = (magnitude & 0x7fffffu) | 0x800000u;
  const uint32_t kept = mantissa >> shift;
  const uint32_t rest = mantissa & ((1u << shift) - 1u);
  const uint32_t half = 1u << (shift - 1u);
  return static_cast<uint16_t>(sign | (kept + ((rest > half || (rest == half && (kept & 1u))) ? 1u : 0u)));
}

// One rounding from float64 to bfloat16 or float16: first to float32 by "round to odd", which keeps
// enough of the rest for the second rounding to be right.
inline float float64_to_float_round_odd(double value) {
  const float nearest = static_cast<float>(value);
  const double back = nearest;
  if (back == value || back != back || value - value != 0.0) return nearest;
  uint32_t bits = float_bits(nearest);
  if ((back > value) == (value > 0.0)) --bits;  // towards zero
  return float_from_bits(bits | 1u);
}

}  // namespace tsumugi
