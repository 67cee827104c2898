// Register tiles of matmul, written once for all instruction sets. A file that includes this defines first, in
// namespace tsumugi and an anonymous namespace in it:
//   TSUMUGI_TARGET  the function attribute
//   Vector, kLanes  a register of kLanes floats (a divisor of 16), with zero, load, store, broadcast, add,
//                   multiply, multiply_add(a, b, c) = a * b + c, to_bfloat16 (nearest, ties to even), load_even and load_odd
//                   (bfloat16 pairs), load_float16
// and includes it at file scope.

#include <cstring>

namespace tsumugi {
namespace {

constexpr int kPerBlock = static_cast<int>(kBlockRows) / kLanes;  // registers across a block

// Storages whose columns stand in pairs. `Unit`: 32 columns of a block, for the registers from row `lane` on.

struct Bfloat16Weights {
  static constexpr Storage kStorage = Storage::bfloat16;
  struct Unit {
    const uint8_t* lines;
  };
  TSUMUGI_TARGET static inline Unit open(const uint8_t* unit, int lane) { return {unit + lane * 4}; }
  TSUMUGI_TARGET static inline Vector even(const Unit& unit, int pair) { return load_even(unit.lines + pair * 64); }
  TSUMUGI_TARGET static inline Vector odd(const Unit& unit, int pair) { return load_odd(unit.lines + pair * 64); }
};

// kRows rows of x times kBlocks blocks, kAcross registers of a block at a time (kPerBlock when kBlocks > 1), in the order of
// AMX tiles: of each 32 columns even ones and odd ones in chains of their own.
template <typename Weights, int kRows, int kBlocks, int kAcross>
TSUMUGI_TARGET void documented_tile(const float* x, const uint8_t* weight, size_t block_bytes, int64_t depth, float* c,
                                    bool first, const uint8_t* fetch, ptrdiff_t fetch_step) {
  constexpr int kVectors = kBlocks * kAcross;
  constexpr StorageUnit kUnit = storage_unit(Weights::kStorage);
  for (int part = 0; part < kPerBlock; part += kAcross) {
    const uint8_t* w = weight;
    const float* inputs = x;
    bool fresh = first;
    for (int64_t column = 0; column < depth; column += 32) {
      typename Weights::Unit units[kVectors];
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        units[v] = Weights::open(w + static_cast<size_t>(v / kAcross) * block_bytes, (part + v % kAcross) * kLanes);
      }
      Vector even[kRows][kVectors], odd[kRows][kVectors];
#pragma GCC unroll 16
      for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) even[row][v] = odd[row][v] = zero();
      }
      for (int pair = 0; pair < 16; ++pair, fetch += fetch_step) {
        Vector even_weight[kVectors], odd_weight[kVectors];
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) {
          if (v % kAcross == 0) prefetch(fetch + static_cast<size_t>(v / kAcross) * block_bytes);
          even_weight[v] = Weights::even(units[v], pair);
          odd_weight[v] = Weights::odd(units[v], pair);
        }
#pragma GCC unroll 16
        for (int row = 0; row < kRows; ++row) {
          const Vector even_input = broadcast(inputs + row);
          const Vector odd_input = broadcast(inputs + kRows + row);
#pragma GCC unroll 16
          for (int v = 0; v < kVectors; ++v) {
            even[row][v] = multiply_add(even_weight[v], even_input, even[row][v]);
            odd[row][v] = multiply_add(odd_weight[v], odd_input, odd[row][v]);
          }
        }
        inputs += 2 * kRows;
      }
#pragma GCC unroll 16
      for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) {
          float* sum = c + ((v / kAcross) * kRows + row) * kBlockRows + (part + v % kAcross) * kLanes;
          store(sum, add(fresh ? zero() : load(sum), add(even[row][v], odd[row][v])));
        }
      }
      fresh = false;
      w += kUnit.bytes;
    }
  }
}

struct Float32Weights {
  static constexpr size_t kBytes = 4;
  TSUMUGI_TARGET static inline Vector read(const uint8_t* address) { return load(reinterpret_cast<const float*>(address)); }
};

struct Float16Weights {
  static constexpr size_t kBytes = 2;
  TSUMUGI_TARGET static inline Vector read(const uint8_t* address) { return load_float16(address); }
};

// One chain per output, over ascending columns.
template <typename Weights, int kRows, int kBlocks, int kAcross>
TSUMUGI_TARGET void chain_tile(const float* x, const uint8_t* weight, size_t block_bytes, int64_t depth, float* c, bool first,
                               const uint8_t* fetch, ptrdiff_t fetch_step) {
  constexpr int kVectors = kBlocks * kAcross;
  for (int part = 0; part < kPerBlock; part += kAcross) {
    const uint8_t* w = weight + static_cast<size_t>(part) * kLanes * Weights::kBytes;
    const float* inputs = x;
    Vector sum[kRows][kVectors];
#pragma GCC unroll 16
    for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        sum[row][v] = first ? zero() : load(c + ((v / kAcross) * kRows + row) * kBlockRows + (part + v % kAcross) * kLanes);
      }
    }
    for (int64_t column = 0; column < depth; ++column, fetch += fetch_step) {
      Vector weights[kVectors];
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        const uint8_t* line =
            w + static_cast<size_t>(v / kAcross) * block_bytes + static_cast<size_t>(v % kAcross) * kLanes * Weights::kBytes;
        if (v % kAcross == 0) prefetch(fetch + static_cast<size_t>(v / kAcross) * block_bytes);
        weights[v] = Weights::read(line);
      }
#pragma GCC unroll 16
      for (int row = 0; row < kRows; ++row) {
        const Vector input = broadcast(inputs + row);
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) sum[row][v] = multiply_add(weights[v], input, sum[row][v]);
      }
      w += kBlockRows * Weights::kBytes;
      inputs += kRows;
    }
#pragma GCC unroll 16
    for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        store(c + ((v / kAcross) * kRows + row) * kBlockRows + (part + v % kAcross) * kLanes, sum[row][v]);
      }
    }
  }
}

// The same of pairs of columns: one chain over ascending columns all the same.
template <typename Weights, int kRows, int kBlocks, int kAcross>
TSUMUGI_TARGET void pair_tile(const float* x, const uint8_t* weight, size_t block_bytes, int64_t depth, float* c, bool first,
                              const uint8_t* fetch, ptrdiff_t fetch_step) {
  constexpr int kVectors = kBlocks * kAcross;
  constexpr StorageUnit kUnit = storage_unit(Weights::kStorage);
  for (int part = 0; part < kPerBlock; part += kAcross) {
    const uint8_t* w = weight;
    const float* inputs = x;
    Vector sum[kRows][kVectors];
#pragma GCC unroll 16
    for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        sum[row][v] = first ? zero() : load(c + ((v / kAcross) * kRows + row) * kBlockRows + (part + v % kAcross) * kLanes);
      }
    }
    for (int64_t column = 0; column < depth; column += kUnit.columns) {
      typename Weights::Unit units[kVectors];
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        units[v] = Weights::open(w + static_cast<size_t>(v / kAcross) * block_bytes, (part + v % kAcross) * kLanes);
      }
      for (int pair = 0; pair < kUnit.columns / 2; ++pair, fetch += fetch_step) {
        Vector weights[kVectors];
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) {
          if (v % kAcross == 0) prefetch(fetch + static_cast<size_t>(v / kAcross) * block_bytes);
          weights[v] = Weights::even(units[v], pair);
        }
#pragma GCC unroll 16
        for (int row = 0; row < kRows; ++row) {
          const Vector input = broadcast(inputs + row);
#pragma GCC unroll 16
          for (int v = 0; v < kVectors; ++v) sum[row][v] = multiply_add(weights[v], input, sum[row][v]);
        }
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) weights[v] = Weights::odd(units[v], pair);
#pragma GCC unroll 16
        for (int row = 0; row < kRows; ++row) {
          const Vector input = broadcast(inputs + kRows + row);
#pragma GCC unroll 16
          for (int v = 0; v < kVectors; ++v) sum[row][v] = multiply_add(weights[v], input, sum[row][v]);
        }
        inputs += 2 * kRows;
      }
      w += kUnit.bytes;
    }
#pragma GCC unroll 16
    for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        store(c + ((v / kAcross) * kRows + row) * kBlockRows + (part + v % kAcross) * kLanes, sum[row][v]);
      }
    }
  }
}

template <int kRows, bool kRound>
TSUMUGI_TARGET void pack_inputs(const float* x, int64_t stride, int64_t columns, int64_t padded, float* out) {
  for (int64_t column = 0; column < columns; ++column) {
#pragma GCC unroll 16
    for (int row = 0; row < kRows; ++row) {
      const float value = x[row * stride + column];
      out[column * kRows + row] = kRound ? round_to_bfloat16(value) : value;
    }
  }
  if (padded > columns) std::memset(out + columns * kRows, 0, static_cast<size_t>(padded - columns) * kRows * sizeof(float));
}

// kRound: 0 float32, 1 rounded to bfloat16, 2 before the bias as well.
template <int kRound>
TSUMUGI_TARGET void finish_block(const float* c, int64_t rows, int64_t outputs, const float* bias, const float* residual,
                                 int64_t residual_stride, float* y, int64_t y_stride) {
  if (outputs == kBlockRows) {
    for (int64_t row = 0; row < rows; ++row) {
#pragma GCC unroll 4
      for (int lane = 0; lane < kBlockRows; lane += kLanes) {
        Vector value = load(c + row * kBlockRows + lane);
        if (kRound == 2) value = to_bfloat16(value);
        if (bias != nullptr) value = add(value, load(bias + lane));
        if (kRound > 0) value = to_bfloat16(value);
        if (residual != nullptr) {
          value = add(value, load(residual + row * residual_stride + lane));
          if (kRound > 0) value = to_bfloat16(value);
        }
        store(y + row * y_stride + lane, value);
      }
    }
    return;
  }
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t lane = 0; lane < outputs; ++lane) {
      float value = c[row * kBlockRows + lane];
      if (kRound == 2) value = round_to_bfloat16(value);
      if (bias != nullptr) value += bias[lane];
      if (kRound > 0) value = round_to_bfloat16(value);
      if (residual != nullptr) {
        value += residual[row * residual_stride + lane];
        if (kRound > 0) value = round_to_bfloat16(value);
      }
      y[row * y_stride + lane] = value;
    }
  }
}

// How many blocks and registers a tile of so many rows takes, when it keeps kSums sums for each output and has room
// for kRoom sums.
template <int kRows, int kSums>
struct TileShape {
  static constexpr int kFit = kRoom / (kRows * kSums);  // registers across
  static constexpr int kBlocks = kFit >= 4 * kPerBlock ? 4 : kFit >= 3 * kPerBlock ? 3 : kFit >= 2 * kPerBlock ? 2 : 1;
  static constexpr int kAcross = kFit >= kPerBlock ? kPerBlock : kFit >= 2 && kPerBlock >= 2 ? 2 : 1;
};

// These fill in the tiles of up to kRows rows; a strip takes kStrip blocks.

template <typename Weights, int kRows, int kStrip>
void fill_chain(TileKernels& kernels) {
  using Shape = TileShape<kRows, 1>;
  kernels.rows[kRows - 1] = {Shape::kBlocks, chain_tile<Weights, kRows, Shape::kBlocks, Shape::kAcross>,
                             chain_tile<Weights, kRows, kStrip, Shape::kAcross>, chain_tile<Weights, kRows, 1, Shape::kAcross>,
                             pack_inputs<kRows, false>};
  if constexpr (kRows > 1) fill_chain<Weights, kRows - 1, kStrip>(kernels);
}

template <typename Weights, int kRows, int kStrip>
void fill_pairs(TileKernels& kernels) {
  using Shape = TileShape<kRows, 1>;
  kernels.rows[kRows - 1] = {Shape::kBlocks, pair_tile<Weights, kRows, Shape::kBlocks, Shape::kAcross>,
                             pair_tile<Weights, kRows, kStrip, Shape::kAcross>, pair_tile<Weights, kRows, 1, Shape::kAcross>,
                             pack_inputs<kRows, true>};
  if constexpr (kRows > 1) fill_pairs<Weights, kRows - 1, kStrip>(kernels);
}

template <typename Weights, int kRows, int kStrip>
void fill_documented(TileKernels& kernels) {
  using Shape = TileShape<kRows, 2>;
  kernels.rows[kRows - 1] = {Shape::kBlocks, documented_tile<Weights, kRows, Shape::kBlocks, Shape::kAcross>,
                             documented_tile<Weights, kRows, kStrip, Shape::kAcross>,
                             documented_tile<Weights, kRows, 1, Shape::kAcross>, pack_inputs<kRows, true>};
  if constexpr (kRows > 1) fill_documented<Weights, kRows - 1, kStrip>(kernels);
}

inline void set_shape(TileKernels& kernels, int max_rows, int step_columns, int step_bytes, int strip_blocks) {
  kernels.max_rows = max_rows;
  kernels.step_columns = step_columns;
  kernels.step_bytes = step_bytes;
  kernels.strip_blocks = strip_blocks;
  kernels.finish[0] = finish_block<0>;
  kernels.finish[1] = finish_block<1>;
  kernels.finish[2] = finish_block<2>;
}

template <int kRows, int kStrip>
const TileKernels& tables(Storage storage, Arithmetic arithmetic) {
  static const struct Tables {
    TileKernels float32, float16, bfloat16;
    Tables() {
      set_shape(float32, kRows, 1, 64, kStrip);
      set_shape(float16, kRows, 1, 32, kStrip);
      set_shape(bfloat16, kRows, 2, 64, kStrip);
      fill_chain<Float32Weights, kRows, kStrip>(float32);
      fill_chain<Float16Weights, kRows, kStrip>(float16);
      fill_pairs<Bfloat16Weights, kRows, kStrip>(bfloat16);
    }
  } made;
  if (arithmetic != own_arithmetic(storage)) {
    throw std::invalid_argument(std::string("[matmul] arithmetic: expected that of its own for ") + storage_name(storage));
  }
  return storage == Storage::float32 ? made.float32 : storage == Storage::float16 ? made.float16 : made.bfloat16;
}

}  // namespace
}  // namespace tsumugi
