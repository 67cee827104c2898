// Plain numbers in 8 bits as LLM.int8() makes them: of float16 values, each row scaled to ±127 and rounded to the nearest, ties
// to even. src/tensor/quantisers/bitsandbytes8.ts is the reference.
#include <algorithm>
#include <cmath>

#include "bitsandbytes.h"
#include "quantiser.h"

namespace tsumugi {

static CodedRows make_codes(const QuantiserRows& rows, const QuantiserSurvey*) {
  const std::string& from = rows.parameters->text("from");
  CodedRows coded;
  coded.table = CodeTable::int8;
  coded.rows = rows.rows;
  coded.columns = rows.columns;
  coded.group = rows.columns;
  coded.codes.resize(static_cast<size_t>(rows.rows * rows.columns));
  coded.scales.resize(static_cast<size_t>(rows.rows));
  std::vector<float> halves(static_cast<size_t>(rows.columns));
  for (int64_t r = 0; r < rows.rows; ++r) {
    float most = 0;
    for (int64_t c = 0; c < rows.columns; ++c) {
      const float value = rows.values[r * rows.columns + c];
      const float half = float16_to_float(float_to_float16(from == "bfloat16" ? round_to_bfloat16(value) : value));
      halves[static_cast<size_t>(c)] = half;
      most = std::max(most, std::fabs(half));
    }
    const float factor = most == 0 ? 0 : 127.0f / most;
    uint8_t* codes = coded.codes.data() + r * rows.columns;
    for (int64_t c = 0; c < rows.columns; ++c) {
      const float scaled = halves[static_cast<size_t>(c)] * factor;
      codes[c] = static_cast<uint8_t>(static_cast<int>(std::nearbyint(scaled)) + 128);
    }
    coded.scales[static_cast<size_t>(r)] = most * kPerCode;
  }
  return coded;
}

static const RegisterQuantiser quantiser({.name = "bitsandbytes8", .quantise = make_codes});

}  // namespace tsumugi
