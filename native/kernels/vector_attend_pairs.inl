// Products of bfloat16 attention by vdpbf16ps, two at once: over pairs of a head's dimensions for scores, over pairs of tokens
// for values. The cache is as ever: lines of it are interleaved on the way, within each 128 bits, and sums stand in that order
// until `in_order`. Included after vector_attend.inl, for avx512_bf16.

// Sums of interleaved lines, the low and the high halves of each four, back in the order of 32 columns.
inline void in_order(__m512 low, __m512 high, float* to) {
  const __m512i first = _mm512_set_epi32(23, 22, 21, 20, 7, 6, 5, 4, 19, 18, 17, 16, 3, 2, 1, 0);
  const __m512i second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
  _mm512_storeu_ps(to, _mm512_permutex2var_ps(low, first, high));
  _mm512_storeu_ps(to + 16, _mm512_permutex2var_ps(low, second, high));
}

inline __m512bh broadcast_word(const float* word) {
  return reinterpret_cast<__m512bh>(_mm512_castps_si512(_mm512_set1_ps(*word)));
}

inline void prefetch_line(const uint16_t* from) { _mm_prefetch(reinterpret_cast<const char*>(from), _MM_HINT_T0); }

// `count` values of a row, which are bfloat16 each, as words of two; in place if need be.
inline void pair_words(const float* from, size_t count, float* to) {
  for (size_t i = 0; i < count; i += 32) {
    const __m512 first = load_some(from + i, count - i < 16 ? count - i : 16).value;
    const __m512 second =
        i + 16 < count ? load_some(from + i + 16, count - i < 32 ? count - i - 16 : 16).value : _mm512_setzero_ps();
    _mm512_storeu_si512(to + i / 2, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first)));
  }
}

// Scores of R rows of words against one block of keys [head_dim][32], head_dim even: one chain over ascending pairs.
template <int R>
TSUMUGI_OUT_OF_LINE void score_pairs(const float* const* q, const uint16_t* keys, const uint16_t* next, size_t head_dim,
                                     float* scores) {
  __m512 low[R], high[R];
  TSUMUGI_UNROLL
  for (int r = 0; r < R; ++r) low[r] = high[r] = _mm512_setzero_ps();
  for (size_t d = 0; d < head_dim; d += 2) {
    const __m512i even = _mm512_loadu_si512(keys + d * 32), odd = _mm512_loadu_si512(keys + d * 32 + 32);
    prefetch_line(next + d * 32);
    prefetch_line(next + d * 32 + 32);
    const __m512bh first = reinterpret_cast<__m512bh>(_mm512_unpacklo_epi16(even, odd));
    const __m512bh second = reinterpret_cast<__m512bh>(_mm512_unpackhi_epi16(even, odd));
    TSUMUGI_UNROLL
    for (int r = 0; r < R; ++r) {
      const __m512bh word = broadcast_word(q[r] + d / 2);
      low[r] = _mm512_dpbf16_ps(low[r], first, word);
      high[r] = _mm512_dpbf16_ps(high[r], second, word);
    }
  }
  TSUMUGI_UNROLL
  for (int r = 0; r < R; ++r) in_order(low[r], high[r], scores + r * 32);
}

inline void score_run_pairs(const float* const* q, const uint16_t* keys, const uint16_t* next, size_t head_dim, int rows,
                            float* scores) {
  int r = 0;
  for (; r + 8 <= rows; r += 8) score_pairs<8>(q + r, keys, next, head_dim, scores + r * 32);
  for (; r + 4 <= rows; r += 4) score_pairs<4>(q + r, keys, next, head_dim, scores + r * 32);
  for (; r + 2 <= rows; r += 2) score_pairs<2>(q + r, keys, next, head_dim, scores + r * 32);
  for (; r < rows; ++r) score_pairs<1>(q + r, keys, next, head_dim, scores + r * 32);
}

// sums[row] += Σ weight[t] · values[t] over ascending pairs of tokens, of 32 · N columns; what a row does not see counts as 0.
// `words`: weights [R][16].
template <int R, int N>
TSUMUGI_OUT_OF_LINE void value_pairs(const float* words, const uint16_t* values, const uint16_t* next, size_t stride, int from,
                                     int to, float* sums, size_t sums_stride) {
  __m512 total[R][2 * N];
  TSUMUGI_UNROLL
  for (int r = 0; r < R; ++r) {
    TSUMUGI_UNROLL
    for (int n = 0; n < 2 * N; ++n) total[r][n] = _mm512_loadu_ps(sums + r * sums_stride + n * 16);
  }
  for (int t = from & ~1; t < to; t += 2) {
    const uint16_t* line = values + static_cast<size_t>(t) * stride;
    const uint16_t* ahead = next + static_cast<size_t>(t) * stride;
    __m512bh value[2 * N];
    TSUMUGI_UNROLL
    for (int n = 0; n < N; ++n) {
      const __m512i even = t < from ? _mm512_setzero_si512() : _mm512_loadu_si512(line + n * 32);
      const __m512i odd = t + 1 < to ? _mm512_loadu_si512(line + stride + n * 32) : _mm512_setzero_si512();
      prefetch_line(ahead + n * 32);
      prefetch_line(ahead + stride + n * 32);
      value[2 * n] = reinterpret_cast<__m512bh>(_mm512_unpacklo_epi16(even, odd));
      value[2 * n + 1] = reinterpret_cast<__m512bh>(_mm512_unpackhi_epi16(even, odd));
    }
    TSUMUGI_UNROLL
    for (int r = 0; r < R; ++r) {
      const __m512bh weight = broadcast_word(words + r * 16 + t / 2);
      TSUMUGI_UNROLL
      for (int n = 0; n < 2 * N; ++n) total[r][n] = _mm512_dpbf16_ps(total[r][n], value[n], weight);
    }
  }
  TSUMUGI_UNROLL
  for (int r = 0; r < R; ++r) {
    TSUMUGI_UNROLL
    for (int n = 0; n < 2 * N; ++n) _mm512_storeu_ps(sums + r * sums_stride + n * 16, total[r][n]);
  }
}

// The same of the last 16 columns where they are no multiple of 32; they stand in order.
inline void value_pairs_rest(const float* words, const uint16_t* values, size_t stride, int from, int to, float* sums) {
  __m512 total = _mm512_loadu_ps(sums);
  for (int t = from & ~1; t < to; t += 2) {
    const auto wide = [&](int token) {
      if (token < from || token >= to) return _mm512_setzero_si512();
      const uint16_t* line = values + static_cast<size_t>(token) * stride;
      return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(line)));
    };
    const __m512i both = _mm512_or_si512(wide(t), _mm512_slli_epi32(wide(t + 1), 16));
    total = _mm512_dpbf16_ps(total, reinterpret_cast<__m512bh>(both), broadcast_word(words + t / 2));
  }
  _mm512_storeu_ps(sums, total);
}

template <int R>
inline void value_rows_pairs(const float* words, const uint16_t* values, const uint16_t* next, size_t stride, int from, int to,
                             float* sums) {
  size_t i = 0;
  for (; i + 64 <= stride; i += 64) value_pairs<R, 2>(words, values + i, next + i, stride, from, to, sums + i, stride);
  for (; i + 32 <= stride; i += 32) value_pairs<R, 1>(words, values + i, next + i, stride, from, to, sums + i, stride);
  if (i == stride) return;
  for (int r = 0; r < R; ++r) {
    value_pairs_rest(words + r * 16, values + i, stride, from, to, sums + static_cast<size_t>(r) * stride + i);
  }
}

inline void value_run_pairs(const float* words, const uint16_t* values, const uint16_t* next, size_t stride, int from, int to,
                            int rows, float* sums) {
  int r = 0;
  const auto of = [&](int row) { return sums + static_cast<size_t>(row) * stride; };
  for (; r + 4 <= rows; r += 4) value_rows_pairs<4>(words + r * 16, values, next, stride, from, to, of(r));
  for (; r + 2 <= rows; r += 2) value_rows_pairs<2>(words + r * 16, values, next, stride, from, to, of(r));
  for (; r < rows; ++r) value_rows_pairs<1>(words + r * 16, values, next, stride, from, to, of(r));
}

inline void sums_in_order(float* sums, size_t stride) {
  for (size_t i = 0; i + 32 <= stride; i += 32) in_order(_mm512_loadu_ps(sums + i), _mm512_loadu_ps(sums + i + 16), sums + i);
}
