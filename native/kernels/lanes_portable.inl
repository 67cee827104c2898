// Sixteen floats in plain C++, for machines without AVX2. Included inside a namespace.

struct Lanes {
  float value[16];

  static Lanes load(const float* from) {
    Lanes out;
    std::memcpy(out.value, from, sizeof(out.value));
    return out;
  }
  static Lanes load(const uint16_t* from) {
    Lanes out;
    for (int i = 0; i < 16; ++i) {
      const uint32_t bits = static_cast<uint32_t>(from[i]) << 16;
      std::memcpy(&out.value[i], &bits, sizeof(bits));
    }
    return out;
  }
  static Lanes set(float x) {
    Lanes out;
    for (float& lane : out.value) lane = x;
    return out;
  }
  void store(float* to) const { std::memcpy(to, value, sizeof(value)); }
};

#define TSUMUGI_EACH_LANE(expression)                       \
  Lanes out;                                                \
  for (int i = 0; i < 16; ++i) out.value[i] = (expression); \
  return out

inline Lanes operator+(const Lanes& a, const Lanes& b) { TSUMUGI_EACH_LANE(a.value[i] + b.value[i]); }
inline Lanes operator-(const Lanes& a, const Lanes& b) { TSUMUGI_EACH_LANE(a.value[i] - b.value[i]); }
inline Lanes operator*(const Lanes& a, const Lanes& b) { TSUMUGI_EACH_LANE(a.value[i] * b.value[i]); }
inline Lanes operator/(const Lanes& a, const Lanes& b) { TSUMUGI_EACH_LANE(a.value[i] / b.value[i]); }
// a * b + c; fused only where the machine does it in one instruction
inline Lanes fma(const Lanes& a, const Lanes& b, const Lanes& c) {
#if defined(__aarch64__) || defined(_M_ARM64)
  TSUMUGI_EACH_LANE(std::fma(a.value[i], b.value[i], c.value[i]));
#else
  TSUMUGI_EACH_LANE(a.value[i] * b.value[i] + c.value[i]);
#endif
}
// NaN in `b` is kept.
inline Lanes minimum(const Lanes& a, const Lanes& b) { TSUMUGI_EACH_LANE(a.value[i] < b.value[i] ? a.value[i] : b.value[i]); }
inline Lanes maximum(const Lanes& a, const Lanes& b) { TSUMUGI_EACH_LANE(a.value[i] > b.value[i] ? a.value[i] : b.value[i]); }
inline Lanes absolute(const Lanes& a) { TSUMUGI_EACH_LANE(std::fabs(a.value[i])); }
// Exact for |a| below 2^22, which is all that exp needs.
inline Lanes nearest(const Lanes& a) { TSUMUGI_EACH_LANE((a.value[i] + 12582912.0f) - 12582912.0f); }
// a < b ? x : y, lane by lane
inline Lanes select_less(const Lanes& a, const Lanes& b, const Lanes& x, const Lanes& y) {
  TSUMUGI_EACH_LANE(a.value[i] < b.value[i] ? x.value[i] : y.value[i]);
}
// 2^n for whole n in -126..127
inline Lanes power_of_two(const Lanes& n) {
  Lanes out;
  for (int i = 0; i < 16; ++i) {
    const float whole = n.value[i] == n.value[i] ? n.value[i] : 0.0f;
    const uint32_t bits = static_cast<uint32_t>(static_cast<int32_t>(whole) + 127) << 23;
    std::memcpy(&out.value[i], &bits, sizeof(bits));
  }
  return out;
}
// y * 2^n for whole n <= 0 and y in 0.5..2; what would be denormal is 0
inline Lanes scale_down(const Lanes& y, const Lanes& n) {
  return select_less(n, Lanes::set(-126.0f), Lanes::set(0.0f), y * power_of_two(maximum(Lanes::set(-126.0f), n)));
}
// The nearest bfloat16, ties to even; a NaN stays as it is.
inline Lanes to_bfloat16(const Lanes& a) {
  TSUMUGI_EACH_LANE(a.value[i] == a.value[i] ? round_to_bfloat16(a.value[i]) : a.value[i]);
}
// The same tree in every instruction set: lanes 8 apart, then 4, 2, 1.
inline float sum(Lanes a) {
  for (int width = 8; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) a.value[i] = a.value[i] + a.value[i + width];
  }
  return a.value[0];
}
inline float largest(const Lanes& a) {
  float best = a.value[0];
  for (int i = 1; i < 16; ++i) best = best > a.value[i] ? best : a.value[i];
  return best;
}
#undef TSUMUGI_EACH_LANE

// Rows that share one pass over keys, rows that share one pass over values, value registers of a pass.
constexpr int kScoreRows = 2;
constexpr int kValueRows = 2;
constexpr int kValueLanes = 1;
