// Codes in plain sight: one a byte, scales and offsets in float32, and the order of columns.
#include <algorithm>
#include <stdexcept>

#include "stored.h"

namespace tsumugi {

enum CodedRole : uint8_t { kCodes, kScales, kOffsets, kOrder };

static CodedRows read_coded(const StoredMatrix& matrix, int64_t first, int64_t last) {
  CodedRows coded;
  coded.table = matrix.parameters->one_of<CodeTable>("table", kCodeTableNames);
  coded.offset = matrix.parameters->one_of<CodeOffset>("offset", kCodeOffsetNames);
  coded.rows = last - first;
  coded.columns = matrix.columns;
  coded.group = std::min(matrix.parameters->integer("group"), matrix.columns);
  const auto row_scales = static_cast<uint64_t>(coded.groups()) * sizeof(float);
  const auto rows = static_cast<uint64_t>(coded.rows), before = static_cast<uint64_t>(first);
  coded.codes.resize(static_cast<size_t>(coded.rows * coded.columns));
  matrix.read(kCodes, before * static_cast<uint64_t>(coded.columns), coded.codes.size(), coded.codes.data());
  coded.scales.resize(static_cast<size_t>(coded.rows * coded.groups()));
  matrix.read(kScales, before * row_scales, rows * row_scales, coded.scales.data());
  if (coded.offset != CodeOffset::none) {
    coded.offsets.resize(coded.scales.size());
    matrix.read(kOffsets, before * row_scales, rows * row_scales, coded.offsets.data());
  }
  if (!matrix.has(kOrder)) return coded;
  coded.order.resize(static_cast<size_t>(coded.columns));
  matrix.read(kOrder, 0, coded.order.size() * sizeof(int32_t), coded.order.data());
  for (const int32_t column : coded.order) {
    if (column < 0 || column >= coded.columns) throw std::runtime_error("an order of columns names one that is not there");
  }
  return coded;
}

static const RegisterReader coded_reader({.kind = "coded", .codes = read_coded});

}  // namespace tsumugi
