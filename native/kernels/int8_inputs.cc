#include "int8_inputs.h"

#include <algorithm>
#include <cmath>

#include "bitsandbytes.h"

namespace tsumugi {

// What bitsandbytes' PyTorch code takes for 1 / 127² in products of integers (it is 6.20001e-5), over the weight's 1 / 127.
constexpr float kPerStep = static_cast<float>(6.200124e-5 / static_cast<double>(kPerCode));

void quantise_inputs(const float* x, int64_t columns, float threshold, float* out) {
  float most = 0;
  for (int64_t i = 0; i < columns; ++i) {
    out[i] = float16_to_float(float_to_float16(x[i]));
    const float size = std::fabs(out[i]);
    const bool is_outlier = threshold > 0 && size >= threshold;
    if (!is_outlier) most = std::max(most, size);
  }
  const float factor = most == 0 ? 0 : 127.0f / most, step = most * kPerStep;
  for (int64_t i = 0; i < columns; ++i) {
    const bool is_outlier = threshold > 0 && std::fabs(out[i]) >= threshold;
    out[i] = is_outlier ? x[i] : std::nearbyint(out[i] * factor) * step;
  }
}

}  // namespace tsumugi
