// Stored matrices that are not plain numbers: how a kind of storage (src/tensor/storages/) is read, and what it becomes.
//
// A file native/kernels/stored_<kind>.cc reads one kind and registers itself:
//
//   static CodedRows read_rows(const StoredMatrix& matrix, int64_t first, int64_t last) { … }
//   static const RegisterReader reader({.kind = "mxfp4", .codes = read_rows});
//
// Readers are called from several threads at once, for rows that begin and end anywhere, and throw std::runtime_error or
// std::invalid_argument on tensors that do not mean anything.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "code_layout.h"
#include "low_rank.h"
#include "op_attributes.h"

namespace tsumugi {

// Rows of a matrix as codes, one a byte, and what turns them into values.
struct CodedRows {
  CodeTable table = CodeTable::linear;
  CodeOffset offset = CodeOffset::none;
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t group = 0;             // columns that share a scale; the last group of a row may be shorter
  std::vector<uint8_t> codes;    // [rows][columns], columns as `order` says
  std::vector<float> scales;     // [rows][groups()]
  std::vector<float> offsets;    // zeros or minimums [rows][groups()], or empty
  std::vector<int32_t> order;  // the column of the matrix that stands at each place; empty: as they stand. Of all rows alike

  // Where a layout holds scales as codes (CodeScale::byte or mapped), what `scales` and `offsets` were made of:
  //   byte    scale = super_scales · scale_codes, offset = super_offsets · offset_codes
  //   mapped  scale = scale_map[scale_codes] · super_scales + super_offsets
  int64_t super = 0;                  // columns that share a super scale; the last of a row may be fewer
  std::vector<uint8_t> scale_codes;   // [rows][groups()]; signed where they are bytes
  std::vector<uint8_t> offset_codes;  // the same, or empty
  std::vector<float> super_scales;    // [rows][supers()]
  std::vector<float> super_offsets;   // the same, or empty
  std::vector<float> scale_map;       // [256], or empty. Of all rows alike

  int64_t groups() const { return (columns + group - 1) / group; }
  int64_t supers() const { return super == 0 ? 0 : (columns + super - 1) / super; }
};

// Fills `scales` and `offsets` from what they are made of.
void join_scales(CodedRows& coded);

// Values of coded rows, columns in the order of the matrix: out[rows][columns].
void decode_codes(const CodedRows& coded, float* out);

// Rows [first, last) of coded rows.
CodedRows cut_rows(CodedRows coded, int64_t first, int64_t last);

// A stored matrix: its tensors by role, in the order of the roles of its kind.
struct StoredMatrix {
  int64_t rows = 0;
  int64_t columns = 0;
  const std::vector<Place>* places = nullptr;
  const OpAttributes* parameters = nullptr;  // numbers, words and switches of the storage
  const ReadPlace* read_place = nullptr;

  bool has(size_t role) const { return (*places)[role].file >= 0 || (*places)[role].memory != nullptr; }
  void read(size_t role, uint64_t after, uint64_t bytes, void* to) const {
    (*read_place)((*places)[role], after, bytes, static_cast<uint8_t*>(to));
  }
};

struct StoredReader {
  std::string kind;
  // Rows [first, last) as codes; null where the kind has none that kernels take. Then `values` gives them.
  CodedRows (*codes)(const StoredMatrix& matrix, int64_t first, int64_t last) = nullptr;
  // The same as values: out[last - first][columns]. Null: those of the codes.
  void (*values)(const StoredMatrix& matrix, int64_t first, int64_t last, float* out) = nullptr;
  // How many rows should be read together, at least: of kinds that store rows as columns each costs many short reads.
  int64_t rows_at_once = 1;
};

class RegisterReader {
 public:
  explicit RegisterReader(const StoredReader& reader);
};

// Throws std::invalid_argument when nothing reads the kind.
const StoredReader& find_reader(const std::string& kind);

}  // namespace tsumugi
