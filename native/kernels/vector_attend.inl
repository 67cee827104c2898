// Attention of one tile over the paged cache: flash-style, block by block. Included after vector_rows.inl.

// The hot loops keep their sums in registers: unrolled in full, and compiled apart from everything else.
#if defined(__clang__)
#define TSUMUGI_UNROLL _Pragma("clang loop unroll(full)")
#define TSUMUGI_OUT_OF_LINE __attribute__((noinline))
#elif defined(__GNUC__)
#define TSUMUGI_UNROLL _Pragma("GCC unroll 16")
#define TSUMUGI_OUT_OF_LINE __attribute__((noinline))
#else
#define TSUMUGI_UNROLL
#define TSUMUGI_OUT_OF_LINE
#endif

// Scores of R rows against one block of keys [head_dim][32]: sums in order of the head's dimensions.
template <int R, class Element>
TSUMUGI_OUT_OF_LINE void score_rows(const float* const* q, const Element* keys, size_t head_dim, float* scores) {
  Lanes sums[R][2];
  TSUMUGI_UNROLL
  for (int r = 0; r < R; ++r) sums[r][0] = sums[r][1] = Lanes::set(0.0f);
  for (size_t d = 0; d < head_dim; ++d) {
    const Lanes first = Lanes::load(keys + d * 32);
    const Lanes second = Lanes::load(keys + d * 32 + 16);
    TSUMUGI_UNROLL
    for (int r = 0; r < R; ++r) {
      const Lanes value = Lanes::set(q[r][d]);
      sums[r][0] = fma(value, first, sums[r][0]);
      sums[r][1] = fma(value, second, sums[r][1]);
    }
  }
  TSUMUGI_UNROLL
  for (int r = 0; r < R; ++r) {
    sums[r][0].store(scores + r * 32);
    sums[r][1].store(scores + r * 32 + 16);
  }
}

template <int R, int N, class Element>
TSUMUGI_OUT_OF_LINE void value_pass(const float* weights, const float* corrections, const Element* values, size_t stride,
                                    int from, int to, float* sums, size_t sums_stride) {
  Lanes total[R][N];
  TSUMUGI_UNROLL
  for (int r = 0; r < R; ++r) {
    const Lanes correction = Lanes::set(corrections[r]);
    TSUMUGI_UNROLL
    for (int n = 0; n < N; ++n) total[r][n] = Lanes::load(sums + r * sums_stride + n * 16) * correction;
  }
  for (int t = from; t < to; ++t) {
    Lanes value[N];
    TSUMUGI_UNROLL
    for (int n = 0; n < N; ++n) value[n] = Lanes::load(values + t * stride + n * 16);
    TSUMUGI_UNROLL
    for (int r = 0; r < R; ++r) {
      const Lanes weight = Lanes::set(weights[r * 32 + t]);
      TSUMUGI_UNROLL
      for (int n = 0; n < N; ++n) total[r][n] = fma(weight, value[n], total[r][n]);
    }
  }
  TSUMUGI_UNROLL
  for (int r = 0; r < R; ++r) {
    TSUMUGI_UNROLL
    for (int n = 0; n < N; ++n) total[r][n].store(sums + r * sums_stride + n * 16);
  }
}

// sums[row] = sums[row] * correction + Σ weight[t] · values[t], t ascending, only visible tokens.
template <int R, class Element>
inline void value_rows(const float* weights, const float* corrections, const Element* values, size_t stride, int from, int to,
                       float* sums) {
  size_t i = 0;
  for (; i + 16 * kValueLanes <= stride; i += 16 * kValueLanes) {
    value_pass<R, kValueLanes>(weights, corrections, values + i, stride, from, to, sums + i, stride);
  }
  for (; i < stride; i += 16) value_pass<R, 1>(weights, corrections, values + i, stride, from, to, sums + i, stride);
}

// score + slope · (position of the key - position of the query), for one half of a block.
inline Lanes lean(const AttendTile& tile, int row, int64_t block, int half, Lanes score) {
  const float start = static_cast<float>(block * kBlockTokens - tile.positions[row / tile.group]);
  const Lanes distance = Lanes::load(kLaneIndex + half * 16) + Lanes::set(start);
  return fma(Lanes::set(tile.slopes[row % tile.group]), distance, score);
}

// score + scale · round(slope · round(position of the key)), rounded to bfloat16, for one half of a block.
TSUMUGI_OUT_OF_LINE Lanes lean_rounded(const AttendTile& tile, int row, int64_t block, int half, Lanes score) {
  float rises[16];
  const float slope = tile.slopes[row % tile.group];
  for (int64_t i = 0; i < 16; ++i) {
    const float position = static_cast<float>(block * kBlockTokens + half * 16 + i);
    rises[i] = round_to_bfloat16(slope * round_to_bfloat16(position));
  }
  return fma(Lanes::set(tile.scale), Lanes::load(rises), score);
}

// score + the head's bias for the distance, for one half of a block.
TSUMUGI_OUT_OF_LINE Lanes shift(const AttendTile& tile, int row, int64_t block, int half, Lanes score) {
  float biases[16];
  const float* column = tile.biases + row % tile.group;
  const int64_t first = block * kBlockTokens + half * 16 - tile.positions[row / tile.group];
  for (int64_t i = 0; i < 16; ++i) {
    const int64_t distance = first + i;
    const int64_t held = distance < -tile.reach ? -tile.reach : distance > tile.reach ? tile.reach : distance;
    biases[i] = column[static_cast<size_t>(tile.buckets[held + tile.reach]) * tile.bias_stride];
  }
  return score + Lanes::load(biases);
}

// Running softmax of `rows` rows of the tile (at most eight, from `row` on) that see tokens [from, to) of a block: scores
// become weights, and `corrections` what earlier sums are multiplied by.
TSUMUGI_OUT_OF_LINE void soften(const AttendTile& tile, int row, int64_t block, float* scores, int rows, int from, int to,
                                float* greatest, float* totals, float* corrections) {
  float falls[16] = {};
  for (int r = 0; r < rows; ++r) {
    Lanes parts[2];
    TSUMUGI_UNROLL
    for (int half = 0; half < 2; ++half) {
      Lanes score = Lanes::load(scores + r * 32 + half * 16) * Lanes::set(tile.scale);
      if (tile.softcap != 0.0f) {
        score = hyperbolic_tangent(score / Lanes::set(tile.softcap)) * Lanes::set(tile.softcap);
      }
      if (tile.slopes != nullptr) {
        score = tile.rounded_slopes ? lean_rounded(tile, row + r, block, half, score) : lean(tile, row + r, block, half, score);
      }
      if (tile.biases != nullptr) score = shift(tile, row + r, block, half, score);
      if (from > 0 || to < 32) {
        const Lanes index = Lanes::load(kLaneIndex + half * 16);
        const Lanes hidden = Lanes::set(-INFINITY);
        score = select_less(index, Lanes::set(static_cast<float>(to)), score, hidden);
        score = select_less(index, Lanes::set(static_cast<float>(from)), hidden, score);
      }
      score.store(scores + r * 32 + half * 16);
      parts[half] = score;
    }
    const float best = largest(maximum(parts[0], parts[1]));
    const float now = best > greatest[r] ? best : greatest[r];
    falls[r] = greatest[r] - now;
    greatest[r] = now;
  }
  // e^0 is exactly 1: rows whose maximum stands are not changed.
  exponential_of_fall(Lanes::load(falls)).store(corrections);
  for (int r = 0; r < rows; ++r) {
    const Lanes away = Lanes::set(greatest[r]);
    const Lanes first = exponential_of_fall(Lanes::load(scores + r * 32) - away);
    const Lanes second = exponential_of_fall(Lanes::load(scores + r * 32 + 16) - away);
    first.store(scores + r * 32);
    second.store(scores + r * 32 + 16);
    totals[r] = totals[r] * corrections[r] + sum(first + second);
  }
}

template <class Element>
inline void score_run(const float* const* q, const Element* keys, size_t head_dim, int rows, float* scores) {
  int r = 0;
  if constexpr (kScoreRows >= 8) {
    for (; r + 8 <= rows; r += 8) score_rows<8>(q + r, keys, head_dim, scores + r * 32);
  }
  if constexpr (kScoreRows >= 4) {
    for (; r + 4 <= rows; r += 4) score_rows<4>(q + r, keys, head_dim, scores + r * 32);
  }
  for (; r + 2 <= rows; r += 2) score_rows<2>(q + r, keys, head_dim, scores + r * 32);
  for (; r < rows; ++r) score_rows<1>(q + r, keys, head_dim, scores + r * 32);
}

template <class Element>
inline void value_run(const float* weights, const float* corrections, const Element* values, size_t stride, int from, int to,
                      int rows, float* sums) {
  int r = 0;
  if constexpr (kValueRows >= 4) {
    for (; r + 4 <= rows; r += 4) {
      value_rows<4>(weights + r * 32, corrections + r, values, stride, from, to, sums + r * stride);
    }
  }
  for (; r + 2 <= rows; r += 2) {
    value_rows<2>(weights + r * 32, corrections + r, values, stride, from, to, sums + r * stride);
  }
  for (; r < rows; ++r) value_rows<1>(weights + r * 32, corrections + r, values, stride, from, to, sums + r * stride);
}

inline int64_t first_visible(const AttendTile& tile, int64_t token) {
  const int64_t position = tile.positions[token];
  if (tile.chunk > 0) return position - position % tile.chunk;
  return tile.window > 0 && position >= tile.window ? position - tile.window + 1 : 0;
}

// Tokens first..last of the block that a token of the tile sees, as offsets into the block; empty when from >= to.
inline void visible_in_block(const AttendTile& tile, int64_t token, int64_t block, int& from, int& to) {
  const int64_t start = block * kBlockTokens;
  const int64_t low = first_visible(tile, token) - start;
  const int64_t high = (tile.length > 0 ? tile.length : tile.positions[token] + 1) - start;
  from = static_cast<int>(low > 0 ? low : 0);
  to = static_cast<int>(high < kBlockTokens ? high : kBlockTokens);
}

template <class Element>
inline void attend_block(const AttendTile& tile, int64_t block, const Element* keys, const Element* values, float* greatest,
                         float* totals, float* sums, float* scores) {
  const int rows = static_cast<int>(tile.tokens * tile.group);
  for (int row = 0; row < rows;) {
    int from, to;
    visible_in_block(tile, row / tile.group, block, from, to);
    // Rows that see the same tokens of the block go together, at most eight.
    int count = 1;
    for (; count < 8 && row + count < rows; ++count) {
      int next_from, next_to;
      visible_in_block(tile, (row + count) / tile.group, block, next_from, next_to);
      if (next_from != from || next_to != to) break;
    }
    if (from < to) {
      const float* q[8];
      for (int r = 0; r < count; ++r) {
        const int64_t token = (row + r) / tile.group;
        const int64_t head = (row + r) % tile.group;
        q[r] = tile.q + static_cast<size_t>(token) * tile.q_stride + static_cast<size_t>(head) * tile.head_dim;
      }
      float corrections[16];
      score_run(q, keys, tile.head_dim, count, scores);
      soften(tile, row, block, scores, count, from, to, greatest + row, totals + row, corrections);
      value_run(scores, corrections, values, tile.value_stride, from, to, count,
                sums + static_cast<size_t>(row) * tile.value_stride);
    }
    row += count;
  }
}

inline const float* widen(const uint16_t* from, size_t count, float* to) {
  for (size_t i = 0; i < count; i += 16) Lanes::load(from + i).store(to + i);
  return to;
}

// Keys and values of a block as the tiles read them: those of int8 times the scale of their token, in `wide`.
inline const float* open_keys(const float* keys, size_t, float*) { return keys; }
inline const uint16_t* open_keys(const uint16_t* keys, size_t, float*) { return keys; }
inline const float* open_keys(const int8_t* keys, size_t head_dim, float* wide) {
  float scales[kBlockTokens];
  std::memcpy(scales, keys + head_dim * kBlockTokens, sizeof(scales));
  for (size_t d = 0; d < head_dim; ++d) {
    for (size_t t = 0; t < kBlockTokens; ++t) {
      wide[d * kBlockTokens + t] = static_cast<float>(keys[d * kBlockTokens + t]) * scales[t];
    }
  }
  return wide;
}
inline const float* open_values(const float* values, size_t, float*) { return values; }
inline const uint16_t* open_values(const uint16_t* values, size_t, float*) { return values; }
inline const float* open_values(const int8_t* values, size_t stride, float* wide) {
  float scales[kBlockTokens];
  std::memcpy(scales, values + stride * kBlockTokens, sizeof(scales));
  for (size_t t = 0; t < kBlockTokens; ++t) {
    for (size_t i = 0; i < stride; ++i) wide[t * stride + i] = static_cast<float>(values[t * stride + i]) * scales[t];
  }
  return wide;
}

// What rows have gathered of a run of tokens.
struct Gathered {
  float* sums;  // [rows][value_stride]
  float* greatest;
  float* totals;  // 0: the row has seen nothing
};

inline Gathered gathered_of(const AttendTile& tile, float* data) {
  const size_t rows = static_cast<size_t>(tile.tokens * tile.group);
  return {data, data + rows * tile.value_stride, data + rows * (tile.value_stride + 1)};
}

inline int64_t last_visible(const AttendTile& tile) {
  return tile.length > 0 ? tile.length - 1 : tile.positions[tile.tokens - 1];
}

// One segment of a tile, from nothing.
void attend_segment(const AttendTile& tile, int64_t segment, float* data) {
  const size_t rows = static_cast<size_t>(tile.tokens * tile.group);
  const auto [sums, greatest, totals] = gathered_of(tile, data);
  float* scores = tile.scratch + 2 * gathered_floats(rows, tile.value_stride);
  float* wide_keys = scores + 8 * kBlockTokens;
  float* wide_values = wide_keys + kBlockTokens * tile.head_dim;
  for (size_t i = 0; i < rows * tile.value_stride; ++i) sums[i] = 0.0f;
  // A sink is a score seen before all others: its weight is e^0. It is in the first segment that its row sees.
  const size_t group = static_cast<size_t>(tile.group);
  for (size_t r = 0; r < rows; ++r) {
    const bool sinks =
        tile.sinks != nullptr && first_visible(tile, static_cast<int64_t>(r / group)) / kSegmentTokens == segment;
    greatest[r] = sinks ? tile.sinks[r % group] : -INFINITY;
    totals[r] = sinks ? 1.0f : 0.0f;
  }

  constexpr int64_t in_segment = kSegmentTokens / kBlockTokens;
  const int64_t seen = first_visible(tile, 0) / kBlockTokens;
  const int64_t end = last_visible(tile) / kBlockTokens + 1;
  const int64_t first = seen > segment * in_segment ? seen : segment * in_segment;
  const int64_t last = end < (segment + 1) * in_segment ? end : (segment + 1) * in_segment;
  for (int64_t block = first; block < last; ++block) {
    const size_t id = static_cast<size_t>(tile.table[block]);
    if (tile.int8) {
      const int8_t* keys = static_cast<const int8_t*>(tile.keys) + id * tile.key_block;
      const int8_t* values = static_cast<const int8_t*>(tile.values) + id * tile.value_block;
      attend_block(tile, block, open_keys(keys, tile.head_dim, wide_keys), open_values(values, tile.value_stride, wide_values),
                   greatest, totals, sums, scores);
      continue;
    }
    if (!tile.bfloat16) {
      attend_block(tile, block, static_cast<const float*>(tile.keys) + id * tile.key_block,
                   static_cast<const float*>(tile.values) + id * tile.value_block, greatest, totals, sums, scores);
      continue;
    }
    const uint16_t* keys = static_cast<const uint16_t*>(tile.keys) + id * tile.key_block;
    const uint16_t* values = static_cast<const uint16_t*>(tile.values) + id * tile.value_block;
    if (rows <= 8) {
      attend_block(tile, block, keys, values, greatest, totals, sums, scores);
    } else {
      attend_block(tile, block, widen(keys, kBlockTokens * tile.head_dim, wide_keys),
                   widen(values, kBlockTokens * tile.value_stride, wide_values), greatest, totals, sums, scores);
    }
  }
}

// `later` is the segment behind those that `data` holds. A row's first segment is taken as it is.
void merge_segment(const AttendTile& tile, float* data, const float* later) {
  const size_t rows = static_cast<size_t>(tile.tokens * tile.group);
  const auto [sums, greatest, totals] = gathered_of(tile, data);
  const float* later_sums = later;
  const float* later_greatest = later + rows * tile.value_stride;
  const float* later_totals = later_greatest + rows;
  for (size_t r = 0; r < rows; ++r) {
    if (later_totals[r] == 0.0f) continue;
    float* to = sums + r * tile.value_stride;
    const float* from = later_sums + r * tile.value_stride;
    if (totals[r] == 0.0f) {
      greatest[r] = later_greatest[r];
      totals[r] = later_totals[r];
      for (size_t i = 0; i < tile.value_stride; ++i) to[i] = from[i];
      continue;
    }
    const float now = later_greatest[r] > greatest[r] ? later_greatest[r] : greatest[r];
    float powers[16] = {greatest[r] - now, later_greatest[r] - now};
    exponential_of_fall(Lanes::load(powers)).store(powers);
    greatest[r] = now;
    totals[r] = totals[r] * powers[0] + later_totals[r] * powers[1];
    const Lanes before = Lanes::set(powers[0]);
    const Lanes behind = Lanes::set(powers[1]);
    for (size_t i = 0; i < tile.value_stride; i += 16) {
      (Lanes::load(to + i) * before + Lanes::load(from + i) * behind).store(to + i);
    }
  }
}

void finish_tile(const AttendTile& tile, const float* data) {
  const size_t rows = static_cast<size_t>(tile.tokens * tile.group);
  const float* totals = data + rows * (tile.value_stride + 1);
  for (size_t row = 0; row < rows; ++row) {
    const size_t token = row / static_cast<size_t>(tile.group);
    const size_t head = row % static_cast<size_t>(tile.group);
    float* out = tile.out + token * tile.out_stride + head * tile.value_dim;
    const Lanes total = Lanes::set(totals[row]);
    for (size_t i = 0; i < tile.value_dim; i += 16) {
      const size_t width = tile.value_dim - i < 16 ? tile.value_dim - i : 16;
      store_some(Lanes::load(data + row * tile.value_stride + i) / total, out + i, width);
    }
  }
}

void attend(const AttendTile& tile) {
  const size_t rows = static_cast<size_t>(tile.tokens * tile.group);
  float* gathered = tile.scratch;
  float* later = gathered + gathered_floats(rows, tile.value_stride);
  const int64_t first = first_visible(tile, 0) / kSegmentTokens;
  const int64_t last = last_visible(tile) / kSegmentTokens;
  attend_segment(tile, first, gathered);
  for (int64_t segment = first + 1; segment <= last; ++segment) {
    attend_segment(tile, segment, later);
    merge_segment(tile, gathered, later);
  }
  finish_tile(tile, gathered);
}
