#include "load_weights.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "read_file.h"

namespace tsumugi {

namespace {

// A slice stays in the second cache between the reading and the packing.
constexpr int64_t kSliceBytes = 512 << 10;
// One worker fills a run of a weight: two that met in one huge page would both clear it.
constexpr int64_t kTaskBytes = 4 << 20;
// Short jobs, so that steps of other sessions get their turn in between.
constexpr int64_t kJobBytes = 128 << 20;

// Rows [first, last) of an origin, counted after its slice and transposition.
struct Slice {
  const WeightOrigin* origin;
  int64_t first;
  int64_t last;
};

// Slices that one worker does one after another: neighbours, and those that share a block of 16 rows.
using Task = std::vector<Slice>;

// One rounding, also from float64.
void store_value(Storage storage, uint8_t* to, int64_t index, DType type, const uint8_t* from, int64_t from_index) {
  if (storage == Storage::float32) {
    reinterpret_cast<float*>(to)[index] = load_value(type, from, from_index);
    return;
  }
  const float value = type == DType::float64 ? float64_to_float_round_odd(reinterpret_cast<const double*>(from)[from_index])
                                             : load_value(type, from, from_index);
  reinterpret_cast<uint16_t*>(to)[index] = storage == Storage::bfloat16 ? float_to_bfloat16(value) : float_to_float16(value);
}

// What a worker keeps from slice to slice.
struct WorkerState {
  std::vector<uint64_t>
      buffer;  // of eight bytes, for alignment. Fresh memory would be cleared, and its pages faulted in, each time
  const WeightOrigin* surveyed = nullptr;
  std::unique_ptr<QuantiserSurvey> survey;  // of that origin
};

class Loader {
 public:
  Loader(SessionData& session, const LoadPlan& plan) : session_(session) {
    for (const std::string& path : plan.files) files_.push_back(std::make_unique<ReadFile>(path));
  }

  uint64_t run(const Slice& slice, WorkerState& state) const {
    std::vector<uint64_t>& buffer = state.buffer;
    const WeightOrigin& origin = *slice.origin;
    const Weight& weight = session_.weights[static_cast<size_t>(origin.weight)];
    // Part of the stored matrix that the slice needs: whole rows, or columns of every row when transposed.
    const int64_t row_first = origin.transposed ? origin.row_start : origin.row_start + slice.first;
    const int64_t row_last = origin.transposed ? origin.row_end : origin.row_start + slice.last;
    const int64_t column_first = origin.transposed ? origin.column_start + slice.first : origin.column_start;
    const int64_t column_last = origin.transposed ? origin.column_start + slice.last : origin.column_end;
    const int64_t width = column_last - column_first;
    const int64_t count = slice.last - slice.first;
    int64_t destination = origin.destination + slice.first;
    if (!is_plain(weight.storage)) return keep_codes(origin, weight, slice, destination, state);
    int64_t stride = width;
    const bool is_made = origin.quantiser != nullptr;
    const uint8_t* source = is_made             ? remake(origin, row_first, row_last, column_first, width, state)
                            : origin.is_plain() ? fetch(origin, row_first, row_last, column_first, width, buffer, stride)
                                                : decode(origin, row_first, row_last, column_first, width, buffer);
    DType type = is_made ? DType::float32 : origin.type;
    std::vector<float> changed;
    if (origin.is_plain() && !is_made && (origin.change.rank > 0 || is_float8(type))) {
      changed = as_floats(origin, source, {row_first, row_last - row_first, column_first, width, nullptr});
      source = reinterpret_cast<const uint8_t*>(changed.data());
      type = DType::float32;
    }
    if (weight.kind == WeightKind::packed) {
      PackedMatrix matrix = weight.matrix(destination / weight.rows);
      destination %= weight.rows;
      pack_rows(matrix, destination, count, type, source, stride, origin.transposed);
      return static_cast<uint64_t>(count * weight.columns) * value_bytes(weight.storage);
    }
    const int64_t columns = origin.columns();
    // A vector is one row whose origins follow one another along it.
    const int64_t row_values = weight.kind == WeightKind::vector ? 0 : columns;
    const int64_t start = weight.kind == WeightKind::vector ? origin.destination : destination * columns;
    for (int64_t r = 0; r < count; ++r) {
      for (int64_t c = 0; c < columns; ++c) {
        const int64_t from = origin.transposed ? c * stride + r : r * stride + c;
        store_value(weight.storage, weight.data, start + r * row_values + c, type, source, from);
        if (!weight.rounds) continue;
        float& value = reinterpret_cast<float*>(weight.data)[start + r * row_values + c];
        value = round_to_bfloat16(value);
      }
    }
    return static_cast<uint64_t>(count * columns) * value_bytes(weight.storage);
  }

 private:
  void read(const Place& place, uint64_t after, uint64_t bytes, uint8_t* to) const {
    if (place.file < 0) {
      std::memcpy(to, place.memory + place.offset + after, bytes);
    } else {
      files_[static_cast<size_t>(place.file)]->read(to, place.offset + after, bytes);
    }
  }

  // A part of a matrix as float32, with what is changed in it.
  std::vector<float> as_floats(const WeightOrigin& origin, const uint8_t* source, MatrixPart part) const {
    std::vector<float> values(static_cast<size_t>(part.rows * part.columns));
    load_values(origin.type, source, part.rows * part.columns, values.data());
    if (origin.change.rank == 0) return values;
    part.values = values.data();
    apply_low_rank(origin.change, read_place_, part);
    return values;
  }

  StoredMatrix stored_matrix(const WeightOrigin& origin) const {
    return {origin.stored_rows, origin.stored_columns, &origin.places, &origin.parameters, &read_place_};
  }

  // Rows that are held as codes. Gives the bytes that they take.
  uint64_t keep_codes(const WeightOrigin& origin, const Weight& weight, const Slice& slice, int64_t destination,
                      WorkerState& state) const {
    PackedMatrix matrix = weight.matrix(destination / weight.rows);
    const int64_t first = origin.row_start + slice.first;
    const int64_t start = origin.transposed ? origin.column_start : origin.row_start;
    const CodedRows coded = origin.is_plain()
                                ? quantise(origin, start + slice.first, start + slice.last, state)
                                : origin.reader->codes(stored_matrix(origin), first, origin.row_start + slice.last);
    pack_codes(matrix, destination % weight.rows, coded);
    return static_cast<uint64_t>(slice.last - slice.first) * matrix.block_bytes() / kBlockRows;
  }

  // The matrix of the module that is quantised, which may be stored with rows and columns exchanged.
  static bool is_turned(const WeightOrigin& origin) {
    return origin.quantise.has("inputsFirst") ? origin.quantise.flag("inputsFirst") : origin.transposed;
  }
  static int64_t module_rows(const WeightOrigin& origin) {
    return is_turned(origin) ? origin.stored_columns : origin.stored_rows;
  }
  static int64_t module_columns(const WeightOrigin& origin) {
    return is_turned(origin) ? origin.stored_rows : origin.stored_columns;
  }

  // Rows after which blocks of 64 values begin anew, in whole blocks of rows.
  static int64_t block_rows(int64_t columns) { return columns % 4 == 0 ? kBlockRows : 4 * kBlockRows; }

  // Rows [from, to) of a module's plain numbers as codes. Blocks may run on from row to row, so whole blocks of rows are read.
  CodedRows quantise(const WeightOrigin& origin, int64_t from, int64_t to, WorkerState& state) const {
    if (origin.quantiser->survey != nullptr && state.surveyed != &origin) survey(origin, state);
    const int64_t step = block_rows(module_columns(origin));
    const int64_t first = from / step * step;
    const int64_t last = std::min((to + step - 1) / step * step, module_rows(origin));
    const std::vector<float> values = plain_rows(origin, first, last);
    CodedRows coded = origin.quantiser->quantise(quantiser_rows(origin, values, first, last), state.survey.get());
    return cut_rows(std::move(coded), from - first, to - first);
  }

  static QuantiserRows quantiser_rows(const WeightOrigin& origin, const std::vector<float>& values, int64_t first,
                                      int64_t last) {
    return {values.data(), first, last - first, module_rows(origin), module_columns(origin), &origin.quantise};
  }

  // Shows all rows of a module's matrix to its quantiser, where that wants to see them.
  void survey(const WeightOrigin& origin, WorkerState& state) const {
    const int64_t rows = module_rows(origin), columns = module_columns(origin), step = block_rows(columns);
    const int64_t fit = kSliceBytes / static_cast<int64_t>(sizeof(float)) / columns / step * step;
    const int64_t run = is_turned(origin) ? rows : std::max(step, fit);
    state.survey = origin.quantiser->survey(origin.quantise, rows, columns);
    state.surveyed = &origin;
    for (int64_t first = 0; state.survey != nullptr && first < rows; first += run) {
      const int64_t last = std::min(first + run, rows);
      const std::vector<float> values = plain_rows(origin, first, last);
      state.survey->see(quantiser_rows(origin, values, first, last));
    }
  }

  // A part of a stored matrix as the values that its codes stand for, where the weight is held as values all the same.
  const uint8_t* remake(const WeightOrigin& origin, int64_t row_first, int64_t row_last, int64_t column_first, int64_t width,
                        WorkerState& state) const {
    const bool turned = is_turned(origin);
    const int64_t from = turned ? column_first : row_first, to = turned ? column_first + width : row_last;
    const CodedRows coded = quantise(origin, from, to, state);
    std::vector<float> values(static_cast<size_t>(coded.rows * coded.columns));
    decode_codes(coded, values.data());
    const int64_t count = (row_last - row_first) * width;
    std::vector<uint64_t>& buffer = state.buffer;
    if (buffer.size() < static_cast<size_t>(count + 1) / 2) buffer.resize(static_cast<size_t>(count + 1) / 2);
    auto* out = reinterpret_cast<float*>(buffer.data());
    for (int64_t r = row_first; r < row_last; ++r) {
      for (int64_t c = column_first; c < column_first + width; ++c) {
        const int64_t at = turned ? (c - from) * coded.columns + r : (r - from) * coded.columns + c;
        *out++ = values[static_cast<size_t>(at)];
      }
    }
    return reinterpret_cast<const uint8_t*>(buffer.data());
  }

  // Rows [first, last) of a module's whole matrix as float32.
  std::vector<float> plain_rows(const WeightOrigin& origin, int64_t first, int64_t last) const {
    const bool turned = is_turned(origin);
    const int64_t row_first = turned ? 0 : first, row_last = turned ? origin.stored_rows : last;
    const int64_t column_first = turned ? first : 0;
    const int64_t width = turned ? last - first : origin.stored_columns;
    std::vector<uint64_t> buffer;
    int64_t stride = width;
    const uint8_t* source = fetch(origin, row_first, row_last, column_first, width, buffer, stride);
    std::vector<float> values = as_floats(origin, source, {row_first, row_last - row_first, column_first, width, nullptr});
    if (!turned) return values;
    std::vector<float> exchanged(values.size());
    const int64_t columns = origin.stored_rows;
    for (int64_t r = 0; r < width; ++r) {
      for (int64_t c = 0; c < columns; ++c)
        exchanged[static_cast<size_t>(r * columns + c)] = values[static_cast<size_t>(c * width + r)];
    }
    return exchanged;
  }

  // A part of a stored matrix as the float32 values that its codes stand for.
  const uint8_t* decode(const WeightOrigin& origin, int64_t row_first, int64_t row_last, int64_t column_first, int64_t width,
                        std::vector<uint64_t>& buffer) const {
    const StoredMatrix matrix = stored_matrix(origin);
    buffer.resize(static_cast<size_t>((row_last - row_first) * width + 1) / 2);  // two floats each
    auto* out = reinterpret_cast<float*>(buffer.data());
    const int64_t run = std::max<int64_t>(1, kSliceBytes / static_cast<int64_t>(sizeof(float)) / matrix.columns);
    std::vector<float> whole;
    for (int64_t first = row_first; first < row_last; first += run, out += run * width) {
      const int64_t last = std::min(first + run, row_last);
      if (width == matrix.columns) {
        read_values(*origin.reader, matrix, first, last, out);
        continue;
      }
      whole.resize(static_cast<size_t>((last - first) * matrix.columns));
      read_values(*origin.reader, matrix, first, last, whole.data());
      for (int64_t r = 0; r < last - first; ++r) {
        std::memcpy(out + r * width, whole.data() + r * matrix.columns + column_first,
                    static_cast<size_t>(width) * sizeof(float));
      }
    }
    return reinterpret_cast<const uint8_t*>(buffer.data());
  }

  static void read_values(const StoredReader& reader, const StoredMatrix& matrix, int64_t first, int64_t last, float* out) {
    if (reader.values != nullptr) return reader.values(matrix, first, last, out);
    decode_codes(reader.codes(matrix, first, last), out);
  }

  const uint8_t* fetch(const WeightOrigin& origin, int64_t row_first, int64_t row_last, int64_t column_first, int64_t width,
                       std::vector<uint64_t>& buffer, int64_t& stride) const {
    const uint64_t size = dtype_bytes(origin.type);
    const uint64_t start = (static_cast<uint64_t>(row_first) * static_cast<uint64_t>(origin.stored_columns) +
                            static_cast<uint64_t>(column_first)) *
                           size;
    const uint64_t rows = static_cast<uint64_t>(row_last - row_first);
    const uint64_t row_bytes = static_cast<uint64_t>(width) * size;
    const uint64_t stored_bytes = static_cast<uint64_t>(origin.stored_columns) * size;
    const uint64_t words = (rows * row_bytes + 7) / 8;
    if (buffer.size() < words) buffer.resize(words);
    uint8_t* to = reinterpret_cast<uint8_t*>(buffer.data());
    stride = width;
    const Place& place = origin.places.at(0);
    if (width == origin.stored_columns) {
      read(place, start, rows * row_bytes, to);
    } else {
      for (uint64_t r = 0; r < rows; ++r) read(place, start + r * stored_bytes, row_bytes, to + r * row_bytes);
    }
    return to;
  }

  SessionData& session_;
  const ReadPlace read_place_ = [this](const Place& place, uint64_t after, uint64_t bytes, uint8_t* to) {
    read(place, after, bytes, to);
  };
  std::vector<std::unique_ptr<ReadFile>> files_;
};

std::vector<Task> make_tasks(const SessionData& session, const LoadPlan& plan) {
  std::vector<Task> tasks;
  for (size_t i = 0; i < plan.origins.size(); ++i) {
    const WeightOrigin& origin = plan.origins[i];
    const Weight& weight = session.weights[static_cast<size_t>(origin.weight)];
    // An origin that begins inside a block of 16 rows shares it with the one before.
    const bool shares = weight.kind == WeightKind::packed && origin.destination % weight.rows % kBlockRows != 0;
    const bool follows = i > 0 && plan.origins[i - 1].weight == origin.weight && shares;
    const int64_t row_bytes = std::max<int64_t>(1, origin.columns() * static_cast<int64_t>(dtype_bytes(origin.type)));
    // Columns cost a read for each stored row, and columns of codes the reading of all of them, each time.
    const int64_t slice_bytes = (!origin.transposed ? 1 : origin.is_plain() ? 8 : 128) * kSliceBytes;
    const int64_t least = origin.is_plain() ? kBlockRows : std::max(kBlockRows, origin.reader->rows_at_once);
    const int64_t run = std::max<int64_t>(least, slice_bytes / row_bytes / kBlockRows * kBlockRows);
    const int64_t slices = std::max<int64_t>(1, kTaskBytes / (run * row_bytes));
    for (int64_t first = 0; first < origin.rows(); first += run) {
      const Slice slice{&origin, first, std::min(first + run, origin.rows())};
      const bool surveyed = origin.quantiser != nullptr && origin.quantiser->survey != nullptr;
      if ((first > 0 && (surveyed || first / run % slices != 0)) || (shares && (follows || first > 0))) {
        tasks.back().push_back(slice);
      } else {
        tasks.push_back({slice});
      }
    }
  }
  return tasks;
}

}  // namespace

bool load_weights(SessionData& session, const LoadPlan& plan, const std::atomic<bool>& cancelled,
                  const std::function<void(uint64_t)>& progress) {
  const Loader loader(session, plan);
  const std::vector<Task> tasks = make_tasks(session, plan);
  std::atomic<uint64_t> done{0};
  std::vector<WorkerState> states(static_cast<size_t>(session.workers));
  const size_t batch = static_cast<size_t>(std::max<int64_t>(session.workers, kJobBytes / kTaskBytes));
  for (size_t start = 0; start < tasks.size(); start += batch) {
    if (cancelled) return false;
    const size_t count = std::min(batch, tasks.size() - start);
    ThreadPool::shared().run(session.workers, [&](Worker& worker) {
      worker.parallel_for(static_cast<int64_t>(count), [&](int64_t index) {
        for (const Slice& slice : tasks[start + static_cast<size_t>(index)]) {
          if (cancelled) return;
          done += loader.run(slice, states[static_cast<size_t>(worker.index)]);
        }
      });
    });
    progress(done);
  }
  return !cancelled;
}

}  // namespace tsumugi
