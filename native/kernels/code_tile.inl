// Tiles of few rows that decode codes in their inner loop, written once for all instruction sets; they stand behind code_expand.inl.
// One chain over ascending columns for each output, as the tiles of plain weights have it.

namespace tsumugi {
namespace {

constexpr int kPerBlock = static_cast<int>(kBlockRows) / kLanes;  // registers across a block

template <typename Codes, CodeOffset kOffset, bool kRounds, int kRows, int kVectors, int kColumn>
TSUMUGI_INLINE void add_columns(const Codes& codes, const Shared<kOffset> (&shared)[kVectors], const Words (&words)[kVectors],
                                const float* x, Vector (&sums)[kRows][kVectors]) {
  Vector weights[kVectors];
#pragma GCC unroll 16
  for (int v = 0; v < kVectors; ++v) {
    weights[v] = shared[v].apply(codes.template value<kColumn>(words[v]));
    if (kRounds) weights[v] = to_bfloat16(weights[v]);
  }
#pragma GCC unroll 16
  for (int row = 0; row < kRows; ++row) {
    const Vector input = broadcast(x + kColumn * kRows + row);
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) sums[row][v] = multiply_add(weights[v], input, sums[row][v]);
  }
  if constexpr (kColumn + 1 < Codes::kColumns) {
    add_columns<Codes, kOffset, kRounds, kRows, kVectors, kColumn + 1>(codes, shared, words, x, sums);
  }
}

template <typename Codes, CodeOffset kOffset, bool kRounds, int kRows, int kBlocks>
TSUMUGI_TARGET void code_tile(const PackedMatrix& matrix, const uint8_t* const* blocks, const float* x, float* c) {
  constexpr int kVectors = kBlocks * kPerBlock;
  const CodeUnit unit = code_unit(matrix.storage, matrix.codes, matrix.columns);
  const int64_t units = matrix.units();
  const Codes codes = Codes::open(matrix.codes.table);
  BlockScales scales[kBlocks];
  for (int b = 0; b < kBlocks; ++b) scales[b] = BlockScales::of(matrix, blocks[b], unit);
  Vector sums[kRows][kVectors];
#pragma GCC unroll 16
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) sums[row][v] = zero();
  }
  for (int64_t at = 0; at < units; ++at) {
    const size_t before = static_cast<size_t>(at) * unit.bytes;
    Shared<kOffset> shared[kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      const int b = v / kPerBlock;
      shared[v] = Shared<kOffset>::open(scales[b], blocks[b] + before + unit.codes, at * unit.columns, v % kPerBlock * kLanes);
    }
    for (size_t line = before; line < before + unit.codes; line += 64) {
      Words words[kVectors];
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) words[v] = load_words(blocks[v / kPerBlock] + line + v % kPerBlock * kLanes * 4);
      add_columns<Codes, kOffset, kRounds, kRows, kVectors, 0>(codes, shared, words, x, sums);
      x += Codes::kColumns * kRows;
    }
  }
#pragma GCC unroll 16
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      store(c + (v / kPerBlock * kRows + row) * kBlockRows + v % kPerBlock * kLanes, sums[row][v]);
    }
  }
}

// x as [column][row].
template <int kRows, bool kRounds>
void pack_code_inputs(const float* x, int64_t columns, int64_t padded, int64_t row, float* out) {
  for (int64_t column = 0; column < padded; ++column) {
    const float value = x != nullptr && column < columns ? x[column] : 0.0f;
    out[column * kRows + row] = kRounds ? round_to_bfloat16(value) : value;
  }
}

template <typename Codes, CodeOffset kOffset, bool kRounds, int kRows, int kBlocks>
constexpr CodeTiles code_tiles() {
  return {kRows, kBlocks, code_tile<Codes, kOffset, kRounds, kRows, kBlocks>, pack_code_inputs<kRows, kRounds>};
}

// kBlocks: of tiles of one to four rows; 0 for no tiles. Where they are four, eight rows take two.
template <typename Codes, CodeOffset kOffset, bool kRounds, int kBlocks>
const CodeKernels& code_kernels_with() {
  static const CodeKernels kernels = [] {
    CodeKernels made;
    made.expand = expand_codes<Codes, kOffset, kRounds>;
    made.expanded = kRounds ? Storage::bfloat16 : Storage::float32;
    if constexpr (kBlocks > 0) {
      made.tiles[0] = code_tiles<Codes, kOffset, kRounds, 1, kBlocks>();
      made.tiles[1] = code_tiles<Codes, kOffset, kRounds, 2, kBlocks>();
      made.tiles[2] = code_tiles<Codes, kOffset, kRounds, 4, kBlocks>();
    }
    if constexpr (kBlocks == 4) made.tiles[3] = code_tiles<Codes, kOffset, kRounds, 8, 2>();
    return made;
  }();
  return kernels;
}

template <typename Codes, bool kRounds, int kBlocks>
const CodeKernels& code_kernels_with(CodeOffset offset) {
  if (offset == CodeOffset::zero) return code_kernels_with<Codes, CodeOffset::zero, kRounds, kBlocks>();
  if (offset == CodeOffset::minimum) return code_kernels_with<Codes, CodeOffset::minimum, kRounds, kBlocks>();
  return code_kernels_with<Codes, CodeOffset::none, kRounds, kBlocks>();
}

template <bool kRounds, int kBlocks>
const CodeKernels& code_kernels_of(const PackedMatrix& matrix) {
  if (matrix.storage == Storage::code4) return code_kernels_with<FourBits, kRounds, kBlocks>(matrix.codes.offset);
  if (matrix.codes.table != CodeTable::float8) return code_kernels_with<Integers, kRounds, kBlocks>(matrix.codes.offset);
  return code_kernels_with<SmallFloats, CodeOffset::none, kRounds, kBlocks>();
}

template <int kBlocks>
const CodeKernels& code_kernels_of(const PackedMatrix& matrix) {
  return matrix.arithmetic == Arithmetic::bfloat16 ? code_kernels_of<true, kBlocks>(matrix)
                                                   : code_kernels_of<false, kBlocks>(matrix);
}

}  // namespace
}  // namespace tsumugi
