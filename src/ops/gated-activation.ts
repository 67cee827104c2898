import { activationAttribute, activationFunction } from "./activation-kinds.ts";
import { check, checkCounts, sameShape } from "./check.ts";
import { defineOp } from "./definition.ts";

/**
 * act(gate) · up, inputs [gate, up] of equal shapes; `kind` is one of activation-kinds.ts. Where activations are bfloat16,
 * act(gate) is rounded before the product, but with `unroundedGate` (Qwen3-Next's norm) it is not. Source: Shazeer 2020, "GLU Variants".
 */
export const gatedActivation = defineOp({
  name: "gated_activation",
  attributes: {
    kind: activationAttribute,
    unroundedGate: { kind: "flag" },
  },
  shapes(inputs, weights) {
    checkCounts("gated_activation", inputs, 2, weights, 0);
    check(sameShape(inputs[0]!, inputs[1]!), "gated_activation", "shape of up", inputs[0], inputs[1]);
    return [[...inputs[0]!]];
  },
  reference({ inputs, outputs, attributes, round, rounds }) {
    const [gate, up, out] = [inputs[0]!.data, inputs[1]!.data, outputs[0]!.data];
    const isRounded = rounds && !attributes.unroundedGate;
    const apply = activationFunction(attributes.kind, isRounded ? round : undefined);
    for (let i = 0; i < out.length; i++) {
      const opening = Math.fround(apply(gate[i]!));
      out[i] = (isRounded ? round(opening) : opening) * up[i]!;
    }
  },
});
