// Codes in bfloat16 arithmetic for AVX512-BF16: values are rounded by the instruction for it, and tiles of few rows sum as those of
// plain weights do, one chain of vdpbf16ps over ascending pairs of columns.
#include "code_kernels.h"

#if TSUMUGI_X86
#include "x86_intrinsics.h"

#define TSUMUGI_TARGET TSUMUGI_AVX512_BF16

#include "code_lanes_avx512.inl"

namespace tsumugi {
namespace {

// Two columns as pairs of bfloat16, a pair for each row.
TSUMUGI_TARGET inline __m512i rounded_pairs(Vector even, Vector odd) {
  const __m512i turns = _mm512_add_epi32(
      _mm512_set1_epi32(0x00100000),
      _mm512_set_epi32(0x000f000f, 0x000e000e, 0x000d000d, 0x000c000c, 0x000b000b, 0x000a000a, 0x00090009, 0x00080008,
                       0x00070007, 0x00060006, 0x00050005, 0x00040004, 0x00030003, 0x00020002, 0x00010001, 0));
  return _mm512_permutexvar_epi16(turns, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(odd, even)));
}
TSUMUGI_TARGET inline void store_rounded(uint8_t* to, Vector even, Vector odd) {
  _mm512_storeu_si512(to, rounded_pairs(even, odd));
}

}  // namespace
}  // namespace tsumugi

#include "code_expand.inl"

namespace tsumugi {
namespace {

template <typename Codes, CodeOffset kOffset, int kRows, int kBlocks, int kColumn>
TSUMUGI_INLINE void add_pairs(const Codes& codes, const Shared<kOffset> (&shared)[kBlocks], const Words (&words)[kBlocks],
                              const float* x, Vector (&sums)[kRows][kBlocks]) {
  __m512bh weights[kBlocks];
#pragma GCC unroll 16
  for (int b = 0; b < kBlocks; ++b) {
    const Vector even = shared[b].apply(codes.template value<kColumn>(words[b]));
    const Vector odd = shared[b].apply(codes.template value<kColumn + 1>(words[b]));
    weights[b] = reinterpret_cast<__m512bh>(rounded_pairs(even, odd));
  }
#pragma GCC unroll 16
  for (int row = 0; row < kRows; ++row) {
    int32_t word;
    std::memcpy(&word, x + kColumn / 2 * kRows + row, sizeof word);
    const __m512bh input = reinterpret_cast<__m512bh>(_mm512_set1_epi32(word));
#pragma GCC unroll 16
    for (int b = 0; b < kBlocks; ++b) sums[row][b] = _mm512_dpbf16_ps(sums[row][b], weights[b], input);
  }
  if constexpr (kColumn + 2 < Codes::kColumns)
    add_pairs<Codes, kOffset, kRows, kBlocks, kColumn + 2>(codes, shared, words, x, sums);
}

template <typename Codes, CodeOffset kOffset, int kRows, int kBlocks>
TSUMUGI_TARGET void pair_tile(const PackedMatrix& matrix, const uint8_t* const* blocks, const float* x, float* c) {
  const CodeUnit unit = code_unit(matrix.storage, matrix.codes, matrix.columns);
  const int64_t units = matrix.units();
  const Codes codes = Codes::open(matrix.codes.table);
  BlockScales scales[kBlocks];
  for (int b = 0; b < kBlocks; ++b) scales[b] = BlockScales::of(matrix, blocks[b], unit);
  Vector sums[kRows][kBlocks];
#pragma GCC unroll 16
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 16
    for (int b = 0; b < kBlocks; ++b) sums[row][b] = zero();
  }
  for (int64_t at = 0; at < units; ++at) {
    const size_t before = static_cast<size_t>(at) * unit.bytes;
    Shared<kOffset> shared[kBlocks];
#pragma GCC unroll 16
    for (int b = 0; b < kBlocks; ++b) {
      shared[b] = Shared<kOffset>::open(scales[b], blocks[b] + before + unit.codes, at * unit.columns, 0);
    }
    for (size_t line = before; line < before + unit.codes; line += 64) {
      Words words[kBlocks];
#pragma GCC unroll 16
      for (int b = 0; b < kBlocks; ++b) words[b] = load_words(blocks[b] + line);
      add_pairs<Codes, kOffset, kRows, kBlocks, 0>(codes, shared, words, x, sums);
      x += Codes::kColumns / 2 * kRows;
    }
  }
#pragma GCC unroll 16
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 16
    for (int b = 0; b < kBlocks; ++b) store(c + (b * kRows + row) * kBlockRows, sums[row][b]);
  }
}

// x as [pair][row] words of two bfloat16 values.
template <int kRows>
TSUMUGI_TARGET void pack_pairs(const float* x, int64_t columns, int64_t padded, int64_t row, float* out) {
  for (int64_t column = 0; column < padded; column += 16) {
    const int64_t left = x == nullptr || column >= columns ? 0 : columns - column;
    const __mmask16 mask = static_cast<__mmask16>(left >= 16 ? 0xffffu : (1u << left) - 1u);
    const __m512 values = _mm512_maskz_loadu_ps(mask, left == 0 ? out : x + column);
    alignas(32) float words[8];
    _mm256_store_si256(reinterpret_cast<__m256i*>(words), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(values)));
    for (int pair = 0; pair < 8; ++pair) std::memcpy(out + (column / 2 + pair) * kRows + row, words + pair, sizeof(float));
  }
}

template <typename Codes, CodeOffset kOffset, int kRows, int kBlocks>
constexpr CodeTiles pair_tiles() {
  return {kRows, kBlocks, pair_tile<Codes, kOffset, kRows, kBlocks>, pack_pairs<kRows>};
}

template <typename Codes, CodeOffset kOffset>
const CodeKernels& pair_kernels() {
  static const CodeKernels kernels{expand_codes<Codes, kOffset, true>,
                                   Storage::bfloat16,
                                   {pair_tiles<Codes, kOffset, 1, 4>(), pair_tiles<Codes, kOffset, 2, 4>(),
                                    pair_tiles<Codes, kOffset, 4, 4>(), pair_tiles<Codes, kOffset, 8, 2>()}};
  return kernels;
}

template <typename Codes>
const CodeKernels& pair_kernels(CodeOffset offset) {
  if (offset == CodeOffset::zero) return pair_kernels<Codes, CodeOffset::zero>();
  return offset == CodeOffset::minimum ? pair_kernels<Codes, CodeOffset::minimum>() : pair_kernels<Codes, CodeOffset::none>();
}

}  // namespace

const CodeKernels& code_kernels_avx512_bf16(const PackedMatrix& matrix) {
  if (matrix.storage == Storage::code4) return pair_kernels<FourBits>(matrix.codes.offset);
  if (matrix.codes.table != CodeTable::float8) return pair_kernels<Integers>(matrix.codes.offset);
  return pair_kernels<SmallFloats, CodeOffset::none>();
}

}  // namespace tsumugi
#endif
