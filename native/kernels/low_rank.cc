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
    load_values(matrix.type, line, columns, values.data() + r * columns);
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

// Columns that are summed up before the next ones, so that they stay in the nearest cache.
constexpr int64_t kBlockColumns = 1024;

// values += scale · left · right. Four terms at once, so that sums are read and written less often.
void add_product(const std::vector<float>& left, const std::vector<float>& right, int64_t rank, float scale,
                 const MatrixPart& part) {
  float sum[kBlockColumns];
  for (int64_t first = 0; first < part.columns; first += kBlockColumns) {
    const int64_t count = std::min(kBlockColumns, part.columns - first);
    for (int64_t r = 0; r < part.rows; ++r) {
      std::fill(sum, sum + count, 0.0f);
      const float* factors = left.data() + r * rank;
      int64_t k = 0;
      for (; k + 4 <= rank; k += 4) {
        const float* a = right.data() + k * part.columns + first;
        const float* b = a + part.columns;
        const float* c = b + part.columns;
        const float* d = c + part.columns;
        const float w = factors[k];
        const float x = factors[k + 1];
        const float y = factors[k + 2];
        const float z = factors[k + 3];
        for (int64_t i = 0; i < count; ++i) sum[i] += (w * a[i] + x * b[i]) + (y * c[i] + z * d[i]);
      }
      for (; k < rank; ++k) {
        const float* a = right.data() + k * part.columns + first;
        for (int64_t i = 0; i < count; ++i) sum[i] += factors[k] * a[i];
      }
      float* to = part.values + r * part.columns + first;
      for (int64_t i = 0; i < count; ++i) to[i] += scale * sum[i];
    }
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
