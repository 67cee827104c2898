// What tiles in int8 arithmetic need of AVX2, but for how bytes are multiplied (int8_tile.h).
#pragma once

#include "int8_kernels.h"
#include "x86_intrinsics.h"

namespace tsumugi {
namespace {

constexpr int kLanes = 8;
constexpr int kByteShift = 0;
constexpr int kHeldSums = 4;

using Ints = __m256i;
using Floats = __m256;
using Bytes = __m256i;
using Table = __m256i;

TSUMUGI_TARGET inline __m256i load_256(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
TSUMUGI_TARGET inline Ints zero_ints() { return _mm256_setzero_si256(); }
TSUMUGI_TARGET inline Ints broadcast_int(const int32_t* from) { return _mm256_set1_epi32(*from); }
TSUMUGI_TARGET inline Ints load_ints(const int32_t* from) { return load_256(from); }
TSUMUGI_TARGET inline void store_ints(int32_t* to, Ints value) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), value); }
TSUMUGI_TARGET inline Ints add_ints(Ints a, Ints b) { return _mm256_add_epi32(a, b); }
TSUMUGI_TARGET inline Floats to_floats(Ints value) { return _mm256_cvtepi32_ps(value); }
TSUMUGI_TARGET inline Floats load(const float* from) { return _mm256_loadu_ps(from); }
TSUMUGI_TARGET inline void store(float* to, Floats value) { _mm256_storeu_ps(to, value); }
TSUMUGI_TARGET inline Floats broadcast(const float* from) { return _mm256_broadcast_ss(from); }
TSUMUGI_TARGET inline Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
TSUMUGI_TARGET inline Floats load_signed(const uint8_t* from) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
}
TSUMUGI_TARGET inline Floats multiply(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
TSUMUGI_TARGET inline Floats multiply_add(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
TSUMUGI_TARGET inline Floats minus_multiply_add(Floats a, Floats b, Floats c) { return _mm256_fnmadd_ps(a, b, c); }
TSUMUGI_TARGET inline Floats load_float16(const uint8_t* from) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}
TSUMUGI_TARGET inline Floats load_exponents(const uint8_t* from) {
  const __m256i exponents = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)));
  return _mm256_castsi256_ps(_mm256_slli_epi32(exponents, 23));
}
TSUMUGI_TARGET inline Bytes load_bytes(const uint8_t* from) { return load_256(from); }
TSUMUGI_TARGET inline void store_bytes(uint8_t* to, Bytes value) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), value); }
TSUMUGI_TARGET inline Bytes low_halves(Bytes codes) { return _mm256_and_si256(codes, _mm256_set1_epi8(15)); }
TSUMUGI_TARGET inline Bytes high_halves(Bytes codes) { return low_halves(_mm256_srli_epi16(codes, 4)); }
TSUMUGI_TARGET inline Table load_table(const uint8_t* from) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}
TSUMUGI_TARGET inline Bytes look_up(Bytes codes, const Table& table) { return _mm256_shuffle_epi8(table, codes); }

}  // namespace
}  // namespace tsumugi
