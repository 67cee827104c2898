// Register tiles of matmul in int8 arithmetic, written once for all instruction sets. A file that includes this defines first,
// in namespace tsumugi and an anonymous namespace in it:
//   TSUMUGI_TARGET  the function attribute
//   kLanes          32-bit numbers of a register (a divisor of 16), kRowCounts: the rows that tiles take, ascending
//   kWordBytes      of a step of one row of x; kByteShift: what bytes lack when they are multiplied
//   kHeldSums       registers that sums of floats may fill beside those of integers
//   kSeveral(rows)  blocks that a tile of so many rows takes
//   Ints, Floats    registers: load_ints, store_ints, broadcast_int, zero_ints, add_ints, to_floats; load, store, broadcast, add,
//                   multiply, multiply_add(a, b, c) = a * b + c, minus_multiply_add = c - a * b, load_float16, load_exponents,
//                   load_signed (bytes)
//   Bytes           kLanes quads of bytes: load_bytes, store_bytes, low_halves, high_halves, look_up(Bytes, Table), load_table
//   Weights, Input  what is multiplied: prepare(Bytes), prepare_halves(Bytes), broadcast_input, dot(Ints, Weights, Input)
// and includes it at file scope.

#include <cstring>

namespace tsumugi {
namespace {

constexpr int kPerBlock = static_cast<int>(kBlockRows) / kLanes;  // registers across a block
constexpr size_t kStepBytes = 64;  // of four columns of a block, a byte each

TSUMUGI_TARGET inline Floats load_scales(const uint8_t* from, int lane, CodeScale type) {
  if (type == CodeScale::float16) return load_float16(from + 2 * lane);
  if (type == CodeScale::float32) return load(reinterpret_cast<const float*>(from) + lane);
  return type == CodeScale::byte ? load_signed(from + lane) : load_exponents(from + lane);
}

struct Shared {
  Floats scale, offset;
};

// What a unit of a block shares, for the registers from row `lane` on; `codes` are its first.
TSUMUGI_TARGET inline Shared open_shared(const Int8Tile& tile, const uint8_t* codes, int block, int64_t unit, int lane) {
  const bool shifts = tile.offset != CodeOffset::none;
  const uint8_t* supers = tile.supers;
  if (supers != nullptr) {
    supers += static_cast<size_t>(block) * tile.block_bytes +
              static_cast<size_t>((tile.column + unit * tile.group) / tile.super) * tile.super_bytes;
  }
  if (tile.map != nullptr) {
    alignas(64) float mapped[kLanes];
    for (int i = 0; i < kLanes; ++i) mapped[i] = tile.map[codes[tile.scales_at + static_cast<size_t>(lane + i)]];
    const auto* factors = reinterpret_cast<const float*>(supers) + lane;
    const Floats scale = add(multiply(load(mapped), load(factors)), load(factors + kBlockRows));
    return {scale, scale};
  }
  Floats scale = load_scales(codes + tile.scales_at, lane, tile.scale);
  Floats offset = shifts ? load_scales(codes + tile.offsets_at, lane, tile.scale) : scale;
  if (supers != nullptr) {
    scale = multiply(scale, load_float16(supers + 2 * lane));
    if (shifts) offset = multiply(offset, load_float16(supers + 2 * (kBlockRows + lane)));
  }
  return {scale, offset};
}

struct ByteCodes {
  static constexpr size_t kPairBytes = 2 * kStepBytes;
  TSUMUGI_TARGET static inline Bytes read(const uint8_t* pair, int half, const Table&) {
    return load_bytes(pair + half * kStepBytes);
  }
  TSUMUGI_TARGET static inline Weights prepared(Bytes bytes) { return prepare(bytes); }
};

struct HalfCodes {
  static constexpr size_t kPairBytes = kStepBytes;
  TSUMUGI_TARGET static inline Bytes read(const uint8_t* pair, int half, const Table&) {
    const Bytes codes = load_bytes(pair);
    return half == 0 ? low_halves(codes) : high_halves(codes);
  }
  TSUMUGI_TARGET static inline Weights prepared(Bytes bytes) { return prepare_halves(bytes); }
};

struct TableCodes {
  static constexpr size_t kPairBytes = kStepBytes;
  TSUMUGI_TARGET static inline Bytes read(const uint8_t* pair, int half, const Table& table) {
    return look_up(HalfCodes::read(pair, half, table), table);
  }
  TSUMUGI_TARGET static inline Weights prepared(Bytes bytes) { return prepare(bytes); }
};

template <typename Codes, int kRows, int kBlocks>
TSUMUGI_TARGET void int8_tile(const Int8Tile& tile) {
  constexpr int kAcross = kBlocks * kPerBlock;
  constexpr int kChains = kRows * kAcross >= 4 ? 1 : 2;  // few sums would wait for one another
  constexpr size_t kPairWords = static_cast<size_t>(2 * kRows) * kWordBytes;
  const Table table = load_table(tile.table->bytes);
  const uint8_t* words = tile.inputs.words;
  const int64_t pairs = tile.pairs;
  constexpr bool kHolds = kRows * kAcross <= kHeldSums;  // then sums of floats stay in registers
  Floats held[kHolds ? kRows : 1][kHolds ? kAcross : 1];
  if constexpr (kHolds) {
#pragma GCC unroll 16
    for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 16
      for (int v = 0; v < kAcross; ++v) {
        held[row][v] = load(tile.sums + ((v / kPerBlock) * kRows + row) * kBlockRows + (v % kPerBlock) * kLanes);
      }
    }
  }
  for (int64_t unit = 0; unit < tile.units; ++unit) {
    const uint8_t* codes = tile.codes + static_cast<size_t>(unit) * tile.unit_bytes;
    Ints sums[kChains][kRows][kAcross];
#pragma GCC unroll 16
    for (int row = 0; row < kRows; ++row) {
      const Ints start = broadcast_int(tile.inputs.starts + unit * kRows + row);
#pragma GCC unroll 16
      for (int v = 0; v < kAcross; ++v) {
        sums[0][row][v] = start;
        if (kChains > 1) sums[kChains - 1][row][v] = zero_ints();
      }
    }
    if (!tile.begins) {
#pragma GCC unroll 16
      for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 16
        for (int v = 0; v < kAcross; ++v) {
          sums[0][row][v] = load_ints(tile.partial + ((v / kPerBlock) * kRows + row) * kBlockRows + (v % kPerBlock) * kLanes);
        }
      }
    }
    for (int64_t pair = 0; pair < pairs; ++pair) {
      const uint8_t* line = codes + static_cast<size_t>(pair) * Codes::kPairBytes;
      if (tile.ahead != 0) {
#pragma GCC unroll 16
        for (int block = 0; block < kBlocks; ++block) {
          prefetch(line + block * tile.block_bytes + tile.ahead);
          if (Codes::kPairBytes > 64) prefetch(line + block * tile.block_bytes + tile.ahead + 64);
        }
      }
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half) {
        Weights weights[kAcross];
#pragma GCC unroll 16
        for (int v = 0; v < kAcross; ++v) {
          const uint8_t* from = line + (v / kPerBlock) * tile.block_bytes + (v % kPerBlock) * kLanes * 4;
          weights[v] = Codes::prepared(Codes::read(from, half, table));
        }
#pragma GCC unroll 16
        for (int row = 0; row < kRows; ++row) {
          const Input input = broadcast_input(words + static_cast<size_t>(half * kRows + row) * kWordBytes);
#pragma GCC unroll 16
          for (int v = 0; v < kAcross; ++v) {
            Ints& sum = sums[kChains > 1 ? half : 0][row][v];
            sum = dot(sum, weights[v], input);
          }
        }
      }
      words += kPairWords;
    }
    if (kChains > 1) {
#pragma GCC unroll 16
      for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 16
        for (int v = 0; v < kAcross; ++v) sums[0][row][v] = add_ints(sums[0][row][v], sums[kChains - 1][row][v]);
      }
    }
    if (!tile.ends) {
#pragma GCC unroll 16
      for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 16
        for (int v = 0; v < kAcross; ++v) {
          store_ints(tile.partial + ((v / kPerBlock) * kRows + row) * kBlockRows + (v % kPerBlock) * kLanes, sums[0][row][v]);
        }
      }
      continue;
    }
    // The one order: the exact sum as a float, less the zero point's part, times the scale of x; then added, times the scale
    // of the weights; then the minimum's part.
    const Floats factor = broadcast(&tile.table->factor);
#pragma GCC unroll 16
    for (int v = 0; v < kAcross; ++v) {
      const int lane = (v % kPerBlock) * kLanes;
      const Shared shared = open_shared(tile, codes + (v / kPerBlock) * tile.block_bytes, v / kPerBlock, unit, lane);
      const Floats scale = multiply(shared.scale, factor);
      float* out = tile.sums + (v / kPerBlock) * kRows * kBlockRows + lane;
      const float* x_scales = tile.inputs.scales + unit * kRows;
      const float* x_sums = tile.inputs.sums + unit * kRows;
#pragma GCC unroll 16
      for (int row = 0; row < kRows; ++row) {
        Floats& so_far = held[kHolds ? row : 0][kHolds ? v : 0];
        if constexpr (!kHolds) so_far = load(out + row * kBlockRows);
        Floats sum = to_floats(sums[0][row][v]);
        if (tile.offset == CodeOffset::zero) sum = minus_multiply_add(shared.offset, broadcast(x_sums + row), sum);
        so_far = multiply_add(multiply(sum, broadcast(x_scales + row)), scale, so_far);
        if (tile.offset == CodeOffset::minimum) so_far = multiply_add(shared.offset, broadcast(x_sums + row), so_far);
        if constexpr (!kHolds) store(out + row * kBlockRows, so_far);
      }
    }
  }
  if constexpr (kHolds) {
#pragma GCC unroll 16
    for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 16
      for (int v = 0; v < kAcross; ++v) {
        store(tile.sums + ((v / kPerBlock) * kRows + row) * kBlockRows + (v % kPerBlock) * kLanes, held[row][v]);
      }
    }
  }
}

template <typename Codes>
TSUMUGI_TARGET void int8_expand(const Int8Tile& from, uint8_t* to) {
  const Table table = load_table(from.table->bytes);
  const Floats factor = broadcast(&from.table->factor);
  for (int64_t unit = 0; unit < from.units; ++unit) {
    const uint8_t* codes = from.codes + static_cast<size_t>(unit) * from.unit_bytes;
    for (int64_t pair = 0; pair < from.pairs; ++pair) {
      const uint8_t* line = codes + static_cast<size_t>(pair) * Codes::kPairBytes;
      for (int half = 0; half < 2; ++half, to += kStepBytes) {
#pragma GCC unroll 16
        for (int v = 0; v < kPerBlock; ++v) store_bytes(to + v * kLanes * 4, Codes::read(line + v * kLanes * 4, half, table));
      }
    }
    if (!from.ends) continue;
    auto* out = reinterpret_cast<float*>(to);
    for (int lane = 0; lane < kBlockRows; lane += kLanes) {
      const Shared shared = open_shared(from, codes, 0, unit, lane);
      store(out + lane, multiply(shared.scale, factor));
      if (from.offset != CodeOffset::none) store(out + kBlockRows + lane, shared.offset);
    }
    to += kBlockRows * sizeof(float) * (from.offset == CodeOffset::none ? 1 : 2);
  }
}

// Adding this to a float of up to 22 bits rounds it to an integer, ties to even, in the low bits of the sum.
constexpr float kRounder = 12582912.0f;
constexpr int32_t kRounderBits = 0x4b400000;
constexpr int kRun = 16;  // columns at a time, a divisor of every group

// The bits of the greatest |x|, in which those of a number that is not finite are greater than all others.
TSUMUGI_TARGET inline int32_t greatest_bits(const float* x, int64_t count) {
  int32_t most[kRun] = {};
  int64_t at = 0;
  for (; at + kRun <= count; at += kRun) {
    int32_t bits[kRun];
    std::memcpy(bits, x + at, sizeof bits);
    for (int i = 0; i < kRun; ++i) {
      const int32_t size = bits[i] & 0x7fffffff;
      most[i] = size > most[i] ? size : most[i];
    }
  }
  for (int i = 0; at < count; ++at, ++i) {
    int32_t bits;
    std::memcpy(&bits, x + at, sizeof bits);
    bits &= 0x7fffffff;
    most[i] = bits > most[i] ? bits : most[i];
  }
  int32_t greatest = 0;
  for (const int32_t bits : most) greatest = bits > greatest ? bits : greatest;
  return greatest;
}

// Columns that share a scale of one row of x, of which there are `real` and then zeros: `unit` of the call, place `row`.
TSUMUGI_TARGET inline void quantise_unit(const Int8Quantise& call, const float* x, int64_t real, int64_t unit, int64_t row) {
  const int64_t rows = call.padded_rows;
  const int32_t greatest = greatest_bits(x, real);
  float size;
  std::memcpy(&size, &greatest, sizeof size);
  const bool finite = greatest < 0x7f800000;
  const bool counts = finite && size >= 1e-30f;
  const float inverse = counts ? 127.0f / size : 0.0f;
  const float scale = counts ? size / 127.0f : finite ? 0.0f : __builtin_nanf("");
  uint8_t* words = call.out.words + static_cast<size_t>(unit * call.group / 4 * rows + row) * kWordBytes;
  int32_t total = 0;
  for (int64_t column = 0; column < call.group; column += kRun) {
    float rest[kRun];
    const float* from = x + column;
    if (column + kRun > real || !finite) {
      for (int i = 0; i < kRun; ++i) rest[i] = column + i < real && finite ? from[i] : 0.0f;
      from = rest;
    }
    int32_t whole[kRun];
    int32_t sum = 0;
    for (int i = 0; i < kRun; ++i) {
      const float near = from[i] * inverse + kRounder;
      int32_t bits;
      std::memcpy(&bits, &near, sizeof bits);
      whole[i] = bits - kRounderBits;
      sum += whole[i];
    }
    total += sum;
    for (int step = 0; step < kRun / 4; ++step, words += static_cast<size_t>(rows) * kWordBytes) {
      const int32_t* four = whole + 4 * step;
      if constexpr (kWordBytes == 4) {
        const int8_t bytes[4] = {static_cast<int8_t>(four[0]), static_cast<int8_t>(four[1]), static_cast<int8_t>(four[2]),
                                 static_cast<int8_t>(four[3])};
        std::memcpy(words, bytes, sizeof bytes);
      } else {
        const int16_t pairs[4] = {static_cast<int16_t>(four[0]), static_cast<int16_t>(four[2]), static_cast<int16_t>(four[1]),
                                  static_cast<int16_t>(four[3])};
        std::memcpy(words, pairs, sizeof pairs);
      }
    }
  }
  call.out.starts[unit * rows + row] = -static_cast<int32_t>(call.bias) * total;
  call.out.sums[unit * rows + row] = static_cast<float>(total) * (call.scales_sums ? scale : 1.0f);
  call.out.scales[unit * rows + row] = scale;
}

TSUMUGI_TARGET void int8_quantise(const Int8Quantise& call) {
  for (int64_t row = 0; row < call.padded_rows; ++row) {
    const float* x = call.x + row * call.stride;
    for (int64_t unit = 0; unit < call.depth / call.group; ++unit) {
      const int64_t begin = unit * call.group;
      const int64_t real = row < call.rows && begin < call.columns ? call.columns - begin : 0;
      quantise_unit(call, real > 0 ? x + begin : call.x, real < call.group ? real : call.group, unit, row);
    }
  }
}

template <typename Codes, size_t kIndex>
void fill_tiles(Int8Kernels& kernels, Int8Weights weights) {
  constexpr int kRows = kRowCounts[kIndex];
  kernels.tiles[static_cast<size_t>(weights)][kRows] = {kSeveral(kRows), int8_tile<Codes, kRows, kSeveral(kRows)>,
                                                        int8_tile<Codes, kRows, 1>};
  if constexpr (kIndex > 0) fill_tiles<Codes, kIndex - 1>(kernels, weights);
}

Int8Kernels make_int8_kernels() {
  Int8Kernels kernels;
  constexpr size_t kCounts = sizeof kRowCounts / sizeof kRowCounts[0];
  kernels.most_rows = kRowCounts[kCounts - 1];
  kernels.word_bytes = kWordBytes;
  kernels.byte_shift = kByteShift;
  for (int rows = 1; rows <= kernels.most_rows; ++rows) {
    size_t index = 0;
    while (kRowCounts[index] < rows) ++index;
    kernels.padded[rows] = kRowCounts[index];
  }
  fill_tiles<ByteCodes, kCounts - 1>(kernels, Int8Weights::bytes);
  fill_tiles<HalfCodes, kCounts - 1>(kernels, Int8Weights::halves);
  fill_tiles<TableCodes, kCounts - 1>(kernels, Int8Weights::looked_up);
  kernels.quantise = int8_quantise;
  kernels.expand[static_cast<size_t>(Int8Weights::halves)] = int8_expand<HalfCodes>;
  kernels.expand[static_cast<size_t>(Int8Weights::looked_up)] = int8_expand<TableCodes>;
  return kernels;
}

}  // namespace
}  // namespace tsumugi
