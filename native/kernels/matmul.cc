// The plan of a matmul: pack x, share blocks of outputs out, run the tiles, finish.
#include "matmul.h"

#include <algorithm>

#include "code_kernels.h"
#include "int8_inputs.h"
#include "int8_kernels.h"
#include "matmul_kernels.h"

namespace tsumugi {

namespace {

constexpr ptrdiff_t kAheadBytes = 8192;           // from memory to L1, over all strands together
constexpr int64_t kFetchingGroups = 8;            // that share out the fetching of a strip
constexpr int64_t kExpandedDepth = 128;           // columns of codes that few rows expand at a time, into L1
constexpr size_t kChunkBytes = size_t{1} << 20;   // weights of a chunk when x has few rows
constexpr int64_t kFewRowBlocks = 64;             // blocks of such a chunk, at most
constexpr int64_t kChunksPerWorker = 8;           // so that a worker slowed by a neighbour delays little

int64_t round_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

// Rows of x in groups of nearly equal size, each as large as a tile at most.
struct RowGroups {
  int64_t rows, groups;
  RowGroups(int64_t row_count, int64_t max_rows) : rows(row_count), groups((row_count + max_rows - 1) / max_rows) {}
  int64_t begin(int64_t group) const { return group * (rows / groups) + std::min(group, rows % groups); }
  int64_t size(int64_t group) const { return rows / groups + (group < rows % groups ? 1 : 0); }
};

struct Slab {
  const MatmulArguments& arguments;
  const TileKernels& kernels;
  RowGroups groups;
  int64_t first_row;    // of x
  int64_t depth;        // padded columns
  int64_t row_words;    // of packed x
  const float* inputs;  // packed groups, one after another
  const CodeKernels* codes;  // of weights that are expanded from codes first, strip by strip; or null
  uint8_t* expanded;         // the strips of up to kMostBlocks blocks
};

// The weights that a tile reads: those of the matrix, or a strip that was expanded of them.
struct TileWeights {
  const uint8_t* data;
  size_t block_bytes;
};

TileWeights tile_weights(const Slab& slab, int64_t block, int64_t blocks, int64_t begin, int64_t depth) {
  const PackedMatrix& weight = *slab.arguments.weight;
  if (slab.codes == nullptr) return {weight.block(block, begin), weight.block_bytes()};
  const StorageUnit unit = storage_unit(slab.codes->expanded);
  const size_t strip = static_cast<size_t>(depth / unit.columns) * unit.bytes;
  for (int64_t i = 0; i < blocks; ++i) {
    slab.codes->expand(weight, block + i, begin, depth, slab.expanded + static_cast<size_t>(i) * strip);
  }
  return {slab.expanded, strip};
}

// What a group of rows fetches while it meets a strip of weights.
struct Fetch {
  const uint8_t* from;
  ptrdiff_t step;
};

// Few rows read weights as several strands at once, block beside block, and fetch what comes next in each, where that pays.
// More rows read strips, and the groups of rows share out the fetching of the next one.
Fetch fetch_of(const Slab& slab, const TileWeights& weights, bool strands, int64_t blocks, int64_t depth, int64_t group) {
  const ptrdiff_t step = slab.kernels.step_bytes;
  if (slab.codes != nullptr) return {weights.data, 0};
  if (strands) return {weights.data + (cpu_features().prefetches ? kAheadBytes / blocks : 0), step};
  const int64_t share = std::min(slab.groups.groups, kFetchingGroups);
  if (group >= share) return {weights.data, 0};
  const int64_t strip = depth / slab.kernels.step_columns * step;
  return {weights.data + static_cast<size_t>(blocks) * weights.block_bytes + group * (strip / share), step / share};
}

// Blocks that tiles take at once where rows are in these groups.
int64_t blocks_at_once(const TileKernels& kernels, const RowGroups& groups) {
  return groups.groups == 1 ? kernels.rows[groups.rows - 1].blocks : kernels.strip_blocks;
}

void multiply_blocks(const Slab& slab, int64_t first_block, int64_t end_block, float* sums) {
  const MatmulArguments& arguments = slab.arguments;
  const PackedMatrix& weight = *arguments.weight;
  const RowGroups& groups = slab.groups;
  const bool strands = groups.groups == 1;
  const int64_t several = blocks_at_once(slab.kernels, groups);
  const int64_t depth_block = !strands ? kDepthBlock : slab.codes == nullptr ? slab.depth : kExpandedDepth;
  for (int64_t begin = 0; begin < slab.depth; begin += depth_block) {
    const int64_t depth = std::min(depth_block, slab.depth - begin);
    for (int64_t block = first_block; block < end_block;) {
      const int64_t blocks = end_block - block >= several ? several : 1;
      const TileWeights weights = tile_weights(slab, block, blocks, begin, depth);
      float* block_sums = sums + (block - first_block) * groups.rows * kBlockRows;
      for (int64_t group = 0; group < groups.groups; ++group) {
        const int64_t row = groups.begin(group), rows = groups.size(group);
        const auto& kernel = slab.kernels.rows[rows - 1];
        const TileKernel tile = blocks == 1 ? kernel.single : strands ? kernel.several : kernel.strip;
        const float* inputs = slab.inputs + row * slab.row_words + begin / slab.kernels.word_columns * rows;
        const Fetch fetch = fetch_of(slab, weights, strands, blocks, depth, group);
        tile(inputs, weights.data, weights.block_bytes, depth, block_sums + row * blocks * kBlockRows, begin == 0, fetch.from,
             fetch.step);
      }
      block += blocks;
    }
  }
  // Group by group, so that the outputs of a row are written side by side.
  const FinishBlock finish = finish_of(slab.kernels, arguments);
  for (int64_t group = 0; group < groups.groups; ++group) {
    const int64_t row = groups.begin(group), rows = groups.size(group), y_row = slab.first_row + row;
    for (int64_t block = first_block; block < end_block;) {
      const int64_t blocks = end_block - block >= several ? several : 1;
      const float* group_sums = sums + ((block - first_block) * groups.rows + row * blocks) * kBlockRows;
      for (int64_t i = 0; i < blocks; ++i) {
        const int64_t output = (block + i) * kBlockRows;
        finish(group_sums + i * rows * kBlockRows, rows, std::min(kBlockRows, weight.rows - output),
               arguments.bias == nullptr ? nullptr : arguments.bias + output,
               arguments.residual == nullptr ? nullptr : arguments.residual + y_row * arguments.residual_stride + output,
               arguments.residual_stride, arguments.y + y_row * arguments.y_stride + output, arguments.y_stride);
      }
      block += blocks;
    }
  }
}

}  // namespace

const TileKernels& tile_kernels(Isa isa, Storage storage, Arithmetic arithmetic) {
#if TSUMUGI_X86
  if (arithmetic == Arithmetic::bfloat16 && storage == Storage::bfloat16) {
    if (isa == Isa::amx) return tile_kernels_amx();
    if (isa == Isa::avx512_bf16) return tile_kernels_avx512_bf16();
  }
  if (has_avx512(isa)) return tile_kernels_avx512(storage, arithmetic);
  if (has_avx2(isa)) return tile_kernels_avx2(storage, arithmetic);
#endif
#if TSUMUGI_ARM64
  if (has_neon(isa)) return tile_kernels_neon(storage, arithmetic);
#endif
  return tile_kernels_scalar(storage, arithmetic);
}

int64_t blocks_per_chunk(const PackedMatrix& weight, bool few_rows, int64_t several, int workers) {
  const int64_t blocks = weight.blocks();
  const int64_t fit = few_rows ? std::min(kFewRowBlocks, static_cast<int64_t>(kChunkBytes / weight.block_bytes())) : kSumBlocks;
  const int64_t share = std::min(fit, blocks / (workers * kChunksPerWorker));
  if (share >= several) return share / several * several;
  // Few blocks for many workers: rather narrow chunks than idle workers.
  return std::max<int64_t>(1, std::min(several, blocks / workers));
}

// Codes go through AMX where rows are many enough to pay for the tiles that they are expanded to. Fewer rows give the same bits
// without it, or, on a machine whose tiles add in another order, none of them takes it.
static bool takes_amx(const PackedMatrix& weight, int64_t rows) {
  if (weight.storage == Storage::bfloat16) return rows >= amx_rows();
  return weight.arithmetic == Arithmetic::bfloat16 && rows > 32 && amx_rows() > 1;
}

static void matmul_in_order(Worker& worker, const MatmulArguments& arguments) {
  const PackedMatrix& weight = *arguments.weight;
  if (weight.arithmetic == Arithmetic::int8) return matmul_int8(worker, arguments);
  if (!is_plain(weight.storage) && matmul_few_by_codes(worker, arguments)) return;
  if (arguments.isa == Isa::amx && takes_amx(weight, arguments.rows)) return matmul_bfloat16_amx(worker, arguments);
  const TileKernels& kernels = tile_kernels(arguments.isa, value_storage(weight.storage, weight.arithmetic), weight.arithmetic);
  const CodeKernels* codes = is_plain(weight.storage) ? nullptr : &code_kernels(arguments.isa, weight);
  const int64_t depth = weight.padded_columns();
  const MatmulWorkspace workspace = cut_workspace(arguments, depth, worker.index);
  for (int64_t first = 0; first < arguments.rows; first += kSlabRows) {
    const RowGroups groups(std::min(kSlabRows, arguments.rows - first), kernels.max_rows);
    const int64_t row_words = depth / kernels.word_columns;
    Slab slab{arguments, kernels, groups, first, depth, row_words, nullptr, codes, workspace.expanded};
    const float* x = arguments.x + first * arguments.x_stride;
    const auto pack_group = [&](int64_t group, float* out) {
      const int64_t row = groups.begin(group), rows = groups.size(group);
      kernels.rows[rows - 1].pack(x + row * arguments.x_stride, arguments.x_stride, weight.columns, depth,
                                  out + row * row_words);
    };
    if (groups.rows == 1 && weight.arithmetic != Arithmetic::bfloat16 && depth == weight.columns) {
      slab.inputs = x;
    } else if (groups.rows <= kOwnInputRows) {
      for (int64_t group = 0; group < groups.groups; ++group) pack_group(group, workspace.own_inputs);
      slab.inputs = workspace.own_inputs;
    } else {
      auto* shared = reinterpret_cast<float*>(workspace.shared_inputs);
      worker.parallel_for(groups.groups, [&](int64_t group) { pack_group(group, shared); });
      slab.inputs = shared;
    }
    const int64_t blocks = weight.blocks();
    const int64_t step = blocks_per_chunk(weight, groups.groups == 1, blocks_at_once(kernels, groups), worker.count);
    worker.parallel_for((blocks + step - 1) / step, [&](int64_t chunk) {
      multiply_blocks(slab, chunk * step, std::min(blocks, (chunk + 1) * step), workspace.sums);
    });
  }
}

namespace {
// Rows are padded to 32 for AMX tiles, columns to 32.
size_t shared_input_bytes(int64_t max_rows, int64_t columns) {
  return static_cast<size_t>(round_up(std::min(max_rows, kSlabRows), 32)) * static_cast<size_t>(round_up(columns, 32)) *
         sizeof(float);
}
size_t own_input_bytes(int64_t columns) { return static_cast<size_t>(kOwnInputRows * round_up(columns, 32)) * sizeof(float); }
constexpr size_t kSumBytes = static_cast<size_t>(kSumBlocks * kSlabRows * kBlockRows) * sizeof(float);
}  // namespace

size_t matmul_workspace_bytes(int64_t max_rows, int64_t max_columns, int64_t /*max_outputs*/, int workers, bool permuted) {
  return shared_input_bytes(max_rows, max_columns) * (permuted ? 2 : 1) +
         static_cast<size_t>(workers) * (own_input_bytes(max_columns) + kSumBytes + kExpandedBytes);
}

static uint8_t* ordered_inputs(const MatmulArguments& arguments, int64_t depth, int workers) {
  return arguments.workspace + matmul_workspace_bytes(arguments.rows, depth, 0, workers, false);
}

MatmulWorkspace cut_workspace(const MatmulArguments& arguments, int64_t depth, int worker) {
  const size_t shared = shared_input_bytes(arguments.rows, depth), own = own_input_bytes(depth);
  uint8_t* mine = arguments.workspace + shared + static_cast<size_t>(worker) * (own + kSumBytes + kExpandedBytes);
  return {arguments.workspace, reinterpret_cast<float*>(mine), reinterpret_cast<float*>(mine + own), mine + own + kSumBytes};
}

void matmul(Worker& worker, const MatmulArguments& arguments) {
  const PackedMatrix& weight = *arguments.weight;
  const bool permuted = !is_plain(weight.storage) && weight.codes.permuted, quantises = weight.int8_threshold >= 0;
  if (!permuted && !quantises) return matmul_in_order(worker, arguments);
  // Columns stand in another order: x follows it. Or it goes through 8 bits. As many rows at a time as their place holds.
  const int32_t* order = permuted ? weight.order() : nullptr;
  auto* ordered = reinterpret_cast<float*>(ordered_inputs(arguments, weight.padded_columns(), worker.count));
  for (int64_t first = 0; first < arguments.rows; first += kSlabRows) {
    MatmulArguments slab = arguments;
    slab.rows = std::min(kSlabRows, arguments.rows - first);
    const float* x = arguments.x + first * arguments.x_stride;
    worker.parallel_for(slab.rows, [&](int64_t row) {
      const float* from = x + row * arguments.x_stride;
      if (quantises) return quantise_inputs(from, weight.columns, weight.int8_threshold, ordered + row * weight.columns);
      for (int64_t column = 0; column < weight.columns; ++column) ordered[row * weight.columns + column] = from[order[column]];
    });
    slab.x = ordered;
    slab.x_stride = weight.columns;
    if (slab.residual != nullptr) slab.residual += first * arguments.residual_stride;
    slab.y += first * arguments.y_stride;
    matmul_in_order(worker, slab);
  }
}

}  // namespace tsumugi
