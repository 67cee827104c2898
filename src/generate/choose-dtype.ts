import { TsumugiError } from "../errors.ts";
import type { Checkpoint } from "../formats/checkpoint.ts";
import type { FloatDType } from "../tensor/dtype.ts";

/** Names that PyTorch has for types of floats, and what weights are then held as. */
const namedDtypes: { readonly [name: string]: FloatDType } = {
  float32: "float32",
  float: "float32",
  float64: "float32",
  double: "float32",
  bfloat16: "bfloat16",
  float16: "float16",
  half: "float16",
};

/** Names of other libraries. */
const otherNames: { readonly [name: string]: FloatDType } = {
  ...{ fp16: "float16", f16: "float16", fp32: "float32", f32: "float32", bf16: "bfloat16", fp64: "float32" },
  ...{ "torch.float16": "float16", "torch.half": "float16", "torch.bfloat16": "bfloat16" },
  ...{ "torch.float32": "float32", "torch.float": "float32" },
};

/** The right name of a type, where another one is known by it: "fp16" is "float16". */
export function ourDtypeName(given: unknown): FloatDType | undefined {
  if (typeof given !== "string") return undefined;
  const name = given.toLowerCase();
  for (const names of [otherNames, namedDtypes]) if (Object.hasOwn(names, name)) return names[name];
  return undefined;
}

/**
 * The type that weights are held in. "auto" is found as transformers finds it: what config.json says, else the index of shards,
 * else the type of the first floating tensor of the first file, by name. What `text_config` says does not count.
 *
 * @throws `config_invalid` for a name in config.json that is no type
 */
export function chooseDtype(asked: "auto" | FloatDType, config: Record<string, unknown>, checkpoint: Checkpoint): FloatDType {
  if (asked !== "auto") return asked;
  const field = config.dtype != null ? "dtype" : "torch_dtype";
  const said = config[field] ?? undefined;
  if (said !== undefined) {
    if (typeof said === "string" && Object.hasOwn(namedDtypes, said)) return namedDtypes[said]!;
    const ours = ourDtypeName(said);
    const expected = `one of ${Object.keys(namedDtypes).join(", ")}${ours === undefined ? "" : ` (write ${ours})`}, or pass the option \`dtype\``;
    throw new TsumugiError("config_invalid", { field, expected, given: said });
  }
  const first = checkpoint.tensors().find(({ dtype }) => Object.hasOwn(namedDtypes, dtype))?.dtype;
  const stored = checkpoint.declaredDtype ?? first ?? "float32";
  return Object.hasOwn(namedDtypes, stored) ? namedDtypes[stored]! : "float32";
}
