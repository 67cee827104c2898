// The functions of src/sampling/exponential.ts and negative-log.ts, operation for operation: sampling gives the same bits in
// C++ and in TypeScript.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <limits>

namespace tsumugi {

inline constexpr double kPowersOfTwo[16] = {1.0,
                                            1.0442737824274138,
                                            1.0905077326652577,
                                            1.1387886347566916,
                                            1.189207115002721,
                                            1.241857812073484,
                                            1.2968395546510096,
                                            1.3542555469368927,
                                            1.4142135623730951,
                                            1.4768261459394993,
                                            1.5422108254079407,
                                            1.6104903319492543,
                                            1.681792830507429,
                                            1.7562521603732995,
                                            1.8340080864093424,
                                            1.9152065613971474};  // 2^(j/16)
// The bits of 2^(j/16), less j sixteenths of a step of the exponent.
inline constexpr auto kScales = [] {
  std::array<uint64_t, 16> scales{};
  for (uint64_t j = 0; j < 16; ++j) scales[j] = std::bit_cast<uint64_t>(kPowersOfTwo[j]) - (j << 48);
  return scales;
}();
inline constexpr double kPerUnit = 23.083120654223414;  // 16 / ln 2
inline constexpr double kLn2High = 0.6931471803691238;
inline constexpr double kLn2Low = 1.9082149292705877e-10;
inline constexpr double kUnitHigh = kLn2High / 16;
inline constexpr double kUnitLow = kLn2Low / 16;
inline constexpr double kRounding = 6755399441055744.0;  // 1.5 * 2^52
inline constexpr double kLeastExponent = -708;
inline constexpr float kNoScore = -std::numeric_limits<float>::infinity();

inline double exponential(double x) {
  if (x < kLeastExponent) return 0;
  if (x != x) return x;
  const double units = x * kPerUnit + kRounding - kRounding;
  const double r = x - units * kUnitHigh - units * kUnitLow;
  const double tail = r * r * (1.0 / 2 + r * (1.0 / 6 + r * (1.0 / 24 + r * (1.0 / 120 + r * (1.0 / 720)))));
  const int64_t whole = static_cast<int64_t>(units);
  const double power = kPowersOfTwo[whole & 15];
  return std::bit_cast<double>(((whole >> 4) + 1023) << 52) * (power + power * (r + tail));
}

// log m, in 2 s + 2 s * tail: s = (m - 1) / (m + 1), for sqrt(1/2) <= m < sqrt(2).
inline double logarithm_tail(double z) {
  double tail = 0;
  for (int k = 23; k >= 3; k -= 2) tail = z * (1.0 / k + tail);
  return tail;
}

inline constexpr double kHalfRoot = 0.70710678118654752440;

inline double logarithm_of(double mantissa, int exponent) {
  if (mantissa < kHalfRoot) {
    mantissa *= 2;
    --exponent;
  }
  const double s = (mantissa - 1) / (mantissa + 1);
  const double tail = logarithm_tail(s * s);
  return exponent * kLn2High + (2 * s + (2 * s * tail + exponent * kLn2Low));
}

inline double logarithm(double x) {
  if (!(x > 0) || x == std::numeric_limits<double>::infinity()) {
    return x == 0 ? -std::numeric_limits<double>::infinity() : x;
  }
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  const int exponent = static_cast<int>(bits >> 52) - 1022;
  return logarithm_of(std::bit_cast<double>((bits & 0xfffffffffffffULL) | (1022ULL << 52)), exponent);
}

// -log(n / 2^53) for 0 < n <= 2^53.
inline double negative_log(uint64_t n) {
  const int bits = 64 - std::countl_zero(n);
  return -logarithm_of(static_cast<double>(n) / static_cast<double>(1ULL << bits), bits - 53);
}

}  // namespace tsumugi
