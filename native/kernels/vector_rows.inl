// Norms and element-wise maths over rows. Included inside a namespace after vector_math.inl.
//
// Tails go through a buffer of 16 lanes, so that an element's value does not depend on where it stands.

inline Lanes load_some(const float* from, size_t count) {
  if (count == 16) return Lanes::load(from);
  float buffer[16] = {};
  std::memcpy(buffer, from, count * sizeof(float));
  return Lanes::load(buffer);
}

inline void store_some(Lanes lanes, float* to, size_t count) {
  if (count == 16) return lanes.store(to);
  float buffer[16];
  lanes.store(buffer);
  std::memcpy(to, buffer, count * sizeof(float));
}

template <class Apply>
inline void map_one(const float* x, float* y, size_t count, Apply apply) {
  size_t i = 0;
  for (; i + 16 <= count; i += 16) apply(Lanes::load(x + i)).store(y + i);
  if (i < count) store_some(apply(load_some(x + i, count - i)), y + i, count - i);
}

template <class Apply>
inline void map_two(const float* a, const float* b, float* y, size_t count, Apply apply) {
  size_t i = 0;
  for (; i + 16 <= count; i += 16) apply(Lanes::load(a + i), Lanes::load(b + i)).store(y + i);
  if (i < count) store_some(apply(load_some(a + i, count - i), load_some(b + i, count - i)), y + i, count - i);
}

template <bool rounds>
struct ApplyAdd {
  Lanes operator()(Lanes a, Lanes b) const { return rounded<rounds>(a + b); }
};
template <bool rounds>
struct ApplyMultiply {
  Lanes operator()(Lanes a, Lanes b) const { return rounded<rounds>(a * b); }
};
template <bool rounds>
struct ApplyScale {
  Lanes factor;
  Lanes operator()(Lanes x) const { return rounded<rounds>(x * factor); }
};
struct ApplyRound {
  Lanes operator()(Lanes x) const { return to_bfloat16(x); }
};
template <Activation kind, bool rounds>
struct ApplyActivation {
  Lanes operator()(Lanes x) const {
    if constexpr (rounds) return activate_rounding<kind>(x);
    return activate<kind>(x);
  }
};
template <Activation kind, bool rounds>
struct ApplyGated {
  Lanes operator()(Lanes gate, Lanes up) const { return rounded<rounds>(ApplyActivation<kind, rounds>{}(gate)*up); }
};
template <Activation kind>
struct ApplyWideGate {
  Lanes operator()(Lanes gate, Lanes up) const { return to_bfloat16(activate<kind>(gate) * up); }
};

template <bool rounds>
void add(const float* a, const float* b, float* y, size_t count) {
  map_two(a, b, y, count, ApplyAdd<rounds>{});
}
template <bool rounds>
void multiply(const float* a, const float* b, float* y, size_t count) {
  map_two(a, b, y, count, ApplyMultiply<rounds>{});
}
template <bool rounds>
void scale(const float* x, float factor, float* y, size_t count) {
  map_one(x, y, count, ApplyScale<rounds>{Lanes::set(factor)});
}
void round_values(const float* x, float* y, size_t count) { map_one(x, y, count, ApplyRound{}); }

template <bool rounds>
void activation(const float* x, float* y, size_t count, Activation kind) {
  switch (kind) {
#define TSUMUGI_CASE(name) \
  case Activation::name:   \
    return map_one(x, y, count, ApplyActivation<Activation::name, rounds>{});
    TSUMUGI_ACTIVATIONS(TSUMUGI_CASE)
#undef TSUMUGI_CASE
  }
}

template <bool rounds>
void gated_activation(const float* gate, const float* up, float* y, size_t count, Activation kind, bool unrounded) {
  if (rounds && unrounded) {
    switch (kind) {
#define TSUMUGI_CASE(name) \
  case Activation::name:   \
    return map_two(gate, up, y, count, ApplyWideGate<Activation::name>{});
      TSUMUGI_ACTIVATIONS(TSUMUGI_CASE)
#undef TSUMUGI_CASE
    }
  }
  switch (kind) {
#define TSUMUGI_CASE(name) \
  case Activation::name:   \
    return map_two(gate, up, y, count, ApplyGated<Activation::name, rounds>{});
    TSUMUGI_ACTIVATIONS(TSUMUGI_CASE)
#undef TSUMUGI_CASE
  }
}

// Sum of (x - shift)², four chains of 16 lanes in a fixed order.
inline float sum_of_squares(const float* x, size_t count, float shift) {
  const Lanes away = Lanes::set(shift);
  Lanes sums[4] = {Lanes::set(0.0f), Lanes::set(0.0f), Lanes::set(0.0f), Lanes::set(0.0f)};
  size_t i = 0;
  for (size_t chain = 0; i + 16 <= count; i += 16, chain = (chain + 1) % 4) {
    const Lanes value = Lanes::load(x + i) - away;
    sums[chain] = fma(value, value, sums[chain]);
  }
  float total = sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
  for (; i < count; ++i) total += (x[i] - shift) * (x[i] - shift);
  return total;
}

inline float sum_of(const float* x, size_t count) {
  Lanes sums = Lanes::set(0.0f);
  size_t i = 0;
  for (; i + 16 <= count; i += 16) sums = sums + Lanes::load(x + i);
  float total = sum(sums);
  for (; i < count; ++i) total += x[i];
  return total;
}

// One group of `count` values. `weight` may be null; `offset` is added to it.
template <bool rounds>
void rms_norm(const float* x, const float* weight, float offset, float epsilon, float* y, size_t count, bool once) {
  const float inverse = 1.0f / std::sqrt(sum_of_squares(x, count, 0.0f) / static_cast<float>(count) + epsilon);
  for (size_t i = 0; i < count; i += 16) {
    const size_t width = count - i < 16 ? count - i : 16;
    Lanes value = load_some(x + i, width) * Lanes::set(inverse);
    if (rounds && !once) value = to_bfloat16(value);
    if (weight != nullptr) value = value * (load_some(weight + i, width) + Lanes::set(offset));
    store_some(rounded<rounds>(value), y + i, width);
  }
}

template <bool rounds>
void layer_norm(const float* x, const float* weight, const float* bias, float offset, float epsilon, float* y, size_t count) {
  const float mean = sum_of(x, count) / static_cast<float>(count);
  const float inverse = 1.0f / std::sqrt(sum_of_squares(x, count, mean) / static_cast<float>(count) + epsilon);
  for (size_t i = 0; i < count; i += 16) {
    const size_t width = count - i < 16 ? count - i : 16;
    Lanes value = (load_some(x + i, width) - Lanes::set(mean)) * Lanes::set(inverse);
    if (weight != nullptr) value = value * rounded<rounds>(load_some(weight + i, width) + Lanes::set(offset));
    if (bias != nullptr) value = value + load_some(bias + i, width);
    store_some(rounded<rounds>(value), y + i, width);
  }
}

// One token: `half` pairs of each head turn by cosine[i], sine[i]; the rest of the head is copied.
template <bool rounds>
void rotate(const float* x, float* y, size_t heads, size_t head_dim, size_t half, bool interleaved, const float* cosine,
            const float* sine, bool unrounded) {
  const auto part = [unrounded](Lanes product) { return rounds && !unrounded ? to_bfloat16(product) : product; };
  float evens[16] = {};
  float odds[16] = {};
  for (size_t head = 0; head < heads; ++head, x += head_dim, y += head_dim) {
    if (interleaved && !rounds) {
      for (size_t i = 0; i < half; ++i) {
        const float first = x[2 * i];
        const float second = x[2 * i + 1];
        y[2 * i] = first * cosine[i] - second * sine[i];
        y[2 * i + 1] = second * cosine[i] + first * sine[i];
      }
    } else {
      for (size_t i = 0; i < half; i += 16) {
        const size_t width = half - i < 16 ? half - i : 16;
        if (interleaved) {
          for (size_t j = 0; j < width; ++j) evens[j] = x[2 * (i + j)];
          for (size_t j = 0; j < width; ++j) odds[j] = x[2 * (i + j) + 1];
        }
        const Lanes first = interleaved ? Lanes::load(evens) : load_some(x + i, width);
        const Lanes second = interleaved ? Lanes::load(odds) : load_some(x + half + i, width);
        const Lanes c = load_some(cosine + i, width);
        const Lanes s = load_some(sine + i, width);
        const Lanes turned = rounded<rounds>(part(first * c) - part(second * s));
        const Lanes other = rounded<rounds>(part(second * c) + part(first * s));
        if (interleaved) {
          turned.store(evens);
          other.store(odds);
          for (size_t j = 0; j < width; ++j) y[2 * (i + j)] = evens[j];
          for (size_t j = 0; j < width; ++j) y[2 * (i + j) + 1] = odds[j];
        } else {
          store_some(turned, y + i, width);
          store_some(other, y + half + i, width);
        }
      }
    }
    for (size_t j = 2 * half; j < head_dim; ++j) y[j] = x[j];
  }
}
