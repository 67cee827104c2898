// The quantiser int4 over four groups at once, in vectors of the compiler: what SSE2 and NEON have.
#include "int4_groups.h"

#define TSUMUGI_TARGET

namespace tsumugi {
namespace {
namespace int4_portable {

constexpr int kLanes = 4;

using Floats = float __attribute__((vector_size(16)));
using Mask = int32_t __attribute__((vector_size(16)));  // all bits of a lane or none

struct Lanes {
  Floats value;
};

inline Lanes operator+(Lanes a, Lanes b) { return {a.value + b.value}; }
inline Lanes operator*(Lanes a, Lanes b) { return {a.value * b.value}; }
inline Lanes operator/(Lanes a, Lanes b) { return {a.value / b.value}; }
inline Lanes load(const float* from) { return {*reinterpret_cast<const Floats*>(from)}; }
inline void store(float* to, Lanes a) { *reinterpret_cast<Floats*>(to) = a.value; }
inline Lanes set(float x) { return {Floats{x, x, x, x}}; }
inline Lanes absolute(Lanes a) { return {reinterpret_cast<Floats>(reinterpret_cast<Mask>(a.value) & 0x7fffffff)}; }
inline Mask greater(Lanes a, Lanes b) { return a.value > b.value; }
inline Lanes select(Mask mask, Lanes a, Lanes b) {
  return {reinterpret_cast<Floats>((reinterpret_cast<Mask>(a.value) & mask) | (reinterpret_cast<Mask>(b.value) & ~mask))};
}
inline Lanes square_sum(Lanes a, Lanes sum) { return sum + a * a; }

// Goes up the table by one step for each border that a value is above: whole numbers, so that the sums are exact.
class Nearest {
 public:
  explicit Nearest(const Int4Table& table) : spread(1.0f), first_(set(table.values[0])) {
    for (int i = 0; i < 15; ++i) {
      borders_[i] = set(table.borders[i]);
      steps_[i] = set(table.values[i + 1] - table.values[i]);
    }
  }

  template <bool kept>
  Lanes near(Lanes scaled, int32_t* codes) const {
    Lanes near = first_;
    Mask code{};
    for (int i = 0; i < 15; ++i) {
      const Mask above = greater(scaled, borders_[i]);
      near = near + Lanes{reinterpret_cast<Floats>(reinterpret_cast<Mask>(steps_[i].value) & above)};
      if constexpr (kept) code -= above;
    }
    if constexpr (kept) *reinterpret_cast<Mask*>(codes) = code;
    return near;
  }

  const float spread;

 private:
  Lanes first_, borders_[15], steps_[15];
};

#include "quantise_int4_lanes.inl"

}  // namespace int4_portable
}  // namespace

const Int4Lanes kInt4LanesPortable = {int4_portable::kLanes, int4_portable::quantise};

}  // namespace tsumugi
