// The one layout of matmul weights, for decoding and for prefill alike: blocks of 16 output rows, each a row of units
// (storage.h).
//
//   float32   [blocks][columns][16]
//   float16   [blocks][columns][16]
//   bfloat16  [blocks][padded columns / 2][16][2], columns padded with zeros to a multiple of 32: one AMX tile
//             is 32 columns of one block, 1 KB in a row
//   mxfp4     [blocks][columns / 32] units of 272 bytes: codes [16][16], a byte for two columns of a row, then scales [16]
//
// Output rows are padded with zero rows to a multiple of 16.
#pragma once

#include <cstdint>

#include "storage.h"
#include "stored.h"

namespace tsumugi {

// A view: it does not own its memory. `data` must be aligned to 64 bytes (a HugeBuffer is).
struct PackedMatrix {
  Storage storage = Storage::float32;
  Arithmetic arithmetic = Arithmetic::float32;
  int64_t rows = 0;     // output features, N
  int64_t columns = 0;  // input features, K
  uint8_t* data = nullptr;

  int64_t blocks() const { return (rows + kBlockRows - 1) / kBlockRows; }
  int64_t units() const {
    const int64_t step = storage_unit(storage).columns;
    return (columns + step - 1) / step;
  }
  int64_t padded_columns() const { return units() * storage_unit(storage).columns; }
  size_t block_bytes() const { return static_cast<size_t>(units()) * storage_unit(storage).bytes; }
  // A block from a column on, which begins a unit.
  const uint8_t* block(int64_t index, int64_t column = 0) const {
    const StorageUnit unit = storage_unit(storage);
    return data + static_cast<size_t>(index) * block_bytes() + static_cast<size_t>(column / unit.columns) * unit.bytes;
  }
  uint8_t* block(int64_t index) { return data + static_cast<size_t>(index) * block_bytes(); }
};

// Bytes of a packed matrix, a multiple of 64. Throws std::invalid_argument on no rows or columns, or on columns that do not
// fill the groups of a storage of codes.
size_t packed_bytes(Storage storage, int64_t rows, int64_t columns);

// Writes rows first_row … first_row + row_count - 1 of a plain storage from `source`, whose first element is that of
// first_row.
// Not transposed: source[row][column], `source_stride` elements from row to row.
// Transposed:     source[column][row], `source_stride` elements from column to column.
// Converts float32, bfloat16, float16 or float64 to the storage type with one rounding to nearest, ties to even.
// Padding rows of a last block are written when its last real row is.
// Threads may work at once on ranges that share no block: let ranges begin at multiples of 16.
void pack_rows(PackedMatrix& matrix, int64_t first_row, int64_t row_count, DType source_type, const void* source,
               int64_t source_stride, bool transposed);

// The same of codes.
void pack_codes(PackedMatrix& matrix, int64_t first_row, const CodedRows& coded);

// Row `row` as float32: out[columns]. For gathers from a tied head.
void unpack_row(const PackedMatrix& matrix, int64_t row, float* out);

}  // namespace tsumugi
