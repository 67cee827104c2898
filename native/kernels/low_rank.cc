#include "low_rank.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace tsumugi {

namespace {

// Rows and columns of a matrix as float32.
std::vector<float> read_part(const PlainMatrix& matrix, const ReadPlace& read, int64_t row, int64_t rows, int64_t column,
                             int64_t columns) {
  const uint64_t size = dtype_bytes(matrix.type);
  const uint64_t row_bytes = static_cast<uint64_t>(columns) * size;
  std::vector<uint64_t> bytes((row_bytes + 7) / 8);  // of eight bytes, for alignment
  uint8_t* line = reinterpret_cast<uint8_t*>(bytes.data());
  std::vector<float> values(static_cast<size_t>(rows * columns));
  for (int64_t r = 0; r < rows; ++r) {
    read(matrix.place, static_cast<uint64_t>((row + r) * matrix.columns + column) * size, row_bytes, line);
    for (int64_t c = 0; c < columns; ++c) values[static_cast<size_t>(r * columns + c)] = load_value(matrix.type, line, c);
  }
  return values;
}

std::vector<float> exchanged(const std::vector<float>& values, int64_t rows, int64_t columns) {
  std::vector<float> out(values.size());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) out[static_cast<size_t>(c * rows + r)] = values[static_cast<size_t>(r * columns + c)];
  }
  return out;
}

// values += scale · left · right
void add_product(const std::vector<float>& left, const std::vector<float>& right, int64_t rank, float scale,
                 const MatrixPart& part) {
  std::vector<float> sum(static_cast<size_t>(part.columns));
  for (int64_t r = 0; r < part.rows; ++r) {
    std::fill(sum.begin(), sum.end(), 0.0f);
    for (int64_t k = 0; k < rank; ++k) {
      const float factor = left[static_cast<size_t>(r * rank + k)];
      const float* from = right.data() + k * part.columns;
      for (int64_t c = 0; c < part.columns; ++c) sum[static_cast<size_t>(c)] += factor * from[c];
    }
    float* to = part.values + r * part.columns;
    for (int64_t c = 0; c < part.columns; ++c) to[c] += scale * sum[static_cast<size_t>(c)];
  }
}

// Scales what each output is made of, a row or a column, to the length that the magnitude says.
void set_lengths(const std::vector<float>& lengths, bool by_column, const MatrixPart& part) {
  const int64_t outputs = by_column ? part.columns : part.rows;
  const int64_t inputs = by_column ? part.rows : part.columns;
  const int64_t step = by_column ? part.columns : 1;
  for (int64_t o = 0; o < outputs; ++o) {
    float* first = part.values + (by_column ? o : o * part.columns);
    double squares = 0;
    for (int64_t i = 0; i < inputs; ++i) squares += static_cast<double>(first[i * step]) * first[i * step];
    const float factor = lengths[static_cast<size_t>(o)] / static_cast<float>(std::sqrt(squares));
    for (int64_t i = 0; i < inputs; ++i) first[i * step] *= factor;
  }
}

}  // namespace

void apply_low_rank(const LowRankChange& change, const ReadPlace& read, const MatrixPart& part) {
  const int64_t output = change.exchanged ? part.column : part.row;
  const int64_t outputs = change.exchanged ? part.columns : part.rows;
  const int64_t input = change.exchanged ? part.row : part.column;
  const int64_t inputs = change.exchanged ? part.rows : part.columns;
  const std::vector<float> up = read_part(change.up, read, output, outputs, 0, change.rank);
  const std::vector<float> down = read_part(change.down, read, 0, change.rank, input, inputs);
  if (change.exchanged) {
    add_product(exchanged(down, change.rank, inputs), exchanged(up, outputs, change.rank), change.rank, change.scale, part);
  } else {
    add_product(up, down, change.rank, change.scale, part);
  }
  if (!change.has_magnitude) return;
  set_lengths(read_part(change.magnitude, read, 0, 1, output, outputs), change.exchanged, part);
}

}  // namespace tsumugi
