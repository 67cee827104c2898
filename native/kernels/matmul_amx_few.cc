// Matmul of bfloat16 for few rows on machines with AMX: AVX-512 tiles that add in the order of AMX's.
#include "matmul_kernels.h"

#if TSUMUGI_X86
#include "matmul_avx512.h"
#include "matmul_tile.h"

namespace tsumugi {

const TileKernels& tile_kernels_amx() {
  static const TileKernels made = [] {
    TileKernels kernels;
    set_shape(kernels, 12, 2, 64, 1);
    fill_documented<Bfloat16Weights, 12, 1>(kernels);
    return kernels;
  }();
  return made;
}

}  // namespace tsumugi
#endif
