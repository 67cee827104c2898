#include "matmul_check.h"

#include <cstdio>
#include <stdexcept>
#include <string>

#include "huge_buffer.h"
#include "matmul.h"

namespace tsumugi {
namespace {

Isa isa_named(const std::string& name) {
  if (name.empty()) return active_isa();
  Isa isa;
  if (!parse_isa(name, isa)) throw std::invalid_argument("[matmul] instruction set: unknown name " + name);
  if (!isa_available(isa)) throw std::invalid_argument("[matmul] instruction set: this machine has no " + name);
  return isa;
}

}  // namespace
}  // namespace tsumugi

extern "C" int tsumugi_matmul_check(const char* storage, const char* isa, int64_t rows, int64_t outputs, int64_t columns,
                                    const float* x, const float* weight, const float* bias, const float* residual, float* y,
                                    int workers, char* error, size_t error_bytes) {
  using namespace tsumugi;
  try {
    const Storage held = storage_named(storage);
    PackedMatrix packed{held, own_arithmetic(held), outputs, columns, nullptr, {}};
    const HugeBuffer weights(packed_bytes(packed.storage, outputs, columns));
    packed.data = weights.data();
    if (workers <= 0) workers = ThreadPool::default_workers();
    const HugeBuffer workspace(matmul_workspace_bytes(rows, columns, outputs, workers));
    MatmulArguments arguments;
    arguments.weight = &packed;
    arguments.x = x;
    arguments.x_stride = columns;
    arguments.rows = rows;
    arguments.bias = bias;
    arguments.residual = residual;
    arguments.residual_stride = outputs;
    arguments.y = y;
    arguments.y_stride = outputs;
    arguments.workspace = workspace.data();
    arguments.isa = isa_named(isa);
    ThreadPool::shared().run(workers, [&](Worker& worker) {
      worker.parallel_for(packed.blocks(), [&](int64_t block) {
        const int64_t first = block * kBlockRows;
        const int64_t count = outputs - first < kBlockRows ? outputs - first : kBlockRows;
        pack_rows(packed, first, count, DType::float32, weight + first * columns, columns, false);
      });
      matmul(worker, arguments);
    });
    return 0;
  } catch (const std::exception& failure) {
    if (error != nullptr && error_bytes > 0) std::snprintf(error, error_bytes, "%s", failure.what());
    return 1;
  }
}
