#include "load_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "read_file.h"

namespace tsumugi {

namespace {

constexpr int64_t kSliceBytes = 4 << 20;

// Rows [first, last) of an origin, counted after its slice and transposition.
struct Slice {
  const WeightOrigin* origin;
  int64_t first;
  int64_t last;
};

// Slices that one worker does one after another: those that share a block of 16 rows.
using Task = std::vector<Slice>;

float load_value(DType type, const uint8_t* from, int64_t index) {
  switch (type) {
    case DType::bfloat16:
      return bfloat16_to_float(reinterpret_cast<const uint16_t*>(from)[index]);
    case DType::float16:
      return float16_to_float(reinterpret_cast<const uint16_t*>(from)[index]);
    case DType::float64:
      return static_cast<float>(reinterpret_cast<const double*>(from)[index]);
    case DType::int32:
      return static_cast<float>(reinterpret_cast<const int32_t*>(from)[index]);
    case DType::float32:
      break;
  }
  return reinterpret_cast<const float*>(from)[index];
}

// One rounding, also from float64.
void store_value(DType storage, uint8_t* to, int64_t index, DType type, const uint8_t* from, int64_t from_index) {
  if (storage == DType::float32) {
    reinterpret_cast<float*>(to)[index] = load_value(type, from, from_index);
    return;
  }
  const float value = type == DType::float64 ? float64_to_float_round_odd(reinterpret_cast<const double*>(from)[from_index])
                                             : load_value(type, from, from_index);
  reinterpret_cast<uint16_t*>(to)[index] = storage == DType::bfloat16 ? float_to_bfloat16(value) : float_to_float16(value);
}

class Loader {
 public:
  Loader(SessionData& session, const LoadPlan& plan) : session_(session) {
    for (const std::string& path : plan.files) files_.push_back(std::make_unique<ReadFile>(path));
  }

  uint64_t run(const Slice& slice) const {
    const WeightOrigin& origin = *slice.origin;
    const Weight& weight = session_.weights[static_cast<size_t>(origin.weight)];
    // Part of the stored matrix that the slice needs: whole rows, or columns of every row when transposed.
    const int64_t row_first = origin.transposed ? origin.row_start : origin.row_start + slice.first;
    const int64_t row_last = origin.transposed ? origin.row_end : origin.row_start + slice.last;
    const int64_t column_first = origin.transposed ? origin.column_start + slice.first : origin.column_start;
    const int64_t column_last = origin.transposed ? origin.column_start + slice.last : origin.column_end;
    const int64_t width = column_last - column_first;
    std::vector<uint64_t> buffer;  // of eight bytes, for alignment
    int64_t stride = width;
    const uint8_t* source = origin.mxfp4 ? fetch_mxfp4(origin, row_first, row_last, buffer)
                                         : fetch(origin, row_first, row_last, column_first, width, buffer, stride);
    const int64_t count = slice.last - slice.first;
    int64_t destination = origin.destination + slice.first;
    if (weight.kind == WeightKind::packed) {
      PackedMatrix matrix = weight.matrix(destination / weight.rows);
      destination %= weight.rows;
      pack_rows(matrix, destination, count, origin.type, source, stride, origin.transposed);
      return static_cast<uint64_t>(count * weight.columns) * dtype_bytes(weight.storage);
    }
    const int64_t columns = origin.columns();
    // A vector is one row whose origins follow one another along it.
    const int64_t row_values = weight.kind == WeightKind::vector ? 0 : columns;
    const int64_t start = weight.kind == WeightKind::vector ? origin.destination : destination * columns;
    for (int64_t r = 0; r < count; ++r) {
      for (int64_t c = 0; c < columns; ++c) {
        const int64_t from = origin.transposed ? c * stride + r : r * stride + c;
        store_value(weight.storage, weight.data, start + r * row_values + c, origin.type, source, from);
        if (!weight.narrow) continue;
        float& value = reinterpret_cast<float*>(weight.data)[start + r * row_values + c];
        value = round_to_bfloat16(value);
      }
    }
    return static_cast<uint64_t>(count * columns) * dtype_bytes(weight.storage);
  }

 private:
  void read(int file, const uint8_t* memory, uint64_t offset, uint64_t bytes, uint8_t* to) const {
    if (file < 0) {
      std::memcpy(to, memory + offset, bytes);
    } else {
      files_[static_cast<size_t>(file)]->read(to, offset, bytes);
    }
  }

  // Whole rows: 16 bytes hold 32 values, the low half of a byte first, and share one scale, an exponent with 127 added.
  const uint8_t* fetch_mxfp4(const WeightOrigin& origin, int64_t row_first, int64_t row_last,
                             std::vector<uint64_t>& buffer) const {
    static constexpr float kValues[16] = {0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
                                          -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};
    const uint64_t columns = static_cast<uint64_t>(origin.stored_columns);
    const uint64_t values = static_cast<uint64_t>(row_last - row_first) * columns;
    const uint64_t before = static_cast<uint64_t>(row_first) * columns;
    std::vector<uint8_t> blocks(values / 2);
    std::vector<uint8_t> scales(values / 32);
    read(origin.file, origin.memory, origin.offset + before / 2, blocks.size(), blocks.data());
    read(origin.scale_file, origin.scale_memory, origin.scale_offset + before / 32, scales.size(), scales.data());
    buffer.resize((values + 1) / 2);
    auto* out = reinterpret_cast<float*>(buffer.data());
    for (uint64_t i = 0; i < blocks.size(); ++i) {
      const float scale = std::ldexp(1.0f, static_cast<int>(scales[i / 16]) - 127);
      out[2 * i] = kValues[blocks[i] & 15] * scale;
      out[2 * i + 1] = kValues[blocks[i] >> 4] * scale;
    }
    return reinterpret_cast<const uint8_t*>(out);
  }

  const uint8_t* fetch(const WeightOrigin& origin, int64_t row_first, int64_t row_last, int64_t column_first, int64_t width,
                       std::vector<uint64_t>& buffer, int64_t& stride) const {
    const uint64_t size = dtype_bytes(origin.type);
    const uint64_t start = (static_cast<uint64_t>(row_first) * static_cast<uint64_t>(origin.stored_columns) +
                            static_cast<uint64_t>(column_first)) * size;
    const uint64_t rows = static_cast<uint64_t>(row_last - row_first);
    const uint64_t row_bytes = static_cast<uint64_t>(width) * size;
    const uint64_t stored_bytes = static_cast<uint64_t>(origin.stored_columns) * size;
    buffer.resize((rows * row_bytes + 7) / 8);
    uint8_t* to = reinterpret_cast<uint8_t*>(buffer.data());
    stride = width;
    if (origin.file < 0) {
      for (uint64_t r = 0; r < rows; ++r) std::memcpy(to + r * row_bytes, origin.memory + origin.offset + start + r * stored_bytes, row_bytes);
      return to;
    }
    const ReadFile& file = *files_[static_cast<size_t>(origin.file)];
    if (width == origin.stored_columns) {
      file.read(to, origin.offset + start, rows * row_bytes);
    } else {
      for (uint64_t r = 0; r < rows; ++r) file.read(to + r * row_bytes, origin.offset + start + r * stored_bytes, row_bytes);
    }
    return to;
  }

  SessionData& session_;
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
    const int64_t run = std::max<int64_t>(kBlockRows, kSliceBytes / row_bytes / kBlockRows * kBlockRows);
    for (int64_t first = 0; first < origin.rows(); first += run) {
      const Slice slice{&origin, first, std::min(first + run, origin.rows())};
      if (shares && (follows || first > 0)) {
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
  // Short jobs, so that steps of other sessions get their turn in between.
  const size_t batch = static_cast<size_t>(session.workers) * 4;
  for (size_t start = 0; start < tasks.size(); start += batch) {
    if (cancelled) return false;
    const size_t count = std::min(batch, tasks.size() - start);
    ThreadPool::shared().run(session.workers, [&](Worker& worker) {
      worker.parallel_for(static_cast<int64_t>(count), [&](int64_t index) {
        for (const Slice& slice : tasks[start + static_cast<size_t>(index)]) {
          if (cancelled) return;
          done += loader.run(slice);
        }
      });
    });
    progress(done);
  }
  return !cancelled;
}

}  // namespace tsumugi
