// Packing of codes into blocks of 16 output rows, and the way back for one row.
#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include "packed_matrix.h"

namespace tsumugi {

namespace {

// Scale or offset `lane` of a unit, as the layout holds them.
void store_scale(CodeScale type, uint8_t* scales, int64_t lane, float value) {
  const uint32_t bits = float_bits(value);
  const uint16_t half = float_to_float16(value);
  switch (type) {
    case CodeScale::float32:
      std::memcpy(scales + lane * 4, &value, sizeof value);
      return;
    case CodeScale::float16:
      std::memcpy(scales + lane * 2, &half, sizeof half);
      if (float_bits(float16_to_float(half)) == bits || value != value) return;
      break;
    case CodeScale::exponent:
      scales[lane] = static_cast<uint8_t>(bits >> 23);
      if ((bits & 0x807fffffu) == 0 || bits == 0x00400000u) return;  // 2^-127 has no exponent of its own, and counts as 0
      break;
    default:
      return;  // their codes are stored as they are
  }
  throw std::runtime_error(std::string("a scale of a group is no ") +
                           (type == CodeScale::float16 ? "float16" : "power of two") + ": " + std::to_string(value));
}

float load_scale(CodeScale type, const uint8_t* scales, int64_t lane) {
  float value;
  uint16_t half;
  switch (type) {
    case CodeScale::float32:
      std::memcpy(&value, scales + lane * 4, sizeof value);
      return value;
    case CodeScale::float16:
      std::memcpy(&half, scales + lane * 2, sizeof half);
      return float16_to_float(half);
    case CodeScale::exponent:
      return float_from_bits(static_cast<uint32_t>(scales[lane]) << 23);
    default:
      break;
  }
  return static_cast<float>(static_cast<int8_t>(scales[lane]));
}

// What turns the scales of a unit into numbers, of a layout in which they are codes.
const uint8_t* super_scales(const PackedMatrix& matrix, const uint8_t* block, int64_t column) {
  const size_t units = static_cast<size_t>(matrix.units()) * matrix.unit().bytes;
  return block + units + static_cast<size_t>(column / matrix.codes.super) * matrix.super_bytes();
}

struct Shared {
  float scale, shift;
};

// The scale and the offset of row `lane` of a unit that begins at `column`.
Shared load_shared(const PackedMatrix& matrix, const uint8_t* block, int64_t column, int64_t lane) {
  const CodeLayout& layout = matrix.codes;
  const CodeUnit unit = code_unit(matrix.storage, layout, matrix.columns);
  const uint8_t* scales = block + static_cast<size_t>(column / unit.columns) * unit.bytes + unit.codes;
  const bool has_offset = layout.offset != CodeOffset::none;
  Shared shared{load_scale(layout.scale, scales, lane),
                has_offset ? load_scale(layout.scale, scales + unit.scales, lane) : 0.0f};
  if (!has_super_scales(layout.scale)) return shared;
  const uint8_t* supers = super_scales(matrix, block, column);
  if (layout.scale == CodeScale::mapped) {
    const float scaled = matrix.scale_map()[scales[lane]] * load_scale(CodeScale::float32, supers, lane);
    shared.scale = scaled + load_scale(CodeScale::float32, supers + 64, lane);
    return shared;
  }
  shared.scale *= load_scale(CodeScale::float16, supers, lane);
  if (has_offset) shared.shift *= load_scale(CodeScale::float16, supers + 32, lane);
  return shared;
}

// Scales that are codes, and what turns them into numbers, of one row.
void store_codes_of_scales(const PackedMatrix& matrix, const CodedRows& coded, int64_t row, uint8_t* block, int64_t lane) {
  const CodeLayout& layout = matrix.codes;
  const CodeUnit unit = code_unit(matrix.storage, layout, matrix.columns);
  const bool mapped = layout.scale == CodeScale::mapped, has_offset = layout.offset != CodeOffset::none;
  for (int64_t group = 0; group < coded.groups(); ++group) {
    uint8_t* scales = block + static_cast<size_t>(group) * unit.bytes + unit.codes;
    const auto at = static_cast<size_t>(row * coded.groups() + group);
    scales[lane] = coded.scale_codes[at];
    if (has_offset) scales[unit.scales + static_cast<size_t>(lane)] = coded.offset_codes[at];
  }
  uint8_t* supers = block + static_cast<size_t>(matrix.units()) * unit.bytes;
  const CodeScale type = mapped ? CodeScale::float32 : CodeScale::float16;
  for (int64_t super = 0; super < coded.supers(); ++super, supers += matrix.super_bytes()) {
    const auto at = static_cast<size_t>(row * coded.supers() + super);
    store_scale(type, supers, lane, coded.super_scales[at]);
    if (mapped || has_offset) store_scale(type, supers + (mapped ? 64 : 32), lane, coded.super_offsets[at]);
  }
}

// The codes of one row of a unit: `count` columns of it, the rest as zeros.
void store_codes(Storage storage, uint8_t* unit, int64_t lane, const uint8_t* codes, int64_t count, int64_t columns) {
  const int64_t per_line = storage == Storage::code4 ? 8 : 4;
  uint8_t* to = unit + lane * 4;
  for (int64_t first = 0; first < columns; first += per_line, to += 64) {
    if (first + per_line <= count) {  // whole lines go as words
      uint32_t word, next = 0;
      std::memcpy(&word, codes + first, sizeof word);
      if (storage == Storage::code4) {
        std::memcpy(&next, codes + first + 4, sizeof next);
        word = (word & 0x0f0f0f0fu) | (next & 0x0f0f0f0fu) << 4;
      }
      std::memcpy(to, &word, sizeof word);
      continue;
    }
    uint8_t line[8] = {};
    for (int64_t i = 0; i < std::min(per_line, count - first); ++i) line[i] = codes[first + i];
    for (int64_t j = 0; j < 4; ++j) {
      to[j] = storage == Storage::code4 ? static_cast<uint8_t>((line[j] & 15) | line[4 + j] << 4) : line[j];
    }
  }
}

uint8_t load_code(Storage storage, const uint8_t* unit, int64_t lane, int64_t column) {
  if (storage == Storage::code8) return unit[column / 4 * 64 + lane * 4 + column % 4];
  const uint8_t pair = unit[column / 8 * 64 + lane * 4 + column % 4];
  return column % 8 < 4 ? pair & 15 : pair >> 4;
}

void check_layout(const PackedMatrix& matrix, const CodedRows& coded) {
  const CodeLayout& layout = matrix.codes;
  const bool fits = layout.group == 0 ? coded.group >= coded.columns : coded.group % layout.group == 0;
  const bool has_supers = !has_super_scales(layout.scale) || (coded.super == layout.super && coded.group == layout.group);
  if (has_supers && coded.columns == matrix.columns && coded.table == layout.table && coded.offset == layout.offset && fits &&
      coded.order.empty() != layout.permuted)
    return;
  throw std::invalid_argument(std::string("[pack] codes: expected the table, offset, groups and order of a matrix of ") +
                              kCodeTableNames[static_cast<int>(layout.table)] + ", groups of " + std::to_string(layout.group) +
                              ", given " + kCodeTableNames[static_cast<int>(coded.table)] + ", groups of " +
                              std::to_string(coded.group));
}

}  // namespace

void pack_codes(PackedMatrix& matrix, int64_t first_row, const CodedRows& coded) {
  check_rows(matrix, first_row, coded.rows);
  check_layout(matrix, coded);
  const CodeLayout& layout = matrix.codes;
  const CodeUnit unit = code_unit(matrix.storage, layout, matrix.columns);
  if (layout.permuted && first_row == 0) std::copy(coded.order.begin(), coded.order.end(), matrix.order());
  if (layout.scale == CodeScale::mapped && first_row == 0) {
    std::copy(coded.scale_map.begin(), coded.scale_map.end(), matrix.scale_map());
  }
  for (int64_t row = 0; row < coded.rows; ++row) {
    const int64_t lane = (first_row + row) % kBlockRows;
    uint8_t* to = matrix.block((first_row + row) / kBlockRows);
    const uint8_t* codes = coded.codes.data() + row * coded.columns;
    if (has_super_scales(layout.scale)) store_codes_of_scales(matrix, coded, row, to, lane);
    for (int64_t column = 0; column < coded.columns; column += unit.columns, to += unit.bytes) {
      store_codes(matrix.storage, to, lane, codes + column, coded.columns - column, unit.columns);
      if (has_super_scales(layout.scale)) continue;
      const auto group = static_cast<size_t>(row * coded.groups() + column / coded.group);
      store_scale(layout.scale, to + unit.codes, lane, coded.scales[group]);
      if (layout.offset != CodeOffset::none) {
        store_scale(layout.scale, to + unit.codes + unit.scales, lane, coded.offsets[group]);
      }
    }
  }
}

void unpack_codes(const PackedMatrix& matrix, int64_t row, float* out) {
  const CodeLayout& layout = matrix.codes;
  const CodeUnit unit = code_unit(matrix.storage, layout, matrix.columns);
  const float* values = code_values(layout.table);
  const uint8_t* block = matrix.block(row / kBlockRows, 0);
  const uint8_t* from = block;
  const int64_t lane = row % kBlockRows;
  const int32_t* order = layout.permuted ? matrix.order() : nullptr;
  for (int64_t column = 0; column < matrix.columns; column += unit.columns, from += unit.bytes) {
    const auto [scale, shift] = load_shared(matrix, block, column, lane);
    for (int64_t i = 0; i < std::min(unit.columns, matrix.columns - column); ++i) {
      const float value = decode_code(values[load_code(matrix.storage, from, lane, i)], scale, shift, layout.offset);
      const int64_t place = order == nullptr ? column + i : order[column + i];
      out[place] = matrix.arithmetic == Arithmetic::bfloat16 ? round_to_bfloat16(value) : value;
    }
  }
}

}  // namespace tsumugi
