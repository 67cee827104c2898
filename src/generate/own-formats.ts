import { holdAsStored, holdingCodes, isPlain, type WeightHolding } from "../backends/weight-holding.ts";
import { TsumugiError } from "../errors.ts";
import { headWeights, routerWeights } from "../models/index.ts";
import type { Model, Weight } from "../ops/program.ts";
import { takesInt8 } from "../tensor/int8-products.ts";
import type { ModelOptions } from "./load-options.ts";
import { isOwnFormat, type OwnFormat } from "./own-format-names.ts";
import type { HoldAs } from "./quantise-on-load.ts";

/** What int4 is: see docs/decisions/0021. */
const int4Parameters = { table: "iq4nl", group: 32 };

/**
 * The rule of `dtype: "int8"` and `"int4"`. Matrices that are multiplied become codes, experts and tied tables too; of int4 the
 * head becomes int8, since its error goes into the logits as it is. Vectors, routers, and tables that are only read by rows stay
 * in the type that they have without the option.
 *
 * @throws `conflicting_options` where the checkpoint is quantised already
 */
export function ownFormatRule(model: Model, format: OwnFormat): HoldAs {
  if (model.weights.some(({ from }) => from.some(({ storage }) => storage))) {
    const reason = "the checkpoint is quantised already: leave `dtype` away";
    throw new TsumugiError("conflicting_options", { options: `\`dtype: "${format}"\` and the model`, reason });
  }
  const routers = routerWeights(model);
  const heads = headWeights(model);
  return (weight, dtype) => {
    const index = model.weights.indexOf(weight);
    const plain = holdAsStored(weight, dtype);
    if (weight.uses.includes("vector") || !weight.uses.includes("matmul") || routers.has(index)) return plain;
    const { arithmetic } = plain;
    const isHalf = format === "int4" && !heads.has(index);
    const coded: WeightHolding = isHalf
      ? { storage: "int4", arithmetic, quantise: int4Parameters }
      : { storage: "int8", arithmetic, quantise: {} };
    return holdingCodes(weight, coded) ? coded : plain;
  };
}

/**
 * What is multiplied, by the option `activations`: with "int8", weights that are held as codes meet integers. Default: "int8" for
 * `dtype: "int8"` and `"int4"` and for files of GGUF, as llama.cpp does, unless `activationDtype` is "float32".
 *
 * @throws `conflicting_options` where `activations: "int8"` finds no codes that it could multiply
 */
export function withActivations(
  model: Model,
  rule: HoldAs,
  { activations, activationDtype, dtype }: Pick<ModelOptions, "activations" | "activationDtype" | "dtype">,
): HoldAs {
  const isGguf = model.weights.some(({ from }) => from.some(({ storage }) => storage?.kind === "ggml"));
  const usual = (isGguf || isOwnFormat(dtype)) && activationDtype !== "float32" ? "int8" : "float";
  if ((activations ?? usual) === "float") return rule;
  const held: HoldAs = (weight, type) => {
    const holding = rule(weight, type);
    return canBeInt8(weight, holding) ? { ...holding, arithmetic: "int8" } : holding;
  };
  if (activations === "int8" && !model.weights.some((weight) => held(weight, "float32").arithmetic === "int8")) {
    const reason = 'none of its weights is held as codes of 4 or 8 bits: add `dtype: "int8"` or `dtype: "int4"`';
    throw new TsumugiError("conflicting_options", { options: '`activations: "int8"` and the model', reason });
  }
  return held;
}

function canBeInt8(weight: Weight, holding: WeightHolding): boolean {
  if (isPlain(holding) || !weight.uses.includes("matmul") || "int8Threshold" in holding) return false;
  const layout = holdingCodes(weight, holding);
  return layout !== undefined && takesInt8(layout, weight.shape.at(-1)!);
}
