import { activationFunction, activationKind } from "./activation-kinds.ts";
import { checkCounts } from "./check.ts";
import type { OpDefinition } from "./definition.ts";

/** Element-wise activation function; `kind` is one of activation-kinds.ts. */
export const activation: OpDefinition = {
  name: "activation",
  shapes(inputs, weights, attributes) {
    checkCounts("activation", inputs, 1, weights, 0);
    activationKind("activation", attributes);
    return [[...inputs[0]!]];
  },
  reference({ inputs, outputs, attributes, round, narrow }) {
    const [x, out] = [inputs[0]!.data, outputs[0]!.data];
    const apply = activationFunction(activationKind("activation", attributes), narrow ? round : undefined);
    for (let i = 0; i < out.length; i++) out[i] = apply(x[i]!);
  },
};
