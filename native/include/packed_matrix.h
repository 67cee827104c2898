// The one layout of matmul weights, for decoding and for prefill alike: blocks of 16 output rows, each a row of units
// (storage.h).
//
//   float32   [blocks][columns][16]
//   float16   [blocks][columns][16]
//   bfloat16  [blocks][padded columns / 2][16][2], columns padded with zeros to a multiple of 32: one AMX tile
//             is 32 columns of one block, 1 KB in a row
//   code4     units of `group` columns: for each 8 columns a line of 64 bytes, in which row r has bytes 4r … 4r + 3: byte j
//             holds column j in its low half and column 4 + j in its high half
//   code8     the same with 4 columns a line, column j in byte j
//   and after the codes of a unit: scales [16], then offsets [16] of the same type where there are any. Where scales are codes,
//   what turns them into scales follows the last unit of a block: for each `super` columns [16] float16 for scales, then for
//   offsets; of mapped ones [16] float32 that multiply, then those that are added. Their map, float32 [256], ends the matrix
//
// Output rows are padded with zero rows to a multiple of 16; columns of codes to whole units and to a multiple of 32.
#pragma once

#include <cstdint>

#include "storage.h"
#include "stored.h"

namespace tsumugi {

// A unit of codes: its scales begin at `codes`, its offsets at `codes + scales`.
struct CodeUnit {
  int64_t columns;
  size_t codes;  // bytes
  size_t scales;  // bytes of 16 scales
  size_t bytes;  // of all
};

constexpr CodeUnit code_unit(Storage storage, const CodeLayout& layout, int64_t columns) {
  const int64_t group = layout.group > 0 ? layout.group : (columns + 31) / 32 * 32;
  const size_t codes = static_cast<size_t>(group) * kBlockRows / (storage == Storage::code4 ? 2 : 1);
  const size_t scales = kBlockRows * code_scale_bytes(layout.scale);
  return {group, codes, scales, codes + scales * (layout.offset == CodeOffset::none ? 1 : 2)};
}

// A view: it does not own its memory. `data` must be aligned to 64 bytes (a HugeBuffer is).
struct PackedMatrix {
  Storage storage = Storage::float32;
  Arithmetic arithmetic = Arithmetic::float32;
  int64_t rows = 0;  // output features, N
  int64_t columns = 0;  // input features, K
  uint8_t* data = nullptr;
  CodeLayout codes;  // of code4 and code8
  float int8_threshold = -1;  // at least 0: x goes through 8 bits (int8_inputs.h)

  StorageUnit unit() const {
    if (is_plain(storage)) return storage_unit(storage);
    const CodeUnit unit = code_unit(storage, codes, columns);
    return {unit.columns, unit.bytes};
  }
  int64_t blocks() const { return (rows + kBlockRows - 1) / kBlockRows; }
  int64_t units() const {
    const int64_t step = unit().columns;
    if (is_plain(storage) || step % 32 == 0) return (columns + step - 1) / step;
    return (columns + 2 * step - 1) / (2 * step) * 2;
  }
  int64_t padded_columns() const { return units() * unit().columns; }
  size_t block_bytes() const {
    const size_t bytes = static_cast<size_t>(units()) * unit().bytes;
    if (is_plain(storage)) return bytes;
    return (bytes + static_cast<size_t>(supers()) * super_bytes() + 63) / 64 * 64;
  }
  // Of scales that are codes: what turns the scales of `super` columns into numbers, and how many of these there are.
  size_t super_bytes() const {
    if (codes.scale == CodeScale::mapped) return 2 * kBlockRows * sizeof(float);
    return static_cast<size_t>(kBlockRows) * (codes.offset == CodeOffset::none ? 2 : 4);
  }
  int64_t supers() const { return has_super_scales(codes.scale) ? (padded_columns() + codes.super - 1) / codes.super : 0; }
  // A block from a column on, which begins a unit.
  const uint8_t* block(int64_t index, int64_t column = 0) const {
    const StorageUnit step = unit();
    return data + static_cast<size_t>(index) * block_bytes() + static_cast<size_t>(column / step.columns) * step.bytes;
  }
  uint8_t* block(int64_t index) { return data + static_cast<size_t>(index) * block_bytes(); }
  // Where codes are permuted: the column of the matrix that stands at each place [columns].
  int32_t* order() const { return reinterpret_cast<int32_t*>(data + static_cast<size_t>(blocks()) * block_bytes()); }
  size_t order_bytes() const { return codes.permuted ? (static_cast<size_t>(columns) * sizeof(int32_t) + 63) / 64 * 64 : 0; }
  // Of mapped scales.
  float* scale_map() const { return reinterpret_cast<float*>(reinterpret_cast<uint8_t*>(order()) + order_bytes()); }
};

// Bytes of a packed matrix, a multiple of 64. Throws std::invalid_argument on no rows or columns, and on groups of codes that
// are no multiple of 16.
size_t packed_bytes(Storage storage, int64_t rows, int64_t columns, const CodeLayout& codes = {});

// Writes rows first_row … first_row + row_count - 1 of a plain storage from `source`, whose first element is that of
// first_row.
// Not transposed: source[row][column], `source_stride` elements from row to row.
// Transposed:     source[column][row], `source_stride` elements from column to column.
// Converts float32, bfloat16, float16 or float64 to the storage type with one rounding to nearest, ties to even.
// Padding rows of a last block are written when its last real row is.
// Threads may work at once on ranges that share no block: let ranges begin at multiples of 16.
void pack_rows(PackedMatrix& matrix, int64_t first_row, int64_t row_count, DType source_type, const void* source,
               int64_t source_stride, bool transposed);

// The same of codes: rows first_row … of a matrix whose layout has their table and offset, and their group or a part of it.
// Throws std::runtime_error where scales or offsets are not exact in the layout's type.
void pack_codes(PackedMatrix& matrix, int64_t first_row, const CodedRows& coded);

// Row `row` as float32: out[columns]; of codes in bfloat16 arithmetic rounded to bfloat16. For gathers from a tied head.
void unpack_row(const PackedMatrix& matrix, int64_t row, float* out);
void unpack_codes(const PackedMatrix& matrix, int64_t row, float* out);  // the same of codes

// Throws std::invalid_argument where a matrix has no such rows.
void check_rows(const PackedMatrix& matrix, int64_t first_row, int64_t row_count);

}  // namespace tsumugi
