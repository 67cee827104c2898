// y[M, N] = x[M, K] · Wᵀ (+ bias[N]) (+ residual[M, N]) with W packed (packed_matrix.h); x and y are float32.
//
// Numerics. The value of one output depends on its row of x and its row of W alone: not on M, on other rows,
// on chunking or on the number of threads. Each output is summed in one fixed order over k:
//   float32, float16  one chain over ascending k of fused multiply-adds (scalar: multiply, then add); float16
//                     weights are widened, x stays float32
//   bfloat16          x is rounded to bfloat16 (nearest, ties to even); then, by what the machine has:
//                     avx512_bf16  one chain over ascending pairs of k of vdpbf16ps
//                     amx          for each 32 values of k: the products of even k in one chain of fused
//                                  multiply-adds and those of odd k in another, both from 0, and then
//                                  sum = sum + (even + odd): what Intel documents for TDPBF16PS. (Should a
//                                  machine's tiles add otherwise, which is tried out once, tiles are used for
//                                  every number of rows: M still does not matter.)
//                     all others   one chain over ascending k of fused multiply-adds
//   int8, of codes    x becomes signed bytes, with a scale for the columns that share one of the weights; of each such
//                     group an exact integer sum, and in ascending order: sum = sum + (group's sum − zero point ·
//                     sum of x) · scale of x · scale, and where there are minimums sum + minimum · (sum of x · its
//                     scale), with fused multiply-adds (scalar: multiply, then add)
// Instruction sets may differ in the last places; within one, M never matters (docs/decisions/0020).
// Then (sum + bias) + residual.
#pragma once

#include <cstddef>
#include <cstdint>

#include "isa.h"
#include "packed_matrix.h"
#include "thread_pool.h"

namespace tsumugi {

struct MatmulArguments {
  const PackedMatrix* weight = nullptr;
  const float* x = nullptr;  // [rows, weight->columns]
  int64_t x_stride = 0;      // elements from row to row
  int64_t rows = 0;          // M, may be 0
  const float* bias = nullptr;      // [weight->rows] or null
  const float* residual = nullptr;  // [rows, weight->rows] or null; may be y itself (y += …)
  int64_t residual_stride = 0;
  bool rounds = false;  // y is rounded to bfloat16: x · Wᵀ + bias, and again with the residual
  bool rounds_product = false;  // and x · Wᵀ before the bias
  float* y = nullptr;  // [rows, weight->rows]
  int64_t y_stride = 0;
  uint8_t* workspace = nullptr;  // matmul_workspace_bytes, aligned to 64 bytes
  Isa isa = active_isa();        // for tests; it must be available
};

// Called by all workers of a job with the same arguments. x, bias and residual must be visible to all
// (a barrier came after they were written); ends with a barrier, so y is visible to all. Allocates nothing.
// The workspace may serve the next matmul at once.
void matmul(Worker& worker, const MatmulArguments& arguments);

// Whether codes of this layout can be multiplied in int8 arithmetic: all but those of 8-bit floats.
bool takes_int8(const PackedMatrix& matrix);

// Bytes that suffice for every matmul with rows <= max_rows, columns <= max_columns (those of codes are padded) and at most
// `workers` workers. permuted: of codes whose columns stand in another order too, and of inputs that go through 8 bits.
size_t matmul_workspace_bytes(int64_t max_rows, int64_t max_columns, int64_t max_outputs, int workers, bool permuted = false);

}  // namespace tsumugi
