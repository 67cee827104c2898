// Whole blocks of 16 rows, packed by tiles: what nearly all of a checkpoint's bytes go through.
#pragma once

#include <cstdint>

#include "packed_matrix.h"

namespace tsumugi {

// Packs the whole blocks at the front of rows first_row … first_row + row_count - 1, as `pack_rows` would (not transposed).
// Gives the number of rows that it has packed, a multiple of 16: 0 where the range begins inside a block, or for types that
// have no such way (float64, float16 from others).
int64_t pack_whole_blocks(PackedMatrix& matrix, int64_t first_row, int64_t row_count, DType source_type, const void* source,
                          int64_t source_stride);

}  // namespace tsumugi
