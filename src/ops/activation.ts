import { activationAttribute, activationFunction } from "./activation-kinds.ts";
import { checkCounts } from "./check.ts";
import { defineOp } from "./definition.ts";

/** Element-wise activation function; `kind` is one of activation-kinds.ts. */
export const activation = defineOp({
  name: "activation",
  attributes: {
    kind: activationAttribute,
  },
  shapes(inputs, weights) {
    checkCounts("activation", inputs, 1, weights, 0);
    return [[...inputs[0]!]];
  },
  reference({ inputs, outputs, attributes, round, rounds }) {
    const [x, out] = [inputs[0]!.data, outputs[0]!.data];
    const apply = activationFunction(attributes.kind, rounds ? round : undefined);
    for (let i = 0; i < out.length; i++) out[i] = apply(x[i]!);
  },
});
