// Tensors of GGUF files: rows of whole blocks, or plain numbers whose rows stand in another order than the model has them in.
#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "ggml_blocks.h"
#include "stored.h"

namespace tsumugi {

namespace {

enum GgmlRole : uint8_t { kBlocks, kOdd };

// The bytes of rows [first, last), one after another.
std::vector<uint8_t> stored_rows(const StoredMatrix& matrix, int64_t first, int64_t last, int64_t row_bytes) {
  std::vector<uint8_t> out(static_cast<size_t>((last - first) * row_bytes));
  const auto read = [&](GgmlRole role, int64_t from, int64_t to, uint8_t* into) {
    matrix.read(role, static_cast<uint64_t>(from * row_bytes), static_cast<uint64_t>((to - from) * row_bytes), into);
  };
  const auto copy = [&](int64_t row, const uint8_t* from) {
    std::memcpy(out.data() + (row - first) * row_bytes, from, static_cast<size_t>(row_bytes));
  };
  if (matrix.has(kOdd)) {  // rows of two tensors take turns
    for (const GgmlRole role : {kBlocks, kOdd}) {
      const int64_t low = (first + (role == kBlocks ? 1 : 0)) / 2, high = (last + (role == kBlocks ? 1 : 0)) / 2;
      std::vector<uint8_t> rows(static_cast<size_t>((high - low) * row_bytes));
      read(role, low, high, rows.data());
      for (int64_t row = low; row < high; ++row) copy(2 * row + role, rows.data() + (row - low) * row_bytes);
    }
    return out;
  }
  const int64_t heads = matrix.parameters->integer("heads", 0);
  if (heads == 0) {
    read(kBlocks, first, last, out.data());
    return out;
  }
  if (heads < 0 || matrix.rows % heads != 0) throw std::runtime_error("rows of whole heads were expected");
  // whole heads are read, whose rows are pairs: the first of each pair, then the second
  const int64_t head_rows = matrix.rows / heads;
  const int64_t low = first / head_rows * head_rows, high = (last + head_rows - 1) / head_rows * head_rows;
  std::vector<uint8_t> rows(static_cast<size_t>((high - low) * row_bytes));
  read(kBlocks, low, high, rows.data());
  for (int64_t row = first; row < last; ++row) {
    const int64_t at = row % head_rows;
    const int64_t from = row - at + 2 * at % head_rows + 2 * at / head_rows;
    copy(row, rows.data() + (from - low) * row_bytes);
  }
  return out;
}

const GgmlBlock& block_of(const StoredMatrix& matrix) { return ggml_block(matrix.parameters->text("type")); }

CodedRows read_codes(const StoredMatrix& matrix, int64_t first, int64_t last) {
  const GgmlBlock& block = block_of(matrix);
  if (block.group == 0) throw std::invalid_argument("[load] type: expected one of codes, given " + std::string(block.name));
  const int64_t blocks = matrix.columns / block.values;
  const std::vector<uint8_t> bytes = stored_rows(matrix, first, last, blocks * block.bytes);
  CodedRows coded;
  coded.table = block.table;
  coded.offset = block.offset;
  coded.rows = last - first;
  coded.columns = matrix.columns;
  coded.group = block.group;
  const int64_t groups = block.values / block.group, all = coded.rows * blocks;
  const bool has_offsets = block.offset != CodeOffset::none;
  coded.codes.resize(static_cast<size_t>(all * block.values));
  std::vector<float>& scales = block.has_scale_codes ? coded.super_scales : coded.scales;
  std::vector<float>& offsets = block.has_scale_codes ? coded.super_offsets : coded.offsets;
  const int64_t each = block.has_scale_codes ? 1 : groups;
  scales.resize(static_cast<size_t>(all * each));
  if (has_offsets) offsets.resize(scales.size());
  if (block.has_scale_codes) {
    coded.super = block.values;
    coded.scale_codes.resize(static_cast<size_t>(all * groups));
    if (has_offsets) coded.offset_codes.resize(coded.scale_codes.size());
  }
  for (int64_t i = 0; i < all; ++i) {
    block.read(bytes.data() + i * block.bytes,
               {coded.codes.data() + i * block.values, scales.data() + i * each, offsets.data() + i * each,
                coded.scale_codes.data() + i * groups, coded.offset_codes.data() + i * groups});
  }
  if (block.has_scale_codes) join_scales(coded);
  return coded;
}

void read_values(const StoredMatrix& matrix, int64_t first, int64_t last, float* out) {
  const GgmlBlock& block = block_of(matrix);
  if (block.group != 0) return decode_codes(read_codes(matrix, first, last), out);
  const std::vector<uint8_t> bytes = stored_rows(matrix, first, last, matrix.columns * block.bytes);
  load_values(block.plain, bytes.data(), (last - first) * matrix.columns, out);
}

const RegisterReader ggml_reader({.kind = "ggml", .codes = read_codes, .values = read_values});

}  // namespace

}  // namespace tsumugi
