// quantise_int4.cc with a group in each lane. Included inside a namespace, after TSUMUGI_TARGET and:
//   Lanes, Mask                   floats, and the lanes where something holds; Lanes have + * /
//   load, store, set              of Lanes
//   absolute, greater, select     greater(a, b): a > b; select(mask, a, b): mask ? a : b
//   square_sum(a, sum)            sum + a * a, for whole numbers: exact
//   Nearest                       by a table: `spread`, and near<kept>(scaled, codes) for values times it

struct LaneFit {
  Lanes gain, scale;
};

template <bool kept>
TSUMUGI_TARGET inline LaneFit fit(Int4Groups& groups, const Nearest& nearest, Lanes scale) {
  const Lanes zero = set(0.0f);
  const Mask has_scale = greater(absolute(scale), zero);
  const Lanes inverse = select(has_scale, set(1.0f) / select(has_scale, scale, set(1.0f)), zero) * set(nearest.spread);
  Lanes product = zero, square = zero;
  for (int i = 0; i < kInt4Sums; ++i) {
    Lanes sum = zero;
    for (int64_t at = i; at < groups.size; at += kInt4Sums) {
      const Lanes value = load(groups.values + at * kLanes);
      const Lanes near = nearest.template near<kept>(value * inverse, groups.codes + at * kLanes);
      sum = sum + near * value;
      square = square_sum(near, square);  // whole numbers below 2^24, so that their order does not matter
    }
    product = product + sum;
  }
  const Mask has_square = greater(square, zero);
  const Lanes fitted = select(has_square, product / select(has_square, square, set(1.0f)), zero);
  return {select(has_square, product * fitted, zero), fitted};
}

TSUMUGI_TARGET void quantise(Int4Groups& groups, const Int4Table& table) {
  const Nearest nearest(table);
  Lanes most = set(0.0f);
  for (int64_t i = 0; i < groups.size; ++i) {
    const Lanes value = load(groups.values + i * kLanes);
    most = select(greater(absolute(value), absolute(most)), value, most);
  }
  store(groups.most, most);
  const Lanes base = most / set(table.values[0]);
  LaneFit best{set(0.0f), set(0.0f)};
  for (const float sign : {1.0f, -1.0f}) {
    for (int i = 0; i < kInt4Factors; ++i) {
      const LaneFit fitted = fit<false>(groups, nearest, base * set(int4_factor(i)) * set(sign));
      const Mask better = greater(fitted.gain, best.gain);
      best = {select(better, fitted.gain, best.gain), select(better, fitted.scale, best.scale)};
    }
  }
  store(groups.scales, fit<true>(groups, nearest, best.scale).scale);
}
