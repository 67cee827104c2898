// What tiles in int8 arithmetic need of AVX-512, but for how bytes are multiplied (int8_tile.h).
#pragma once

#include "int8_kernels.h"
#include "x86_intrinsics.h"

namespace tsumugi {
namespace {

constexpr int kLanes = 16;
constexpr int kByteShift = 0;
constexpr int kHeldSums = 12;
constexpr int kRowCounts[] = {1, 2, 3, 4, 6, 8, 12};

using Ints = __m512i;
using Floats = __m512;
using Bytes = __m512i;
using Table = __m512i;

TSUMUGI_TARGET inline Ints zero_ints() { return _mm512_setzero_si512(); }
TSUMUGI_TARGET inline Ints broadcast_int(const int32_t* from) { return _mm512_set1_epi32(*from); }
TSUMUGI_TARGET inline Ints load_ints(const int32_t* from) { return _mm512_loadu_si512(from); }
TSUMUGI_TARGET inline void store_ints(int32_t* to, Ints value) { _mm512_storeu_si512(to, value); }
TSUMUGI_TARGET inline Ints add_ints(Ints a, Ints b) { return _mm512_add_epi32(a, b); }
TSUMUGI_TARGET inline Floats to_floats(Ints value) { return _mm512_cvtepi32_ps(value); }
TSUMUGI_TARGET inline Floats load(const float* from) { return _mm512_loadu_ps(from); }
TSUMUGI_TARGET inline void store(float* to, Floats value) { _mm512_storeu_ps(to, value); }
TSUMUGI_TARGET inline Floats broadcast(const float* from) { return _mm512_set1_ps(*from); }
TSUMUGI_TARGET inline Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
TSUMUGI_TARGET inline Floats load_signed(const uint8_t* from) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
}
TSUMUGI_TARGET inline Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
TSUMUGI_TARGET inline Floats multiply_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
TSUMUGI_TARGET inline Floats minus_multiply_add(Floats a, Floats b, Floats c) { return _mm512_fnmadd_ps(a, b, c); }
TSUMUGI_TARGET inline Floats load_float16(const uint8_t* from) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}
TSUMUGI_TARGET inline Floats load_exponents(const uint8_t* from) {
  const __m512i exponents = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  return _mm512_castsi512_ps(_mm512_slli_epi32(exponents, 23));
}
TSUMUGI_TARGET inline Bytes load_bytes(const uint8_t* from) { return _mm512_loadu_si512(from); }
TSUMUGI_TARGET inline void store_bytes(uint8_t* to, Bytes value) { _mm512_storeu_si512(to, value); }
TSUMUGI_TARGET inline Bytes low_halves(Bytes codes) { return _mm512_and_si512(codes, _mm512_set1_epi8(15)); }
TSUMUGI_TARGET inline Bytes high_halves(Bytes codes) { return low_halves(_mm512_srli_epi16(codes, 4)); }
TSUMUGI_TARGET inline Table load_table(const uint8_t* from) {
  return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}
TSUMUGI_TARGET inline Bytes look_up(Bytes codes, const Table& table) { return _mm512_shuffle_epi8(table, codes); }

}  // namespace
}  // namespace tsumugi
