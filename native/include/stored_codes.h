// What readers of stored kinds have in common: streams of bits in words of 32, scales, and columns that stand in any order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stored.h"

namespace tsumugi {

// The names are those of src/tensor/storages/.
enum class ScaleType : uint8_t { float32, float16, bfloat16, exponent };
enum class ColumnGroups : uint8_t { runs, sorted, any };

constexpr const char* kScaleTypeNames[] = {"float32", "float16", "bfloat16", "exponent"};
constexpr const char* kColumnGroupsNames[] = {"runs", "sorted", "any"};

constexpr size_t scale_type_bytes(ScaleType type) {
  return type == ScaleType::float32 ? 4 : type == ScaleType::exponent ? 1 : 2;
}

// Scale `index` of numbers that are stored one after the other.
inline float load_scale_value(ScaleType type, const uint8_t* from, int64_t index) {
  switch (type) {
    case ScaleType::float16:
      return load_value(DType::float16, from, index);
    case ScaleType::bfloat16:
      return load_value(DType::bfloat16, from, index);
    case ScaleType::exponent: {
      const uint32_t exponent = from[index];
      // 2^-127 is a denormal, and the last exponent is no number
      return float_from_bits(exponent == 0 ? 0x00400000u : exponent == 255 ? 0x7fc00000u : exponent << 23);
    }
    case ScaleType::float32:
      break;
  }
  return load_value(DType::float32, from, index);
}

// Words of 32 bits that hold a stream of so many codes.
inline int64_t stream_words(int64_t count, int64_t bits) { return (count * bits + 31) / 32; }

// Code `index` of a stream whose words stand `stride` apart. The lowest bits come first, and codes may straddle two words.
inline uint32_t code_at(const uint32_t* words, int64_t stride, int64_t index, int64_t bits) {
  const int64_t bit = index * bits;
  const uint32_t* at = words + (bit >> 5) * stride;
  const int64_t shift = bit & 31;
  const uint32_t low = *at >> shift;
  const uint32_t high = shift + bits > 32 ? at[stride] << (32 - shift) : 0u;
  return (low | high) & ((1u << bits) - 1u);
}

// A part of a stored matrix of `width` elements of `element` bytes a line: `count` elements from `first` on of lines
// [first_line, first_line + lines), one line after the other.
template <class Element>
std::vector<Element> read_lines(const StoredMatrix& matrix, size_t role, int64_t width, int64_t first_line, int64_t lines,
                                int64_t first, int64_t count) {
  std::vector<Element> out(static_cast<size_t>(lines * count));
  const auto bytes = [](int64_t elements) { return static_cast<uint64_t>(elements) * sizeof(Element); };
  if (count == width) {
    matrix.read(role, bytes(first_line * width), bytes(lines * count), out.data());
    return out;
  }
  for (int64_t line = 0; line < lines; ++line) {
    matrix.read(role, bytes((first_line + line) * width + first), bytes(count), out.data() + line * count);
  }
  return out;
}

// Puts the columns of coded rows, which stand as in the matrix, and scales and offsets by group [rows][groups], in the order
// that `column_groups` says. `groups`: the group of each column, of `count` groups. Throws where they are not as it says.
void group_columns(CodedRows& coded, ColumnGroups column_groups, const std::vector<int32_t>& groups, int64_t count);

}  // namespace tsumugi
