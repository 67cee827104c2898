// Element types of tensors, and exact conversions between them (round to nearest, ties to even).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tsumugi {

enum class DType : uint8_t {
  float32,
  bfloat16,
  float16,
  float64,
  int32,
  float8_e4m3fn,
  float8_e5m2,
  float8_e4m3fnuz,
  float8_e5m2fnuz,
};

constexpr DType kDTypes[] = {DType::float32,     DType::bfloat16,        DType::float16,
                             DType::float64,     DType::int32,           DType::float8_e4m3fn,
                             DType::float8_e5m2, DType::float8_e4m3fnuz, DType::float8_e5m2fnuz};

constexpr size_t dtype_bytes(DType type) {
  switch (type) {
    case DType::float64:
      return 8;
    case DType::float32:
    case DType::int32:
      return 4;
    case DType::float8_e4m3fn:
    case DType::float8_e5m2:
    case DType::float8_e4m3fnuz:
    case DType::float8_e5m2fnuz:
      return 1;
    default:
      return 2;
  }
}

constexpr bool is_float8(DType type) { return dtype_bytes(type) == 1; }

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
    case DType::float8_e4m3fn:
      return "float8_e4m3fn";
    case DType::float8_e5m2:
      return "float8_e5m2";
    case DType::float8_e4m3fnuz:
      return "float8_e4m3fnuz";
    case DType::float8_e5m2fnuz:
      return "float8_e5m2fnuz";
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

// The 256 values of a float of 8 bits. "fn": no infinities, all ones are NaN. "fnuz": no infinities and no negative zero, whose
// bits are NaN; exponents are one lower.
struct Float8Values {
  float values[256];
};

constexpr Float8Values float8_values(int mantissa_bits, bool is_finite, bool is_unsigned_zero) {
  Float8Values out{};
  const int exponent_bits = 7 - mantissa_bits;
  const int last = (1 << exponent_bits) - 1;
  const int bias = (last >> 1) + (is_unsigned_zero ? 1 : 0);
  for (int bits = 0; bits < 256; ++bits) {
    const uint32_t sign = static_cast<uint32_t>(bits & 0x80) << 24;
    const int exponent = (bits & 0x7f) >> mantissa_bits;
    uint32_t mantissa = static_cast<uint32_t>(bits & ((1 << mantissa_bits) - 1));
    uint32_t pattern = sign;
    const bool is_nan = is_unsigned_zero ? bits == 0x80 : is_finite && (bits & 0x7f) == 0x7f;
    if (is_nan) {
      pattern = 0x7fc00000u;
    } else if (!is_finite && !is_unsigned_zero && exponent == last) {
      pattern |= mantissa == 0 ? 0x7f800000u : 0x7fc00000u;
    } else if (exponent != 0) {
      pattern |= (static_cast<uint32_t>(exponent - bias + 127) << 23) | (mantissa << (23 - mantissa_bits));
    } else if (mantissa != 0) {
      int shifted = 1 - bias + 127;
      while ((mantissa >> mantissa_bits) == 0) {
        mantissa <<= 1;
        --shifted;
      }
      mantissa &= (1u << mantissa_bits) - 1u;
      pattern |= (static_cast<uint32_t>(shifted) << 23) | (mantissa << (23 - mantissa_bits));
    }
    out.values[bits] = std::bit_cast<float>(pattern);
  }
  return out;
}

inline constexpr Float8Values kFloat8E4m3fn = float8_values(3, true, false);
inline constexpr Float8Values kFloat8E5m2 = float8_values(2, false, false);
inline constexpr Float8Values kFloat8E4m3fnuz = float8_values(3, false, true);
inline constexpr Float8Values kFloat8E5m2fnuz = float8_values(2, false, true);

// Entry `index` of numbers that are stored one after the other.
inline float load_value(DType type, const uint8_t* from, int64_t index) {
  switch (type) {
    case DType::bfloat16:
      return bfloat16_to_float(reinterpret_cast<const uint16_t*>(from)[index]);
    case DType::float16:
      return float16_to_float(reinterpret_cast<const uint16_t*>(from)[index]);
    case DType::float64:
      return static_cast<float>(reinterpret_cast<const double*>(from)[index]);
    case DType::int32:
      return static_cast<float>(reinterpret_cast<const int32_t*>(from)[index]);
    case DType::float8_e4m3fn:
      return kFloat8E4m3fn.values[from[index]];
    case DType::float8_e5m2:
      return kFloat8E5m2.values[from[index]];
    case DType::float8_e4m3fnuz:
      return kFloat8E4m3fnuz.values[from[index]];
    case DType::float8_e5m2fnuz:
      return kFloat8E5m2fnuz.values[from[index]];
    case DType::float32:
      break;
  }
  return reinterpret_cast<const float*>(from)[index];
}

// Numbers that are stored one after the other, as float32.
inline void load_values(DType type, const uint8_t* from, int64_t count, float* to) {
  switch (type) {
    case DType::float32:
      std::memcpy(to, from, static_cast<size_t>(count) * sizeof(float));
      return;
    case DType::bfloat16:
      for (int64_t i = 0; i < count; ++i) to[i] = bfloat16_to_float(reinterpret_cast<const uint16_t*>(from)[i]);
      return;
    case DType::float16:
      for (int64_t i = 0; i < count; ++i) to[i] = float16_to_float(reinterpret_cast<const uint16_t*>(from)[i]);
      return;
    default:
      for (int64_t i = 0; i < count; ++i) to[i] = load_value(type, from, i);
  }
}

}  // namespace tsumugi
