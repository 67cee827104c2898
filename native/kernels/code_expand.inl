// Codes as values, written once for all instruction sets. A file that includes this defines first, in namespace tsumugi and an
// anonymous namespace in it:
//   TSUMUGI_TARGET  the function attribute
//   Vector, kLanes  a register of kLanes floats (a divisor of 16), with load, store, zero, broadcast, add, subtract,
//                   multiply, multiply_add(a, b, c) = a * b + c, to_bfloat16 (nearest, ties to even), store_rounded (two of
//                   them as bfloat16 pairs, rounded so), load_float16,
//                   load_exponents (bytes, as 2^(byte - 127)), load_signed (bytes, as numbers)
//   Words           kLanes words of 32 bits: load_words, shift_right<bits>
//   Table           16 floats: open_table, and look_up, by the low four bits of each word
//   low_byte, float8_value  the low byte of each word as a number, and as the float of 8 bits that it is
// and includes it at file scope.

#define TSUMUGI_INLINE TSUMUGI_TARGET inline __attribute__((always_inline))

namespace tsumugi {
namespace {

// What the codes of a line mean. `value<column>` decodes one column of it.

struct FourBits {
  static constexpr int kColumns = 8;
  Table table;
  TSUMUGI_TARGET static inline FourBits open(CodeTable table) { return {open_table(code_values(table))}; }
  template <int kColumn>
  TSUMUGI_INLINE Vector value(Words words) const {
    return look_up(table, shift_right<kColumn % 4 * 8 + kColumn / 4 * 4>(words));
  }
};

struct Integers {
  static constexpr int kColumns = 4;
  Vector first;  // the number of code 0, with its sign turned
  TSUMUGI_TARGET static inline Integers open(CodeTable table) {
    alignas(64) float values[kBlockRows];
    for (float& value : values) value = -code_values(table)[0];
    return {load(values)};
  }
  template <int kColumn>
  TSUMUGI_INLINE Vector value(Words words) const {
    return subtract(low_byte(shift_right<kColumn * 8>(words)), first);
  }
};

struct SmallFloats {
  static constexpr int kColumns = 4;
  TSUMUGI_TARGET static inline SmallFloats open(CodeTable) { return {}; }
  template <int kColumn>
  TSUMUGI_INLINE Vector value(Words words) const {
    return float8_value(shift_right<kColumn * 8>(words));
  }
};

TSUMUGI_TARGET inline Vector load_scales(CodeScale type, const uint8_t* scales, int lane) {
  if (type == CodeScale::float32) return load(reinterpret_cast<const float*>(scales) + lane);
  if (type == CodeScale::float16) return load_float16(scales + lane * 2);
  return type == CodeScale::byte ? load_signed(scales + lane) : load_exponents(scales + lane);
}

// Where a block's scales are, once for all of its units.
struct BlockScales {
  CodeScale type;
  size_t scales;  // bytes of a unit's
  const uint8_t* supers;  // of scales that are codes
  size_t super_bytes;
  int64_t super;
  const float* map;

  static BlockScales of(const PackedMatrix& matrix, const uint8_t* block, const CodeUnit& unit) {
    const CodeScale type = matrix.codes.scale;
    if (!has_super_scales(type)) return {type, unit.scales, nullptr, 0, 1, nullptr};
    return {type,
            unit.scales,
            block + static_cast<size_t>(matrix.units()) * unit.bytes,
            matrix.super_bytes(),
            matrix.codes.super,
            type == CodeScale::mapped ? matrix.scale_map() : nullptr};
  }
};

// What the columns of a unit share, for the registers from row `lane` on.
template <CodeOffset kOffset>
struct Shared {
  Vector scale, shift;
  // `scales` are those of the unit that begins at `column`.
  TSUMUGI_TARGET static inline Shared open(const BlockScales& block, const uint8_t* scales, int64_t column, int lane) {
    constexpr bool kHasOffset = kOffset != CodeOffset::none;
    if (block.map != nullptr) {
      const uint8_t* supers = block.supers + static_cast<size_t>(column / block.super) * block.super_bytes + lane * 4;
      alignas(64) float mapped[kLanes];
      for (int i = 0; i < kLanes; ++i) mapped[i] = block.map[scales[lane + i]];
      const Vector scaled = multiply(load(mapped), load(reinterpret_cast<const float*>(supers)));
      const Vector scale = add(scaled, load(reinterpret_cast<const float*>(supers + 64)));
      return {scale, scale};
    }
    Vector scale = load_scales(block.type, scales, lane);
    Vector shift = kHasOffset ? load_scales(block.type, scales + block.scales, lane) : scale;
    if (block.supers != nullptr) {
      const uint8_t* supers = block.supers + static_cast<size_t>(column / block.super) * block.super_bytes + lane * 2;
      scale = multiply(scale, load_float16(supers));
      if (kHasOffset) shift = multiply(shift, load_float16(supers + 32));
    }
    return {scale, shift};
  }
  TSUMUGI_INLINE Vector apply(Vector value) const {
    if constexpr (kOffset == CodeOffset::zero) return multiply(subtract(value, shift), scale);
    const Vector scaled = multiply(value, scale);
    return kOffset == CodeOffset::minimum ? add(scaled, shift) : scaled;
  }
};

template <typename Codes, CodeOffset kOffset, bool kRounds, int kColumn>
TSUMUGI_TARGET inline uint8_t* write_pairs(const Codes& codes, const Shared<kOffset>& shared, Words words, uint8_t* to) {
  const Vector even = shared.apply(codes.template value<kColumn>(words));
  const Vector odd = shared.apply(codes.template value<kColumn + 1>(words));
  if constexpr (kRounds) {
    store_rounded(to, even, odd);
    to += 64;
  } else {
    store(reinterpret_cast<float*>(to), even);
    store(reinterpret_cast<float*>(to + 64), odd);
    to += 128;
  }
  if constexpr (kColumn + 2 < Codes::kColumns) to = write_pairs<Codes, kOffset, kRounds, kColumn + 2>(codes, shared, words, to);
  return to;
}

template <typename Codes, CodeOffset kOffset, bool kRounds>
TSUMUGI_TARGET void expand_codes(const PackedMatrix& matrix, int64_t block, int64_t begin, int64_t depth, uint8_t* out) {
  const CodeUnit unit = code_unit(matrix.storage, matrix.codes, matrix.columns);
  const Codes codes = Codes::open(matrix.codes.table);
  const int64_t end = begin + depth;
  const uint8_t* first = matrix.block(block, 0);
  const BlockScales scales = BlockScales::of(matrix, first, unit);
  const uint8_t* units = first + static_cast<size_t>(begin / unit.columns) * unit.bytes;
  for (int64_t column = begin; column < end; units += unit.bytes) {
    const int64_t within = column % unit.columns;
    const int64_t run = end - column < unit.columns - within ? end - column : unit.columns - within;
    for (int lane = 0; lane < kBlockRows; lane += kLanes) {
      const auto shared = Shared<kOffset>::open(scales, units + unit.codes, column, lane);
      const uint8_t* line = units + within / Codes::kColumns * 64 + lane * 4;
      uint8_t* to = out + lane * 4;
      for (int64_t i = 0; i < run; i += Codes::kColumns, line += 64) {
        to = write_pairs<Codes, kOffset, kRounds, 0>(codes, shared, load_words(line), to);
      }
    }
    out += run * 64 / (kRounds ? 2 : 1);
    column += run;
  }
}

}  // namespace
}  // namespace tsumugi
