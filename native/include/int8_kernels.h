// Inside of matmul in int8 arithmetic: the tables of micro-kernels, one per instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "isa.h"
#include "matmul.h"

namespace tsumugi {

constexpr int kInt8MostRows = 12;       // of x that a tile takes
constexpr int64_t kInt8MostDepth = 65536;  // columns that share a scale: more could overflow a sum of 32 bits

// What the codes of a table are to integer products: the byte bytes[code] stands for the integer bytes[code] - bias, and that
// times `factor` for the value.
struct Int8Table {
  bool looks_up = false;  // else a code is its byte
  uint8_t bytes[16] = {};
  int bias = 0;
  float factor = 1.0f;
};

// How a tile reads weights.
enum class Int8Weights : uint8_t { bytes, halves, looked_up };

// Rows of x in integers, for one tile. `words`: [step][rows], the four columns of a step as signed bytes (or, where
// Int8Kernels::word_bytes is 8, as two pairs of 16 bits: columns 0, 2 and 1, 3).
struct Int8Inputs {
  uint8_t* words;
  int32_t* starts;  // [unit][rows] what a sum begins with: minus the bias of the weights times the sum of x
  float* sums;      // [unit][rows] the sum of x, times its scale where weights have a minimum
  float* scales;    // [unit][rows] of x
};

// Rows of x as integers: x · (127 / a), rounded to the nearest, ties to even, where `a` is the greatest |x| of the columns that
// share a scale; that is a / 127. Where a is not finite the scale is NaN; where it is below 1e-30, all is 0.
struct Int8Quantise {
  const float* x;
  int64_t stride;
  int64_t rows;  // that there are
  int64_t padded_rows;  // of the tile: zeros follow
  int64_t columns;
  int64_t depth;  // padded columns
  int64_t group;  // columns that share a scale
  int64_t bias;
  bool scales_sums;
  Int8Inputs out;
};

// One part of the depth: whole units, or a part of one. Pointers stand at the first of its columns.
struct Int8Tile {
  Int8Inputs inputs;
  const uint8_t* codes;
  size_t block_bytes;  // from block to block
  size_t unit_bytes;  // from unit to unit
  size_t scales_at;  // from the first code
  size_t offsets_at;
  CodeScale scale;
  CodeOffset offset;
  // Of scales that are codes: what turns those of `super` columns into numbers, from the block's first column on; or null.
  const uint8_t* supers;
  size_t super_bytes;
  int64_t super;
  const float* map;
  int64_t column, group;  // the first unit's first column, and the columns of a unit
  const Int8Table* table;
  int64_t units;
  int64_t pairs;  // of steps, in each unit
  bool begins, ends;  // the unit; else `partial` has its sums so far, or takes them
  float* sums;  // [block][rows][16], added to
  int32_t* partial;
  ptrdiff_t ahead;  // where weights are fetched into the cache; 0: nowhere
};

struct Int8Kernels {
  int most_rows = 0;
  int word_bytes = 4;
  int byte_shift = 0;  // subtracted from looked up and plain bytes when they are multiplied
  int padded[kInt8MostRows + 1] = {};  // rows of the tile that takes so many
  struct Tiles {
    int blocks = 1;  // that `several` takes
    void (*several)(const Int8Tile& tile) = nullptr;
    void (*single)(const Int8Tile& tile) = nullptr;
  } tiles[3][kInt8MostRows + 1];  // by Int8Weights and rows
  void (*quantise)(const Int8Quantise& call) = nullptr;
  // Codes of one block become bytes: units of codes [step][16][4], float32 scales [16], and offsets [16] where there are any.
  void (*expand[3])(const Int8Tile& from, uint8_t* to) = {};
};

// Arithmetic in int8, for any number of rows.
void matmul_int8(Worker& worker, const MatmulArguments& arguments);

const Int8Kernels& int8_kernels(Isa isa);
const Int8Kernels& int8_kernels_scalar();
#if TSUMUGI_X86
const Int8Kernels& int8_kernels_avx2();
const Int8Kernels& int8_kernels_avx_vnni();
const Int8Kernels& int8_kernels_avx512();
const Int8Kernels& int8_kernels_avx512_vnni();
#endif
#if TSUMUGI_ARM64
const Int8Kernels& int8_kernels_neon();
const Int8Kernels& int8_kernels_neon_dot();
#endif

}  // namespace tsumugi
