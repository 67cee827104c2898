// biome-ignore lint/suspicious/noApproximativeNumericConstant: six digits, as it is defined
const laplaceMean = 0.707107;

/**
 * Activation functions by kind, on one value.
 *
 * - silu: x · sigmoid(x)
 * - gelu: x/2 · (1 + erf(x / √2))
 * - gelu_tanh: x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))
 * - gelu_new, gelu_fast: the same, but in bfloat16 every step of it is rounded, in two ways to write it
 * - quick_gelu: x · sigmoid(1.702 x)
 * - relu, relu2 (its square), relu6 (at most 6), leaky_relu (x/100 below 0), sigmoid, tanh, linear (x itself)
 * - gelu_10: gelu between −10 and 10
 * - hardswish: x/6 · relu6(x + 3)
 * - laplace: (1 + erf((x − 0.707107) / (0.282095 √2))) / 2 (Ma et al. 2022, "Mega")
 * - mish: x · tanh(ln(1 + eˣ)) (Misra 2019)
 */
export const activationKinds = {
  silu: (x: number) => x / (1 + Math.exp(-x)),
  gelu: (x: number) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
  gelu_tanh: (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
  gelu_new: (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
  gelu_fast: (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
  quick_gelu: (x: number) => x / (1 + Math.exp(-1.702 * x)),
  relu: (x: number) => Math.max(x, 0),
  relu2: (x: number) => Math.max(x, 0) ** 2,
  relu6: (x: number) => Math.min(Math.max(x, 0), 6),
  sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
  tanh: (x: number) => Math.tanh(x),
  linear: (x: number) => x,
  gelu_10: (x: number) => Math.min(Math.max(0.5 * x * (1 + erf(x * Math.SQRT1_2)), -10), 10),
  hardswish: (x: number) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
  leaky_relu: (x: number) => Math.max(x, 0.01 * x),
  laplace: (x: number) => 0.5 * (1 + erf((x - laplaceMean) / (0.282095 * Math.SQRT2))),
  mish: (x: number) => x * Math.tanh(Math.log1p(Math.exp(Math.min(x, 700)))),
} as const;

export type ActivationKind = keyof typeof activationKinds;

/** As PyTorch evaluates them in a small type, where a function is written as several operations: each result is rounded. */
const inSteps: { [kind in ActivationKind]?: (x: number, round: (value: number) => number) => number } = {
  gelu_new: (x, round) => {
    const cube = round(round(x * x) * x);
    const inner = round(0.7978845608028654 * round(x + round(0.044715 * cube)));
    return round(0.5 * x) * round(1 + round(Math.tanh(inner)));
  },
  gelu_fast: (x, round) => {
    const inner = round(round(0.7978845608028654 * x) * round(1 + round(round(0.044715 * x) * x)));
    return round(0.5 * x) * round(1 + round(Math.tanh(inner)));
  },
  quick_gelu: (x, round) => x * round(activationKinds.sigmoid(round(1.702 * x))),
  laplace: (x, round) => {
    const z = round(round(x - laplaceMean) / (0.282095 * Math.SQRT2));
    return 0.5 * round(1 + round(erf(z)));
  },
};

/** An activation function with the roundings inside it. */
export function activationFunction(kind: ActivationKind, round?: (value: number) => number): (x: number) => number {
  const steps = inSteps[kind];
  return round && steps ? (x) => steps(x, round) : activationKinds[kind];
}

/** The attribute `kind` of ops with an activation function. */
export const activationAttribute = {
  kind: "name",
  names: Object.keys(activationKinds) as ActivationKind[],
} as const;

/** The error function in float64: erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!, whose terms are all of one sign. */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
