// Loading: ranges of files (or bytes in memory) become packed weights, a few megabytes at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "low_rank.h"
#include "quantiser.h"
#include "step.h"
#include "stored.h"

namespace tsumugi {

// Where rows of a weight come from: rows [row_start, row_end) and columns [column_start, column_end) of a stored
// row-major matrix, then transposed or not. Vectors are matrices of one row.
struct WeightOrigin {
  int weight = 0;
  std::string tensor;  // for messages
  // Plain numbers of `type`, or a kind of storage that `reader` knows. `places`: where the matrix begins in each tensor, of plain
  // numbers in one.
  const StoredReader* reader = nullptr;
  OpAttributes parameters;  // of the storage
  DType type = DType::float32;  // of plain numbers
  std::vector<Place> places;
  // Makes codes of plain numbers, of whole rows, where the weight is held as codes.
  const Quantiser* quantiser = nullptr;
  OpAttributes quantise;
  int64_t stored_rows = 0;
  int64_t stored_columns = 0;
  int64_t row_start = 0;
  int64_t row_end = 0;
  int64_t column_start = 0;
  int64_t column_end = 0;
  bool transposed = false;
  LowRankChange change;  // of plain numbers
  int64_t destination = 0;  // first row of the weight (of all its matrices); for vectors, first value

  bool is_plain() const { return reader == nullptr; }
  int64_t rows() const { return transposed ? column_end - column_start : row_end - row_start; }
  int64_t columns() const { return transposed ? row_end - row_start : column_end - column_start; }
};

struct LoadPlan {
  std::vector<std::string> files;
  std::vector<WeightOrigin> origins;  // those of one weight stand together
};

// Fills the session's weights on the shared pool. Blocks: call it from a thread of its own. `progress` gets bytes of
// packed weights done so far, from any thread. Throws std::runtime_error on a file that cannot be read or is too
// short, and returns false when `cancelled` became true.
bool load_weights(SessionData& session, const LoadPlan& plan, const std::atomic<bool>& cancelled,
                  const std::function<void(uint64_t)>& progress);

}  // namespace tsumugi
