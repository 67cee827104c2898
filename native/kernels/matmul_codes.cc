// Matmuls of few rows by weights of codes: each worker packs x for itself and takes runs of blocks.
#include <algorithm>

#include "code_kernels.h"
#include "matmul_kernels.h"

namespace tsumugi {

bool matmul_few_by_codes(Worker& worker, const MatmulArguments& arguments) {
  const PackedMatrix& weight = *arguments.weight;
  // Tiles of AMX sum in an order of their own.
  if (weight.arithmetic == Arithmetic::bfloat16 && arguments.isa == Isa::amx) return false;
  const CodeKernels& kernels = code_kernels(arguments.isa, weight);
  const CodeTiles* tiles = nullptr;
  for (const CodeTiles& each : kernels.tiles) {
    if (tiles == nullptr && each.rows >= arguments.rows) tiles = &each;
  }
  if (tiles == nullptr || arguments.rows == 0) return false;
  const int64_t depth = weight.padded_columns(), blocks = weight.blocks();
  const MatmulWorkspace workspace = cut_workspace(arguments, depth, worker.index);
  const auto pack = [&](int64_t row, float* out) {
    const float* x = row < arguments.rows ? arguments.x + row * arguments.x_stride : nullptr;
    tiles->pack(x, weight.columns, depth, row, out);
  };
  float* inputs = workspace.own_inputs;
  if (tiles->rows <= kOwnInputRows) {
    for (int64_t row = 0; row < tiles->rows; ++row) pack(row, inputs);
  } else {
    inputs = reinterpret_cast<float*>(workspace.shared_inputs);
    worker.parallel_for(tiles->rows, [&](int64_t row) { pack(row, inputs); });
  }
  const FinishBlock finish =
      finish_of(tile_kernels(arguments.isa, value_storage(weight.storage, weight.arithmetic), weight.arithmetic), arguments);
  const int64_t step = blocks_per_chunk(weight, true, tiles->blocks, worker.count);
  worker.parallel_for((blocks + step - 1) / step, [&](int64_t chunk) {
    const int64_t end = std::min(blocks, (chunk + 1) * step);
    for (int64_t first = chunk * step; first < end; first += tiles->blocks) {
      const uint8_t* taken[kMostCodeBlocks];  // a missing block is computed as the last one, and dropped
      for (int64_t i = 0; i < tiles->blocks; ++i) taken[i] = weight.block(std::min(first + i, end - 1), 0);
      tiles->tile(weight, taken, inputs, workspace.sums);
      for (int64_t i = 0; i < std::min(tiles->blocks, end - first); ++i) {
        const int64_t output = (first + i) * kBlockRows;
        finish(workspace.sums + i * tiles->rows * kBlockRows, arguments.rows, std::min(kBlockRows, weight.rows - output),
               arguments.bias == nullptr ? nullptr : arguments.bias + output,
               arguments.residual == nullptr ? nullptr : arguments.residual + output, arguments.residual_stride,
               arguments.y + output, arguments.y_stride);
      }
    }
  });
  return true;
}

}  // namespace tsumugi
