// Checks matmuls by weights of codes, then times them at the shapes of Llama 3.2 1B. From the project's root:
//   g++ -std=c++20 -O3 -fno-math-errno -ffp-contract=off -pthread -Inative/include bench/kernels/codes_bench.cc
//       native/kernels/{matmul*,codes*,pack*,stored,int8_inputs,isa,thread_pool,huge_buffer}.cc -o /tmp/codes_bench -ldl
//   /tmp/codes_bench check | /tmp/codes_bench time [nf4|q4_0|q4_1|q4_k|int8|float8] [float32|bfloat16] [workers]
// TSUMUGI_ISA says which instruction set is timed.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "huge_buffer.h"
#include "matmul.h"

using namespace tsumugi;

namespace {

int failures = 0;

struct Shape {
  int64_t rows, outputs, columns;
};

std::string describe(Storage storage, const CodeLayout& layout, Arithmetic arithmetic, Isa isa, Shape shape) {
  return std::string(storage_name(storage)) + " " + kCodeTableNames[static_cast<int>(layout.table)] + " groups of " +
         std::to_string(layout.group) + " " + kCodeScaleNames[static_cast<int>(layout.scale)] + " " +
         kCodeOffsetNames[static_cast<int>(layout.offset)] + (layout.permuted ? " permuted" : "") +
         (arithmetic == Arithmetic::bfloat16 ? " in bfloat16 " : " in float32 ") + isa_name(isa) + " " +
         std::to_string(shape.rows) + "x" + std::to_string(shape.outputs) + "x" + std::to_string(shape.columns);
}

CodedRows random_codes(Storage storage, const CodeLayout& layout, int64_t rows, int64_t columns) {
  std::mt19937 generator(static_cast<uint32_t>(rows * 7 + columns));
  CodedRows coded;
  coded.table = layout.table;
  coded.offset = layout.offset;
  coded.rows = rows;
  coded.columns = columns;
  coded.group = layout.group > 0 ? layout.group : columns;
  coded.codes.resize(static_cast<size_t>(rows * columns));
  for (uint8_t& code : coded.codes) {
    code = static_cast<uint8_t>(generator() & (storage == Storage::code4 ? 15 : 255));
    if (layout.table == CodeTable::float8 && (code & 127) == 127) --code;
  }
  coded.scales.resize(static_cast<size_t>(rows * coded.groups()));
  for (float& scale : coded.scales) scale = std::ldexp(1.0f, static_cast<int>(generator() % 12) - 9);
  if (layout.scale != CodeScale::exponent) {
    for (float& scale : coded.scales) scale *= static_cast<float>(static_cast<int>(generator() % 2001) - 1000) / 512.0f;
  }
  if (layout.offset != CodeOffset::none) {
    coded.offsets.resize(coded.scales.size());
    for (float& offset : coded.offsets) offset = static_cast<float>(generator() % 33) / 2.0f;
  }
  if (has_super_scales(layout.scale)) {
    coded.super = layout.super;
    const auto supers = static_cast<size_t>(rows * coded.supers());
    coded.scale_codes.resize(coded.scales.size());
    coded.offset_codes.resize(coded.offsets.size());
    for (auto* codes : {&coded.scale_codes, &coded.offset_codes}) {
      for (uint8_t& code : *codes) code = static_cast<uint8_t>(generator());
    }
    coded.super_scales.resize(supers);
    coded.super_offsets.resize(supers);
    for (auto* scales : {&coded.super_scales, &coded.super_offsets}) {
      for (float& scale : *scales) scale = static_cast<float>(generator() % 101) / 4096.0f;
    }
    if (layout.scale == CodeScale::mapped) {
      coded.scale_map.resize(256);
      for (size_t i = 0; i < 256; ++i) coded.scale_map[i] = static_cast<float>(i) / 7.0f - 11.0f;
    }
    join_scales(coded);
  }
  if (layout.permuted) {
    coded.order.resize(static_cast<size_t>(columns));
    std::iota(coded.order.begin(), coded.order.end(), 0);
    std::shuffle(coded.order.begin(), coded.order.end(), generator);
  }
  return coded;
}

std::vector<float> multiply(const PackedMatrix& matrix, Isa isa, int64_t rows, const float* x, int workers) {
  std::vector<float> y(static_cast<size_t>(rows * matrix.rows), NAN);
  const HugeBuffer workspace(matmul_workspace_bytes(rows, matrix.padded_columns(), matrix.rows, workers, true));
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

bool is_same(const float* a, const float* b, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (a[i] != b[i]) return false;  // zeros of either sign are the same
  }
  return true;
}

// A matrix of codes gives what the same matrix of values gives, and each row what it gives alone. Permuted columns are summed
// in another order: there values are near.
void check(Storage storage, const CodeLayout& layout, Arithmetic arithmetic, Isa isa, Shape shape) {
  const auto [m, n, k] = shape;
  const std::string what = describe(storage, layout, arithmetic, isa, shape);
  const CodedRows coded = random_codes(storage, layout, n, k);
  std::vector<float> values(static_cast<size_t>(n * k)), row(static_cast<size_t>(k)), x(static_cast<size_t>(m * k));
  decode_codes(coded, values.data());
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  for (float& value : x) value = normal(generator);
  const Storage plain_storage = value_storage(storage, arithmetic);
  PackedMatrix plain{plain_storage, own_arithmetic(plain_storage), n, k, nullptr, {}};
  const HugeBuffer plain_memory(packed_bytes(plain.storage, n, k));
  plain.data = plain_memory.data();
  pack_rows(plain, 0, n, DType::float32, values.data(), k, false);
  PackedMatrix matrix{storage, arithmetic, n, k, nullptr, layout};
  const HugeBuffer memory(packed_bytes(storage, n, k, layout));
  matrix.data = memory.data();
  for (int64_t first = 0; first < n; first += 23) pack_codes(matrix, first, cut_rows(coded, first, std::min(first + 23, n)));
  const auto fail = [&](const char* how) {
    if (++failures <= 20) std::printf("FAILED %s: %s\n", what.c_str(), how);
  };
  for (int64_t i = 0; i < n; ++i) {
    unpack_row(matrix, i, row.data());
    for (int64_t c = 0; c < k && arithmetic == Arithmetic::bfloat16; ++c)
      values[i * k + c] = round_to_bfloat16(values[i * k + c]);
    if (!is_same(row.data(), &values[i * k], row.size())) return fail("a row that was unpacked");
  }
  const auto expected = multiply(plain, isa, m, x.data(), 3), given = multiply(matrix, isa, m, x.data(), 3);
  if (!layout.permuted && !is_same(expected.data(), given.data(), given.size())) fail("against values");
  for (size_t i = 0; i < given.size() && layout.permuted; ++i) {
    if (!(std::fabs(given[i] - expected[i]) <= 1e-4f * (1.0f + std::fabs(expected[i])) * std::sqrt(static_cast<float>(k)))) {
      return fail("permuted, against values");
    }
  }
  for (int64_t i = 0; i < m; i += std::max<int64_t>(1, m / 3)) {
    const auto alone = multiply(matrix, isa, 1, &x[i * k], 1);
    if (std::memcmp(alone.data(), &given[i * n], alone.size() * sizeof(float)) != 0) fail("a row alone");
  }
}

void check_all() {
  std::vector<std::pair<Storage, CodeLayout>> layouts;
  for (const CodeTable table : {CodeTable::nf4, CodeTable::fp4, CodeTable::float4, CodeTable::iq4nl, CodeTable::linear}) {
    layouts.push_back(
        {Storage::code4, {table == CodeTable::nf4 ? 64 : 32, table, CodeScale::float32, CodeOffset::none, false, 0}});
  }
  layouts.push_back({Storage::code4, {32, CodeTable::float4, CodeScale::exponent, CodeOffset::none, false, 0}});
  layouts.push_back({Storage::code4, {16, CodeTable::linear, CodeScale::float32, CodeOffset::minimum, false, 0}});
  layouts.push_back({Storage::code4, {128, CodeTable::linear, CodeScale::float32, CodeOffset::zero, true, 0}});
  layouts.push_back({Storage::code4, {0, CodeTable::linear, CodeScale::float32, CodeOffset::zero, false, 0}});
  layouts.push_back({Storage::code4, {32, CodeTable::linear, CodeScale::byte, CodeOffset::minimum, false, 256}});
  layouts.push_back({Storage::code8, {16, CodeTable::int8, CodeScale::byte, CodeOffset::none, false, 256}});
  layouts.push_back({Storage::code4, {64, CodeTable::nf4, CodeScale::mapped, CodeOffset::none, true, 128}});
  layouts.push_back({Storage::code8, {0, CodeTable::int8, CodeScale::float32, CodeOffset::none, false, 0}});
  layouts.push_back({Storage::code8, {48, CodeTable::int8, CodeScale::float32, CodeOffset::none, false, 0}});
  layouts.push_back({Storage::code8, {128, CodeTable::float8, CodeScale::float32, CodeOffset::none, false, 0}});
  layouts.push_back({Storage::code8, {256, CodeTable::linear, CodeScale::float32, CodeOffset::minimum, true, 0}});
  for (int index = 0; index <= static_cast<int>(Isa::amx); ++index) {
    const Isa isa = static_cast<Isa>(index);
    if (!isa_available(isa)) continue;
    for (const auto& [storage, layout] : layouts) {
      for (const Arithmetic arithmetic : {Arithmetic::float32, Arithmetic::bfloat16}) {
        for (const int64_t k : {32, 100, 416}) {
          for (const int64_t m : {1, 2, 3, 7, 13, 33}) check(storage, layout, arithmetic, isa, {m, (m * 7 + k) % 131 + 1, k});
        }
        check(storage, layout, arithmetic, isa, {530, 50, 288});
      }
    }
    std::printf("%s: checked\n", isa_name(isa));
  }
  std::printf(failures ? "%d failures\n" : "all good\n", failures);
}

void time_all(const std::string& name, Arithmetic arithmetic, int workers) {
  const bool eight = name == "int8" || name == "float8";
  const Storage storage = eight ? Storage::code8 : Storage::code4;
  CodeLayout layout{32, CodeTable::linear, CodeScale::float16, CodeOffset::none, false, 0};
  if (name == "nf4") layout = {64, CodeTable::nf4, CodeScale::float32, CodeOffset::none, false, 0};
  if (name == "q4_0" || name == "q4_1") layout.offset = name == "q4_0" ? CodeOffset::zero : CodeOffset::minimum;
  if (name == "q4_k") layout = {32, CodeTable::linear, CodeScale::byte, CodeOffset::minimum, false, 256};
  if (name == "int8") layout.table = CodeTable::int8;
  if (name == "float8") layout = {128, CodeTable::float8, CodeScale::float32, CodeOffset::none, false, 0};
  std::vector<PackedMatrix> matrices;
  std::vector<HugeBuffer> buffers;
  const int64_t shapes[][2] = {{2048, 2048}, {512, 2048}, {512, 2048}, {2048, 2048}, {8192, 2048}, {8192, 2048}, {2048, 8192}};
  const auto add = [&](int64_t outputs, int64_t columns) {
    const size_t bytes = packed_bytes(storage, outputs, columns, layout);
    buffers.emplace_back(bytes);
    std::mt19937 generator(static_cast<uint32_t>(buffers.size()));
    for (size_t i = 0; i + 4 <= bytes; i += 4) {
      const uint32_t word = generator() & 0x3f3f3f3fu;  // no large scale, no NaN
      std::memcpy(buffers.back().data() + i, &word, 4);
    }
    matrices.push_back({storage, arithmetic, outputs, columns, buffers.back().data(), layout});
  };
  for (int layer = 0; layer < 16; ++layer) {
    for (const auto& shape : shapes) add(shape[0], shape[1]);
  }
  add(32000, 2048);
  std::mt19937 generator(5);
  std::normal_distribution<float> normal;
  std::vector<float> x(512 * 8192);
  for (float& value : x) value = normal(generator);
  const HugeBuffer y(size_t{512} * 32000 * 4), workspace(matmul_workspace_bytes(512, 8192, 32000, workers));
  {
    const Isa isa = active_isa();
    for (const int64_t rows : {1, 4, 8, 32, 512}) {
      std::vector<double> seconds;
      double bytes = 0;
      for (const PackedMatrix& matrix : matrices) bytes += static_cast<double>(matrix.blocks() * matrix.block_bytes());
      for (int repeat = 0; repeat < (rows > 32 ? 2 : 7); ++repeat) {
        const auto begin = std::chrono::steady_clock::now();
        ThreadPool::shared().run(workers, [&](Worker& worker) {
          for (const PackedMatrix& matrix : matrices) {
            if (rows > 32 && matrix.rows == 32000) continue;
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
      const double median = seconds[seconds.size() / 2];
      std::printf("%s %s %-6s M=%-3lld median %8.2f ms best %8.2f ms: %5.1f GB/s %7.1f tok/s\n", name.c_str(),
                  arithmetic == Arithmetic::bfloat16 ? "bfloat16" : "float32", isa_name(isa), static_cast<long long>(rows),
                  median * 1e3, seconds[0] * 1e3, bytes / median / 1e9, static_cast<double>(rows) / median);
    }
  }
}

}  // namespace

int main(int count, char** words) {
  const std::string what = count > 1 ? words[1] : "check", name = count > 2 ? words[2] : "nf4";
  if (what == "check") {
    check_all();
    return failures != 0;
  }
  const bool rounds = count <= 3 || std::string(words[3]) == "bfloat16";
  time_all(name, rounds ? Arithmetic::bfloat16 : Arithmetic::float32,
           count > 4 ? std::atoi(words[4]) : ThreadPool::default_workers());
}
