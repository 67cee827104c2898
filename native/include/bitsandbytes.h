// What reading and making bitsandbytes' 4-bit codes have in common. src/tensor/bitsandbytes/ is the reference.
#pragma once

#include <cstdint>
#include <string>

#include "code_layout.h"

namespace tsumugi {

inline CodeTable four_bit_table(const std::string& type) { return type == "nf4" ? CodeTable::nf4 : CodeTable::fp4; }

// The most columns of a row that lie in one block wherever the row begins.
inline int64_t common_group(int64_t columns, int64_t block) {
  int64_t group = 1;
  while (columns % (2 * group) == 0 && block % (2 * group) == 0) group *= 2;
  return group;
}

// The columns whose blocks have one nested statistic wherever a row begins; 0 where rows are no whole blocks, or where so few
// share one that holding scales as codes would save nothing.
inline int64_t nested_columns(int64_t columns, int64_t block, int64_t nested_block) {
  if (columns % block != 0) return 0;
  const int64_t shared = common_group(columns / block, nested_block);
  return shared < 4 ? 0 : shared * block;
}

// What bitsandbytes divides by 127 with.
constexpr float kPerCode = static_cast<float>(1.0 / 127);

}  // namespace tsumugi
