// Plain numbers that become codes while they are loaded. A file native/kernels/quantise_<name>.cc has one way to do it and
// registers itself; src/tensor/quantisers/<name>.ts is its reference.
//
//   static CodedRows make_codes(const QuantiserRows& rows, const QuantiserSurvey*) { … }
//   static const RegisterQuantiser quantiser({.name = "nf4", .quantise = make_codes});
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "op_attributes.h"
#include "stored.h"

namespace tsumugi {

// Rows of a matrix of `all_rows` rows, as float32. `first` is a multiple of 16 (or 0), so that blocks of a power of two values
// which run on from row to row begin with it where columns are a multiple of 16; only the last rows of the matrix may be fewer.
struct QuantiserRows {
  const float* values = nullptr;  // [rows][columns]
  int64_t first = 0;
  int64_t rows = 0;
  int64_t all_rows = 0;
  int64_t columns = 0;
  const OpAttributes* parameters = nullptr;

  // Index of the first value in the matrix.
  int64_t first_value() const { return first * columns; }
};

// What must be known of a whole matrix before any of its rows can become codes: it is shown all rows once, in order.
class QuantiserSurvey {
 public:
  virtual ~QuantiserSurvey() = default;
  virtual void see(const QuantiserRows& rows) = 0;
};

struct Quantiser {
  std::string name;
  CodedRows (*quantise)(const QuantiserRows& rows, const QuantiserSurvey* survey) = nullptr;
  // Null where each block of values is quantised by itself.
  std::unique_ptr<QuantiserSurvey> (*survey)(const OpAttributes& parameters, int64_t rows, int64_t columns) = nullptr;
};

class RegisterQuantiser {
 public:
  explicit RegisterQuantiser(const Quantiser& quantiser);
};

// Throws std::invalid_argument when there is none of the name.
const Quantiser& find_quantiser(const std::string& name);

}  // namespace tsumugi
