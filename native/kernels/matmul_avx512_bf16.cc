// Matmul tiles of bfloat16 weights for AVX512-BF16: one vdpbf16ps adds both products of a pair of columns to a sum, so each
// output is one chain over ascending pairs, whatever the number of rows. x is packed as words of two bfloat16 values.
#include "matmul_kernels.h"

#if TSUMUGI_X86
#include <cstring>

#include "x86_intrinsics.h"

namespace tsumugi {

namespace {

template <int kRows, int kBlocks>
TSUMUGI_AVX512_BF16 void dot_tile(const float* x, const uint8_t* weight, size_t block_bytes, int64_t depth, float* c,
                                  bool first, const uint8_t* fetch, ptrdiff_t fetch_step) {
  __m512 sum[kRows][kBlocks];
#pragma GCC unroll 16
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 16
    for (int b = 0; b < kBlocks; ++b) {
      sum[row][b] = first ? _mm512_setzero_ps() : _mm512_loadu_ps(c + (b * kRows + row) * kBlockRows);
    }
  }
  for (int64_t pair = 0; pair < depth / 2; ++pair) {
    __m512bh weights[kBlocks];
#pragma GCC unroll 16
    for (int b = 0; b < kBlocks; ++b) {
      prefetch(fetch + static_cast<size_t>(b) * block_bytes);
      weights[b] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(weight + static_cast<size_t>(b) * block_bytes));
    }
#pragma GCC unroll 16
    for (int row = 0; row < kRows; ++row) {
      int32_t word;
      std::memcpy(&word, x + row, sizeof word);
      const __m512bh input = reinterpret_cast<__m512bh>(_mm512_set1_epi32(word));
#pragma GCC unroll 16
      for (int b = 0; b < kBlocks; ++b) sum[row][b] = _mm512_dpbf16_ps(sum[row][b], weights[b], input);
    }
    fetch += fetch_step;
    weight += 64;
    x += kRows;
  }
#pragma GCC unroll 16
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 16
    for (int b = 0; b < kBlocks; ++b) _mm512_storeu_ps(c + (b * kRows + row) * kBlockRows, sum[row][b]);
  }
}

// 32 columns of a row from `column` on as words of two bfloat16 values, rounded to nearest, ties to even; zeros behind the end.
TSUMUGI_AVX512_BF16 inline __m512i words_of(const float* row, int64_t column, int64_t columns) {
  const int64_t left = columns - column;
  const auto mask = [left](int64_t from) {
    return static_cast<__mmask16>(left >= from + 16 ? 0xffffu : left <= from ? 0u : (1u << (left - from)) - 1u);
  };
  const __mmask16 low = mask(0), high = mask(16);
  const float* from = row + column;
  const __m512 first = _mm512_maskz_loadu_ps(low, from);
  const __m512 second = _mm512_maskz_loadu_ps(high, high == 0 ? from : from + 16);
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
}

TSUMUGI_AVX512_BF16 inline void store_quarters(__m512i four, float* out, int64_t stride) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_castsi512_si128(four));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 4 * stride), _mm512_extracti32x4_epi32(four, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 8 * stride), _mm512_extracti32x4_epi32(four, 2));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 12 * stride), _mm512_extracti32x4_epi32(four, 3));
}

// Words [pair][row] of x: four rows at a time are transposed, the rest goes word by word.
template <int kRows>
TSUMUGI_AVX512_BF16 void pack_words(const float* x, int64_t stride, int64_t columns, int64_t padded, float* out) {
  for (int64_t column = 0; column < padded; column += 32, out += 16 * kRows) {
    int row = 0;
    for (; row + 4 <= kRows; row += 4) {
      const float* from = x + row * stride;
      const __m512i a = words_of(from, column, columns), b = words_of(from + stride, column, columns);
      const __m512i c = words_of(from + 2 * stride, column, columns), d = words_of(from + 3 * stride, column, columns);
      const __m512i ab = _mm512_unpacklo_epi32(a, b), ab_high = _mm512_unpackhi_epi32(a, b);
      const __m512i cd = _mm512_unpacklo_epi32(c, d), cd_high = _mm512_unpackhi_epi32(c, d);
      store_quarters(_mm512_unpacklo_epi64(ab, cd), out + row, kRows);
      store_quarters(_mm512_unpackhi_epi64(ab, cd), out + kRows + row, kRows);
      store_quarters(_mm512_unpacklo_epi64(ab_high, cd_high), out + 2 * kRows + row, kRows);
      store_quarters(_mm512_unpackhi_epi64(ab_high, cd_high), out + 3 * kRows + row, kRows);
    }
    for (; row < kRows; ++row) {
      alignas(64) float words[16];
      _mm512_store_si512(words, words_of(x + row * stride, column, columns));
      if (kRows == 1) {
        std::memcpy(out, words, sizeof words);
      } else {
        for (int pair = 0; pair < 16; ++pair) std::memcpy(out + pair * kRows + row, words + pair, sizeof(float));
      }
    }
  }
}

template <int kRows>
void fill(TileKernels& kernels) {
  constexpr int kBlocks = kRows <= 6 ? 4 : kRows <= 8 ? 3 : 2;
  kernels.rows[kRows - 1] = {kBlocks, dot_tile<kRows, kBlocks>, dot_tile<kRows, 2>, dot_tile<kRows, 1>, pack_words<kRows>};
  if constexpr (kRows > 1) fill<kRows - 1>(kernels);
}

}  // namespace

const TileKernels& tile_kernels_avx512_bf16() {
  static const TileKernels made = [] {
    TileKernels kernels = tile_kernels_avx512(Storage::bfloat16, Arithmetic::bfloat16);
    kernels.word_columns = 2;
    kernels.max_rows = kMaxTileRows;
    kernels.strip_blocks = 2;
    fill<kMaxTileRows>(kernels);
    return kernels;
  }();
  return made;
}

}  // namespace tsumugi
#endif
