import { activationFunction, activationKind } from "./activation-kinds.ts";
import { check, checkCounts, sameShape } from "./check.ts";
import type { OpDefinition } from "./definition.ts";

/** act(gate) · up, inputs [gate, up] of equal shapes; `kind` is one of activation-kinds.ts. Source: Shazeer 2020, "GLU Variants". */
export const gatedActivation: OpDefinition = {
  name: "gated_activation",
  shapes(inputs, weights, attributes) {
    checkCounts("gated_activation", inputs, 2, weights, 0);
    check(sameShape(inputs[0]!, inputs[1]!), "gated_activation", "shape of up", inputs[0], inputs[1]);
    activationKind("gated_activation", attributes);
    return [[...inputs[0]!]];
  },
  reference({ inputs, outputs, attributes, round, narrow }) {
    const [gate, up, out] = [inputs[0]!.data, inputs[1]!.data, outputs[0]!.data];
    const apply = activationFunction(activationKind("gated_activation", attributes), narrow ? round : undefined);
    for (let i = 0; i < out.length; i++)
      out[i] = (attributes.wideGate === true ? Math.fround(apply(gate[i]!)) : round(Math.fround(apply(gate[i]!)))) * up[i]!;
  },
};
