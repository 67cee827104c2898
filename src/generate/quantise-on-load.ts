import { holdAsStored, holdingCodes, type WeightHolding } from "../backends/weight-holding.ts";
import { TsumugiError } from "../errors.ts";
import { type BitsAndBytesConfig, fourBitArithmetic, isBitsAndBytes } from "../formats/quantised/bitsandbytes-config.ts";
import { defaultSkips, linearWeights, skipRule } from "../models/index.ts";
import type { Model, Weight } from "../ops/program.ts";
import type { FloatDType } from "../tensor/dtype.ts";
import { showValue } from "../util/show-value.ts";
import { warn } from "../util/warnings.ts";
import { type ModelOptions, quantisationOf } from "./load-options.ts";

/** The rule of engines for what each weight is held as. */
export type HoldAs = (weight: Weight, dtype: FloatDType) => WeightHolding;

/**
 * The rule where options ask for weights that are quantised while they are loaded; undefined where they do not, or where the
 * checkpoint is quantised so already.
 *
 * @throws as `quantisedByBitsAndBytes`, and `conflicting_options` where the checkpoint is quantised in another way
 */
export function quantisingRule(
  model: Model,
  config: Record<string, unknown>,
  options: Pick<ModelOptions, "quantizationConfig" | "loadIn4bit" | "loadIn8bit">,
): HoldAs | undefined {
  const quantisation = quantisationOf(options);
  return quantisation && !isStored(quantisation, config) ? quantisedByBitsAndBytes(model, quantisation) : undefined;
}

/**
 * Whether the checkpoint is quantised in the way that is asked for; then it stays as it is, as in transformers.
 *
 * @throws `conflicting_options` where it is quantised in another way
 */
function isStored({ loadIn4bit }: BitsAndBytesConfig, { quantization_config: stored }: Record<string, unknown>): boolean {
  if (stored === undefined || stored === null) return false;
  const fields = stored as Record<string, unknown>;
  const isSame = isBitsAndBytes(fields) && (fields.load_in_4bit === true) === loadIn4bit;
  if (!isSame) {
    const reason = `the checkpoint is quantised already, with ${showValue(fields.quant_method ?? "bitsandbytes")}`;
    throw new TsumugiError("conflicting_options", { options: "`quantizationConfig` and the model", reason });
  }
  warn(
    "The checkpoint is quantised with bitsandbytes already: its own `quantization_config` is used, not the one that was given.",
  );
  return true;
}

/**
 * How the weights of a plain checkpoint are held that bitsandbytes quantises while they are loaded. What it leaves alone is held
 * as always.
 *
 * @throws `invalid_option` for a list of modules that cannot be read, `adapter_unsupported`
 */
function quantisedByBitsAndBytes(model: Model, config: BitsAndBytesConfig): HoldAs {
  const { llmInt8SkipModules: list } = config;
  const rule = skipRule(model, list ?? defaultSkips(model));
  if ("refused" in rule) {
    const expected = "names of modules, or regular expressions of Python that can be matched in bounded time";
    throw new TsumugiError("invalid_option", { option: "llmInt8SkipModules", expected, given: rule.refused });
  }
  const taken = linearWeights(model).filter(({ module }) => !rule.skips(module));
  if (taken.length === 0) warn("The model has no linear module that bitsandbytes would quantise: all of it stays as it is.");
  const inputsFirst = new Map(taken.map(({ weight, inputsFirst }) => [model.weights[weight]!, inputsFirst]));
  return (weight, dtype) => {
    const isInputsFirst = inputsFirst.get(weight);
    if (isInputsFirst === undefined) return holdAsStored(weight, dtype);
    if (weight.from.some(({ change }) => change)) {
      const reason = `it changes ${weight.name}, which \`quantizationConfig\` quantises`;
      throw new TsumugiError("adapter_unsupported", { directory: "the model's folder", reason });
    }
    return holdingOf(weight, config, dtype, isInputsFirst);
  };
}

function holdingOf(weight: Weight, config: BitsAndBytesConfig, dtype: FloatDType, inputsFirst: boolean): WeightHolding {
  const { loadIn8bit, bnb4bitQuantType: type, bnb4bitUseDoubleQuant: double } = config;
  const arithmetic = loadIn8bit ? "float32" : fourBitArithmetic(config);
  const isWhole = weight.shape.length === 2;
  const inputs = loadIn8bit && isWhole ? { int8Threshold: config.llmInt8Threshold } : {};
  const quantise = { from: dtype, inputsFirst, ...(!loadIn8bit && { type, double }) };
  const quantiser = loadIn8bit ? "bitsandbytes8" : "bitsandbytes4";
  const coded: WeightHolding = { storage: quantiser, arithmetic, quantise, ...inputs };
  return holdingCodes(weight, coded) ? coded : { storage: arithmetic, arithmetic, quantise, quantiser, ...inputs };
}
