// Plain numbers in 4 bits: of several scales of a group that which leaves the smallest squared error, fitted to its codes by
// least squares. src/tensor/quantisers/int4.ts is the reference. Full groups are taken many at once (quantise_int4_lanes.inl); what
// is written here is for the others.
#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>

#include "int4_groups.h"
#include "quantiser.h"

namespace tsumugi {

namespace {

Int4Table table_of(CodeTable name) {
  Int4Table out{{}, {}, name == CodeTable::int4 ? 2.0f : 0.125f};
  std::copy_n(code_values(name), 16, out.values);
  for (int i = 0; i < 15; ++i) out.borders[i] = (out.values[i] + out.values[i + 1]) / 2;
  return out;
}

struct Fit {
  float gain;  // by which codes lower the squared error
  float scale;
};

// A group of one row, whose last may have fewer values.
struct Group {
  const float* values;
  int64_t size;
  uint8_t* codes;
};

Fit fit(const Group& group, const Int4Table& table, float scale) {
  const float inverse = scale == 0.0f ? 0.0f : 1.0f / scale;
  float products[kInt4Sums] = {}, squares[kInt4Sums] = {};
  for (int64_t i = 0; i < group.size; ++i) {
    const float scaled = group.values[i] * inverse;
    int code = 0;
    for (const float border : table.borders) code += scaled > border ? 1 : 0;
    group.codes[i] = static_cast<uint8_t>(code);
    const float near = table.values[code];
    products[i % kInt4Sums] += near * group.values[i];
    squares[i % kInt4Sums] += near * near;
  }
  float product = 0, square = 0;
  for (int i = 0; i < kInt4Sums; ++i) {
    product += products[i];
    square += squares[i];
  }
  if (!(square > 0)) return {0.0f, 0.0f};
  const float fitted = product / square;
  return {product * fitted, fitted};
}

float quantise_group(const Group& group, const Int4Table& table) {
  float most = 0;
  for (int64_t i = 0; i < group.size; ++i) {
    if (std::fabs(group.values[i]) > std::fabs(most)) most = group.values[i];
  }
  const float base = most / table.values[0];
  Fit best{0.0f, 0.0f};
  for (const float sign : {1.0f, -1.0f}) {
    for (int i = 0; i < kInt4Factors; ++i) {
      const Fit fitted = fit(group, table, base * int4_factor(i) * sign);
      if (fitted.gain > best.gain) best = fitted;
    }
  }
  return fit(group, table, best.scale).scale;
}

Int4Lanes choose() {
#if TSUMUGI_X86
  if (has_avx512(active_isa())) return kInt4LanesAvx512;
  if (has_avx2(active_isa())) return kInt4LanesAvx2;
#endif
  return kInt4LanesPortable;
}

// Lanes spread scales by a power of two, which is exact but for the greatest and least floats.
bool suits_lanes(float most) { return most == 0 || (std::fabs(most) > 0x1p-60f && std::fabs(most) < 0x1p60f); }

// Turns groups into scales and codes, gathering as many full ones as there are lanes.
class Quantisation {
 public:
  Quantisation(const QuantiserRows& rows, CodedRows& coded)
      : rows_(rows), coded_(coded), table_(table_of(coded.table)), lanes_(choose()) {
    groups_.size = coded.group;
  }

  void add(int64_t row, int64_t column) {
    const int64_t begin = row * rows_.columns + column;
    const Place place{begin, row * coded_.groups() + column / coded_.group};
    const int64_t size = std::min(coded_.group, rows_.columns - column);
    if (size < coded_.group) return quantise(place, size);
    const float* from = rows_.values + begin;
    for (int64_t i = 0; i < size; ++i) groups_.values[i * lanes_.lanes + count_] = from[i];
    places_[count_++] = place;
    if (count_ == lanes_.lanes) finish();
  }

  // Of lanes that no group came to, what an earlier one left is quantised in vain.
  void finish() {
    if (count_ == 0) return;
    lanes_.quantise(groups_, table_);
    for (int lane = 0; lane < count_; ++lane) {
      if (!suits_lanes(groups_.most[lane])) {
        quantise(places_[lane], groups_.size);
        continue;
      }
      set_scale(places_[lane], groups_.scales[lane]);
      uint8_t* codes = coded_.codes.data() + places_[lane].begin;
      for (int64_t i = 0; i < groups_.size; ++i) codes[i] = static_cast<uint8_t>(groups_.codes[i * lanes_.lanes + lane]);
    }
    count_ = 0;
  }

 private:
  struct Place {
    int64_t begin;  // of its values and codes
    int64_t scale;
  };

  void quantise(const Place& place, int64_t size) {
    set_scale(place, quantise_group({rows_.values + place.begin, size, coded_.codes.data() + place.begin}, table_));
  }

  void set_scale(const Place& place, float scale) {
    coded_.scales[static_cast<size_t>(place.scale)] = float16_to_float(float_to_float16(scale));
  }

  const QuantiserRows& rows_;
  CodedRows& coded_;
  const Int4Table table_;
  const Int4Lanes lanes_;
  Int4Groups groups_{};
  std::array<Place, kMostInt4Lanes> places_{};
  int count_ = 0;
};

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
  coded.scales.resize(static_cast<size_t>(rows.rows * coded.groups()));
  Quantisation quantisation(rows, coded);
  for (int64_t row = 0; row < rows.rows; ++row) {
    for (int64_t column = 0; column < rows.columns; column += size) quantisation.add(row, column);
  }
  quantisation.finish();
  return coded;
}

}  // namespace

static const RegisterQuantiser quantiser({.name = "int4", .quantise = make_codes});

}  // namespace tsumugi
