// Inside of matmul: what decodes weights of codes, one table for each instruction set.
#pragma once

#include <cstdint>

#include "isa.h"
#include "packed_matrix.h"

namespace tsumugi {

// Writes columns [begin, begin + depth) of one block as values, laid out as blocks of bfloat16 or float32 are. Both are multiples
// of 32. Values are rounded to bfloat16 on the way there.
using ExpandCodes = void (*)(const PackedMatrix& matrix, int64_t block, int64_t begin, int64_t depth, uint8_t* out);

struct CodeKernels {
  ExpandCodes expand = nullptr;
  Storage expanded = Storage::float32;  // what it writes
};

const CodeKernels& code_kernels_scalar(const PackedMatrix& matrix);
#if TSUMUGI_X86
const CodeKernels& code_kernels_avx2(const PackedMatrix& matrix);
const CodeKernels& code_kernels_avx512(const PackedMatrix& matrix);
#endif
#if TSUMUGI_ARM64
const CodeKernels& code_kernels_neon(const PackedMatrix& matrix);
#endif

// The kernels for the layout and the arithmetic of a matrix of codes.
const CodeKernels& code_kernels(Isa isa, const PackedMatrix& matrix);

}  // namespace tsumugi
