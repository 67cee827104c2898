// Plain numbers in 8 bits: each row scaled to ±127 and rounded to the nearest, ties to even. src/tensor/quantisers/int8.ts is
// the reference.
#include <algorithm>
#include <cmath>

#include "quantiser.h"

namespace tsumugi {

static CodedRows make_codes(const QuantiserRows& rows, const QuantiserSurvey*) {
  CodedRows coded;
  coded.table = CodeTable::int8;
  coded.rows = rows.rows;
  coded.columns = rows.columns;
  coded.group = rows.columns;
  coded.codes.resize(static_cast<size_t>(rows.rows * rows.columns));
  coded.scales.resize(static_cast<size_t>(rows.rows));
  constexpr float kRounder = 12582912.0f;  // added to a small float, it rounds it to an integer
  for (int64_t row = 0; row < rows.rows; ++row) {
    const float* from = rows.values + row * rows.columns;
    float most = 0;
    for (int64_t column = 0; column < rows.columns; ++column) most = std::max(most, std::fabs(from[column]));
    const float factor = most == 0 ? 0 : 127.0f / most;
    uint8_t* codes = coded.codes.data() + row * rows.columns;
    for (int64_t column = 0; column < rows.columns; ++column) {
      codes[column] = static_cast<uint8_t>(static_cast<int>(from[column] * factor + kRounder - kRounder) + 128);
    }
    coded.scales[static_cast<size_t>(row)] = most / 127.0f;
  }
  return coded;
}

static const RegisterQuantiser quantiser({.name = "int8", .quantise = make_codes});

}  // namespace tsumugi
