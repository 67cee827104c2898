// Checks the matmul kernels, then times them at the shapes of Llama 3.2 1B. From the project's root:
//   g++ -std=c++20 -O3 -fno-math-errno -ffp-contract=off -pthread -Inative/include bench/kernels/matmul_{bench,check}.cc
//       native/kernels/{matmul*,codes*,pack*,stored,isa,thread_pool,huge_buffer}.cc -o /tmp/matmul_bench -ldl
//   /tmp/matmul_bench check | /tmp/matmul_bench time [bfloat16|float16|float32] [workers] [instruction set]
// -DTSUMUGI_EMULATE_AMX checks the AMX kernel's addressing on a machine without AMX.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "huge_buffer.h"
#include "matmul.h"
#include "matmul_check.h"

using namespace tsumugi;

namespace {

std::vector<float> random_values(size_t count, uint32_t seed, bool outliers) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) {
    value = normal(generator);
    if (outliers && generator() % 97 == 0) value *= 3000.0f;
    if (outliers && generator() % 89 == 0) value *= 1e-12f;
    if (outliers && generator() % 61 == 0) value = 0.0f;
  }
  return values;
}

float as_stored(Storage storage, float value) {
  if (storage == Storage::bfloat16) return round_to_bfloat16(value);
  return storage == Storage::float16 ? float16_to_float(float_to_float16(value)) : value;
}

std::vector<float> multiply(const char* storage, Isa isa, int64_t m, int64_t n, int64_t k, const float* x, const float* w,
                            const float* bias, const float* residual, int workers) {
  std::vector<float> y(static_cast<size_t>(m * n), NAN);
  char error[256];
  if (tsumugi_matmul_check(storage, isa_name(isa), m, n, k, x, w, bias, residual, y.data(), workers, error, sizeof error)) {
    std::printf("%s\n", error);
    std::exit(1);
  }
  return y;
}

std::vector<Isa> every_isa() {
  std::vector<Isa> levels;
  for (const char* name : kIsaNames) parse_isa(name, levels.emplace_back());
  return levels;
}

int failures = 0;
void expect(bool good, const std::string& what) {
  if (good) return;
  if (++failures <= 20) std::printf("FAILED %s\n", what.c_str());
}

void check(Storage storage, Isa isa, int64_t m, int64_t n, int64_t k, bool outliers) {
  const char* name = storage_name(storage);
  const auto x = random_values(static_cast<size_t>(m * k), 1, outliers),
             w = random_values(static_cast<size_t>(n * k), 2, outliers);
  const auto bias = random_values(static_cast<size_t>(n), 3, false),
             residual = random_values(static_cast<size_t>(m * n), 4, false);
  const std::string what = std::string(name) + " " + isa_name(isa) + " " + std::to_string(m) + "x" + std::to_string(n) + "x" +
                           std::to_string(k) + (outliers ? " outliers" : "");
  const auto y = multiply(name, isa, m, n, k, x.data(), w.data(), bias.data(), residual.data(), 3);
  const float epsilon = 1.2e-7f;
  for (int64_t row = 0; row < m; ++row) {
    for (int64_t output = 0; output < n; ++output) {
      double sum = 0, size = 0;
      for (int64_t i = 0; i < k; ++i) {
        const double left = storage == Storage::bfloat16 ? round_to_bfloat16(x[row * k + i]) : x[row * k + i];
        const double product = left * as_stored(storage, w[output * k + i]);
        sum += product;
        size += std::fabs(product);
      }
      sum += bias[output] + static_cast<double>(residual[row * n + output]);
      const double bound = epsilon * (static_cast<double>(k) + 4) * (size + 10);
      expect(std::fabs(y[row * n + output] - sum) <= bound,
             what + " against double at " + std::to_string(row) + "," + std::to_string(output));
    }
  }
  // Each row alone, on one worker.
  for (int64_t row = 0; row < m; row += std::max<int64_t>(1, m / 3)) {
    const auto alone = multiply(name, isa, 1, n, k, &x[row * k], w.data(), bias.data(), &residual[row * n], 1);
    expect(std::memcmp(alone.data(), &y[row * n], n * sizeof(float)) == 0, what + " row alone " + std::to_string(row));
  }
}

void check_all() {
  for (Isa isa : every_isa()) {
    if (!isa_available(isa)) {
      std::printf("%s: not on this machine\n", isa_name(isa));
      continue;
    }
    for (Storage storage : {Storage::float32, Storage::bfloat16, Storage::float16}) {
      for (int64_t k : {1, 7, 31, 33, 64, 127, 515}) {
        for (int64_t m : {1, 2, 3, 4, 5, 8, 12, 13, 17, 33, 65}) check(storage, isa, m, (m * 7 + k) % 131 + 1, k, m % 2 == 0);
      }
      check(storage, isa, 600, 70, 300, true);
      check(storage, isa, 40, 700, 96, false);
    }
    std::printf("%s: checked\n", isa_name(isa));
  }
  std::printf(failures ? "%d failures\n" : "all good\n", failures);
}

struct Layer {
  int64_t outputs, columns;
};

void time_all(Storage storage, int workers, const char* only) {
  constexpr int kLayers = 16;
  const Layer shapes[] = {{3072, 2048}, {2048, 2048}, {16384, 2048}, {2048, 8192}};
  const Layer head{128256, 2048};
  std::vector<PackedMatrix> matrices;
  std::vector<HugeBuffer> buffers;
  const auto add = [&](Layer layer) {
    buffers.emplace_back(packed_bytes(storage, layer.outputs, layer.columns));
    matrices.push_back({storage, own_arithmetic(storage), layer.outputs, layer.columns, buffers.back().data(), {}});
    std::mt19937 generator(static_cast<uint32_t>(matrices.size()));
    uint8_t* data = matrices.back().data;
    const int64_t elements = matrices.back().blocks() * kBlockRows * layer.columns;
    for (int64_t i = 0; i < elements; ++i) {
      const uint32_t bits = generator();
      const float value = (static_cast<float>(bits & 0xffff) / 65536.0f - 0.5f) * 0.1f;
      if (storage == Storage::float32) std::memcpy(data + 4 * i, &value, 4);
      const uint16_t half = storage == Storage::bfloat16 ? float_to_bfloat16(value) : float_to_float16(value);
      if (storage != Storage::float32) std::memcpy(data + 2 * i, &half, 2);
    }
  };
  for (int layer = 0; layer < (storage == Storage::float32 ? 8 : kLayers); ++layer) {
    for (Layer shape : shapes) add(shape);
  }
  add(head);
  const double scale = storage == Storage::float32 ? 2 : 1;  // half of the layers: less memory
  const auto x = random_values(512 * 8192, 5, false);
  HugeBuffer y(size_t{64} * 128256 * 4 + size_t{512} * 16384 * 4);
  HugeBuffer workspace(matmul_workspace_bytes(512, 8192, 128256, workers));
  for (Isa isa : every_isa()) {
    if (!isa_available(isa) || isa == Isa::scalar || (only != nullptr && std::strcmp(only, isa_name(isa)) != 0)) continue;
    for (int64_t rows : {1, 2, 4, 8, 12, 16, 32, 512}) {
      std::vector<double> seconds;
      const bool with_head = rows <= 32;
      double bytes = 0, operations = 0;
      for (const PackedMatrix& matrix : matrices) {
        if (!with_head && matrix.rows == head.outputs) continue;
        bytes += static_cast<double>(matrix.blocks()) * static_cast<double>(matrix.block_bytes());
        operations += 2.0 * static_cast<double>(rows * matrix.rows * matrix.columns);
      }
      for (int repeat = 0; repeat < (rows > 32 ? 3 : 7); ++repeat) {
        const auto begin = std::chrono::steady_clock::now();
        ThreadPool::shared().run(workers, [&](Worker& worker) {
          for (const PackedMatrix& matrix : matrices) {
            if (!with_head && matrix.rows == head.outputs) continue;
            MatmulArguments arguments;
            arguments.weight = &matrix;
            arguments.x = x.data();
            arguments.x_stride = matrix.columns;
            arguments.rows = rows;
            arguments.y = reinterpret_cast<float*>(y.data());
            arguments.y_stride = matrix.rows;
            arguments.workspace = workspace.data();
            arguments.isa = isa;
            matmul(worker, arguments);
          }
        });
        seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
      }
      std::sort(seconds.begin(), seconds.end());
      const double median = seconds[seconds.size() / 2], best = seconds[0];
      std::printf("%s %-6s M=%-3lld median %8.2f ms best %8.2f ms: %6.1f GB/s (best %5.1f) %7.1f GFLOP/s %s%.1f tok/s\n",
                  storage_name(storage), isa_name(isa), static_cast<long long>(rows), median * 1e3, best * 1e3,
                  bytes / median / 1e9, bytes / best / 1e9, operations / median / 1e9, scale > 1 ? "(half of the layers) " : "",
                  static_cast<double>(rows) / median);
    }
  }
}

}  // namespace

int main(int count, char** words) {
  const std::string what = count > 1 ? words[1] : "check", storage = count > 2 ? words[2] : "bfloat16";
  std::printf("instruction set: %s, workers: %d %s\n", isa_name(active_isa()), ThreadPool::default_workers(),
              isa_error().c_str());
  if (what == "check") {
    check_all();
    return failures != 0;
  }
  time_all(storage_named(storage), count > 3 ? std::atoi(words[3]) : ThreadPool::default_workers(),
           count > 4 ? words[4] : nullptr);
}
