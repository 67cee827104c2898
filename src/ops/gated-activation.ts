import { activationFunction, activationKind } from "./activation-kinds.ts";
import { check, checkCounts, flagAttribute, sameShape } from "./check.ts";
import type { OpDefinition } from "./definition.ts";

/**
 * act(gate) · up, inputs [gate, up] of equal shapes; `kind` is one of activation-kinds.ts. Where activations are bfloat16,
 * act(gate) is rounded before the product, but with `wideGate` (Qwen3-Next's norm) it is not. Source: Shazeer 2020, "GLU Variants".
 */
export const gatedActivation: OpDefinition = {
  name: "gated_activation",
  shapes(inputs, weights, attributes) {
    checkCounts("gated_activation", inputs, 2, weights, 0);
    check(sameShape(inputs[0]!, inputs[1]!), "gated_activation", "shape of up", inputs[0], inputs[1]);
    activationKind("gated_activation", attributes);
    flagAttribute("gated_activation", attributes, "wideGate");
    return [[...inputs[0]!]];
  },
  reference({ inputs, outputs, attributes, round, narrow }) {
    const [gate, up, out] = [inputs[0]!.data, inputs[1]!.data, outputs[0]!.data];
    const isRounded = narrow && !flagAttribute("gated_activation", attributes, "wideGate");
    const apply = activationFunction(activationKind("gated_activation", attributes), isRounded ? round : undefined);
    for (let i = 0; i < out.length; i++) {
      const opening = Math.fround(apply(gate[i]!));
      out[i] = (isRounded ? round(opening) : opening) * up[i]!;
    }
  },
};
