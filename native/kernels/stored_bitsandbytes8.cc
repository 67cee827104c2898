// bitsandbytes in 8 bits: int8 codes, and for each row the maximum that stands for 127.
#include "bitsandbytes.h"
#include "stored.h"

namespace tsumugi {

static CodedRows read_rows(const StoredMatrix& matrix, int64_t first, int64_t last) {
  CodedRows coded;
  coded.table = CodeTable::int8;
  coded.rows = last - first;
  coded.columns = matrix.columns;
  coded.group = matrix.columns;
  coded.codes.resize(static_cast<size_t>(coded.rows * coded.columns));
  coded.scales.resize(static_cast<size_t>(coded.rows));
  matrix.read(0, static_cast<uint64_t>(first * matrix.columns), coded.codes.size(), coded.codes.data());
  matrix.read(1, static_cast<uint64_t>(first) * 4, coded.scales.size() * 4, coded.scales.data());
  for (uint8_t& code : coded.codes) code ^= 128;
  for (float& scale : coded.scales) scale *= kPerCode;
  return coded;
}

static const RegisterReader reader({.kind = "bitsandbytes8", .codes = read_rows});

}  // namespace tsumugi
