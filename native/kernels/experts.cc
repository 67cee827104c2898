// route: weights [correction?, gains?] or fewer, outputs [chosen, shares].
// experts: inputs [x, chosen, shares], weights [gateUp, gateUpBias?, down, downBias?],
//   outputs [y, then workspace: rows [T, count * hidden], gateUp [T, count * 2 * inner],
//   places [T, count], starts [experts + 1]].
//
// Tokens are sorted by expert; each expert multiplies its rows at once. A row's bits depend on its token alone: matmul
// promises that, and a token's experts are summed in ascending order.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernel.h"
#include "matmul.h"

namespace tsumugi {

namespace {

void softmax(const float* x, float* y, int64_t count) {
  double top = -std::numeric_limits<double>::infinity();
  for (int64_t i = 0; i < count; ++i) top = std::max(top, static_cast<double>(x[i]));
  double sum = 0.0;
  for (int64_t i = 0; i < count; ++i) sum += std::exp(static_cast<double>(x[i]) - top);
  for (int64_t i = 0; i < count; ++i) y[i] = static_cast<float>(std::exp(static_cast<double>(x[i]) - top) / sum);
}

float sigmoid(float x) { return static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(x)))); }

// Takes the greatest value that is left: the first of equals. A taken one is marked by -infinity and `taken`.
int64_t take_greatest(const std::vector<float>& values, std::vector<bool>& taken) {
  int64_t best = -1;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!taken[i] && (best < 0 || values[i] > values[static_cast<size_t>(best)])) best = static_cast<int64_t>(i);
  }
  taken[static_cast<size_t>(best)] = true;
  return best;
}

// Experts of all groups but the best ones count as taken.
void close_groups(const std::vector<float>& choice, int64_t groups, int64_t top_groups, bool by_best,
                  std::vector<bool>& taken) {
  const size_t size = choice.size() / static_cast<size_t>(groups);
  std::vector<float> sums(static_cast<size_t>(groups));
  for (size_t group = 0; group < sums.size(); ++group) {
    float first = -INFINITY;
    float second = -INFINITY;
    for (size_t i = group * size; i < (group + 1) * size; ++i) {
      if (choice[i] > first) {
        second = first;
        first = choice[i];
      } else {
        second = std::max(second, choice[i]);
      }
    }
    sums[group] = by_best ? first : first + second;
  }
  std::vector<bool> open(static_cast<size_t>(groups), false);
  for (int64_t i = 0; i < top_groups; ++i) take_greatest(sums, open);
  for (size_t i = 0; i < choice.size(); ++i) taken[i] = !open[i / size];
}

}  // namespace

enum class RouteScore : uint8_t { softmax, sigmoid, chosen_softmax, chosen_sigmoid };
constexpr const char* kRouteScores[] = {"softmax", "sigmoid", "chosen_softmax", "chosen_sigmoid"};

struct Route {
  int64_t count;
  RouteScore score;
  bool normalize;
  float factor;
  int64_t groups;
  int64_t top_groups;
  bool groups_by_best;
};

static Route prepare_route(const OpPlan& op, const SessionData&) {
  const OpAttributes& given = op.attributes;
  const int64_t groups = given.integer("groups");
  return {given.integer("count"),
          given.one_of<RouteScore>("score", kRouteScores),
          given.flag("normalize"),
          static_cast<float>(given.number("factor")),
          groups,
          given.integer("topGroups", groups),
          given.flag("groupsByBest")};
}

static void run_route(Worker& worker, const OpPlan& op, const StepContext& context, const Route& route) {
  const Weight* correction = op.weights.empty() ? nullptr : context.session.weight(op, 0);
  const Weight* gains = op.weights.size() < 2 ? nullptr : context.session.weight(op, 1);
  const float* logits = context.data(op.inputs[0]);
  float* chosen = context.data(op.outputs[0]);
  float* shares = context.data(op.outputs[1]);
  const int64_t experts = context.width(op.inputs[0]);
  const int64_t count = route.count;
  const RouteScore score = route.score;
  const bool of_chosen = score == RouteScore::chosen_softmax || score == RouteScore::chosen_sigmoid;
  for_rows(worker, context.rows(op.inputs[0]), 4, [&](int64_t from, int64_t to) {
    std::vector<float> scores(static_cast<size_t>(experts));
    std::vector<float> choice(scores.size());
    std::vector<bool> taken(scores.size());
    for (int64_t t = from; t < to; ++t) {
      const float* x = logits + t * experts;
      if (score == RouteScore::softmax) softmax(x, scores.data(), experts);
      for (size_t i = 0; i < scores.size(); ++i) {
        if (score == RouteScore::sigmoid) scores[i] = sigmoid(x[i]);
        if (of_chosen) scores[i] = x[i];
        choice[i] = correction == nullptr ? scores[i] : scores[i] + correction->vector()[i];
      }
      std::fill(taken.begin(), taken.end(), false);
      if (route.groups > 1) close_groups(choice, route.groups, route.top_groups, route.groups_by_best, taken);
      float* share = shares + t * count;
      for (int64_t i = 0; i < count; ++i) {
        const int64_t best = take_greatest(choice, taken);
        chosen[t * count + i] = static_cast<float>(best);
        share[i] = score == RouteScore::chosen_sigmoid ? sigmoid(scores[static_cast<size_t>(best)])
                                                       : scores[static_cast<size_t>(best)];
      }
      if (score == RouteScore::chosen_softmax) softmax(share, share, count);
      double sum = 1e-20;
      for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(share[i]);
      for (int64_t i = 0; i < count; ++i) {
        if (route.normalize) share[i] = static_cast<float>(static_cast<double>(share[i]) / sum);
        share[i] *= route.factor;
        if (gains != nullptr) share[i] *= gains->vector()[static_cast<int64_t>(chosen[t * count + i])];
      }
    }
  });
}

// places[t, i]: where pick i of token t stands among all picks sorted by expert; starts: where each expert's begin.
static void sort_picks(const float* chosen, int64_t picks, int64_t experts, int32_t* places, int32_t* starts) {
  std::fill(starts, starts + experts + 1, 0);
  for (int64_t p = 0; p < picks; ++p) ++starts[static_cast<int64_t>(chosen[p]) + 1];
  for (int64_t e = 0; e < experts; ++e) starts[e + 1] += starts[e];
  for (int64_t p = 0; p < picks; ++p) places[p] = starts[static_cast<int64_t>(chosen[p])]++;
  for (int64_t e = experts; e > 0; --e) starts[e] = starts[e - 1];
  starts[0] = 0;
}

struct Experts {
  Activation kind;
  bool interleaved;
  float limit;  // infinite: none
  float up_offset;
  bool scale_input;
  bool unrounded_shares;
};

static Experts prepare_experts(const OpPlan& op, const SessionData&) {
  const OpAttributes& given = op.attributes;
  return {given.one_of<Activation>("kind", kActivationNames),
          given.flag("interleaved"),
          static_cast<float>(given.number("limit", std::numeric_limits<double>::infinity())),
          static_cast<float>(given.number("upOffset")),
          given.flag("scaleInput"),
          given.flag("unroundedShares")};
}

// One row: gate and up, as the matmul left them, become what goes down, in the first `width` values. A run is read before
// it is written over.
static void feed(const Experts& settings, bool rounds, float* row, int64_t width) {
  constexpr int64_t kRun = 64;
  const VectorKernels& kernels = vector_kernels(rounds);
  const Activation kind = settings.kind;
  const bool interleaved = settings.interleaved;
  const float limit = settings.limit;
  const float up_offset = settings.up_offset;
  if (!interleaved && limit == INFINITY && up_offset == 0.0f) {
    kernels.gated_activation(row, row + width, row, static_cast<size_t>(width), kind, false);
    return;
  }
  const int64_t step = interleaved ? 2 : 1;
  const float* up_of_row = row + (interleaved ? 1 : width);
  float gate[kRun];
  float up[kRun];
  for (int64_t first = 0; first < width; first += kRun) {
    const int64_t run = std::min(kRun, width - first);
    for (int64_t i = 0; i < run; ++i) gate[i] = std::min(row[step * (first + i)], limit);
    for (int64_t i = 0; i < run; ++i) up[i] = std::min(std::max(up_of_row[step * (first + i)], -limit), limit) + up_offset;
    if (rounds) kernels.round(up, up, static_cast<size_t>(run));
    kernels.gated_activation(gate, up, row + first, static_cast<size_t>(run), kind, false);
  }
}

static void run_experts(Worker& worker, const OpPlan& op, const StepContext& context, const Experts& settings) {
  const Weight& gate_up = *context.session.weight(op, 0);
  const Weight* gate_up_bias = context.session.weight(op, 1);
  const Weight& down = *context.session.weight(op, 2);
  const Weight* down_bias = context.session.weight(op, 3);
  const float* x = context.data(op.inputs[0]);
  const float* chosen = context.data(op.inputs[1]);
  const float* shares = context.data(op.inputs[2]);
  float* y = context.data(op.outputs[0]);
  float* rows = context.data(op.outputs[1]);
  float* both = context.data(op.outputs[2]);
  auto* places = reinterpret_cast<int32_t*>(context.data(op.outputs[3]));
  auto* starts = reinterpret_cast<int32_t*>(context.data(op.outputs[4]));
  const int64_t tokens = context.rows(op.inputs[0]);
  const int64_t count = context.width(op.inputs[1]);
  const int64_t hidden = gate_up.columns;
  const int64_t width = down.columns;
  const int64_t experts = gate_up.groups;
  const bool scale_input = settings.scale_input;
  const bool rounds_products = op.rounds && !scale_input && !settings.unrounded_shares;

  worker.parallel_for(1, [&](int64_t) { sort_picks(chosen, tokens * count, experts, places, starts); });
  for_rows(worker, tokens, 16, [&](int64_t first, int64_t last) {
    for (int64_t pick = first * count; pick < last * count; ++pick) {
      const float* from = x + pick / count * hidden;
      float* to = rows + places[pick] * hidden;
      if (scale_input) {
        vector_kernels(op.rounds).scale(from, shares[pick], to, static_cast<size_t>(hidden));
      } else {
        std::memcpy(to, from, static_cast<size_t>(hidden) * sizeof(float));
      }
    }
  });

  const auto multiply = [&](const Weight& weight, const Weight* bias, const float* from, int64_t stride, float* to) {
    for (int64_t expert = 0; expert < experts; ++expert) {
      const int64_t first = starts[expert];
      const int64_t here = starts[expert + 1] - first;
      if (here == 0) continue;
      const PackedMatrix matrix = weight.matrix(expert);
      MatmulArguments arguments;
      arguments.weight = &matrix;
      arguments.x = from + first * stride;
      arguments.x_stride = stride;
      arguments.rows = here;
      arguments.bias = bias == nullptr ? nullptr : bias->vector() + expert * matrix.rows;
      arguments.rounds = arguments.rounds_product = op.rounds;
      arguments.y = to + first * matrix.rows;
      arguments.y_stride = matrix.rows;
      arguments.workspace = context.session.matmul_workspace.data();
      matmul(worker, arguments);
    }
  };
  multiply(gate_up, gate_up_bias, rows, hidden, both);
  for_rows(worker, tokens * count, 4, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) feed(settings, op.rounds, both + row * 2 * width, width);
  });
  multiply(down, down_bias, both, 2 * width, rows);

  for_rows(worker, tokens, 4, [&](int64_t first, int64_t last) {
    for (int64_t t = first; t < last; ++t) {
      float* out = y + t * hidden;
      std::fill(out, out + hidden, 0.0f);
      int32_t done = -1;
      for (int64_t n = 0; n < count; ++n) {
        // The pick that stands next: places ascend with the experts.
        int64_t next = -1;
        for (int64_t pick = t * count; pick < (t + 1) * count; ++pick) {
          if (places[pick] > done && (next < 0 || places[pick] < places[next])) next = pick;
        }
        done = places[next];
        const float* row = rows + static_cast<int64_t>(done) * hidden;
        const float share = scale_input ? 1.0f : shares[next];
        if (rounds_products) {
          for (int64_t i = 0; i < hidden; ++i) out[i] += round_to_bfloat16(row[i] * share);
        } else {
          for (int64_t i = 0; i < hidden; ++i) out[i] += row[i] * share;
        }
      }
      if (op.rounds) vector_kernels(true).round(out, out, static_cast<size_t>(hidden));
    }
  });
}

static const RegisterKernel route_kernel(kernel<prepare_route, run_route>("route"));
static const RegisterKernel experts_kernel(kernel<prepare_experts, run_experts>("experts", {.rounds_outputs = true}));

}  // namespace tsumugi
