// The sampling kernels of one instruction set, in plain C++ that compilers vectorise. Included inside a namespace; what an
// instruction set does by hand stands in sample_lanes_*.inl, which is included before.

static constexpr int64_t kLanes = 16;
static constexpr int64_t kRun = 64;  // values that are looked at together for one that matters

static double add_lanes(const double* lanes) {
  double sums[kLanes];
  for (int64_t lane = 0; lane < kLanes; ++lane) sums[lane] = lanes[lane];
  for (int64_t half = kLanes / 2; half >= 1; half /= 2) {
    for (int64_t lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
  }
  return sums[0];
}

static float maximum(const float* x, int64_t count) {
  float best[kRun];
  for (float& lane : best) lane = kNoScore;
  int64_t i = 0;
  for (; i + kRun <= count; i += kRun) {
    for (int64_t j = 0; j < kRun; ++j) best[j] = x[i + j] > best[j] ? x[i + j] : best[j];
  }
  float greatest = kNoScore;
  for (const float lane : best) greatest = lane > greatest ? lane : greatest;
  for (; i < count; ++i) greatest = x[i] > greatest ? x[i] : greatest;
  return greatest;
}

static float divide(const float* x, float divisor, float* y, int64_t count) {
  float best[kRun];
  for (float& lane : best) lane = kNoScore;
  int64_t i = 0;
  for (; i + kRun <= count; i += kRun) {
    for (int64_t j = 0; j < kRun; ++j) {
      const float value = x[i + j] / divisor;
      y[i + j] = value;
      best[j] = value > best[j] ? value : best[j];
    }
  }
  float greatest = kNoScore;
  for (const float lane : best) greatest = lane > greatest ? lane : greatest;
  for (; i < count; ++i) {
    y[i] = x[i] / divisor;
    greatest = y[i] > greatest ? y[i] : greatest;
  }
  return greatest;
}

static int64_t next_above(const float* x, int64_t from, int64_t count, float least) {
  int64_t i = from;
  for (; i + kRun <= count; i += kRun) {
    int32_t found = 0;
    for (int64_t j = 0; j < kRun; ++j) found |= !(x[i + j] <= least);
    if (found) break;
  }
  for (; i < count; ++i) {
    if (!(x[i] <= least)) return i;
  }
  return count;
}

static double sum(const float* x, int64_t count) {
  double lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) {
      const float value = x[i + j];
      lanes[j] += static_cast<double>(value == kNoScore ? 0.0f : value);
    }
  }
  for (; i < count; ++i) {
    if (x[i] != kNoScore) lanes[i % kLanes] += static_cast<double>(x[i]);
  }
  return add_lanes(lanes);
}

static void remove_below(float* scores, float limit, int64_t count) {
  for (int64_t i = 0; i < count; ++i) scores[i] = scores[i] < limit ? kNoScore : scores[i];
}

static int64_t next_chance(const float* weights, const uint32_t* highs, float factor, int64_t from, int64_t count) {
  int64_t i = from;
  for (; i + kRun <= count; i += kRun) {
    int32_t found = 0;
    for (int64_t j = 0; j < kRun; ++j) {
      found |= weights[i + j] >= static_cast<float>(static_cast<int32_t>(highs[i + j])) * factor;
    }
    if (found) break;
  }
  for (; i < count; ++i) {
    if (weights[i] >= static_cast<float>(static_cast<int32_t>(highs[i])) * factor) return i;
  }
  return count;
}

static void twist(uint32_t* state) {
  constexpr int kWords = 624, kShift = 397, kTurn = kWords - kShift;
  const auto mix = [](uint32_t word, uint32_t next) {
    return (((word & 0x80000000u) | (next & 0x7fffffffu)) >> 1) ^ ((0u - (next & 1u)) & 0x9908b0dfu);
  };
  for (int i = 0; i < kTurn; ++i) state[i] = state[i + kShift] ^ mix(state[i], state[i + 1]);
  for (int i = kTurn; i < kWords - 1; ++i) state[i] = state[i - kTurn] ^ mix(state[i], state[i + 1]);
  state[kWords - 1] = state[kShift - 1] ^ mix(state[kWords - 1], state[0]);
}

static void temper(const uint32_t* state, uint32_t* words) {
  for (int i = 0; i < 624; ++i) {
    uint32_t value = state[i];
    value ^= value >> 11;
    value ^= (value << 7) & 0x9d2c5680u;
    value ^= (value << 15) & 0xefc60000u;
    words[i] = value ^ (value >> 18);
  }
}

#define TSUMUGI_SAMPLE_TABLE                                                                                 \
  {maximum,           divide,       next_above,  exponentials, exponential_sum, sum,   narrow, remove_light, \
   remove_improbable, remove_below, next_chance, philox_highs, twist,           temper}
