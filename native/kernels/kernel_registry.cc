// The registry that kernels enter before main: it is made by whichever of them comes first.
#include <algorithm>
#include <deque>
#include <stdexcept>

#include "kernel.h"

namespace tsumugi {

static std::deque<Kernel>& registry() {
  static std::deque<Kernel> kernels;
  return kernels;
}

RegisterKernel::RegisterKernel(Kernel kernel) { registry().push_back(std::move(kernel)); }

const Kernel& find_kernel(const std::string& op) {
  for (const Kernel& kernel : registry()) {
    if (kernel.op == op) return kernel;
  }
  throw std::invalid_argument("[" + op + "] op: expected one with a native kernel, given " + op);
}

std::vector<std::string> kernel_names(bool with_scratch) {
  std::vector<std::string> names;
  for (const Kernel& kernel : registry()) {
    if (!with_scratch || kernel.scratch != nullptr) names.push_back(kernel.op);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace tsumugi
