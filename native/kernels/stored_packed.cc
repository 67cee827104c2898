// compressed-tensors' packed integers: each row a stream of bits [rows][words], with half their range added; scales
// [rows][groups]; zeros [words][groups], whose streams run down the columns.
#include <algorithm>

#include "stored_codes.h"

namespace tsumugi {

enum PackedRole : uint8_t { kCodes, kScales, kZeros, kGroups };

// Codes are moved by `move`, so that those without zeros are codes of a table.
static void unpack_rows(const std::vector<uint32_t>& words, int64_t bits, uint32_t move, CodedRows& coded) {
  const int64_t row_words = stream_words(coded.columns, bits);
  for (int64_t row = 0; row < coded.rows; ++row) {
    const uint32_t* line = words.data() + row * row_words;
    uint8_t* to = coded.codes.data() + row * coded.columns;
    for (int64_t column = 0; column < coded.columns; ++column)
      to[column] = static_cast<uint8_t>(code_at(line, 1, column, bits) + move);
  }
}

static CodedRows read_packed(const StoredMatrix& matrix, int64_t first, int64_t last) {
  const OpAttributes& parameters = *matrix.parameters;
  const int64_t bits = parameters.integer("bits");
  const auto type = parameters.one_of<ScaleType>("scaleType", kScaleTypeNames);
  const auto column_groups = parameters.one_of<ColumnGroups>("columnGroups", kColumnGroupsNames);
  const bool has_zeros = matrix.has(kZeros);
  CodedRows coded;
  coded.table = has_zeros ? CodeTable::linear : bits <= 4 ? CodeTable::int4 : CodeTable::int8;
  coded.offset = has_zeros ? CodeOffset::zero : CodeOffset::none;
  coded.rows = last - first;
  coded.columns = matrix.columns;
  coded.group = std::min(parameters.integer("group"), matrix.columns);
  const int64_t words = stream_words(matrix.columns, bits), groups = coded.groups();
  const uint32_t half = 1u << (bits - 1);
  const uint32_t move = has_zeros ? 0u : (bits <= 4 ? 8u : 128u) - half;
  coded.codes.resize(static_cast<size_t>(coded.rows * coded.columns));
  unpack_rows(read_lines<uint32_t>(matrix, kCodes, words, first, coded.rows, 0, words), bits, move, coded);

  const bool is_one = parameters.flag("isOneScale");
  const auto bytes = static_cast<int64_t>(scale_type_bytes(type));
  const auto scales = read_lines<uint8_t>(matrix, kScales, (is_one ? 1 : groups) * bytes, is_one ? 0 : first,
                                          is_one ? 1 : coded.rows, 0, (is_one ? 1 : groups) * bytes);
  const int64_t zero_first = first * bits / 32;
  std::vector<uint32_t> zeros;
  if (has_zeros) {
    const int64_t zero_last = stream_words(last, bits);
    zeros = read_lines<uint32_t>(matrix, kZeros, groups, zero_first, zero_last - zero_first, 0, groups);
    coded.offsets.resize(static_cast<size_t>(coded.rows * groups));
  }
  coded.scales.resize(static_cast<size_t>(coded.rows * groups));
  for (int64_t row = 0; row < coded.rows; ++row) {
    for (int64_t group = 0; group < groups; ++group) {
      const auto at = static_cast<size_t>(row * groups + group);
      coded.scales[at] = load_scale_value(type, scales.data(), is_one ? 0 : static_cast<int64_t>(at));
      if (!has_zeros) continue;
      const int64_t bit = (first + row) * bits - zero_first * 32;
      const uint32_t* word = zeros.data() + bit / 32 * groups + group;
      const int64_t shift = bit % 32;
      const uint32_t high = shift + bits > 32 ? word[groups] << (32 - shift) : 0u;
      coded.offsets[at] = static_cast<float>((*word >> shift | high) & ((1u << bits) - 1u));
    }
  }
  if (column_groups != ColumnGroups::runs)
    group_columns(coded, column_groups, read_lines<int32_t>(matrix, kGroups, matrix.columns, 0, 1, 0, matrix.columns), groups);
  return coded;
}

static const RegisterReader packed_reader({.kind = "packed", .codes = read_packed});

}  // namespace tsumugi
