// Numbers of 8 bits [rows][columns], float8 or int8, under a grid of scales (and of zeros, int8).
#include <algorithm>

#include "stored_codes.h"

namespace tsumugi {

enum Scaled8Role : uint8_t { kCodes, kScales, kZeros };

static CodedRows read_scaled8(const StoredMatrix& matrix, int64_t first, int64_t last) {
  const OpAttributes& parameters = *matrix.parameters;
  const auto type = parameters.one_of<ScaleType>("scaleType", kScaleTypeNames);
  const int64_t row_block = std::min(parameters.integer("rowBlock"), matrix.rows);
  CodedRows coded;
  coded.table = parameters.one_of<CodeTable>("table", kCodeTableNames);
  coded.offset = matrix.has(kZeros) ? CodeOffset::zero : CodeOffset::none;
  coded.rows = last - first;
  coded.columns = matrix.columns;
  coded.group = std::min(parameters.integer("columnBlock"), matrix.columns);
  coded.codes = read_lines<uint8_t>(matrix, kCodes, matrix.columns, first, coded.rows, 0, matrix.columns);
  if (coded.table == CodeTable::int8) {
    for (uint8_t& code : coded.codes) code ^= 0x80;
  }
  const int64_t groups = coded.groups(), first_line = first / row_block, lines = (last - 1) / row_block + 1 - first_line;
  const auto bytes = static_cast<int64_t>(scale_type_bytes(type));
  const auto scales = read_lines<uint8_t>(matrix, kScales, groups * bytes, first_line, lines, 0, groups * bytes);
  std::vector<int8_t> zeros;
  if (coded.offset == CodeOffset::zero) zeros = read_lines<int8_t>(matrix, kZeros, groups, first_line, lines, 0, groups);
  coded.scales.resize(static_cast<size_t>(coded.rows * groups));
  coded.offsets.resize(zeros.empty() ? 0 : coded.scales.size());
  for (int64_t row = 0; row < coded.rows; ++row) {
    const int64_t line = (first + row) / row_block - first_line;
    for (int64_t group = 0; group < groups; ++group) {
      const auto at = static_cast<size_t>(row * groups + group);
      coded.scales[at] = load_scale_value(type, scales.data(), line * groups + group);
      if (!zeros.empty()) coded.offsets[at] = static_cast<float>(zeros[static_cast<size_t>(line * groups + group)]);
    }
  }
  return coded;
}

static const RegisterReader scaled8_reader({.kind = "scaled8", .codes = read_scaled8});

}  // namespace tsumugi
