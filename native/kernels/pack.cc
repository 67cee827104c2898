// Packing of weights into blocks of 16 output rows, and the way back for one row.
#include <algorithm>
#include <stdexcept>
#include <string>

#include "pack_blocks.h"
#include "packed_matrix.h"

namespace tsumugi {

namespace {

struct FromFloat32 {
  using Element = float;
  static float read(Element value) { return value; }
};
struct FromBfloat16 {
  using Element = uint16_t;
  static float read(Element value) { return bfloat16_to_float(value); }
};
struct FromFloat16 {
  using Element = uint16_t;
  static float read(Element value) { return float16_to_float(value); }
};
struct FromFloat64 {
  using Element = double;
  static float read(Element value) { return static_cast<float>(value); }
};
// On the way to a 16-bit type: the second rounding then gives the right answer.
struct FromFloat64Odd {
  using Element = double;
  static float read(Element value) { return float64_to_float_round_odd(value); }
};

// Element (row of the block, column) of a block, as an index into the block.
template <Storage kStorage>
int64_t place(int64_t lane, int64_t column) {
  if constexpr (kStorage == Storage::bfloat16) return (column / 2) * 32 + lane * 2 + (column & 1);
  return column * kBlockRows + lane;
}

template <Storage kStorage>
auto encode(float value) {
  if constexpr (kStorage == Storage::bfloat16) {
    return float_to_bfloat16(value);
  } else if constexpr (kStorage == Storage::float16) {
    return float_to_float16(value);
  } else {
    return value;
  }
}

template <Storage kStorage, typename From>
void pack(PackedMatrix& matrix, int64_t first_row, int64_t row_count, const void* source, int64_t stride, bool transposed) {
  using Target = decltype(encode<kStorage>(0.0f));
  const auto* elements = static_cast<const typename From::Element*>(source);
  const int64_t columns = matrix.columns;
  const int64_t row_step = transposed ? 1 : stride;
  const int64_t column_step = transposed ? stride : 1;
  for (int64_t row = first_row; row < first_row + row_count;) {
    const int64_t lane = row % kBlockRows;
    const int64_t lanes = std::min(kBlockRows - lane, first_row + row_count - row);
    auto* block = reinterpret_cast<Target*>(matrix.block(row / kBlockRows));
    const auto* rows = elements + (row - first_row) * row_step;
    // A strip of columns at a time: its lines of the block stay in the first cache for all 16 rows.
    constexpr int64_t kStrip = 128;
    for (int64_t begin = 0; begin < columns; begin += kStrip) {
      const int64_t end = std::min(begin + kStrip, columns);
      for (int64_t i = 0; i < lanes; ++i) {
        const auto* line = rows + i * row_step;
        for (int64_t column = begin; column < end; ++column) {
          block[place<kStorage>(lane + i, column)] = encode<kStorage>(From::read(line[column * column_step]));
        }
      }
    }
    for (int64_t column = columns; column < matrix.padded_columns(); ++column) {
      for (int64_t i = 0; i < lanes; ++i) block[place<kStorage>(lane + i, column)] = Target{};
    }
    row += lanes;
    if (row == matrix.rows) {
      for (int64_t padding = row % kBlockRows; padding != 0 && padding < kBlockRows; ++padding) {
        for (int64_t column = 0; column < matrix.padded_columns(); ++column) block[place<kStorage>(padding, column)] = Target{};
      }
    }
  }
}

template <Storage kStorage>
void pack_to(PackedMatrix& matrix, int64_t first_row, int64_t row_count, DType source_type, const void* source, int64_t stride,
             bool transposed) {
  switch (source_type) {
    case DType::float32:
      return pack<kStorage, FromFloat32>(matrix, first_row, row_count, source, stride, transposed);
    case DType::bfloat16:
      return pack<kStorage, FromBfloat16>(matrix, first_row, row_count, source, stride, transposed);
    case DType::float16:
      return pack<kStorage, FromFloat16>(matrix, first_row, row_count, source, stride, transposed);
    case DType::float64:
      if constexpr (kStorage == Storage::float32) {
        return pack<kStorage, FromFloat64>(matrix, first_row, row_count, source, stride, transposed);
      } else {
        return pack<kStorage, FromFloat64Odd>(matrix, first_row, row_count, source, stride, transposed);
      }
    default:
      throw std::invalid_argument(std::string("[pack] source dtype: expected a floating-point type, given ") +
                                  dtype_name(source_type));
  }
}

}  // namespace

size_t packed_bytes(Storage storage, int64_t rows, int64_t columns, const CodeLayout& codes) {
  if (rows <= 0 || columns <= 0) {
    throw std::invalid_argument("[pack] shape: expected at least one row and one column, given " + std::to_string(rows) +
                                " x " + std::to_string(columns));
  }
  if (!is_plain(storage) && (codes.group < 0 || codes.group % 16 != 0)) {
    throw std::invalid_argument("[pack] columns that share a scale: expected a multiple of 16, given " +
                                std::to_string(codes.group));
  }
  if (!is_plain(storage) && has_super_scales(codes.scale) &&
      (codes.super <= 0 || codes.group == 0 || codes.super % codes.group != 0)) {
    throw std::invalid_argument("[pack] columns that share a scale of scales: expected a multiple of " +
                                std::to_string(codes.group) + ", given " + std::to_string(codes.super));
  }
  const PackedMatrix matrix{storage, own_arithmetic(storage), rows, columns, nullptr, codes};
  const size_t map = codes.scale == CodeScale::mapped ? 256 * sizeof(float) : 0;
  return (static_cast<size_t>(matrix.blocks()) * matrix.block_bytes() + matrix.order_bytes() + map + 63) / 64 * 64;
}

void check_rows(const PackedMatrix& matrix, int64_t first_row, int64_t row_count) {
  if (first_row >= 0 && row_count >= 0 && first_row + row_count <= matrix.rows) return;
  throw std::invalid_argument("[pack] rows: expected a range in 0 … " + std::to_string(matrix.rows) + ", given " +
                              std::to_string(first_row) + " + " + std::to_string(row_count));
}

void pack_rows(PackedMatrix& matrix, int64_t first_row, int64_t row_count, DType source_type, const void* source,
               int64_t source_stride, bool transposed) {
  check_rows(matrix, first_row, row_count);
  if (!transposed) {
    const int64_t packed = pack_whole_blocks(matrix, first_row, row_count, source_type, source, source_stride);
    if (packed == row_count) return;
    source = static_cast<const uint8_t*>(source) + static_cast<size_t>(packed * source_stride) * dtype_bytes(source_type);
    first_row += packed;
    row_count -= packed;
  }
  switch (matrix.storage) {
    case Storage::float32:
      return pack_to<Storage::float32>(matrix, first_row, row_count, source_type, source, source_stride, transposed);
    case Storage::bfloat16:
      return pack_to<Storage::bfloat16>(matrix, first_row, row_count, source_type, source, source_stride, transposed);
    case Storage::float16:
      return pack_to<Storage::float16>(matrix, first_row, row_count, source_type, source, source_stride, transposed);
    default:
      throw std::invalid_argument(std::string("[pack] storage: expected a plain one, given ") + storage_name(matrix.storage));
  }
}

void unpack_row(const PackedMatrix& matrix, int64_t row, float* out) {
  const uint8_t* block = matrix.block(row / kBlockRows, 0);
  const int64_t lane = row % kBlockRows;
  const auto* floats = reinterpret_cast<const float*>(block);
  const auto* halves = reinterpret_cast<const uint16_t*>(block);
  switch (matrix.storage) {
    case Storage::float32:
      for (int64_t k = 0; k < matrix.columns; ++k) out[k] = floats[place<Storage::float32>(lane, k)];
      return;
    case Storage::bfloat16:
      for (int64_t k = 0; k < matrix.columns; ++k) out[k] = bfloat16_to_float(halves[place<Storage::bfloat16>(lane, k)]);
      return;
    case Storage::float16:
      for (int64_t k = 0; k < matrix.columns; ++k) out[k] = float16_to_float(halves[place<Storage::float16>(lane, k)]);
      return;
    case Storage::code4:
    case Storage::code8:
      return unpack_codes(matrix, row, out);
  }
}

}  // namespace tsumugi
