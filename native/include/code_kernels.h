// Inside of matmul: what decodes weights of codes, one table for each instruction set.
#pragma once

#include <cstdint>

#include "isa.h"
#include "matmul.h"
#include "packed_matrix.h"

namespace tsumugi {

// Writes columns [begin, begin + depth) of one block as values, laid out as blocks of bfloat16 or float32 are. Both are multiples
// of 32. Values are rounded to bfloat16 on the way there.
using ExpandCodes = void (*)(const PackedMatrix& matrix, int64_t block, int64_t begin, int64_t depth, uint8_t* out);

// c[block][row][16] = the sums over all columns of the blocks at `blocks`. x is packed as `pack` does it, with zeros where columns
// and rows end. The sums are those of the tiles that the same values would go through (matmul.h).
using CodeTile = void (*)(const PackedMatrix& matrix, const uint8_t* const* blocks, const float* x, float* c);
// Packs row `row` of x, or zeros where x is null.
using PackCodeInputs = void (*)(const float* x, int64_t columns, int64_t padded, int64_t row, float* out);

struct CodeTiles {
  int64_t rows = 0;  // that it takes
  int64_t blocks = 1;  // that it takes at once
  CodeTile tile = nullptr;
  PackCodeInputs pack = nullptr;
};

constexpr int64_t kMostCodeBlocks = 4;

struct CodeKernels {
  ExpandCodes expand = nullptr;
  Storage expanded = Storage::float32;  // what it writes
  // Of few rows, which would not pay for the writing: tiles that decode in their inner loop, by ascending rows.
  CodeTiles tiles[4] = {};
};

const CodeKernels& code_kernels_scalar(const PackedMatrix& matrix);
#if TSUMUGI_X86
const CodeKernels& code_kernels_avx2(const PackedMatrix& matrix);
const CodeKernels& code_kernels_avx512(const PackedMatrix& matrix);
const CodeKernels& code_kernels_avx512_bf16(const PackedMatrix& matrix);  // in bfloat16 arithmetic
#endif
#if TSUMUGI_ARM64
const CodeKernels& code_kernels_neon(const PackedMatrix& matrix);
#endif

// The kernels for the layout and the arithmetic of a matrix of codes.
const CodeKernels& code_kernels(Isa isa, const PackedMatrix& matrix);

// A matmul of few rows by tiles that decode; false where there are none for so many.
bool matmul_few_by_codes(Worker& worker, const MatmulArguments& arguments);

}  // namespace tsumugi
