// What LLM.int8() multiplies in place of x.
#pragma once

#include <cstdint>

namespace tsumugi {

// A row of x as LLM.int8() reads it: rounded to float16, then to 127 steps of its greatest absolute value, ties to even. Numbers
// that are at least `threshold` in float16 stay what they are, and do not count as the greatest; 0: there are none. Rows are
// taken one by one, so that none depends on its neighbours. quantiseInputs in src/tensor/bitsandbytes/inputs.ts is the reference.
void quantise_inputs(const float* x, int64_t columns, float threshold, float* out);

}  // namespace tsumugi
