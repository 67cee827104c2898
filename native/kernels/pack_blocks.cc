// Packing by tiles. A tile is 16 rows of one cache line each: it is turned round in registers, so that lines of the block are
// written whole and in order. Scattered stores of single values take longer than reading the file.
#include "pack_blocks.h"

#include <cstring>
#include <type_traits>

#include "x86_intrinsics.h"

namespace tsumugi {

namespace {

constexpr int64_t kTileWords = 16;  // 32-bit words of a row in a tile

#define TSUMUGI_INLINE inline __attribute__((always_inline))

// Words [row][16] of 16 rows become [word][16 rows].
struct TurnPlain {
  static TSUMUGI_INLINE void turn(const uint8_t* const* rows, uint8_t* out) {
    for (int word = 0; word < 16; ++word) {
      for (int row = 0; row < 16; ++row) std::memcpy(out + (word * 16 + row) * 4, rows[row] + word * 4, 4);
    }
  }
  static TSUMUGI_INLINE void write(const uint8_t* tile, uint8_t* out) { std::memcpy(out, tile, 1024); }
};

#if TSUMUGI_X86
struct TurnAvx2 {
  // Eight rows and eight words of them.
  TSUMUGI_AVX2 static inline void turn_quarter(const uint8_t* const* rows, int word, float* to) {
    const __m256 a = load(rows, 0, word), b = load(rows, 1, word), c = load(rows, 2, word), d = load(rows, 3, word);
    const __m256 e = load(rows, 4, word), f = load(rows, 5, word), g = load(rows, 6, word), h = load(rows, 7, word);
    const __m256 ab_low = _mm256_unpacklo_ps(a, b), ab_high = _mm256_unpackhi_ps(a, b);
    const __m256 cd_low = _mm256_unpacklo_ps(c, d), cd_high = _mm256_unpackhi_ps(c, d);
    const __m256 ef_low = _mm256_unpacklo_ps(e, f), ef_high = _mm256_unpackhi_ps(e, f);
    const __m256 gh_low = _mm256_unpacklo_ps(g, h), gh_high = _mm256_unpackhi_ps(g, h);
    store(to, 0, _mm256_shuffle_ps(ab_low, cd_low, 0x44), _mm256_shuffle_ps(ef_low, gh_low, 0x44));
    store(to, 1, _mm256_shuffle_ps(ab_low, cd_low, 0xee), _mm256_shuffle_ps(ef_low, gh_low, 0xee));
    store(to, 2, _mm256_shuffle_ps(ab_high, cd_high, 0x44), _mm256_shuffle_ps(ef_high, gh_high, 0x44));
    store(to, 3, _mm256_shuffle_ps(ab_high, cd_high, 0xee), _mm256_shuffle_ps(ef_high, gh_high, 0xee));
  }
  TSUMUGI_AVX2 static inline __m256 load(const uint8_t* const* rows, int row, int word) {
    return _mm256_loadu_ps(reinterpret_cast<const float*>(rows[row]) + word);
  }
  // Words i and i + 4 of rows 0 to 3 and of rows 4 to 7.
  TSUMUGI_AVX2 static inline void store(float* to, int word, __m256 first, __m256 second) {
    _mm256_store_ps(to + word * 16, _mm256_permute2f128_ps(first, second, 0x20));
    _mm256_store_ps(to + (word + 4) * 16, _mm256_permute2f128_ps(first, second, 0x31));
  }
  TSUMUGI_AVX2 static inline void turn(const uint8_t* const* rows, uint8_t* out) {
    float* to = reinterpret_cast<float*>(out);
    // Both halves of a line at once: lines of 16 rows whose length is a power of two have no place in the first cache together.
    turn_quarter(rows, 0, to);
    turn_quarter(rows, 8, to + 128);
    turn_quarter(rows + 8, 0, to + 8);
    turn_quarter(rows + 8, 8, to + 136);
  }
  // Past the caches, since a packed weight is not read before all are.
  TSUMUGI_AVX2 static inline void write(const uint8_t* tile, uint8_t* out) {
    for (int i = 0; i < 1024; i += 32) {
      _mm256_stream_si256(reinterpret_cast<__m256i*>(out + i), _mm256_load_si256(reinterpret_cast<const __m256i*>(tile + i)));
    }
  }
};
#endif

// [pair][16 rows][2] becomes [column][16 rows].
TSUMUGI_INLINE void split_pairs(const uint32_t* pairs, uint16_t* out) {
  for (int pair = 0; pair < 16; ++pair) {
    for (int row = 0; row < 16; ++row) out[pair * 32 + row] = static_cast<uint16_t>(pairs[pair * 16 + row]);
    for (int row = 0; row < 16; ++row) out[pair * 32 + 16 + row] = static_cast<uint16_t>(pairs[pair * 16 + row] >> 16);
  }
}

// As float16_to_float, without branches.
TSUMUGI_INLINE float widen_float16(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = half & 0x7c00u;
  const int32_t mantissa = half & 0x3ff;
  const uint32_t shifted = static_cast<uint32_t>(half & 0x7fffu) << 13;
  const uint32_t special = (shifted + 0x70000000u) | (mantissa != 0 ? 0x00400000u : 0u);
  const uint32_t normal = shifted + 0x38000000u;
  const uint32_t small = float_bits(static_cast<float>(mantissa) * 5.9604644775390625e-8f);  // 2^-24: never a denormal
  const uint32_t magnitude = exponent == 0x7c00u ? special : exponent == 0 ? small : normal;
  return float_from_bits(sign | magnitude);
}

struct Float32 {
  using Element = float;
  static TSUMUGI_INLINE float read(float value) { return value; }
  static TSUMUGI_INLINE float write(float value) { return value; }
};
struct Bfloat16 {
  using Element = uint16_t;
  static TSUMUGI_INLINE float read(uint16_t value) { return float_from_bits(static_cast<uint32_t>(value) << 16); }
  static TSUMUGI_INLINE uint16_t write(float value) {
    const uint32_t bits = float_bits(value);
    const uint32_t rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
    return static_cast<uint16_t>(((bits & 0x7fffffffu) > 0x7f800000u ? bits | 0x00400000u : rounded) >> 16);
  }
};
struct Float16 {
  using Element = uint16_t;
  static TSUMUGI_INLINE float read(uint16_t value) { return widen_float16(value); }
  static TSUMUGI_INLINE uint16_t write(float value) { return float_to_float16(value); }
};

template <typename From, typename To, typename Turn>
TSUMUGI_INLINE void pack_tiles(PackedMatrix& matrix, int64_t first_row, int64_t blocks, const void* source, int64_t stride) {
  using Target = typename To::Element;
  constexpr bool kSame = std::is_same_v<From, To>;
  constexpr int64_t kColumns = kTileWords * 4 / static_cast<int64_t>(sizeof(Target));
  constexpr bool kSplits = std::is_same_v<To, Float16>;
  const int64_t columns = matrix.columns;
  for (int64_t block = 0; block < blocks; ++block) {
    const auto* elements = static_cast<const typename From::Element*>(source) + block * kBlockRows * stride;
    uint8_t* out = matrix.block(first_row / kBlockRows + block);
    for (int64_t column = 0; column < columns; column += kColumns) {
      const int64_t here = columns - column < kColumns ? columns - column : kColumns;
      const uint8_t* rows[kBlockRows];
      alignas(64) Target staged[kBlockRows][kColumns];
      for (int64_t row = 0; row < kBlockRows; ++row) {
        const auto* line = elements + row * stride + column;
        rows[row] = reinterpret_cast<const uint8_t*>(line);
        if (kSame && here == kColumns) continue;
        rows[row] = reinterpret_cast<const uint8_t*>(staged[row]);
        if (here == kColumns) {
          for (int64_t i = 0; i < kColumns; ++i) staged[row][i] = To::write(From::read(line[i]));
          continue;
        }
        for (int64_t i = 0; i < here; ++i) staged[row][i] = kSame ? Target(line[i]) : To::write(From::read(line[i]));
        for (int64_t i = here; i < kColumns; ++i) staged[row][i] = Target{};
      }
      // Columns of a storage without padding end inside the last tile.
      const size_t bytes = static_cast<size_t>(std::is_same_v<To, Bfloat16> ? kColumns : here) * kBlockRows * sizeof(Target);
      alignas(64) uint8_t turned[1024];
      alignas(64) uint8_t split[1024];
      const bool whole = !kSplits && bytes == sizeof(turned);
      Turn::turn(rows, turned);
      if (whole) {
        Turn::write(turned, out);
      } else {
        if constexpr (kSplits) split_pairs(reinterpret_cast<const uint32_t*>(turned), reinterpret_cast<uint16_t*>(split));
        std::memcpy(out, kSplits ? split : turned, bytes);
      }
      out += bytes;
    }
  }
}

using Pack = void (*)(PackedMatrix&, int64_t, int64_t, const void*, int64_t);

template <typename From, typename To>
void pack_plain(PackedMatrix& matrix, int64_t first_row, int64_t blocks, const void* source, int64_t stride) {
  pack_tiles<From, To, TurnPlain>(matrix, first_row, blocks, source, stride);
}

#if TSUMUGI_X86
template <typename From, typename To>
TSUMUGI_AVX2 void pack_avx2(PackedMatrix& matrix, int64_t first_row, int64_t blocks, const void* source, int64_t stride) {
  pack_tiles<From, To, TurnAvx2>(matrix, first_row, blocks, source, stride);
  _mm_sfence();
}
#endif

template <typename From, typename To>
Pack choose() {
#if TSUMUGI_X86
  if (active_isa() >= Isa::avx2) return pack_avx2<From, To>;
#endif
  return pack_plain<From, To>;
}

template <typename To>
Pack choose_from(DType source) {
  switch (source) {
    case DType::float32:
      return choose<Float32, To>();
    case DType::bfloat16:
      return choose<Bfloat16, To>();
    case DType::float16:
      return choose<Float16, To>();
    default:
      return nullptr;
  }
}

Pack choose_pack(Storage storage, DType source) {
  switch (storage) {
    case Storage::float32:
      return choose_from<Float32>(source);
    case Storage::bfloat16:
      return choose_from<Bfloat16>(source);
    case Storage::float16:
      return source == DType::float16 ? choose<Float16, Float16>() : nullptr;
    default:
      return nullptr;
  }
}

}  // namespace

int64_t pack_whole_blocks(PackedMatrix& matrix, int64_t first_row, int64_t row_count, DType source_type, const void* source,
                          int64_t source_stride) {
  const int64_t blocks = row_count / kBlockRows;
  if (first_row % kBlockRows != 0 || blocks == 0) return 0;
  const Pack pack = choose_pack(matrix.storage, source_type);
  if (pack == nullptr) return 0;
  pack(matrix, first_row, blocks, source, source_stride);
  return blocks * kBlockRows;
}

}  // namespace tsumugi
