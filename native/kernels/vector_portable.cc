// Vector kernels in plain C++, and the choice among the instruction sets.
#include <cmath>
#include <cstring>

#include "vector_kernels.h"

namespace tsumugi {
namespace {
namespace portable {
#include "lanes_portable.inl"
#include "vector_body.inl"
constexpr VectorKernels kTable = TSUMUGI_VECTOR_TABLE(false);
constexpr VectorKernels kNarrowTable = TSUMUGI_VECTOR_TABLE(true);
}  // namespace portable
}  // namespace
const VectorKernels kPortableVectorKernels[2] = {portable::kTable, portable::kNarrowTable};

const VectorKernels& vector_kernels(bool rounds) {
#if TSUMUGI_X86
  const Isa isa = active_isa();
  if (isa >= Isa::avx512_bf16 && cpu_features().avx512_bf16) return kAvx512Bf16VectorKernels[rounds];
  if (has_avx512(isa)) return kAvx512VectorKernels[rounds];
  if (has_avx2(isa)) return kAvx2VectorKernels[rounds];
#endif
  return kPortableVectorKernels[rounds];
}

}  // namespace tsumugi
