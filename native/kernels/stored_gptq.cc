// GPTQ: codes [words][rows], whose streams of bits run down the columns; zeros [groups][words]; scales [groups][rows].
#include <algorithm>

#include "stored_codes.h"

namespace tsumugi {

enum GptqRole : uint8_t { kCodes, kZeros, kScales, kGroups };

// Codes of a word for all rows, then of the next: words are read once, in the order in which they stand.
static void unpack_columns(const std::vector<uint32_t>& words, int64_t bits, CodedRows& coded) {
  const int64_t rows = coded.rows;
  for (int64_t column = 0; column < coded.columns; ++column) {
    for (int64_t row = 0; row < rows; ++row) {
      coded.codes[static_cast<size_t>(row * coded.columns + column)] =
          static_cast<uint8_t>(code_at(words.data() + row, rows, column, bits));
    }
  }
}

// The same of codes that straddle no words, a word at a time.
static void unpack_whole_words(const std::vector<uint32_t>& words, int64_t bits, CodedRows& coded) {
  const int64_t rows = coded.rows, per_word = 32 / bits;
  const uint32_t mask = (1u << bits) - 1u;
  for (int64_t first = 0; first < coded.columns; first += per_word) {
    const uint32_t* line = words.data() + first / per_word * rows;
    const int64_t count = std::min(per_word, coded.columns - first);
    for (int64_t row = 0; row < rows; ++row) {
      uint8_t* to = coded.codes.data() + row * coded.columns + first;
      uint32_t word = line[row];
      for (int64_t i = 0; i < count; ++i, word >>= bits) to[i] = static_cast<uint8_t>(word & mask);
    }
  }
}

static CodedRows read_gptq(const StoredMatrix& matrix, int64_t first, int64_t last) {
  const OpAttributes& parameters = *matrix.parameters;
  const int64_t bits = parameters.integer("bits");
  const auto shift = static_cast<float>(parameters.integer("zeroShift"));
  const auto type = parameters.one_of<ScaleType>("scaleType", kScaleTypeNames);
  const auto column_groups = parameters.one_of<ColumnGroups>("columnGroups", kColumnGroupsNames);
  CodedRows coded;
  coded.table = CodeTable::linear;
  coded.offset = CodeOffset::zero;
  coded.rows = last - first;
  coded.columns = matrix.columns;
  coded.group = std::min(parameters.integer("group"), matrix.columns);
  const int64_t words = stream_words(matrix.columns, bits), groups = coded.groups();
  coded.codes.resize(static_cast<size_t>(coded.rows * coded.columns));
  const auto codes = read_lines<uint32_t>(matrix, kCodes, matrix.rows, 0, words, first, coded.rows);
  if (32 % bits == 0) {
    unpack_whole_words(codes, bits, coded);
  } else {
    unpack_columns(codes, bits, coded);
  }

  const int64_t zero_words = stream_words(matrix.rows, bits);
  const auto zeros = read_lines<uint32_t>(matrix, kZeros, zero_words, 0, groups, 0, zero_words);
  const auto bytes = static_cast<int64_t>(scale_type_bytes(type));
  const auto scales = read_lines<uint8_t>(matrix, kScales, matrix.rows * bytes, 0, groups, first * bytes, coded.rows * bytes);
  coded.scales.resize(static_cast<size_t>(coded.rows * groups));
  coded.offsets.resize(coded.scales.size());
  for (int64_t row = 0; row < coded.rows; ++row) {
    for (int64_t group = 0; group < groups; ++group) {
      const auto at = static_cast<size_t>(row * groups + group);
      coded.scales[at] = load_scale_value(type, scales.data(), group * coded.rows + row);
      coded.offsets[at] = static_cast<float>(code_at(zeros.data() + group * zero_words, 1, first + row, bits)) + shift;
    }
  }
  if (column_groups != ColumnGroups::runs)
    group_columns(coded, column_groups, read_lines<int32_t>(matrix, kGroups, matrix.columns, 0, 1, 0, matrix.columns), groups);
  return coded;
}

static const RegisterReader gptq_reader({.kind = "gptq", .codes = read_gptq, .rows_at_once = 512});

}  // namespace tsumugi
