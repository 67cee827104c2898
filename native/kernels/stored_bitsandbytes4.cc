// bitsandbytes in 4 bits: two codes a byte over the flattened matrix, the high half first. Blocks of it share a scale, which
// double quantisation holds in 8 bits.
#include "bitsandbytes.h"
#include "stored.h"

namespace tsumugi {

namespace {

enum Role : size_t { kCodes, kAbsmax, kNestedAbsmax, kNestedMap };

// Scales of blocks [first, last).
std::vector<float> read_scales(const StoredMatrix& matrix, int64_t first, int64_t last) {
  const auto count = static_cast<size_t>(last - first);
  std::vector<float> scales(count);
  if (!matrix.parameters->has("nestedBlock")) {
    matrix.read(kAbsmax, static_cast<uint64_t>(first) * 4, count * 4, scales.data());
    return scales;
  }
  const int64_t nested = matrix.parameters->integer("nestedBlock");
  const auto offset = static_cast<float>(matrix.parameters->number("nestedOffset"));
  const int64_t outer = first / nested;
  std::vector<uint8_t> codes(count);
  std::vector<float> map(256), absmax(static_cast<size_t>((last - 1) / nested - outer + 1));
  matrix.read(kAbsmax, static_cast<uint64_t>(first), count, codes.data());
  matrix.read(kNestedMap, 0, map.size() * 4, map.data());
  matrix.read(kNestedAbsmax, static_cast<uint64_t>(outer) * 4, absmax.size() * 4, absmax.data());
  for (size_t i = 0; i < count; ++i) {
    const auto at = static_cast<size_t>((first + static_cast<int64_t>(i)) / nested - outer);
    const float scaled = map[codes[i]] * absmax[at];
    scales[i] = scaled + offset;
  }
  return scales;
}

// Scales as the codes that double quantisation made of them.
void read_nested_scales(const StoredMatrix& matrix, int64_t first, int64_t block, CodedRows& coded) {
  const int64_t nested = matrix.parameters->integer("nestedBlock"), row_blocks = coded.columns / block;
  const int64_t start = first * row_blocks, end = start + coded.rows * row_blocks, outer = start / nested;
  std::vector<float> absmax(static_cast<size_t>((end - 1) / nested - outer + 1));
  coded.scale_codes.resize(static_cast<size_t>(end - start));
  coded.scale_map.resize(256);
  matrix.read(kAbsmax, static_cast<uint64_t>(start), coded.scale_codes.size(), coded.scale_codes.data());
  matrix.read(kNestedMap, 0, coded.scale_map.size() * 4, coded.scale_map.data());
  matrix.read(kNestedAbsmax, static_cast<uint64_t>(outer) * 4, absmax.size() * 4, absmax.data());
  for (int64_t i = start; i < end; i += coded.super / block) {
    coded.super_scales.push_back(absmax[static_cast<size_t>(i / nested - outer)]);
  }
  coded.super_offsets.assign(coded.super_scales.size(), static_cast<float>(matrix.parameters->number("nestedOffset")));
  join_scales(coded);
}

CodedRows read_rows(const StoredMatrix& matrix, int64_t first, int64_t last) {
  const int64_t block = matrix.parameters->integer("block");
  CodedRows coded;
  coded.table = four_bit_table(matrix.parameters->text("type"));
  coded.rows = last - first;
  coded.columns = matrix.columns;
  coded.group = common_group(matrix.columns, block);
  const int64_t start = first * matrix.columns, end = last * matrix.columns;
  std::vector<uint8_t> pairs(static_cast<size_t>((end + 1) / 2 - start / 2));
  matrix.read(kCodes, static_cast<uint64_t>(start / 2), pairs.size(), pairs.data());
  coded.codes.resize(static_cast<size_t>(end - start));
  for (int64_t i = start; i < end; ++i) {
    const uint8_t pair = pairs[static_cast<size_t>(i / 2 - start / 2)];
    coded.codes[static_cast<size_t>(i - start)] = i % 2 == 0 ? pair >> 4 : pair & 15;
  }
  const bool nests = matrix.parameters->has("nestedBlock");
  coded.super = nests ? nested_columns(coded.columns, block, matrix.parameters->integer("nestedBlock")) : 0;
  if (coded.super > 0) {
    read_nested_scales(matrix, first, block, coded);
    return coded;
  }
  const std::vector<float> scales = read_scales(matrix, start / block, (end - 1) / block + 1);
  coded.scales.resize(static_cast<size_t>((end - start) / coded.group));
  for (size_t i = 0; i < coded.scales.size(); ++i) {
    const int64_t value = start + static_cast<int64_t>(i) * coded.group;
    coded.scales[i] = scales[static_cast<size_t>(value / block - start / block)];
  }
  return coded;
}

const RegisterReader reader({.kind = "bitsandbytes4", .codes = read_rows});

}  // namespace

}  // namespace tsumugi
