// The quantiser int4 over many groups at once, one in each lane of a register, for the instruction sets that have it. Each group
// takes the steps of quantise_int4.cc in the same order, so that the bits are the same.
#pragma once

#include <cstdint>

#include "isa.h"

namespace tsumugi {

constexpr int kInt4Factors = 9;
constexpr int kInt4Sums = 16;  // sums that a group runs in, added in ascending order at the end
constexpr int64_t kMostInt4Group = 64;
constexpr int kMostInt4Lanes = 16;

// Scales that are tried are the greatest value over the first of the table, times these and minus these.
inline float int4_factor(int i) { return static_cast<float>(0.65 + 0.05 * i); }

// The values of a table and the borders between them: a value has the code of how many borders it is above.
struct Int4Table {
  float values[16];
  float borders[15];
  // Borders times this fall into different whole numbers of -15..14 when they are rounded: a value shares its whole number with at
  // most one, and one lookup says which. A power of two, so that nothing but the exponent changes.
  float spread;
};

// Groups of one size, all full: value i of group g is values[i * lanes + g].
struct Int4Groups {
  alignas(64) float values[kMostInt4Group * kMostInt4Lanes];
  int64_t size;
  alignas(64) int32_t codes[kMostInt4Group * kMostInt4Lanes];
  alignas(64) float scales[kMostInt4Lanes];  // float32, before they are rounded
  alignas(64) float most[kMostInt4Lanes];  // greatest values
};

struct Int4Lanes {
  int lanes = 0;
  void (*quantise)(Int4Groups& groups, const Int4Table& table) = nullptr;
};

extern const Int4Lanes kInt4LanesPortable;
#if TSUMUGI_X86
extern const Int4Lanes kInt4LanesAvx2;
extern const Int4Lanes kInt4LanesAvx512;
#endif

}  // namespace tsumugi
