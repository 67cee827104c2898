// Low-rank changes of matrices (LoRA), made while the matrices are read.
#pragma once

#include <cstdint>
#include <functional>

#include "dtype.h"

namespace tsumugi {

// Where bytes begin: in a file, or in memory.
struct Place {
  int file = -1;  // index into LoadPlan::files; -1: memory
  const uint8_t* memory = nullptr;
  uint64_t offset = 0;
};

// A row-major matrix of plain numbers.
struct PlainMatrix {
  Place place;
  DType type = DType::float32;
  int64_t columns = 0;
};

// scale · up · down is added to a stored matrix [outputs, inputs], or to [inputs, outputs] where it is `exchanged`.
// Source: Hu et al. 2021, "LoRA". With a magnitude, what each output is then made of is scaled to that length: Liu et al. 2024,
// "DoRA".
struct LowRankChange {
  PlainMatrix down;  // [rank, inputs]
  PlainMatrix up;  // [outputs, rank]
  int64_t rank = 0;  // 0: no change
  float scale = 0;
  bool exchanged = false;
  bool has_magnitude = false;
  PlainMatrix magnitude;  // [1, outputs]
};

// Reads `bytes` of a place, beginning `after` bytes behind it.
using ReadPlace = std::function<void(const Place& place, uint64_t after, uint64_t bytes, uint8_t* to)>;

// A part of a stored matrix as float32.
struct MatrixPart {
  int64_t row;
  int64_t rows;
  int64_t column;
  int64_t columns;
  float* values;  // [rows, columns]
};

// Changes a part of a matrix. Where there is a magnitude, the part holds all that its outputs are made of.
void apply_low_rank(const LowRankChange& change, const ReadPlace& read, const MatrixPart& part);

}  // namespace tsumugi
