// The sampling kernels that AVX-512 does by hand, in plain C++.

static double add_lanes(const double* lanes);

static double exponentials(const float* x, float greatest, float* weights, int64_t count) {
  double lanes[16] = {};
  for (int64_t i = 0; i < count; ++i) {
    weights[i] = x[i] == kNoScore ? 0.0f : static_cast<float>(exponential(static_cast<double>(x[i] - greatest)));
    lanes[i % 16] += static_cast<double>(weights[i]);
  }
  return add_lanes(lanes);
}

static double exponential_sum(const float* x, float greatest, int64_t count) {
  double lanes[16] = {};
  for (int64_t i = 0; i < count; ++i) {
    if (x[i] != kNoScore) lanes[i % 16] += exponential(static_cast<double>(x[i]) - static_cast<double>(greatest));
  }
  return add_lanes(lanes);
}

static Narrowed narrow(const float* keys, const float* weights, float divisor, int64_t count, float low, float high, float* out,
                       float* weights_out) {
  Narrowed found;
  double sums[8] = {};
  const float* values = weights != nullptr ? weights : keys;
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (int64_t j = 0; j < 8; ++j) {
      const float weight = values[i + j] / divisor;
      sums[j] += static_cast<double>(keys[i + j] < low ? weight : 0.0f);
    }
  }
  for (; i < count; ++i) sums[0] += static_cast<double>(keys[i] < low ? values[i] / divisor : 0.0f);
  for (const double lane : sums) found.below_sum += lane;
  for (i = 0; i < count; ++i) {
    const float key = keys[i];
    out[found.inside] = key;
    if (weights != nullptr) weights_out[found.inside] = weights[i];
    found.inside += static_cast<int>(key >= low) & static_cast<int>(key < high);
    found.below += key < low;
  }
  return found;
}

static double remove_light(float* scores, float* weights, float least, int64_t count) {
  double lanes[16] = {};
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (int64_t j = 0; j < 16; ++j) {
      const bool light = weights[i + j] < least;
      scores[i + j] = light ? kNoScore : scores[i + j];
      weights[i + j] = light ? 0.0f : weights[i + j];
      lanes[j] += static_cast<double>(weights[i + j]);
    }
  }
  for (; i < count; ++i) {
    if (weights[i] < least) {
      scores[i] = kNoScore;
      weights[i] = 0;
    }
    lanes[i % 16] += static_cast<double>(weights[i]);
  }
  return add_lanes(lanes);
}

static double remove_improbable(float* scores, float* weights, float total, float limit, float kept, int64_t count) {
  double lanes[16] = {};
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (int64_t j = 0; j < 16; ++j) {
      const bool goes = static_cast<int>(weights[i + j] / total < limit) & static_cast<int>(scores[i + j] < kept);
      scores[i + j] = goes ? kNoScore : scores[i + j];
      weights[i + j] = goes ? 0.0f : weights[i + j];
      lanes[j] += static_cast<double>(weights[i + j]);
    }
  }
  for (; i < count; ++i) {
    if (weights[i] / total < limit && scores[i] < kept) {
      scores[i] = kNoScore;
      weights[i] = 0;
    }
    lanes[i % 16] += static_cast<double>(weights[i]);
  }
  return add_lanes(lanes);
}

static void philox_highs(uint64_t block, uint64_t position, uint32_t key0, uint32_t key1, int64_t count, uint32_t* highs) {
  for (int64_t i = 0; i < count; ++i) {
    const PhiloxBlock words = philox(block + static_cast<uint64_t>(i), position, key0, key1);
    highs[2 * i] = words.word[0] & 0x1fffffu;
    highs[2 * i + 1] = words.word[2] & 0x1fffffu;
  }
}
