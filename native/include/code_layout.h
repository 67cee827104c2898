// Weights as codes of a few bits. A value is table[code], then by its group of columns: table[code] · scale,
// (table[code] − zero) · scale or table[code] · scale + minimum, each operation rounded to float32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "dtype.h"

namespace tsumugi {

// The names are those of src/tensor/code-layout.ts.
enum class CodeTable : uint8_t { linear, int8, float8, float4, nf4, fp4, iq4nl, int4 };
// exponent: 2^(byte - 127). byte and mapped: codes of scales, for which `super` columns share what turns them into scales. byte:
// signed, times a float16; so are offsets. mapped: map[byte] times a float32, plus another.
enum class CodeScale : uint8_t { float32, float16, exponent, byte, mapped };
enum class CodeOffset : uint8_t { none, zero, minimum };

constexpr const char* kCodeTableNames[] = {"linear", "int8", "float8", "float4", "nf4", "fp4", "iq4nl", "int4"};
constexpr const char* kCodeScaleNames[] = {"float32", "float16", "exponent", "byte", "mapped"};
constexpr const char* kCodeOffsetNames[] = {"none", "zero", "minimum"};

struct CodeValues {
  float values[256];
};

constexpr float kCodeFloat4[16] = {0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
                                   -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};
constexpr float kCodeNf4[16] = {-1.0f,
                                -0.6961928009986877f,
                                -0.5250730514526367f,
                                -0.39491748809814453f,
                                -0.28444138169288635f,
                                -0.18477343022823334f,
                                -0.09105003625154495f,
                                0.0f,
                                0.07958029955625534f,
                                0.16093020141124725f,
                                0.24611230194568634f,
                                0.33791524171829224f,
                                0.44070982933044434f,
                                0.5626170039176941f,
                                0.7229568362236023f,
                                1.0f};
constexpr float kCodeFp4[16] = {0.0f,
                                static_cast<float>(0.0625 / 12),
                                static_cast<float>(8.0 / 12),
                                1.0f,
                                static_cast<float>(4.0 / 12),
                                0.5f,
                                static_cast<float>(2.0 / 12),
                                0.25f,
                                -0.0f,
                                -static_cast<float>(0.0625 / 12),
                                -static_cast<float>(8.0 / 12),
                                -1.0f,
                                -static_cast<float>(4.0 / 12),
                                -0.5f,
                                -static_cast<float>(2.0 / 12),
                                -0.25f};
constexpr float kCodeIq4nl[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

constexpr CodeValues code_table_values(CodeTable table) {
  CodeValues out{};
  for (int code = 0; code < 256; ++code) {
    float& value = out.values[code];
    switch (table) {
      case CodeTable::linear:
        value = static_cast<float>(code);
        break;
      case CodeTable::int8:
        value = static_cast<float>(code - 128);
        break;
      case CodeTable::float8:
        value = float8_values(3, true, false).values[code];
        break;
      case CodeTable::float4:
        value = kCodeFloat4[code & 15];
        break;
      case CodeTable::nf4:
        value = kCodeNf4[code & 15];
        break;
      case CodeTable::fp4:
        value = kCodeFp4[code & 15];
        break;
      case CodeTable::iq4nl:
        value = kCodeIq4nl[code & 15];
        break;
      case CodeTable::int4:
        value = static_cast<float>((code & 15) - 8);
        break;
    }
  }
  return out;
}

// What the codes of a matrix are, beside their bits (Storage::code4 or code8).
struct CodeLayout {
  int64_t group = 0;  // columns that share a scale, a multiple of 16; 0: all columns of a row
  CodeTable table = CodeTable::linear;
  CodeScale scale = CodeScale::float32;
  CodeOffset offset = CodeOffset::none;
  bool permuted = false;  // columns stand in another order, which follows the last block: int32 [columns]
  int64_t super = 0;  // of scales that are codes: columns that share what they are multiplied by, a multiple of `group`
};

constexpr bool has_super_scales(CodeScale scale) { return scale == CodeScale::byte || scale == CodeScale::mapped; }

constexpr size_t code_scale_bytes(CodeScale scale) {
  return scale == CodeScale::float32 ? 4 : scale == CodeScale::float16 ? 2 : 1;
}

// The value of each code; of tables of 16 entries the low half of a code counts.
const float* code_values(CodeTable table);

inline float decode_code(float value, float scale, float shift, CodeOffset offset) {
  if (offset == CodeOffset::zero) return (value - shift) * scale;
  const float scaled = value * scale;
  return offset == CodeOffset::minimum ? scaled + shift : scaled;
}

}  // namespace tsumugi
