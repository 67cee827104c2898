// How matmul weights are held in memory, and what a matmul multiplies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "dtype.h"

namespace tsumugi {

// The names are those of src/tensor/storage.ts and of the plain dtypes.
enum class Storage : uint8_t { float32, bfloat16, float16, mxfp4 };

// float32: products of float32 values, in one chain over k. bfloat16: what comes in is rounded to bfloat16, and sums follow
// the order of AMX tiles. matmul.h says both in full.
enum class Arithmetic : uint8_t { float32, bfloat16 };

constexpr int64_t kBlockRows = 16;

// A block of 16 rows is cut into units, which stand one behind the other: `columns` columns each, with all that belongs to
// them (codes, then the scales that they share). Columns are padded with zeros to whole units.
struct StorageUnit {
  int64_t columns;
  size_t bytes;
};

// MXFP4: 16 pairs of columns [pair][row], a byte each with the even column in its low half; then the exponents [row] of the
// scales, with 127 added.
constexpr size_t kMxfp4ScalesAt = 256;

// The 16 values of a 4-bit float: sign, two bits of exponent, one of mantissa.
constexpr float kFloat4Values[16] = {0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
                                     -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};

constexpr StorageUnit storage_unit(Storage storage) {
  switch (storage) {
    case Storage::float32:
      return {1, 64};
    case Storage::float16:
      return {1, 32};
    case Storage::bfloat16:
      return {32, 1024};  // one AMX tile
    case Storage::mxfp4:
      return {32, kMxfp4ScalesAt + 16};
  }
  return {};
}

constexpr const char* storage_name(Storage storage) {
  switch (storage) {
    case Storage::float32:
      return "float32";
    case Storage::bfloat16:
      return "bfloat16";
    case Storage::float16:
      return "float16";
    case Storage::mxfp4:
      return "mxfp4";
  }
  return "unknown";
}

inline Storage storage_named(const std::string& name) {
  for (const Storage storage : {Storage::float32, Storage::bfloat16, Storage::float16, Storage::mxfp4}) {
    if (name == storage_name(storage)) return storage;
  }
  throw std::invalid_argument("[matmul] storage: expected float32, bfloat16, float16 or mxfp4, given " + name);
}

// Whether values stand for themselves, and need no scale.
constexpr bool is_plain(Storage storage) { return storage != Storage::mxfp4; }

// Bytes of one value of a plain storage.
constexpr size_t value_bytes(Storage plain) { return plain == Storage::float32 ? 4 : 2; }

// The arithmetic of plain storages, which is their own.
constexpr Arithmetic own_arithmetic(Storage storage) {
  return storage == Storage::bfloat16 ? Arithmetic::bfloat16 : Arithmetic::float32;
}

}  // namespace tsumugi
