// exp, tanh and erf on Lanes: one polynomial for every instruction set. Included inside a namespace after lanes_*.inl.

// e^x; 0 below -87.3, infinity above 88.7, NaN stays. Relative error below 2e-7.
inline Lanes exponential(Lanes x) {
  const Lanes low = Lanes::set(-87.33654f);
  const Lanes high = Lanes::set(88.72283f);
  const Lanes clamped = minimum(Lanes::set(88.3f), maximum(low, x));
  const Lanes n = nearest(clamped * Lanes::set(1.44269504f));
  // n * ln 2 in two parts, so that the rest keeps its bits
  Lanes r = fma(n, Lanes::set(-0.693359375f), clamped);
  r = fma(n, Lanes::set(2.12194440e-4f), r);
  // Above 88.3 the rest grows instead of n, which stays at 127.
  r = r + select_less(Lanes::set(88.3f), x, minimum(x, high) - Lanes::set(88.3f), Lanes::set(0.0f));
  Lanes p = Lanes::set(1.0f / 5040.0f);
  p = fma(p, r, Lanes::set(1.0f / 720.0f));
  p = fma(p, r, Lanes::set(1.0f / 120.0f));
  p = fma(p, r, Lanes::set(1.0f / 24.0f));
  p = fma(p, r, Lanes::set(1.0f / 6.0f));
  p = fma(p, r, Lanes::set(0.5f));
  p = fma(p, r * r, r);
  Lanes y = (p + Lanes::set(1.0f)) * power_of_two(n);
  y = select_less(x, low, Lanes::set(0.0f), y);
  return select_less(high, x, Lanes::set(INFINITY), y);
}

// e^x for x <= 0, as a softmax needs it: 0 below -87.3, NaN stays. Relative error below 2e-7.
inline Lanes exponential_of_fall(Lanes x) {
  const Lanes clamped = maximum(Lanes::set(-104.0f), x);
  const Lanes n = nearest(clamped * Lanes::set(1.44269504f));
  Lanes r = fma(n, Lanes::set(-0.693359375f), clamped);
  r = fma(n, Lanes::set(2.12194440e-4f), r);
  Lanes p = Lanes::set(1.0f / 5040.0f);
  p = fma(p, r, Lanes::set(1.0f / 720.0f));
  p = fma(p, r, Lanes::set(1.0f / 120.0f));
  p = fma(p, r, Lanes::set(1.0f / 24.0f));
  p = fma(p, r, Lanes::set(1.0f / 6.0f));
  p = fma(p, r, Lanes::set(0.5f));
  p = fma(p, r * r, r);
  return scale_down(p + Lanes::set(1.0f), n);
}

inline Lanes sigmoid(Lanes x) { return Lanes::set(1.0f) / (Lanes::set(1.0f) + exponential(Lanes::set(0.0f) - x)); }

// Odd Taylor-like polynomial near 0 (where 1 - 2 / (e^2x + 1) would lose bits), the formula elsewhere.
inline Lanes hyperbolic_tangent(Lanes x) {
  const Lanes magnitude = absolute(x);
  const Lanes one = Lanes::set(1.0f);
  const Lanes large = one - Lanes::set(2.0f) / (exponential(magnitude + magnitude) + one);
  const Lanes signed_large = select_less(x, Lanes::set(0.0f), Lanes::set(0.0f) - large, large);
  const Lanes x2 = x * x;
  Lanes p = Lanes::set(-929569.0f / 638512875.0f);
  p = fma(p, x2, Lanes::set(21844.0f / 6081075.0f));
  p = fma(p, x2, Lanes::set(-1382.0f / 155925.0f));
  p = fma(p, x2, Lanes::set(62.0f / 2835.0f));
  p = fma(p, x2, Lanes::set(-17.0f / 315.0f));
  p = fma(p, x2, Lanes::set(2.0f / 15.0f));
  p = fma(p, x2, Lanes::set(-1.0f / 3.0f));
  const Lanes small = fma(p * x2, x, x);
  return select_less(magnitude, Lanes::set(0.4f), small, signed_large);
}

// 1 - erf(z) for z >= 0: e^(-z²) times a polynomial in 1 / (1 + z/2), fitted to 6e-9 on 0..10.
inline Lanes erfc_positive(Lanes z) {
  z = minimum(Lanes::set(9.3f), z);
  const Lanes t = Lanes::set(1.0f) / fma(z, Lanes::set(0.5f), Lanes::set(1.0f));
  Lanes p = Lanes::set(0.0277488083f);
  p = fma(p, t, Lanes::set(-0.209860712f));
  p = fma(p, t, Lanes::set(0.640472114f));
  p = fma(p, t, Lanes::set(-0.966052115f));
  p = fma(p, t, Lanes::set(0.683403373f));
  p = fma(p, t, Lanes::set(-0.251378268f));
  p = fma(p, t, Lanes::set(0.285078049f));
  p = fma(p, t, Lanes::set(0.223445833f));
  p = fma(p, t, Lanes::set(0.285290122f));
  p = fma(p, t, Lanes::set(0.281844169f));
  p = fma(p, t, Lanes::set(8.57071791e-06f));
  return p * exponential(Lanes::set(0.0f) - z * z);
}

// x/2 · (1 + erf(x / √2))
inline Lanes gelu(Lanes x) {
  const Lanes half = Lanes::set(0.5f) * x;
  const Lanes tail = erfc_positive(absolute(x) * Lanes::set(0.707106781f));
  return half * select_less(x, Lanes::set(0.0f), tail, Lanes::set(2.0f) - tail);
}

inline Lanes gelu_tanh(Lanes x) {
  const Lanes cube = x * x * x;
  const Lanes inner = Lanes::set(0.797884561f) * fma(Lanes::set(0.044715f), cube, x);
  // x/2 · (1 + tanh u) = x · sigmoid(2u), which keeps its bits for negative u
  return x * sigmoid(inner + inner);
}

// (1 + erf(z)) / 2
inline Lanes normal_distribution(Lanes z) {
  const Lanes half_tail = Lanes::set(0.5f) * erfc_positive(absolute(z));
  return select_less(z, Lanes::set(0.0f), half_tail, Lanes::set(1.0f) - half_tail);
}

// x · tanh(ln(1 + e^x)) = x · n / (n + 2) with n = e^x (e^x + 2); beyond 20 the fraction is 1
inline Lanes mish(Lanes x) {
  const Lanes e = exponential(minimum(Lanes::set(20.0f), x));
  const Lanes n = e * (e + Lanes::set(2.0f));
  return x * (n / (n + Lanes::set(2.0f)));
}

// Rounded to bfloat16 where activations are.
template <bool rounds>
inline Lanes rounded(Lanes x) {
  if constexpr (rounds) return to_bfloat16(x);
  return x;
}

template <Activation kind>
inline Lanes activate(Lanes x) {
  const Lanes zero = Lanes::set(0.0f);
  if constexpr (kind == Activation::silu) return x / (Lanes::set(1.0f) + exponential(zero - x));
  if constexpr (kind == Activation::gelu) return gelu(x);
  if constexpr (kind == Activation::gelu_tanh || kind == Activation::gelu_new || kind == Activation::gelu_fast) {
    return gelu_tanh(x);
  }
  if constexpr (kind == Activation::quick_gelu) {
    return x / (Lanes::set(1.0f) + exponential(zero - Lanes::set(1.702f) * x));
  }
  if constexpr (kind == Activation::relu) return maximum(zero, x);
  if constexpr (kind == Activation::relu2) return maximum(zero, x) * maximum(zero, x);
  if constexpr (kind == Activation::relu6) return minimum(Lanes::set(6.0f), maximum(zero, x));
  if constexpr (kind == Activation::sigmoid) return sigmoid(x);
  if constexpr (kind == Activation::tanh) return hyperbolic_tangent(x);
  if constexpr (kind == Activation::gelu_10) return minimum(Lanes::set(10.0f), maximum(Lanes::set(-10.0f), gelu(x)));
  if constexpr (kind == Activation::hardswish) {
    return x * minimum(Lanes::set(6.0f), maximum(zero, x + Lanes::set(3.0f))) / Lanes::set(6.0f);
  }
  if constexpr (kind == Activation::leaky_relu) return maximum(x, Lanes::set(0.01f) * x);
  if constexpr (kind == Activation::laplace) {
    return normal_distribution((x - Lanes::set(0.707107f)) / Lanes::set(0.398942483f));
  }
  if constexpr (kind == Activation::mish) return mish(x);
  return x;
}

// As PyTorch evaluates them in bfloat16: those that are written as several operations are rounded after each.
template <Activation kind>
inline Lanes activate_rounding(Lanes x) {
  const auto round = [](Lanes value) { return to_bfloat16(value); };
  const auto number = [](float value) { return Lanes::set(value); };
  if constexpr (kind == Activation::gelu_new) {
    const Lanes cube = round(round(x * x) * x);
    const Lanes inner = round(number(0.797884561f) * round(x + round(number(0.044715f) * cube)));
    return round(round(number(0.5f) * x) * round(number(1.0f) + round(hyperbolic_tangent(inner))));
  } else if constexpr (kind == Activation::gelu_fast) {
    const Lanes bend = round(number(1.0f) + round(round(number(0.044715f) * x) * x));
    const Lanes inner = round(round(number(0.797884561f) * x) * bend);
    return round(round(number(0.5f) * x) * round(number(1.0f) + round(hyperbolic_tangent(inner))));
  } else if constexpr (kind == Activation::quick_gelu) {
    return round(x * round(sigmoid(round(number(1.702f) * x))));
  } else if constexpr (kind == Activation::laplace) {
    const Lanes z = round(round(x - number(0.707107f)) / number(0.398942483f));
    const Lanes error = round(number(2.0f) * normal_distribution(z) - number(1.0f));
    return round(number(0.5f) * round(number(1.0f) + error));
  } else {
    return round(activate<kind>(x));
  }
}
