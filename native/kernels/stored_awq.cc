// AWQ: codes [columns][rows / 8] of 4 bits, eight rows a word in an order of their own; zeros [groups][rows / 8] likewise;
// scales [groups][rows].
#include <algorithm>

#include "stored_codes.h"

namespace tsumugi {

enum AwqRole : uint8_t { kCodes, kZeros, kScales };

// Where in its word each of eight rows stands, in bits.
constexpr int kPlaces[8] = {0, 16, 4, 20, 8, 24, 12, 28};

static CodedRows read_awq(const StoredMatrix& matrix, int64_t first, int64_t last) {
  const auto type = matrix.parameters->one_of<ScaleType>("scaleType", kScaleTypeNames);
  CodedRows coded;
  coded.table = CodeTable::linear;
  coded.offset = CodeOffset::zero;
  coded.rows = last - first;
  coded.columns = matrix.columns;
  coded.group = std::min(matrix.parameters->integer("group"), matrix.columns);
  const int64_t groups = coded.groups(), line_words = matrix.rows / 8;
  const int64_t first_word = first / 8, words = (last + 7) / 8 - first_word;
  const auto codes = read_lines<uint32_t>(matrix, kCodes, line_words, 0, matrix.columns, first_word, words);
  const auto zeros = read_lines<uint32_t>(matrix, kZeros, line_words, 0, groups, first_word, words);
  const auto bytes = static_cast<int64_t>(scale_type_bytes(type));
  const auto scales = read_lines<uint8_t>(matrix, kScales, matrix.rows * bytes, 0, groups, first * bytes, coded.rows * bytes);
  coded.codes.resize(static_cast<size_t>(coded.rows * coded.columns));
  coded.scales.resize(static_cast<size_t>(coded.rows * groups));
  coded.offsets.resize(coded.scales.size());
  // Tiles of columns, so that the lines which are written stay in the first cache.
  constexpr int64_t kTile = 64;
  for (int64_t start = 0; start < coded.columns; start += kTile) {
    const int64_t end = std::min(start + kTile, coded.columns);
    for (int64_t row = 0; row < coded.rows; ++row) {
      const int64_t word = (first + row) / 8 - first_word;
      const int place = kPlaces[(first + row) % 8];
      uint8_t* to = coded.codes.data() + row * coded.columns;
      for (int64_t column = start; column < end; ++column)
        to[column] = static_cast<uint8_t>(codes[static_cast<size_t>(column * words + word)] >> place & 15u);
    }
  }
  for (int64_t row = 0; row < coded.rows; ++row) {
    const int64_t word = (first + row) / 8 - first_word;
    const int place = kPlaces[(first + row) % 8];
    for (int64_t group = 0; group < groups; ++group) {
      const auto at = static_cast<size_t>(row * groups + group);
      coded.scales[at] = load_scale_value(type, scales.data(), group * coded.rows + row);
      coded.offsets[at] = static_cast<float>(zeros[static_cast<size_t>(group * words + word)] >> place & 15u);
    }
  }
  return coded;
}

static const RegisterReader awq_reader({.kind = "awq", .codes = read_awq, .rows_at_once = 2048});

}  // namespace tsumugi
