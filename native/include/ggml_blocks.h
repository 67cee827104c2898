// Blocks of GGUF files as codes, one a byte, and what turns them into values. Their reference is src/tensor/ggml/blocks.ts.
// Source: ggml's ggml-common.h and ggml-quants.c.
#pragma once

#include <cstdint>
#include <string>

#include "code_layout.h"

namespace tsumugi {

// Where a block puts what it holds: codes of its values; then scales and minimums of its groups, or their codes with what one
// and the other are multiplied by.
struct GgmlTarget {
  uint8_t* codes;
  float* scales;
  float* offsets;
  uint8_t* scale_codes;
  uint8_t* offset_codes;
};

struct GgmlBlock {
  const char* name;
  int64_t values;  // of a block
  int64_t bytes;
  int64_t group;  // values that share a scale; 0 for plain numbers
  bool has_scale_codes;  // `scales` and `offsets` then have one entry for the whole block
  CodeTable table;
  CodeOffset offset;
  void (*read)(const uint8_t* block, GgmlTarget to);
  DType plain;  // of plain numbers
};

// Throws std::invalid_argument for a type that is not read.
const GgmlBlock& ggml_block(const std::string& name);

}  // namespace tsumugi
