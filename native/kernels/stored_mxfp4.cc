// MXFP4: 16 bytes of codes hold 32 values of a row, the low half of a byte first, and share one byte of scale.
#include "stored.h"

namespace tsumugi {

static CodedRows read_mxfp4(const StoredMatrix& matrix, int64_t first, int64_t last) {
  CodedRows coded;
  coded.table = CodeTable::float4;
  coded.rows = last - first;
  coded.columns = matrix.columns;
  coded.group = 32;
  const auto values = static_cast<uint64_t>(coded.rows * coded.columns);
  const auto before = static_cast<uint64_t>(first * coded.columns);
  std::vector<uint8_t> pairs(values / 2), exponents(values / 32);
  matrix.read(0, before / 2, pairs.size(), pairs.data());
  matrix.read(1, before / 32, exponents.size(), exponents.data());
  coded.codes.resize(values);
  for (size_t i = 0; i < pairs.size(); ++i) {
    coded.codes[2 * i] = pairs[i] & 15;
    coded.codes[2 * i + 1] = pairs[i] >> 4;
  }
  coded.scales.resize(exponents.size());
  for (size_t i = 0; i < exponents.size(); ++i) {
    coded.scales[i] = float_from_bits(static_cast<uint32_t>(exponents[i]) << 23);
  }
  return coded;
}

static const RegisterReader mxfp4_reader({.kind = "mxfp4", .codes = read_mxfp4});

}  // namespace tsumugi
