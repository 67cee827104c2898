// Attention with activations in bfloat16, as PyTorch's operations one after another: scores are rounded, the softmax is
// taken in float32 over all of them, its probabilities are rounded before they meet the values, and so is the sum.
// Included after vector_attend.inl.
//
// At most eight rows at a time pass the keys, then their own scores, then the values. Scores of longer contexts than
// kKeptScores are not kept but computed anew in each pass: the same numbers.

// Rows [row, row + count) of a tile, with what they see.
struct RoundingRows {
  const float* q[8];
  int row;
  int count;
  int64_t first_block;
  int64_t last_block;
};

// One half of a block: dot products become scores.
inline Lanes narrow_score(const AttendTile& tile, int row, int64_t block, int half, Lanes score) {
  if (tile.unrounded_scores) {
    score = score * Lanes::set(tile.scale);
    if (tile.slopes != nullptr) score = lean(tile, row, block, half, score);
    return score;
  }
  if (tile.fused_scores) {
    score = score * Lanes::set(tile.scale);
    if (tile.slopes != nullptr) {
      const Lanes position = Lanes::load(kLaneIndex + half * 16) + Lanes::set(static_cast<float>(block * kBlockTokens));
      score = score + to_bfloat16(Lanes::set(tile.slopes[row % tile.group]) * position);
    }
    return to_bfloat16(score);
  }
  score = to_bfloat16(score);
  if (tile.rounded_slopes) {
    score = score * Lanes::set(tile.scale);
  } else if (!tile.scale_query) {
    score = to_bfloat16(score * Lanes::set(tile.scale));
  }
  if (tile.softcap != 0.0f) {
    const Lanes cap = Lanes::set(tile.softcap);
    score = to_bfloat16(to_bfloat16(hyperbolic_tangent(to_bfloat16(score / cap))) * cap);
  }
  if (tile.slopes != nullptr && tile.rounded_slopes) score = to_bfloat16(lean_rounded(tile, row, block, half, score));
  if (tile.slopes != nullptr && !tile.rounded_slopes) score = lean(tile, row, block, half, score);
  if (tile.biases != nullptr) score = to_bfloat16(shift(tile, row, block, half, score));
  return score;
}

// Scores [count][32] of one block; -infinity where a row does not see.
// `next`: the keys that come after these.
template <bool kPairs, class Element>
TSUMUGI_OUT_OF_LINE void narrow_block(const AttendTile& tile, const RoundingRows& rows, int64_t block, const Element* keys,
                                      [[maybe_unused]] const Element* next, float* scores) {
  if constexpr (kPairs) {
#if defined(TSUMUGI_DOT_PAIRS)
    score_run_pairs(rows.q, keys, next, tile.head_dim, rows.count, scores);
#endif
  } else {
    score_run(rows.q, keys, tile.head_dim, rows.count, scores);
  }
  const Lanes hidden = Lanes::set(-INFINITY);
  for (int r = 0; r < rows.count; ++r) {
    int from, to;
    visible_in_block(tile, (rows.row + r) / tile.group, block, from, to);
    TSUMUGI_UNROLL
    for (int half = 0; half < 2; ++half) {
      float* at = scores + r * 32 + half * 16;
      Lanes score = narrow_score(tile, rows.row + r, block, half, Lanes::load(at));
      if (from > 0 || to < 32) {
        const Lanes index = Lanes::load(kLaneIndex + half * 16);
        score = select_less(index, Lanes::set(static_cast<float>(to)), score, hidden);
        score = select_less(index, Lanes::set(static_cast<float>(from)), hidden, score);
      }
      score.store(at);
    }
  }
}

// e^(score - greatest), for one half of a block.
inline Lanes narrow_power(const AttendTile& tile, Lanes score, Lanes greatest) {
  Lanes fall = score - greatest;
  if (tile.sinks != nullptr) fall = to_bfloat16(fall);  // gpt-oss takes the greatest away before its softmax
  return exponential_of_fall(fall);
}

// kPairs: with words of two values for queries and probabilities (vector_attend_pairs.inl).
template <class Element, bool kPairs>
inline void attend_rounding_rows(const AttendTile& tile, const RoundingRows& rows, float* sums, float* kept) {
  const Element* all_keys = static_cast<const Element*>(tile.keys);
  const Element* all_values = static_cast<const Element*>(tile.values);
  const int64_t blocks = rows.last_block - rows.first_block + 1;
  const bool keeps = blocks * kBlockTokens <= kKeptScores;
  const size_t group = static_cast<size_t>(tile.group);
  const auto scores_of = [&](int64_t block) { return keeps ? kept + (block - rows.first_block) * 8 * kBlockTokens : kept; };
  const auto keys_of = [&](int64_t block) { return all_keys + static_cast<size_t>(tile.table[block]) * tile.key_block; };
  const auto values_of = [&](int64_t block) { return all_values + static_cast<size_t>(tile.table[block]) * tile.value_block; };
  float* wide = kept + 8 * kKeptScores;  // keys, or values, of a block of int8
  const auto score = [&](int64_t block) {
    const auto* keys = open_keys(keys_of(block), tile.head_dim, wide);
    const auto* next = keys;
    if constexpr (kPairs) next = keys_of(block < rows.last_block ? block + 1 : block);
    narrow_block<kPairs>(tile, rows, block, keys, next, scores_of(block));
  };

  Lanes greatest[8];
  for (int r = 0; r < rows.count; ++r) {
    greatest[r] = Lanes::set(tile.sinks == nullptr ? -INFINITY : tile.sinks[static_cast<size_t>(rows.row + r) % group]);
  }
  for (int64_t block = rows.first_block; block <= rows.last_block; ++block) {
    score(block);
    const float* scores = scores_of(block);
    for (int r = 0; r < rows.count; ++r) {
      greatest[r] = maximum(greatest[r], maximum(Lanes::load(scores + r * 32), Lanes::load(scores + r * 32 + 16)));
    }
  }
  float totals[8];
  for (int r = 0; r < rows.count; ++r) {
    greatest[r] = Lanes::set(largest(greatest[r]));
    totals[r] = 0.0f;
    if (tile.sinks != nullptr) {
      float powers[16];
      const Lanes sink = Lanes::set(tile.sinks[static_cast<size_t>(rows.row + r) % group]);
      narrow_power(tile, sink, greatest[r]).store(powers);
      totals[r] = powers[0];
    }
  }
  for (int64_t block = rows.first_block; block <= rows.last_block; ++block) {
    if (!keeps) score(block);
    float* scores = scores_of(block);
    for (int r = 0; r < rows.count; ++r) {
      const Lanes first = narrow_power(tile, Lanes::load(scores + r * 32), greatest[r]);
      const Lanes second = narrow_power(tile, Lanes::load(scores + r * 32 + 16), greatest[r]);
      first.store(scores + r * 32);
      second.store(scores + r * 32 + 16);
      totals[r] += sum(first + second);
    }
  }

  [[maybe_unused]] const float ones[8] = {1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f};
  for (size_t i = 0; i < static_cast<size_t>(rows.count) * tile.value_stride; ++i) sums[i] = 0.0f;
  for (int64_t block = rows.first_block; block <= rows.last_block; ++block) {
    if (!keeps) score(block);
    float* scores = scores_of(block);
    for (int r = 0; r < rows.count; ++r) {
      const Lanes total = Lanes::set(totals[r]);
      TSUMUGI_UNROLL
      for (int half = 0; half < 2; ++half) {
        Lanes power = Lanes::load(scores + r * 32 + half * 16);
        if (!keeps) power = narrow_power(tile, power, greatest[r]);
        to_bfloat16(power / total).store(scores + r * 32 + half * 16);
      }
#if defined(TSUMUGI_DOT_PAIRS)
      if constexpr (kPairs) pair_words(scores + r * 32, 32, scores + r * 16);
#endif
    }
    const auto* values = open_values(values_of(block), tile.value_stride, wide);
    for (int r = 0; r < rows.count;) {
      int from, to;
      visible_in_block(tile, (rows.row + r) / tile.group, block, from, to);
      int same = 1;
      for (; r + same < rows.count; ++same) {
        int next_from, next_to;
        visible_in_block(tile, (rows.row + r + same) / tile.group, block, next_from, next_to);
        if (next_from != from || next_to != to) break;
      }
      float* row_sums = sums + static_cast<size_t>(r) * tile.value_stride;
      if constexpr (kPairs) {
#if defined(TSUMUGI_DOT_PAIRS)
        const Element* next = values_of(block < rows.last_block ? block + 1 : block);
        if (from < to) value_run_pairs(scores + r * 16, values, next, tile.value_stride, from, to, same, row_sums);
#endif
      } else {
        if (from < to) value_run(scores + r * 32, ones, values, tile.value_stride, from, to, same, row_sums);
      }
      r += same;
    }
  }
#if defined(TSUMUGI_DOT_PAIRS)
  if constexpr (kPairs) {
    for (int r = 0; r < rows.count; ++r) sums_in_order(sums + static_cast<size_t>(r) * tile.value_stride, tile.value_stride);
  }
#endif
}

void attend_rounding(const AttendTile& tile) {
  const int total = static_cast<int>(tile.tokens * tile.group);
  float* sums = tile.scratch;
  float* queries = sums + 8 * tile.value_stride;
  float* kept = queries + 8 * padded_lanes(tile.head_dim);
  for (int row = 0; row < total; row += 8) {
    RoundingRows rows{};
    rows.row = row;
    rows.count = total - row < 8 ? total - row : 8;
    for (int r = 0; r < rows.count; ++r) {
      const int64_t token = (row + r) / tile.group;
      const int64_t head = (row + r) % tile.group;
      rows.q[r] = tile.q + static_cast<size_t>(token) * tile.q_stride + static_cast<size_t>(head) * tile.head_dim;
      if (!tile.scale_query) continue;
      float* scaled = queries + static_cast<size_t>(r) * padded_lanes(tile.head_dim);
      scale<true>(rows.q[r], tile.scale, scaled, tile.head_dim);
      rows.q[r] = scaled;
    }
    const int64_t last_token = (row + rows.count - 1) / tile.group;
    rows.first_block = first_visible(tile, row / tile.group) / kBlockTokens;
    rows.last_block = (tile.length > 0 ? tile.length - 1 : tile.positions[last_token]) / kBlockTokens;
#if defined(TSUMUGI_DOT_PAIRS)
    if (tile.bfloat16 && tile.head_dim % 2 == 0) {
      for (int r = 0; r < rows.count; ++r) {
        float* words = queries + static_cast<size_t>(r) * padded_lanes(tile.head_dim);
        pair_words(rows.q[r], tile.head_dim, words);
        rows.q[r] = words;
      }
      attend_rounding_rows<uint16_t, true>(tile, rows, sums, kept);
    } else
#endif
        if (tile.int8) {
      attend_rounding_rows<int8_t, false>(tile, rows, sums, kept);
    } else if (tile.bfloat16) {
      attend_rounding_rows<uint16_t, false>(tile, rows, sums, kept);
    } else {
      attend_rounding_rows<float, false>(tile, rows, sums, kept);
    }
    for (int r = 0; r < rows.count; ++r) {
      const size_t token = static_cast<size_t>((row + r) / tile.group);
      const size_t head = static_cast<size_t>((row + r) % tile.group);
      float* out = tile.out + token * tile.out_stride + head * tile.value_dim;
      for (size_t i = 0; i < tile.value_dim; i += 16) {
        const size_t width = tile.value_dim - i < 16 ? tile.value_dim - i : 16;
        store_some(to_bfloat16(Lanes::load(sums + static_cast<size_t>(r) * tile.value_stride + i)), out + i, width);
      }
    }
  }
}
