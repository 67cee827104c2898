// Plain numbers in 4 bits: of several scales of a group that which leaves the smallest squared error, fitted to its codes by
// least squares. src/tensor/quantisers/int4.ts is the reference.
#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>

#include "isa.h"
#include "quantiser.h"

namespace tsumugi {

namespace {

constexpr int kFactors = 9;
constexpr int kGroupLanes = 16;  // of sums, added in ascending order at the end
constexpr int64_t kMostGroup = 64;

// The values of a table, as the steps from one to the next, and the borders between them.
struct Steps {
  float first;
  float steps[15];
  float borders[15];
};

Steps steps_of(CodeTable table) {
  const float* values = code_values(table);
  Steps out{values[0], {}, {}};
  for (int i = 0; i < 15; ++i) {
    out.steps[i] = values[i + 1] - values[i];
    out.borders[i] = (values[i] + values[i + 1]) / 2;
  }
  return out;
}

struct Fit {
  float gain;  // by which codes lower the squared error
  float scale;
};

// A group, filled up with zeros that do not count. Lanes do not meet, so that compilers can take them side by side.
struct Group {
  float values[kMostGroup];
  float counts[kMostGroup];  // 1, or 0 for what fills it up
  int64_t size;              // a multiple of the lanes
};

// `always_inline` into a function for each instruction set; the bits are the same in all.
__attribute__((always_inline)) inline Fit fit_lanes(const Group& group, const Steps& steps, float scale, uint8_t* codes) {
  const float inverse = scale == 0.0f ? 0.0f : 1.0f / scale;
  float products[kGroupLanes] = {}, squares[kGroupLanes] = {};
  for (int64_t first = 0; first < group.size; first += kGroupLanes) {
    float scaled[kGroupLanes], near[kGroupLanes];
    int32_t code[kGroupLanes];
    for (int i = 0; i < kGroupLanes; ++i) {
      scaled[i] = group.values[first + i] * inverse;
      near[i] = steps.first;
      code[i] = 0;
    }
    for (int border = 0; border < 15; ++border) {
      const float limit = steps.borders[border], step = steps.steps[border];
      for (int i = 0; i < kGroupLanes; ++i) {
        near[i] += scaled[i] > limit ? step : 0.0f;
        code[i] += scaled[i] > limit ? 1 : 0;
      }
    }
    for (int i = 0; i < kGroupLanes; ++i) {
      codes[first + i] = static_cast<uint8_t>(code[i]);
      products[i] += near[i] * group.values[first + i];
      squares[i] += near[i] * near[i] * group.counts[first + i];
    }
  }
  float product = 0, square = 0;
  for (int i = 0; i < kGroupLanes; ++i) {
    product += products[i];
    square += squares[i];
  }
  if (!(square > 0)) return {0.0f, 0.0f};
  const float fitted = product / square;
  return {product * fitted, fitted};
}

__attribute__((always_inline)) inline float quantise_lanes(const Group& group, const Steps& steps, uint8_t* codes) {
  float most = 0;
  for (const float value : group.values) {
    if (std::fabs(value) > std::fabs(most)) most = value;
  }
  const float base = most / steps.first;
  Fit best{0.0f, 0.0f};
  for (const float sign : {1.0f, -1.0f}) {
    for (int i = 0; i < kFactors; ++i) {
      const auto factor = static_cast<float>(0.65 + 0.05 * i);
      const Fit fitted = fit_lanes(group, steps, base * factor * sign, codes);
      if (fitted.gain > best.gain) best = fitted;
    }
  }
  return fit_lanes(group, steps, best.scale, codes).scale;
}

using QuantiseGroup = float (*)(const Group& group, const Steps& steps, uint8_t* codes);

float quantise_plain(const Group& group, const Steps& steps, uint8_t* codes) { return quantise_lanes(group, steps, codes); }
#if TSUMUGI_X86
TSUMUGI_AVX2 float quantise_avx2(const Group& group, const Steps& steps, uint8_t* codes) {
  return quantise_lanes(group, steps, codes);
}
TSUMUGI_AVX512 float quantise_avx512(const Group& group, const Steps& steps, uint8_t* codes) {
  return quantise_lanes(group, steps, codes);
}
#endif

QuantiseGroup choose() {
#if TSUMUGI_X86
  if (has_avx512(active_isa())) return quantise_avx512;
  if (has_avx2(active_isa())) return quantise_avx2;
#endif
  return quantise_plain;
}

CodedRows make_codes(const QuantiserRows& rows, const QuantiserSurvey*) {
  CodedRows coded;
  const std::string& table = rows.parameters->text("table");
  const int64_t size = rows.parameters->integer("group");
  if ((table != "int4" && table != "iq4nl") || (size != 32 && size != 64)) {
    throw std::invalid_argument("[load] int4: expected the table int4 or iq4nl and groups of 32 or 64, given " + table +
                                " and " + std::to_string(size));
  }
  coded.table = table == "int4" ? CodeTable::int4 : CodeTable::iq4nl;
  coded.rows = rows.rows;
  coded.columns = rows.columns;
  coded.group = size;
  coded.codes.resize(static_cast<size_t>(rows.rows * rows.columns));
  coded.scales.reserve(static_cast<size_t>(rows.rows * coded.groups()));
  const Steps steps = steps_of(coded.table);
  const QuantiseGroup quantise = choose();
  uint8_t codes[kMostGroup];
  for (int64_t row = 0; row < rows.rows; ++row) {
    for (int64_t column = 0; column < rows.columns; column += size) {
      const int64_t count = std::min(size, rows.columns - column);
      Group group{};
      group.size = (count + kGroupLanes - 1) / kGroupLanes * kGroupLanes;
      const int64_t at = row * rows.columns + column;
      std::copy_n(rows.values + at, count, group.values);
      std::fill_n(group.counts, count, 1.0f);
      coded.scales.push_back(float16_to_float(float_to_float16(quantise(group, steps, codes))));
      std::copy_n(codes, count, coded.codes.data() + at);
    }
  }
  return coded;
}

}  // namespace

static const RegisterQuantiser quantiser({.name = "int4", .quantise = make_codes});

}  // namespace tsumugi
