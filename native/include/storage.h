// How matmul weights are held in memory, and what a matmul multiplies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "code_layout.h"
#include "dtype.h"

namespace tsumugi {

// The names of the plain dtypes, and of codes of up to 4 and 8 bits, whose layout a matrix says (code_layout.h).
enum class Storage : uint8_t { float32, bfloat16, float16, code4, code8 };

// float32: products of float32 values, in one chain over k. bfloat16: what comes in is rounded to bfloat16, and sums follow
// the order that suits the machine. int8, of codes: what comes in is rounded to integers of 8 bits. matmul.h says all in full.
enum class Arithmetic : uint8_t { float32, bfloat16, int8 };

constexpr int64_t kBlockRows = 16;

// A block of 16 rows is cut into units, which stand one behind the other: `columns` columns each, with all that belongs to
// them (codes, then the scales that they share). Columns are padded with zeros to whole units.
struct StorageUnit {
  int64_t columns;
  size_t bytes;
};

// Of plain storages; that of codes is code_unit's (packed_matrix.h).
constexpr StorageUnit storage_unit(Storage storage) {
  switch (storage) {
    case Storage::float32:
      return {1, 64};
    case Storage::float16:
      return {1, 32};
    case Storage::bfloat16:
      return {32, 1024};  // one AMX tile
    case Storage::code4:
    case Storage::code8:
      break;
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
    case Storage::code4:
      return "code4";
    case Storage::code8:
      return "code8";
  }
  return "unknown";
}

inline Storage storage_named(const std::string& name) {
  for (const Storage storage : {Storage::float32, Storage::bfloat16, Storage::float16, Storage::code4, Storage::code8}) {
    if (name == storage_name(storage)) return storage;
  }
  throw std::invalid_argument("[matmul] storage: expected float32, bfloat16, float16, code4 or code8, given " + name);
}

// Whether values stand for themselves, and need no scale.
constexpr bool is_plain(Storage storage) { return storage != Storage::code4 && storage != Storage::code8; }

// Bytes of one value of a plain storage.
constexpr size_t value_bytes(Storage plain) { return plain == Storage::float32 ? 4 : 2; }

// The arithmetic of plain storages, which is their own.
constexpr Arithmetic own_arithmetic(Storage storage) {
  return storage == Storage::bfloat16 ? Arithmetic::bfloat16 : Arithmetic::float32;
}

// The type of the values: of codes that which they are decoded to.
constexpr Storage value_storage(Storage storage, Arithmetic arithmetic) {
  if (is_plain(storage)) return storage;
  return arithmetic == Arithmetic::bfloat16 ? Storage::bfloat16 : Storage::float32;
}

}  // namespace tsumugi
