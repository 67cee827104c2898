// Checks matmuls in int8 arithmetic against plain sums of integers, then times them at the shapes of Llama 3.2 1B with 32,000
// words. From the project's root:
//   g++ -std=c++20 -O3 -fno-math-errno -ffp-contract=off -pthread -Inative/include bench/kernels/int8_bench.cc
//       native/kernels/{matmul*,codes*,pack*,stored,isa,thread_pool,huge_buffer}.cc -o /tmp/int8_bench -ldl
//   /tmp/int8_bench check | /tmp/int8_bench time [workers] [rows …]
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "huge_buffer.h"
#include "matmul.h"

using namespace tsumugi;

namespace {

struct Format {
  const char* name;
  Storage storage;
  CodeLayout layout;
};

const Format kFormats[] = {
    {"int8", Storage::code8, {0, CodeTable::int8, CodeScale::float32, CodeOffset::none, false}},
    {"q8_0", Storage::code8, {32, CodeTable::int8, CodeScale::float16, CodeOffset::none, false}},
    {"int4-32", Storage::code4, {32, CodeTable::int4, CodeScale::float16, CodeOffset::none, false}},
    {"int4-64-minimum", Storage::code4, {64, CodeTable::linear, CodeScale::float16, CodeOffset::minimum, false}},
    {"nf4-64", Storage::code4, {64, CodeTable::nf4, CodeScale::float32, CodeOffset::none, false}},
    {"zero-128", Storage::code4, {128, CodeTable::linear, CodeScale::float16, CodeOffset::zero, false}},
    {"linear8-48", Storage::code8, {48, CodeTable::linear, CodeScale::float32, CodeOffset::minimum, false}},
    {"mxfp4", Storage::code4, {32, CodeTable::float4, CodeScale::exponent, CodeOffset::none, false}},
    {"iq4nl-16", Storage::code4, {16, CodeTable::iq4nl, CodeScale::float32, CodeOffset::none, false}},
    {"row4", Storage::code4, {0, CodeTable::int4, CodeScale::float32, CodeOffset::none, false}},
};

CodedRows random_codes(const Format& format, int64_t rows, int64_t columns, uint32_t seed) {
  std::mt19937 generator(seed);
  CodedRows coded;
  coded.table = format.layout.table;
  coded.offset = format.layout.offset;
  coded.rows = rows;
  coded.columns = columns;
  coded.group = format.layout.group > 0 ? format.layout.group : columns;
  coded.codes.resize(static_cast<size_t>(rows * columns));
  for (uint8_t& code : coded.codes) code = static_cast<uint8_t>(generator() & (format.storage == Storage::code4 ? 15 : 255));
  const auto shared = static_cast<size_t>(rows * coded.groups());
  const bool exponents = format.layout.scale == CodeScale::exponent;
  for (size_t i = 0; i < shared; ++i) {
    coded.scales.push_back(exponents ? std::ldexp(1.0f, -static_cast<int>(generator() % 8))
                                     : 0.0078125f * (1 + generator() % 8));
    if (coded.offset == CodeOffset::zero) coded.offsets.push_back(static_cast<float>(generator() % 16));
    if (coded.offset == CodeOffset::minimum) coded.offsets.push_back(-0.125f * static_cast<float>(generator() % 16));
  }
  return coded;
}

int failures = 0;
void expect(bool good, const std::string& what) {
  if (good) return;
  if (++failures <= 20) std::printf("FAILED %s\n", what.c_str());
}

std::vector<float> multiply(const PackedMatrix& matrix, Isa isa, int64_t rows, const float* x, int workers) {
  std::vector<float> y(static_cast<size_t>(rows * matrix.rows), NAN);
  HugeBuffer workspace(matmul_workspace_bytes(rows, matrix.padded_columns(), matrix.rows, workers));
  MatmulArguments arguments;
  arguments.weight = &matrix;
  arguments.x = x;
  arguments.x_stride = matrix.columns;
  arguments.rows = rows;
  arguments.y = y.data();
  arguments.y_stride = matrix.rows;
  arguments.workspace = workspace.data();
  arguments.isa = isa;
  ThreadPool::shared().run(workers, [&](Worker& worker) { matmul(worker, arguments); });
  return y;
}

constexpr Isa kAll[] = {Isa::scalar,   Isa::neon,   Isa::neon_dot,    Isa::neon_bf16,   Isa::avx2,
                        Isa::avx_vnni, Isa::avx512, Isa::avx512_vnni, Isa::avx512_bf16, Isa::amx};

void check(const Format& format, int64_t rows, int64_t outputs, int64_t columns) {
  const CodedRows coded = random_codes(format, outputs, columns, 3);
  HugeBuffer memory(packed_bytes(format.storage, outputs, columns, format.layout));
  PackedMatrix matrix{format.storage, Arithmetic::int8, outputs, columns, memory.data(), format.layout};
  pack_codes(matrix, 0, coded);
  std::vector<float> weights(static_cast<size_t>(outputs * columns));
  decode_codes(coded, weights.data());
  std::mt19937 generator(5);
  std::normal_distribution<float> normal;
  std::vector<float> x(static_cast<size_t>(rows * columns));
  for (float& value : x) value = normal(generator) * (generator() % 50 == 0 ? 6.0f : 1.0f);
  for (Isa isa : kAll) {
    if (!isa_available(isa)) continue;
    const std::string what = std::string(format.name) + " " + isa_name(isa) + " " + std::to_string(rows) + "x" +
                             std::to_string(outputs) + "x" + std::to_string(columns);
    const auto y = multiply(matrix, isa, rows, x.data(), 3);
    double wrong = 0, size = 0;
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t output = 0; output < outputs; ++output) {
        double sum = 0;
        for (int64_t i = 0; i < columns; ++i) sum += static_cast<double>(weights[output * columns + i]) * x[row * columns + i];
        wrong += (y[row * outputs + output] - sum) * (y[row * outputs + output] - sum);
        size += sum * sum;
      }
    }
    const double error = std::sqrt(wrong / size);
    expect(error < 0.02, what + " relative error " + std::to_string(error));
    for (int64_t row = 0; row < rows; row += std::max<int64_t>(1, rows / 3)) {
      const auto alone = multiply(matrix, isa, 1, &x[row * columns], 1);
      expect(std::memcmp(alone.data(), &y[row * outputs], outputs * sizeof(float)) == 0,
             what + " row alone " + std::to_string(row));
    }
  }
}

void check_all() {
  for (const Format& format : kFormats) {
    for (int64_t columns : {64, 100, 640, 1500}) {
      for (int64_t rows : {1, 2, 3, 5, 7, 8, 11, 12, 13, 31, 49, 70})
        check(format, rows, (rows * 7 + columns) % 131 + 1, columns);
    }
    check(format, 520, 70, 2048);
    std::printf("%s: checked\n", format.name);
  }
  std::printf(failures ? "%d failures\n" : "all good\n", failures);
}

void time_all(int workers, const std::vector<int64_t>& counts, const char* only) {
  struct Layer {
    int64_t outputs, columns;
  };
  const Layer shapes[] = {{3072, 2048}, {2048, 2048}, {16384, 2048}, {2048, 8192}};
  std::mt19937 generator(5);
  std::normal_distribution<float> normal;
  std::vector<float> x(512 * 8192);
  for (float& value : x) value = normal(generator);
  HugeBuffer y(size_t{512} * 32000 * 4);
  HugeBuffer workspace(matmul_workspace_bytes(512, 8192, 32000, workers));
  for (const Format& format : kFormats) {
    if (only != nullptr && std::string(only).find(format.name) == std::string::npos) continue;
    std::vector<PackedMatrix> matrices;
    std::vector<HugeBuffer> buffers;
    double weights = 0;
    const auto add = [&](Layer layer) {
      buffers.emplace_back(packed_bytes(format.storage, layer.outputs, layer.columns, format.layout));
      matrices.push_back(
          {format.storage, Arithmetic::int8, layer.outputs, layer.columns, buffers.back().data(), format.layout});
      const CodedRows coded = random_codes(format, 16, layer.columns, static_cast<uint32_t>(matrices.size()));
      for (int64_t row = 0; row < layer.outputs; row += 16) {
        if (row < 32) {
          pack_codes(matrices.back(), row, coded);
        } else {
          std::memcpy(matrices.back().block(row / 16), matrices.back().block(row / 16 % 2), matrices.back().block_bytes());
        }
      }
    };
    for (int layer = 0; layer < (std::getenv("CPU") ? 2 : 16); ++layer) {
      for (Layer shape : shapes) add(shape);
    }
    add({32000, 2048});
    for (Isa isa : kAll) {
      if (!isa_available(isa) || isa == Isa::scalar || (isa != active_isa() && std::getenv("ALL_SETS") == nullptr)) continue;
      for (int64_t rows : counts) {
        const bool with_head = rows <= 64;
        std::vector<double> seconds;
        double bytes = 0;
        weights = 0;
        for (int run = 0; run < (rows > 64 ? 4 : 7); ++run) {
          const auto start = std::chrono::steady_clock::now();
          const double cpu = static_cast<double>(clock());
          ThreadPool::shared().run(workers, [&](Worker& worker) {
            for (size_t i = 0; i + (with_head ? 0 : 1) < matrices.size(); ++i) {
              MatmulArguments arguments;
              arguments.weight = &matrices[i];
              arguments.x = x.data();
              arguments.x_stride = matrices[i].columns;
              arguments.rows = rows;
              arguments.y = reinterpret_cast<float*>(y.data());
              arguments.y_stride = matrices[i].rows;
              arguments.workspace = workspace.data();
              arguments.isa = isa;
              matmul(worker, arguments);
            }
          });
          if (run > 0 && std::getenv("CPU"))
            seconds.push_back((clock() - cpu) / CLOCKS_PER_SEC);
          else if (run > 0)
            seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        }
        for (size_t i = 0; i + (with_head ? 0 : 1) < matrices.size(); ++i) {
          bytes += static_cast<double>(matrices[i].block_bytes()) * static_cast<double>(matrices[i].blocks());
          weights += static_cast<double>(matrices[i].rows * matrices[i].columns);
        }
        std::sort(seconds.begin(), seconds.end());
        const double median = seconds[seconds.size() / 2];
        std::printf("%-16s %-12s %4lld rows  %8.2f ms (best %8.2f)  %7.1f tokens/s  %6.1f GB/s  %.3f T/s\n", format.name,
                    isa_name(isa), static_cast<long long>(rows), median * 1e3, seconds[0] * 1e3, rows / median,
                    bytes / median / 1e9, 2 * weights * rows / median / 1e12);
        std::fflush(stdout);
      }
    }
  }
}

}  // namespace

int main(int count, char** given) {
  const std::string mode = count > 1 ? given[1] : "check";
  if (mode == "check") {
    check_all();
    return failures > 0;
  }
  std::vector<int64_t> rows;
  for (int i = 4; i < count; ++i) rows.push_back(std::atoll(given[i]));
  if (rows.empty()) rows = {1, 4, 8, 16, 32, 512};
  time_all(count > 2 ? std::atoi(given[2]) : ThreadPool::default_workers(), rows, count > 3 ? given[3] : nullptr);
}
