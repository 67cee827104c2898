// Inside of matmul: the tables of micro-kernels, one per instruction set, storage and arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>

#include "isa.h"
#include "matmul.h"
#include "storage.h"

namespace tsumugi {

constexpr int kMaxTileRows = 12;

// Rows of x that one pass over the weights serves, at most; more rows are passes one after another.
constexpr int64_t kSlabRows = 512;

// c[block][row][16] = (first ? 0 : c) + the sum over `depth` columns. x is packed as [column][row], or as [pair][row] words of
// two bfloat16 values; `weight` points at the first of these columns in the first block. depth is a multiple of the storage's
// unit; in bfloat16 arithmetic x is rounded already.
// For each step (a column, or of bfloat16 weights a pair of them) a line of each block is fetched into the cache: that at
// `fetch`, and then `fetch_step` bytes on from step to step.
using TileKernel = void (*)(const float* x, const uint8_t* weight, size_t block_bytes, int64_t depth, float* c, bool first,
                            const uint8_t* fetch, ptrdiff_t fetch_step);

// Packs rows of x as tiles want them, with zeros up to `padded` columns; rounds to bfloat16 where the weights are.
using PackInputs = void (*)(const float* x, int64_t stride, int64_t columns, int64_t padded, float* out);

// Writes one block of 16 outputs: y = c + bias + residual, for the given rows and `outputs` <= 16 of them.
// The pointers point at the first row and output; bias and residual may be null.
using FinishBlock = void (*)(const float* c, int64_t rows, int64_t outputs, const float* bias, const float* residual,
                             int64_t residual_stride, float* y, int64_t y_stride);

struct TileKernels {
  int max_rows = 0;      // rows that one kernel takes, 1 … max_rows
  int word_columns = 1;  // columns of x in a word of packed x
  int step_columns = 1;  // columns of a step
  int step_bytes = 64;   // of a block, for a step
  int strip_blocks = 1;  // blocks that `strip` takes at once
  struct {
    int blocks = 1;                // blocks that `several` takes at once
    TileKernel several = nullptr;  // as many blocks as go with so many rows
    TileKernel strip = nullptr;    // `strip_blocks` blocks, whatever the rows
    TileKernel single = nullptr;   // one block, for the rest
    PackInputs pack = nullptr;
  } rows[kMaxTileRows];  // [0] is for one row
  FinishBlock finish[3] = {};  // float32; rounded to bfloat16; rounded before the bias as well
};

inline FinishBlock finish_of(const TileKernels& kernels, const MatmulArguments& arguments) {
  return kernels.finish[arguments.rounds ? (arguments.rounds_product ? 2 : 1) : 0];
}

const TileKernels& tile_kernels_scalar(Storage storage, Arithmetic arithmetic);
#if TSUMUGI_X86
const TileKernels& tile_kernels_avx2(Storage storage, Arithmetic arithmetic);
const TileKernels& tile_kernels_avx512(Storage storage, Arithmetic arithmetic);
const TileKernels& tile_kernels_avx512_bf16();  // of bfloat16 weights
const TileKernels& tile_kernels_amx();          // of bfloat16 weights: what AMX adds, for few rows
#endif
#if TSUMUGI_ARM64
const TileKernels& tile_kernels_neon(Storage storage, Arithmetic arithmetic);
#endif

// Throws std::invalid_argument where a storage has no such arithmetic.
const TileKernels& tile_kernels(Isa isa, Storage storage, Arithmetic arithmetic);

// The workspace, cut up. Shared by all workers: x, packed. Each worker's own: x of few rows, sums, and expanded weights.
struct MatmulWorkspace {
  uint8_t* shared_inputs;
  float* own_inputs;
  float* sums;
  uint8_t* expanded;
};
constexpr int64_t kDepthBlock = 512;  // columns of a strip, which stays in L1 or L2 while all rows of x pass it
constexpr int64_t kMostBlocks = 4;    // that a tile takes at once
constexpr size_t kExpandedBytes = static_cast<size_t>(kMostBlocks * kDepthBlock * kBlockRows) * sizeof(float);
constexpr int64_t kOwnInputRows = 4;  // up to here each worker packs x for itself, which saves a barrier
constexpr int64_t kSumBlocks = 16;    // blocks of a chunk, times kSlabRows rows: a worker's sums fill 512 KB

// Blocks that a worker takes at a time: a multiple of `several` where there are enough of them.
int64_t blocks_per_chunk(const PackedMatrix& weight, bool few_rows, int64_t several, int workers);

MatmulWorkspace cut_workspace(const MatmulArguments& arguments, int64_t depth, int worker);

// Arithmetic in bfloat16 by AMX, for any number of rows.
void matmul_bfloat16_amx(Worker& worker, const MatmulArguments& arguments);

// From how many rows on matmul uses it: 4, since fewer rows go faster through the AVX-512 tiles. But those give the same
// bits only when this machine's TDPBF16PS adds in the documented order, which is tried out once; if it does not: 1.
int64_t amx_rows();

}  // namespace tsumugi
