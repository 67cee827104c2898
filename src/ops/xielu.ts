import { check, checkCounts } from "./check.ts";
import { defineOp } from "./definition.ts";
import { softplus } from "./softplus.ts";

/**
 * xIELU, element by element: a·x² + β·x above 0, and (e^min(x, ε) − 1 − x)·b + β·x elsewhere, with a = softplus(alphaP) and
 * b = β + softplus(alphaN). Weights, one number each: alphaP, alphaN, and, when the checkpoint holds them, β (default 0.5)
 * and ε (default −1e-6).
 *
 * Source: Huang and Schlag 2024, "Deriving Activation Functions Using Integration"; transformers' XIELUActivation.
 */
export const xielu = defineOp({
  name: "xielu",
  shapes(inputs, weights) {
    checkCounts("xielu", inputs, 1, weights, 4);
    for (const [index, shape] of weights.entries()) {
      check(shape !== undefined || index > 1, "xielu", "weights", "alphaP and alphaN at least", weights.length);
      const size = shape?.reduce((product, length) => product * length, 1) ?? 1;
      check(size === 1, "xielu", "values of a weight", 1, size);
    }
    return [[...inputs[0]!]];
  },
  reference({ inputs, weights, outputs, round }) {
    const [x, y] = [inputs[0]!.data, outputs[0]!.data];
    const [alphaP, alphaN, beta = 0.5, epsilon = Math.fround(-1e-6)] = weights.map((weight) => weight?.data[0]);
    const above = round(softplus(alphaP!));
    const below = round(beta + round(softplus(alphaN!)));
    for (let i = 0; i < y.length; i++) {
      const value = x[i]!;
      const rest = round(Math.expm1(Math.min(value, epsilon)));
      const bent = value > 0 ? round(above * value) * value : round(rest - value) * below;
      y[i] = round(bent) + round(beta * value);
    }
  },
});
