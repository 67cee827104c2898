// Matmuls of few rows by weights of codes: each worker packs x for itself and takes runs of blocks.
#include <algorithm>

#include "code_kernels.h"
#include "matmul_kernels.h"

namespace tsumugi {

bool matmul_few_by_codes(Worker& worker, const MatmulArguments& arguments) {
  const PackedMatrix& weight = *arguments.weight;
  // Tiles of AMX sum in an order of their own.
  const bool rounds = weight.arithmetic == Arithmetic::bfloat16;
  if (arguments.rows > kCodeTileRows || (rounds && arguments.isa == Isa::amx)) return false;
  const CodeKernels& kernels = code_kernels(arguments.isa, weight);
  const CodeTiles& tiles = kernels.tiles[arguments.rows <= 2 ? arguments.rows - 1 : 2];
  if (tiles.tile == nullptr) return false;
  const int64_t tile_rows = arguments.rows <= 2 ? arguments.rows : kCodeTileRows;
  const int64_t depth = weight.padded_columns(), blocks = weight.blocks();
  const MatmulWorkspace workspace = cut_workspace(arguments, depth, worker.index);
  tiles.pack(arguments.x, arguments.x_stride, arguments.rows, weight.columns, depth, workspace.own_inputs);
  const FinishBlock finish =
      finish_of(tile_kernels(arguments.isa, value_storage(weight.storage, weight.arithmetic), weight.arithmetic), arguments);
  const int64_t step = blocks_per_chunk(weight, true, kernels.tile_blocks, worker.count);
  worker.parallel_for((blocks + step - 1) / step, [&](int64_t chunk) {
    const int64_t end = std::min(blocks, (chunk + 1) * step);
    for (int64_t first = chunk * step; first < end; first += kernels.tile_blocks) {
      const uint8_t* taken[kMostCodeBlocks];  // a missing block is computed as the last one, and dropped
      for (int64_t i = 0; i < kernels.tile_blocks; ++i) taken[i] = weight.block(std::min(first + i, end - 1), 0);
      tiles.tile(weight, taken, workspace.own_inputs, workspace.sums);
      for (int64_t i = 0; i < std::min(kernels.tile_blocks, end - first); ++i) {
        const int64_t output = (first + i) * kBlockRows;
        finish(workspace.sums + i * tile_rows * kBlockRows, arguments.rows, std::min(kBlockRows, weight.rows - output),
               arguments.bias == nullptr ? nullptr : arguments.bias + output,
               arguments.residual == nullptr ? nullptr : arguments.residual + output, arguments.residual_stride,
               arguments.y + output, arguments.y_stride);
      }
    }
  });
  return true;
}

}  // namespace tsumugi
