// Sampling kernels in plain C++, and the choice among the instruction sets.
#include "philox.h"
#include "sample_kernels.h"
#include "sample_math.h"

namespace tsumugi {
namespace {
namespace portable {
#include "sample_lanes_portable.inl"

#include "sample_body.inl"
constexpr SampleKernels kTable = TSUMUGI_SAMPLE_TABLE;
}  // namespace portable
}  // namespace
const SampleKernels kPortableSampleKernels = portable::kTable;

const SampleKernels& sample_kernels() {
#if TSUMUGI_X86
  const Isa isa = active_isa();
  if (has_avx512(isa)) return kAvx512SampleKernels;
  if (has_avx2(isa)) return kAvx2SampleKernels;
#endif
  return kPortableSampleKernels;
}

}  // namespace tsumugi
