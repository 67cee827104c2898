// A Llama in plain C loops, float32, one token at a time, for bench/small-models.mjs: what a compiler makes of the obvious code.
//
//   cc -Ofast -march=native -fopenmp plain_loop.c -lm
//   ./a.out HIDDEN LAYERS HEADS FEED_FORWARD VOCABULARY TOKENS RUNS   (weights are random; prints one JSON object)
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int hidden, layers, heads, feed, vocabulary, tokens;

static float* random_values(size_t count) {
  static unsigned state = 1;
  float* values = malloc(count * sizeof(float));
  for (size_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    values[i] = ((float)state / 4294967296.0f - 0.5f) * 0.1f;
  }
  return values;
}

// y[rows] = W[rows][columns] x[columns]
static void multiply(const float* w, const float* x, float* y, int rows, int columns) {
#pragma omp parallel for
  for (int row = 0; row < rows; ++row) {
    const float* from = w + (size_t)row * (size_t)columns;
    float sum = 0;
    for (int i = 0; i < columns; ++i) sum += from[i] * x[i];
    y[row] = sum;
  }
}

static void normalise(const float* x, float* y) {
  float sum = 0;
  for (int i = 0; i < hidden; ++i) sum += x[i] * x[i];
  const float factor = 1.0f / sqrtf(sum / (float)hidden + 1e-5f);
  for (int i = 0; i < hidden; ++i) y[i] = x[i] * factor;
}

static void rotate(float* x, int position) {
  const int size = hidden / heads;
  for (int i = 0; i < hidden; i += 2) {
    const float angle = (float)position / powf(10000.0f, (float)(i % size) / (float)size);
    const float cosine = cosf(angle), sine = sinf(angle), a = x[i], b = x[i + 1];
    x[i] = a * cosine - b * sine;
    x[i + 1] = a * sine + b * cosine;
  }
}

static void attend(const float* q, const float* keys, const float* values, float* out, float* scores, int position) {
  const int size = hidden / heads;
#pragma omp parallel for
  for (int head = 0; head < heads; ++head) {
    float* shares = scores + head * tokens;
    const float* query = q + head * size;
    float greatest = -1e30f, total = 0;
    for (int t = 0; t <= position; ++t) {
      const float* key = keys + (size_t)t * (size_t)hidden + head * size;
      float sum = 0;
      for (int i = 0; i < size; ++i) sum += query[i] * key[i];
      shares[t] = sum / sqrtf((float)size);
      if (shares[t] > greatest) greatest = shares[t];
    }
    for (int t = 0; t <= position; ++t) total += shares[t] = expf(shares[t] - greatest);
    float* to = out + head * size;
    memset(to, 0, (size_t)size * sizeof(float));
    for (int t = 0; t <= position; ++t) {
      const float* value = values + (size_t)t * (size_t)hidden + head * size;
      for (int i = 0; i < size; ++i) to[i] += shares[t] / total * value[i];
    }
  }
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(int count, char** given) {
  if (count != 8) return 1;
  hidden = atoi(given[1]), layers = atoi(given[2]), heads = atoi(given[3]), feed = atoi(given[4]);
  vocabulary = atoi(given[5]), tokens = atoi(given[6]);
  const size_t square = (size_t)hidden * (size_t)hidden, wide = (size_t)hidden * (size_t)feed;
  const size_t cache = (size_t)tokens * (size_t)hidden, all = (size_t)layers;
  float *embedding = random_values((size_t)vocabulary * (size_t)hidden), *attention = random_values(all * 4 * square);
  float *mixing = random_values(all * 3 * wide), *keys = random_values(all * cache), *values = random_values(all * cache);
  float *x = random_values((size_t)hidden), *y = random_values((size_t)hidden), *q = random_values((size_t)hidden);
  float *gate = random_values((size_t)feed), *up = random_values((size_t)feed), *logits = random_values((size_t)vocabulary);
  float* scores = random_values((size_t)heads * (size_t)tokens);
  printf("{\"tokensPerSecond\":[");
  for (int run = 0; run < atoi(given[7]); ++run) {
    int token = 1;
    const double start = seconds();
    for (int position = 0; position < tokens; ++position) {
      memcpy(x, embedding + (size_t)token * (size_t)hidden, (size_t)hidden * sizeof(float));
      for (int layer = 0; layer < layers; ++layer) {
        const float *w = attention + (size_t)layer * 4 * square, *m = mixing + (size_t)layer * 3 * wide;
        float *layer_keys = keys + (size_t)layer * cache, *layer_values = values + (size_t)layer * cache;
        float* key = layer_keys + (size_t)position * (size_t)hidden;
        normalise(x, y);
        multiply(w, y, q, hidden, hidden);
        multiply(w + square, y, key, hidden, hidden);
        multiply(w + 2 * square, y, layer_values + (size_t)position * (size_t)hidden, hidden, hidden);
        rotate(q, position);
        rotate(key, position);
        attend(q, layer_keys, layer_values, y, scores, position);
        multiply(w + 3 * square, y, q, hidden, hidden);
        for (int i = 0; i < hidden; ++i) x[i] += q[i];
        normalise(x, y);
        multiply(m, y, gate, feed, hidden);
        multiply(m + wide, y, up, feed, hidden);
        for (int i = 0; i < feed; ++i) gate[i] *= up[i] / (1.0f + expf(-gate[i]));
        multiply(m + 2 * wide, gate, q, hidden, feed);
        for (int i = 0; i < hidden; ++i) x[i] += q[i];
      }
      normalise(x, y);
      multiply(embedding, y, logits, vocabulary, hidden);
      token = 0;
      for (int i = 1; i < vocabulary; ++i) token = logits[i] > logits[token] ? i : token;
    }
    printf("%s%.1f", run ? "," : "", tokens / (seconds() - start));
  }
  printf("]}\n");
  return 0;
}
