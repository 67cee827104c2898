// Matmul in bfloat16 arithmetic by AMX tiles. A tile of weights is 1 KB of the packed layout as it is, or is expanded from codes;
// x is packed into tiles of 16 rows by 32 columns, [column block][row tile][tile of the column block][16][32].
#include <algorithm>

#include "code_kernels.h"
#include "matmul_kernels.h"

#if TSUMUGI_X86
#include "amx_tile.h"

namespace tsumugi {

namespace {

constexpr int64_t kTileBytes = 1024;
constexpr int64_t kDepthTiles = 8;  // tiles of a column block: two strands of weights, 16 KB, stay in L1
constexpr int64_t kPanelRows = 32;  // rows of x, and outputs, of one call of the 2 x 2 kernel
constexpr int64_t kChunkPanels = 8;  // kSumBlocks / 2
constexpr int64_t kAheadTiles = 4;  // of x, from L2 to L1
constexpr int64_t kStrandAhead = 2048;  // bytes of weights, from memory, when x has few rows

struct Problem {
  const MatmulArguments& arguments;
  FinishBlock finish;
  int64_t first_row, rows;  // of x
  int64_t row_tiles;  // even when there is more than one
  int64_t depth_tiles;
  uint8_t* inputs;
  const CodeKernels* codes;  // of weights that are expanded from codes, or null
  uint8_t* expanded;  // two blocks of kDepthTiles tiles

  // Tile 0 of a column block for a row tile; the block's tiles follow it.
  uint8_t* input_tile(int64_t depth_begin, int64_t depth_count, int64_t row_tile) const {
    return inputs + (depth_begin * row_tiles + row_tile * depth_count) * kTileBytes;
  }
};

// 16 floats to bfloat16, nearest, ties to even.
TSUMUGI_AVX512 inline __m256i round_lane(__m512 value) {
  const __m512i bits = _mm512_castps_si512(value);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x00400000));
  const __m512i chosen = _mm512_mask_mov_epi32(rounded, _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q), quiet);
  return _mm512_cvtepi32_epi16(_mm512_srli_epi32(chosen, 16));
}

TSUMUGI_AVX512 void pack_row_tile(const Problem& problem, int64_t row_tile, int64_t begin, int64_t count) {
  const MatmulArguments& arguments = problem.arguments;
  const int64_t columns = arguments.weight->columns;
  uint8_t* out = problem.input_tile(begin, count, row_tile);
  for (int64_t tile = 0; tile < count; ++tile) {
    const int64_t column = (begin + tile) * 32;
    const int64_t left = columns - column;
    const auto mask = [left](int64_t from) -> __mmask16 {
      return static_cast<__mmask16>(left >= from + 16 ? 0xffffu : left <= from ? 0u : (1u << (left - from)) - 1u);
    };
    const __mmask16 low = mask(0), high = mask(16);
    for (int64_t lane = 0; lane < 16; ++lane, out += 64) {
      const int64_t row = row_tile * 16 + lane;
      if (row >= problem.rows) {
        _mm512_storeu_si512(out, _mm512_setzero_si512());
        continue;
      }
      const float* x = arguments.x + (problem.first_row + row) * arguments.x_stride + column;
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), round_lane(_mm512_maskz_loadu_ps(low, x)));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out) + 1, round_lane(_mm512_maskz_loadu_ps(high, high == 0 ? x : x + 16)));
    }
  }
}

// Sums and left tiles 0-3, 4 and 5; rows of a left tile or sum as said, all else 16.
TSUMUGI_AMX void configure(int64_t rows_first, int64_t rows_second) {
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    config.row_bytes[tile] = 64;
    config.rows[tile] = 16;
  }
  config.rows[0] = config.rows[1] = config.rows[4] = static_cast<uint8_t>(rows_first);
  config.rows[2] = config.rows[3] = static_cast<uint8_t>(rows_second);
  configure_tiles(config);
}

TSUMUGI_AMX inline void prefetch_tile(const uint8_t* tile) {
  for (int line = 0; line < 16; ++line) prefetch(tile + line * 64);
}

void finish_rows(const Problem& problem, const float* sums, int64_t row, int64_t rows, int64_t block) {
  const MatmulArguments& arguments = problem.arguments;
  const int64_t output = block * kBlockRows, y_row = problem.first_row + row;
  problem.finish(sums, rows, std::min(kBlockRows, arguments.weight->rows - output),
                 arguments.bias == nullptr ? nullptr : arguments.bias + output,
                 arguments.residual == nullptr ? nullptr : arguments.residual + y_row * arguments.residual_stride + output,
                 arguments.residual_stride, arguments.y + y_row * arguments.y_stride + output, arguments.y_stride);
}

// Up to 16 rows: four blocks at once, weights straight from memory.
TSUMUGI_AMX void multiply_16_rows(const Problem& problem, int64_t first_block, int64_t end_block, float* sums) {
  const PackedMatrix& weight = *problem.arguments.weight;
  configure(problem.rows, problem.rows);
  for (int64_t block = first_block; block < end_block; block += 4) {
    const int64_t last = end_block - 1;  // a missing block is computed as the last one, and dropped
    const uint8_t* w0 = weight.block(block);
    const uint8_t* w1 = weight.block(std::min(block + 1, last));
    const uint8_t* w2 = weight.block(std::min(block + 2, last));
    const uint8_t* w3 = weight.block(std::min(block + 3, last));
    zero_tile<0>();
    zero_tile<1>();
    zero_tile<2>();
    zero_tile<3>();
    for (int64_t tile = 0; tile < problem.depth_tiles; ++tile) {
      const int64_t at = tile * kTileBytes;
      prefetch_tile(w0 + at + kStrandAhead);
      prefetch_tile(w1 + at + kStrandAhead);
      prefetch_tile(w2 + at + kStrandAhead);
      prefetch_tile(w3 + at + kStrandAhead);
      load_tile<4>(problem.inputs + at, 64);
      load_tile<5>(w0 + at, 64);
      multiply_tiles<0, 4, 5>();
      load_tile<6>(w1 + at, 64);
      multiply_tiles<1, 4, 6>();
      load_tile<7>(w2 + at, 64);
      multiply_tiles<2, 4, 7>();
      load_tile<5>(w3 + at, 64);
      multiply_tiles<3, 4, 5>();
    }
    store_tile<0>(sums, 64);
    store_tile<1>(sums + 256, 64);
    store_tile<2>(sums + 512, 64);
    store_tile<3>(sums + 768, 64);
    for (int64_t i = 0; i < std::min<int64_t>(4, end_block - block); ++i) {
      finish_rows(problem, sums + i * 256, 0, problem.rows, block + i);
    }
  }
  release_tiles();
}

// 17 to 32 rows: two blocks at once.
TSUMUGI_AMX void multiply_32_rows(const Problem& problem, int64_t first_block, int64_t end_block, float* sums) {
  const PackedMatrix& weight = *problem.arguments.weight;
  configure(16, 16);
  for (int64_t block = first_block; block < end_block; block += 2) {
    const uint8_t* w0 = weight.block(block);
    const uint8_t* w1 = weight.block(std::min(block + 1, end_block - 1));
    zero_tile<0>();
    zero_tile<1>();
    zero_tile<2>();
    zero_tile<3>();
    for (int64_t begin = 0; begin < problem.depth_tiles; begin += kDepthTiles) {
      const int64_t count = std::min(kDepthTiles, problem.depth_tiles - begin);
      const uint8_t* x0 = problem.input_tile(begin, count, 0);
      const uint8_t* x1 = x0 + count * kTileBytes;
      for (int64_t tile = 0; tile < count; ++tile) {
        const int64_t at = (begin + tile) * kTileBytes;
        prefetch_tile(w0 + at + 2 * kStrandAhead);
        prefetch_tile(w1 + at + 2 * kStrandAhead);
        load_tile<4>(x0 + tile * kTileBytes, 64);
        load_tile<6>(w0 + at, 64);
        multiply_tiles<0, 4, 6>();
        load_tile<7>(w1 + at, 64);
        multiply_tiles<1, 4, 7>();
        load_tile<5>(x1 + tile * kTileBytes, 64);
        multiply_tiles<2, 5, 6>();
        multiply_tiles<3, 5, 7>();
      }
    }
    store_tile<0>(sums, 64);
    store_tile<1>(sums + 256, 64);
    store_tile<2>(sums + 512, 64);
    store_tile<3>(sums + 768, 64);
    for (int64_t i = 0; i < std::min<int64_t>(2, end_block - block); ++i) {
      finish_rows(problem, sums + i * 256, 0, 16, block + i);
      finish_rows(problem, sums + 512 + i * 256, 16, problem.rows - 16, block + i);
    }
  }
  release_tiles();
}

// 32 rows times 32 outputs over one column block. sums: four tiles in a row, [row tile][block].
TSUMUGI_AMX inline void multiply_panel(const uint8_t* x, const uint8_t* w0, const uint8_t* w1, float* sums, int64_t count,
                                       bool first, const uint8_t* next, int64_t next_lines) {
  const uint8_t* x1 = x + count * kTileBytes;
  if (first) {
    zero_tile<0>();
    zero_tile<1>();
    zero_tile<2>();
    zero_tile<3>();
  } else {
    load_tile<0>(sums, 64);
    load_tile<1>(sums + 256, 64);
    load_tile<2>(sums + 512, 64);
    load_tile<3>(sums + 768, 64);
  }
  for (int64_t tile = 0; tile < count; ++tile) {
    const int64_t at = tile * kTileBytes;
    load_tile<4>(x + at, 64);
    load_tile<6>(w0 + at, 64);
    prefetch_tile(x + at + kAheadTiles * kTileBytes);
    multiply_tiles<0, 4, 6>();
    load_tile<7>(w1 + at, 64);
    multiply_tiles<1, 4, 7>();
    prefetch_tile(x1 + at + kAheadTiles * kTileBytes);
    load_tile<5>(x1 + at, 64);
    multiply_tiles<2, 5, 6>();
    // The next sums, 4 KB on, to L1; the next panel's weights to L2.
    const auto* next_sums = reinterpret_cast<const uint8_t*>(sums + 1024) + tile * 512;
    for (int line = 0; line < 8; ++line) prefetch(next_sums + line * 64);
    multiply_tiles<3, 5, 7>();
    for (int64_t line = 0; line < next_lines; ++line, next += 64) __builtin_prefetch(next, 0, 2);
  }
  store_tile<0>(sums, 64);
  store_tile<1>(sums + 256, 64);
  store_tile<2>(sums + 512, 64);
  store_tile<3>(sums + 768, 64);
}

// Many rows: sums of up to kChunkPanels panels wait in memory between column blocks; panel after panel stays in L1
// while all rows of x pass it.
TSUMUGI_AMX void multiply_many_rows(const Problem& problem, int64_t first_block, int64_t end_block, float* sums) {
  const PackedMatrix& weight = *problem.arguments.weight;
  const int64_t row_panels = problem.row_tiles / 2;
  const int64_t panels = (end_block - first_block + 1) / 2;
  const int64_t next_lines = problem.codes != nullptr ? 0 : (32 + row_panels - 1) / row_panels;
  configure(16, 16);
  for (int64_t begin = 0; begin < problem.depth_tiles; begin += kDepthTiles) {
    const int64_t count = std::min(kDepthTiles, problem.depth_tiles - begin);
    for (int64_t panel = 0; panel < panels; ++panel) {
      const int64_t block = first_block + 2 * panel;
      // Of codes these are not read.
      const uint8_t* w0 = weight.block(block, begin * 32);
      const uint8_t* w1 = weight.block(std::min(block + 1, end_block - 1), begin * 32);
      const bool wraps = panel + 1 == panels;
      const uint8_t* next =
          wraps ? weight.block(first_block, (begin + count) * 32) : weight.block(block, begin * 32) + 2 * weight.block_bytes();
      if (problem.codes != nullptr) {
        for (int64_t i = 0; i < 2; ++i) {
          problem.codes->expand(weight, std::min(block + i, end_block - 1), begin * 32, count * 32,
                                problem.expanded + i * kDepthTiles * kTileBytes);
        }
        w0 = problem.expanded;
        w1 = w0 + kDepthTiles * kTileBytes;
      }
      for (int64_t row_panel = 0; row_panel < row_panels; ++row_panel) {
        const int64_t half = (row_panels + 1) / 2;  // the first half of the row panels fetches the first block
        const uint8_t* fetch = next + (row_panel < half ? 0 : weight.block_bytes()) +
                               static_cast<size_t>(row_panel % half * count * next_lines * 64);
        multiply_panel(problem.input_tile(begin, count, row_panel * 2), w0, w1, sums + (panel * row_panels + row_panel) * 1024,
                       count, begin == 0, fetch, next_lines);
      }
    }
  }
  release_tiles();
  for (int64_t panel = 0; panel < panels; ++panel) {
    for (int64_t row_tile = 0; row_tile * 16 < problem.rows; ++row_tile) {
      for (int64_t i = 0; i < 2; ++i) {
        const int64_t block = first_block + 2 * panel + i;
        if (block >= end_block) continue;
        finish_rows(problem, sums + (panel * row_panels + row_tile / 2) * 1024 + (row_tile % 2) * 512 + i * 256, row_tile * 16,
                    std::min<int64_t>(16, problem.rows - row_tile * 16), block);
      }
    }
  }
}

}  // namespace

void matmul_bfloat16_amx(Worker& worker, const MatmulArguments& arguments) {
  const PackedMatrix& weight = *arguments.weight;
  const int64_t depth_tiles = weight.padded_columns() / 32;
  const MatmulWorkspace workspace = cut_workspace(arguments, weight.padded_columns(), worker.index);
  static_assert(2 * kDepthTiles * kTileBytes <= static_cast<int64_t>(kExpandedBytes));
  const TileKernels& kernels = tile_kernels_avx512(Storage::bfloat16, Arithmetic::bfloat16);
  const CodeKernels* codes = is_plain(weight.storage) ? nullptr : &code_kernels_avx512(weight);
  for (int64_t first = 0; first < arguments.rows; first += kSlabRows) {
    const int64_t rows = std::min(kSlabRows, arguments.rows - first);
    const bool many = rows > 32 || codes != nullptr;
    const Problem problem{arguments,
                          finish_of(kernels, arguments),
                          first,
                          rows,
                          rows <= 16 && !many ? 1 : (rows + kPanelRows - 1) / kPanelRows * 2,
                          depth_tiles,
                          workspace.shared_inputs,
                          codes,
                          workspace.expanded};
    const int64_t column_blocks = (depth_tiles + kDepthTiles - 1) / kDepthTiles;
    worker.parallel_for(column_blocks * problem.row_tiles, [&](int64_t chunk) {
      const int64_t begin = chunk / problem.row_tiles * kDepthTiles;
      pack_row_tile(problem, chunk % problem.row_tiles, begin, std::min(kDepthTiles, depth_tiles - begin));
    });
    const auto multiply = many ? multiply_many_rows : rows <= 16 ? multiply_16_rows : multiply_32_rows;
    const int64_t blocks = weight.blocks();
    const int64_t step = blocks_per_chunk(weight, !many, rows <= 16 && !many ? 4 : 2, worker.count);
    worker.parallel_for((blocks + step - 1) / step, [&](int64_t chunk) {
      multiply(problem, chunk * step, std::min(blocks, (chunk + 1) * step), workspace.sums);
    });
  }
}

namespace {

// The documented order for one output: 32 columns a tile, even and odd ones in chains of their own.
TSUMUGI_AVX512 float documented_sum(const uint16_t* left, const uint16_t* right, int tiles) {
  float sum = 0;
  for (int tile = 0; tile < tiles; ++tile) {
    float even = 0, odd = 0;
    for (int pair = 0; pair < 16; ++pair) {
      const int k = tile * 32 + 2 * pair;
      even = __builtin_fmaf(bfloat16_to_float(left[k]), bfloat16_to_float(right[k]), even);
      odd = __builtin_fmaf(bfloat16_to_float(left[k + 1]), bfloat16_to_float(right[k + 1]), odd);
    }
    sum += even + odd;
  }
  return sum;
}

TSUMUGI_AMX bool adds_as_documented() {
  constexpr int kTiles = 2, kRounds = 64;
  alignas(64) static uint16_t left[kTiles][16][32], right[kTiles][16][16][2];
  alignas(64) static float sums[16][16];
  uint64_t state = 0x9e3779b97f4a7c15u;
  // Exponents spread over 2^-12 … 2^12, signs and mantissas at random: sums cancel, round and absorb. No denormals.
  const auto random_half = [&state] {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    const uint32_t exponent = 127 - 12 + static_cast<uint32_t>((state >> 40) % 25);
    return static_cast<uint16_t>((state >> 20 & 0x807fu) | exponent << 7);
  };
  bool same = true;
  configure(16, 16);
  for (int round = 0; round < kRounds; ++round) {
    for (auto& tile : left)
      for (auto& row : tile)
        for (auto& value : row) value = random_half();
    for (auto& tile : right)
      for (auto& pair : tile)
        for (auto& lane : pair)
          for (auto& value : lane) value = random_half();
    asm volatile("" ::: "memory");  // the compiler does not see that tiles read memory
    zero_tile<0>();
    for (int tile = 0; tile < kTiles; ++tile) {
      load_tile<4>(left[tile], 64);
      load_tile<6>(right[tile], 64);
      multiply_tiles<0, 4, 6>();
    }
    store_tile<0>(sums, 64);
    for (int row = 0; row < 16; ++row) {
      for (int column = 0; column < 16; ++column) {
        uint16_t a[kTiles * 32], b[kTiles * 32];
        for (int k = 0; k < kTiles * 32; ++k) {
          a[k] = left[k / 32][row][k % 32];
          b[k] = right[k / 32][k % 32 / 2][column][k % 2];
        }
        same = same && float_bits(documented_sum(a, b, kTiles)) == float_bits(sums[row][column]);
      }
    }
  }
  release_tiles();
  return same;
}

}  // namespace

int64_t amx_rows() {
  static const int64_t rows = adds_as_documented() ? 4 : 1;
  return rows;
}

}  // namespace tsumugi

#else
namespace tsumugi {
void matmul_bfloat16_amx(Worker&, const MatmulArguments&) {}  // never called: Isa::amx is not available
int64_t amx_rows() { return 1; }
}  // namespace tsumugi
#endif
