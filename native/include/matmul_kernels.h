// Inside of matmul: the tables of micro-kernels, one per instruction set and storage type.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dtype.h"
#include "isa.h"
#include "matmul.h"

namespace tsumugi {

constexpr int kMaxTileRows = 12;

// Rows of x that one pass over the weights serves, at most; more rows are passes one after another.
constexpr int64_t kSlabRows = 512;

// c[block][row][16] = (first ? 0 : c) + the sum over `depth` columns. x is packed as [column][row]; `weight` points at
// the first of these columns in the first block. For bfloat16, depth is a multiple of 32 and x is rounded already.
// For each line of weights read, the line `ahead` bytes further is fetched into the cache.
using TileKernel = void (*)(const float* x, const uint8_t* weight, size_t block_bytes, int64_t depth, float* c, bool first,
                            ptrdiff_t ahead);

// Packs rows of x as [column][row], with zeros up to `padded` columns; rounds to bfloat16 where the weights are.
using PackInputs = void (*)(const float* x, int64_t stride, int64_t columns, int64_t padded, float* out);

// Writes one block of 16 outputs: y = c + bias + residual, for the given rows and `outputs` <= 16 of them.
// The pointers point at the first row and output; bias and residual may be null.
using FinishBlock = void (*)(const float* c, int64_t rows, int64_t outputs, const float* bias, const float* residual,
                             int64_t residual_stride, float* y, int64_t y_stride);

struct TileKernels {
  int max_rows = 0;  // rows that one kernel takes, 1 … max_rows
  struct {
    int blocks = 1;               // blocks that `wide` takes at once
    TileKernel wide = nullptr;    // `blocks` blocks
    TileKernel single = nullptr;  // one block, for the rest
    PackInputs pack = nullptr;
  } rows[kMaxTileRows];  // [0] is for one row
  FinishBlock finish[3] = {};  // float32; rounded to bfloat16; rounded before the bias as well
};

inline FinishBlock finish_of(const TileKernels& kernels, const MatmulArguments& arguments) {
  return kernels.finish[arguments.narrow ? (arguments.narrow_product ? 2 : 1) : 0];
}

const TileKernels& tile_kernels_scalar(DType storage);
#if TSUMUGI_X86
const TileKernels& tile_kernels_avx2(DType storage);
const TileKernels& tile_kernels_avx512(DType storage);
#endif
#if TSUMUGI_ARM64
const TileKernels& tile_kernels_neon(DType storage);
#endif

const TileKernels& tile_kernels(Isa isa, DType storage);

// The workspace, cut up. Shared by all workers: x, packed. Each worker's own: x of few rows, and sums.
struct MatmulWorkspace {
  uint8_t* shared_inputs;
  float* own_inputs;
  float* sums;
};
constexpr int64_t kOwnInputRows = 4;  // up to here each worker packs x for itself, which saves a barrier
constexpr int64_t kSumBlocks = 16;    // blocks of a chunk, times kSlabRows rows: a worker's sums fill 512 KB

// Blocks that a worker takes at a time: a multiple of `wide` where there are enough of them.
int64_t blocks_per_chunk(const PackedMatrix& weight, bool few_rows, int64_t wide, int workers);

MatmulWorkspace cut_workspace(const MatmulArguments& arguments, int64_t depth, int worker);

// bfloat16 by AMX, for any number of rows.
void matmul_bfloat16_amx(Worker& worker, const MatmulArguments& arguments);

// From how many rows on matmul uses it: 4, since fewer rows go faster through the AVX-512 tiles. But those give the same
// bits only when this machine's TDPBF16PS adds in the documented order, which is tried out once; if it does not: 1.
int64_t amx_rows();

}  // namespace tsumugi
