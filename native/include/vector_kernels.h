// The inner loops that are compiled once for each instruction set; everything around them is plain C++.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dtype.h"
#include "isa.h"

namespace tsumugi {

// Activation functions by the names of src/ops/activation-kinds.ts.
#define TSUMUGI_ACTIVATIONS(each)                                                                                    \
  each(silu) each(gelu) each(gelu_tanh) each(quick_gelu) each(relu) each(relu2) each(relu6) each(sigmoid) each(tanh) \
      each(linear) each(gelu_new) each(gelu_fast) each(gelu_10) each(hardswish) each(leaky_relu) each(laplace) each(mish)

enum class Activation : uint8_t {
#define TSUMUGI_ITEM(name) name,
  TSUMUGI_ACTIVATIONS(TSUMUGI_ITEM)
#undef TSUMUGI_ITEM
};

constexpr const char* kActivationNames[] = {
#define TSUMUGI_ITEM(name) #name,
    TSUMUGI_ACTIVATIONS(TSUMUGI_ITEM)
#undef TSUMUGI_ITEM
};

// Tokens in one block of the paged cache.
constexpr int64_t kBlockTokens = 32;

// Positions that float32 attention gathers from nothing, before it merges them with those in front of them: what several
// workers can compute side by side. Boundaries go by positions alone, or answers would change with threads and chunking.
constexpr int64_t kSegmentTokens = 512;
static_assert(kSegmentTokens % kBlockTokens == 0);

// Queries of one sequence and one key/value head against their cache. Rows of the tile are (token, head of the group).
//
// Layout of one head of a block: keys [headDim][kBlockTokens], values [kBlockTokens][value_stride], the stride a
// multiple of 16 values. For each row: in each segment, for each block in order of position: scores of visible tokens,
// running maximum, sums in order of position; then the segments are merged in their order. So a row's bits depend on its own
// position and its own cache alone, whoever computes its segments.
struct AttendTile {
  const float* q;  // first head of the group, first token
  size_t q_stride;  // values from token to token
  float* out;
  size_t out_stride;
  int64_t tokens;
  int64_t group;  // query heads of this key/value head
  const int32_t* positions;  // [tokens]
  const int32_t* table;  // block ids in order of position
  const void* keys;  // this head in block 0
  const void* values;
  size_t key_block;  // values from block to block
  size_t value_block;
  size_t head_dim;
  size_t value_dim;
  size_t value_stride;
  float scale;
  float softcap;  // 0: none
  int64_t window;  // 0: none
  int64_t chunk;  // of this many tokens: a token sees those of its own alone; 0: none
  const float* slopes;  // [group]: of the score's fall with distance (ALiBi); null: none
  bool rounded_slopes;  // they are multiplied by the key's position, in bfloat16, and by `scale` (Falcon)
  const float* sinks;  // [group]: a score without a value; null: none
  int64_t length;  // every token sees tokens [0, length); 0: causal
  const float* biases;  // [rows][bias_stride]: first head of the group; null: none
  size_t bias_stride;
  const float* buckets;  // [2 * reach + 1]: row of `biases` for a key's position less the query's, held within ±reach
  int64_t reach;
  bool unrounded_scores;  // rounds: scores are not rounded
  bool scale_query;  // rounds: `scale` is of the query, rounded, and not of the scores
  bool fused_scores;  // rounds: scores are rounded once, slopes times positions of keys included
  bool bfloat16;
  bool int8;  // a head's block is followed by the scales of its tokens
  float* scratch;  // attend_scratch_floats
};

// Rows of one tile at most.
constexpr int64_t kTileRows = 128;

// Tokens of context whose scores rounding attention keeps, of eight rows.
constexpr int64_t kKeptScores = 8192;

constexpr size_t padded_lanes(size_t width) { return (width + 15) / 16 * 16; }

// Floats of what `rows` rows have gathered: sums [rows][value_stride], greatest scores [rows], totals [rows].
constexpr size_t gathered_floats(size_t rows, size_t value_stride) { return padded_lanes(rows * (value_stride + 2)); }

// Floats of scratch that one worker needs for a tile: what it has gathered of all segments and of one, scores, a block
// widened to float32.
constexpr size_t attend_scratch_floats(size_t head_dim, size_t value_stride, size_t rows) {
  const size_t block = static_cast<size_t>(kBlockTokens);
  const size_t whole =
      8 * (value_stride + padded_lanes(head_dim) + static_cast<size_t>(kKeptScores)) + block * (head_dim + value_stride);
  const size_t segmented = 2 * gathered_floats(rows, value_stride) + 8 * block + block * (head_dim + value_stride) + 64;
  return whole > segmented ? whole : segmented;
}

// One table works in float32; `rounds` rounds every result to bfloat16, and on the way to it whatever PyTorch rounds there.
struct VectorKernels {
  void (*add)(const float* a, const float* b, float* y, size_t count);
  void (*multiply)(const float* a, const float* b, float* y, size_t count);
  void (*scale)(const float* x, float factor, float* y, size_t count);
  void (*activation)(const float* x, float* y, size_t count, Activation kind);
  // `unrounded`: the activated gate is not rounded
  void (*gated_activation)(const float* gate, const float* up, float* y, size_t count, Activation kind, bool unrounded);
  // `once`: not rounded before the product with the weight
  void (*rms_norm)(const float* x, const float* weight, float offset, float epsilon, float* y, size_t count, bool once);
  void (*layer_norm)(const float* x, const float* weight, const float* bias, float offset, float epsilon, float* y,
                     size_t count);
  void (*rotate)(const float* x, float* y, size_t heads, size_t head_dim, size_t half, bool interleaved, const float* cosine,
                 const float* sine, bool unrounded);  // `unrounded`: products are not rounded
  void (*attend)(const AttendTile& tile);
  // The parts of `attend`, for workers that share out a tile's segments; null in the rounding table. What a tile's rows gather
  // of a segment takes gathered_floats; `merge_segment` adds a later segment's to that of those before it.
  void (*attend_segment)(const AttendTile& tile, int64_t segment, float* gathered);
  void (*merge_segment)(const AttendTile& tile, float* gathered, const float* later);
  void (*finish_tile)(const AttendTile& tile, const float* gathered);
  void (*round)(const float* x, float* y, size_t count);
};

extern const VectorKernels kPortableVectorKernels[2];
#if TSUMUGI_X86
extern const VectorKernels kAvx2VectorKernels[2];
extern const VectorKernels kAvx512VectorKernels[2];
extern const VectorKernels kAvx512Bf16VectorKernels[2];
#endif

// Those of the active instruction set.
const VectorKernels& vector_kernels(bool rounds = false);

}  // namespace tsumugi
