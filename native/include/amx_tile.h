// AMX tile registers, by number. With TSUMUGI_EMULATE_AMX (tests only) they are arrays, and the product follows
// Intel's pseudocode of TDPBF16PS: that checks addressing on a machine without AMX, not the hardware's arithmetic.
#pragma once

#include "isa.h"

#if TSUMUGI_X86
#include <cstdint>
#include <cstring>

#include "x86_intrinsics.h"

namespace tsumugi {

struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};

#if defined(TSUMUGI_EMULATE_AMX)

struct TileRegisters {
  TileConfig config;
  alignas(64) uint8_t bytes[8][16][64];
};
inline thread_local TileRegisters tiles;

inline void configure_tiles(const TileConfig& config) { tiles.config = config; }
inline void release_tiles() { std::memset(tiles.bytes, 0xff, sizeof tiles.bytes); }

template <int kTile>
void zero_tile() {
  std::memset(tiles.bytes[kTile], 0, sizeof tiles.bytes[kTile]);
}
template <int kTile>
void load_tile(const void* from, int64_t stride) {
  zero_tile<kTile>();
  for (int row = 0; row < tiles.config.rows[kTile]; ++row) {
    std::memcpy(tiles.bytes[kTile][row], static_cast<const uint8_t*>(from) + row * stride, 64);
  }
}
template <int kTile>
void store_tile(void* to, int64_t stride) {
  for (int row = 0; row < tiles.config.rows[kTile]; ++row) {
    std::memcpy(static_cast<uint8_t*>(to) + row * stride, tiles.bytes[kTile][row], 64);
  }
}
template <int kSum, int kLeft, int kRight>
void multiply_tiles() {
  const auto value = [](int tile, int row, int column) {
    uint16_t half;
    std::memcpy(&half, &tiles.bytes[tile][row][2 * column], 2);
    const uint32_t bits = static_cast<uint32_t>(half) << 16;
    float out;
    std::memcpy(&out, &bits, 4);
    return out;
  };
  for (int row = 0; row < tiles.config.rows[kSum]; ++row) {
    for (int column = 0; column < 16; ++column) {
      float even = 0, odd = 0, sum;
      for (int pair = 0; pair < 16; ++pair) {
        even = __builtin_fmaf(value(kLeft, row, 2 * pair), value(kRight, pair, 2 * column), even);
        odd = __builtin_fmaf(value(kLeft, row, 2 * pair + 1), value(kRight, pair, 2 * column + 1), odd);
      }
      std::memcpy(&sum, &tiles.bytes[kSum][row][4 * column], 4);
      sum += even + odd;
      std::memcpy(&tiles.bytes[kSum][row][4 * column], &sum, 4);
    }
  }
}

#else

// GCC 12 does not see that loading a configuration reads memory.
TSUMUGI_AMX inline void configure_tiles(const TileConfig& config) {
  asm volatile("" ::: "memory");
  _tile_loadconfig(&config);
  asm volatile("" ::: "memory");
}
TSUMUGI_AMX inline void release_tiles() { _tile_release(); }

// The intrinsics are macros that want literal numbers.
#define TSUMUGI_TILE(name, arguments, call) \
  template <int kTile>                      \
  TSUMUGI_AMX inline void name arguments {  \
    if constexpr (kTile == 0) call(0);      \
    if constexpr (kTile == 1) call(1);      \
    if constexpr (kTile == 2) call(2);      \
    if constexpr (kTile == 3) call(3);      \
    if constexpr (kTile == 4) call(4);      \
    if constexpr (kTile == 5) call(5);      \
    if constexpr (kTile == 6) call(6);      \
    if constexpr (kTile == 7) call(7);      \
  }
#define TSUMUGI_ZERO(tile) _tile_zero(tile)
#define TSUMUGI_LOAD(tile) _tile_loadd(tile, from, stride)
#define TSUMUGI_STORE(tile) _tile_stored(tile, to, stride)
TSUMUGI_TILE(zero_tile, (), TSUMUGI_ZERO)
TSUMUGI_TILE(load_tile, (const void* from, int64_t stride), TSUMUGI_LOAD)
TSUMUGI_TILE(store_tile, (void* to, int64_t stride), TSUMUGI_STORE)
#undef TSUMUGI_TILE
#undef TSUMUGI_ZERO
#undef TSUMUGI_LOAD
#undef TSUMUGI_STORE

template <int kSum, int kLeft, int kRight>
TSUMUGI_AMX inline void multiply_tiles() {
  if constexpr (kSum == 0 && kLeft == 4 && kRight == 5) _tile_dpbf16ps(0, 4, 5);
  if constexpr (kSum == 1 && kLeft == 4 && kRight == 6) _tile_dpbf16ps(1, 4, 6);
  if constexpr (kSum == 2 && kLeft == 4 && kRight == 7) _tile_dpbf16ps(2, 4, 7);
  if constexpr (kSum == 3 && kLeft == 4 && kRight == 5) _tile_dpbf16ps(3, 4, 5);
  if constexpr (kSum == 0 && kLeft == 4 && kRight == 6) _tile_dpbf16ps(0, 4, 6);
  if constexpr (kSum == 1 && kLeft == 4 && kRight == 7) _tile_dpbf16ps(1, 4, 7);
  if constexpr (kSum == 2 && kLeft == 5 && kRight == 6) _tile_dpbf16ps(2, 5, 6);
  if constexpr (kSum == 3 && kLeft == 5 && kRight == 7) _tile_dpbf16ps(3, 5, 7);
}

#endif

}  // namespace tsumugi
#endif
