// Matmul tiles for AVX-512 (F, BW, VL, DQ).
#include "matmul_kernels.h"

#if TSUMUGI_X86
#include "matmul_avx512.h"
#include "matmul_tile.h"

namespace tsumugi {
const TileKernels& tile_kernels_avx512(Storage storage, Arithmetic arithmetic) { return tables<12, 2>(storage, arithmetic); }
}  // namespace tsumugi
#endif
