import { TsumugiError } from "../../errors.ts";
import { isPlainObject } from "../../util/json-value.ts";
import { camelCase } from "../../util/letter-case.ts";
import { boolean, choice, number, parseOption, type Schema, textList } from "../../util/schemas.ts";
import { listed, type Refusals, refuseUnknown } from "../../util/unknown-options.ts";

const computeTypes = ["float32", "bfloat16", "float16"] as const;
const storageTypes = ["uint8", "int8", "bfloat16", "float16", "float32", "float64"] as const;

/** What `BitsAndBytesConfig` is made of. Names and defaults are transformers'. */
export interface BitsAndBytesOptions {
  /** LLM.int8(): weights in 8 bits, row by row, activations too while a product is computed. Default false. */
  loadIn8bit?: boolean | undefined;
  /** Weights in 4 bits, in blocks of 64. Default false. */
  loadIn4bit?: boolean | undefined;
  /** Activations of at least this size are multiplied in floats, outside the integers; 0: none. Default 6. */
  llmInt8Threshold?: number | undefined;
  /**
   * Modules that stay as they are, of 8 and of 4 bits: a name at the end of a module's path, or a regular expression at its
   * start. Default: the head and what is tied to it. A list takes their place.
   */
  llmInt8SkipModules?: readonly string[] | null | undefined;
  /** What 4-bit weights are multiplied in: "float32", "bfloat16", or "float16", which is computed in float32 here. Default "float32". */
  bnb4bitComputeDtype?: (typeof computeTypes)[number] | undefined;
  /** The 16 values of a code: "nf4" for normally distributed weights, or "fp4". Default "fp4". */
  bnb4bitQuantType?: "nf4" | "fp4" | undefined;
  /** Double quantisation: the scales of blocks are held in 8 bits. Default false. */
  bnb4bitUseDoubleQuant?: boolean | undefined;
  /** What a checkpoint that is written calls the packed bytes; they are the same for each. Default "uint8". */
  bnb4bitQuantStorage?: (typeof storageTypes)[number] | undefined;
  /** Only false: there is no device map here that could leave modules out. */
  llmInt8EnableFp32CpuOffload?: false | undefined;
  /** Only false: 16-bit weights beside the 8-bit ones are for training. */
  llmInt8HasFp16Weight?: false | undefined;
}

const one = <const Values extends readonly [string, ...string[]]>(values: Values) => choice(values);

const schemas = {
  loadIn8bit: boolean,
  loadIn4bit: boolean,
  llmInt8Threshold: number("a number of at least 0", { minimum: 0 }),
  llmInt8SkipModules: textList("a list of module names, none of them empty"),
  bnb4bitComputeDtype: one(computeTypes),
  bnb4bitQuantType: one(["nf4", "fp4"]),
  bnb4bitUseDoubleQuant: boolean,
  bnb4bitQuantStorage: one(storageTypes),
  llmInt8EnableFp32CpuOffload: boolean,
  llmInt8HasFp16Weight: boolean,
} as const;

const names = Object.keys(schemas) as (keyof typeof schemas)[];

/** Names of its options beside the two that say how many bits. */
export const bitsAndBytesNames: readonly string[] = names.filter((name) => !name.startsWith("loadIn"));
const refusals: Refusals = { quantMethod: 'only "bitsandbytes" quantises plain checkpoints while they are loaded' };

/**
 * How bitsandbytes quantises a plain checkpoint while it is loaded: 8 bits (LLM.int8()) or 4 (NF4, FP4), with the codes, blocks
 * and statistics of Python's bitsandbytes, bit for bit.
 *
 * @throws `unknown_option`, `unsupported_option`, `invalid_option`, `conflicting_options`
 *
 * @example
 * ```ts
 * const quantizationConfig = new BitsAndBytesConfig({
 *   loadIn4bit: true,
 *   bnb4bitQuantType: "nf4",
 *   bnb4bitUseDoubleQuant: true,
 *   bnb4bitComputeDtype: "bfloat16",
 * });
 * const model = await AutoModelForCausalLM.fromPretrained("tsumugi-mini", { quantizationConfig });
 * await model.dispose();
 * ```
 * Source: transformers 5.18, `utils/quantization_config.py`; Dettmers et al. 2022, "LLM.int8()"; 2023, "QLoRA".
 */
export class BitsAndBytesConfig {
  readonly loadIn8bit: boolean;
  readonly loadIn4bit: boolean;
  readonly llmInt8Threshold: number;
  readonly llmInt8SkipModules: readonly string[] | null;
  readonly bnb4bitComputeDtype: (typeof computeTypes)[number];
  readonly bnb4bitQuantType: "nf4" | "fp4";
  readonly bnb4bitUseDoubleQuant: boolean;
  readonly bnb4bitQuantStorage: (typeof storageTypes)[number];

  constructor(options: BitsAndBytesOptions = {}) {
    refuseUnknown(options, names, refusals, listed(names));
    const values: Record<string, unknown> = {};
    for (const name of names) {
      const isDefault = options[name] === undefined || (name === "llmInt8SkipModules" && options[name] === null);
      if (!isDefault) values[name] = parseOption(schemas[name] as Schema, options[name], name);
    }
    const given = values as { -readonly [Name in keyof BitsAndBytesOptions]: BitsAndBytesOptions[Name] };
    if (given.llmInt8EnableFp32CpuOffload) refuse("llmInt8EnableFp32CpuOffload", "every module runs on one device here");
    if (given.llmInt8HasFp16Weight) refuse("llmInt8HasFp16Weight", "16-bit weights beside the 8-bit ones are for training");
    this.loadIn8bit = given.loadIn8bit ?? false;
    this.loadIn4bit = given.loadIn4bit ?? false;
    this.llmInt8Threshold = given.llmInt8Threshold ?? 6;
    this.llmInt8SkipModules = given.llmInt8SkipModules ?? null;
    this.bnb4bitComputeDtype = given.bnb4bitComputeDtype ?? "float32";
    this.bnb4bitQuantType = given.bnb4bitQuantType ?? "fp4";
    this.bnb4bitUseDoubleQuant = given.bnb4bitUseDoubleQuant ?? false;
    this.bnb4bitQuantStorage = given.bnb4bitQuantStorage ?? "uint8";
    if (this.loadIn4bit && this.loadIn8bit) {
      const reason = "weights are held in one of the two";
      throw new TsumugiError("conflicting_options", { options: "`loadIn4bit` and `loadIn8bit`", reason });
    }
  }

  /** `quantization_config` of config.json, as transformers writes it. */
  toJSON(): Record<string, unknown> {
    const { loadIn4bit, loadIn8bit } = this;
    return {
      quant_method: "bitsandbytes",
      _load_in_4bit: loadIn4bit,
      _load_in_8bit: loadIn8bit,
      bnb_4bit_compute_dtype: this.bnb4bitComputeDtype,
      bnb_4bit_quant_storage: this.bnb4bitQuantStorage,
      bnb_4bit_quant_type: this.bnb4bitQuantType,
      bnb_4bit_use_double_quant: this.bnb4bitUseDoubleQuant,
      llm_int8_enable_fp32_cpu_offload: false,
      llm_int8_has_fp16_weight: false,
      llm_int8_skip_modules: this.llmInt8SkipModules,
      llm_int8_threshold: this.llmInt8Threshold,
      load_in_4bit: loadIn4bit,
      load_in_8bit: loadIn8bit,
    };
  }
}

function refuse(option: string, reason: string): never {
  throw new TsumugiError("unsupported_option", { option, reason });
}

/** The arithmetic of 4-bit weights. */
export function fourBitArithmetic({ bnb4bitComputeDtype }: BitsAndBytesConfig): "float32" | "bfloat16" {
  return bnb4bitComputeDtype === "bfloat16" ? "bfloat16" : "float32";
}

/** Whether fields of `quantization_config` are bitsandbytes'. Old files do not name the method. */
export function isBitsAndBytes({ quant_method: method, ...rest }: Readonly<Record<string, unknown>>): boolean {
  if (method !== undefined && method !== null) return method === "bitsandbytes";
  return rest.load_in_4bit === true || rest.load_in_8bit === true;
}

/**
 * A config from an object with Python's names or ours: `quantizationConfig` as a plain object.
 *
 * @throws as the constructor
 */
export function bitsAndBytesConfigOf(given: unknown): BitsAndBytesConfig {
  if (given instanceof BitsAndBytesConfig) return given;
  const expected = "a BitsAndBytesConfig, or an object with its options";
  if (!isPlainObject(given)) throw new TsumugiError("invalid_option", { option: "quantizationConfig", expected, given });
  const options = Object.entries(given).map(([name, value]) => [camelCase(name), value] as const);
  const method = options.find(([name]) => name === "quantMethod")?.[1];
  if (method !== undefined && method !== "bitsandbytes") {
    throw new TsumugiError("invalid_option", {
      option: "quantizationConfig.quantMethod",
      expected: '"bitsandbytes"',
      given: method,
    });
  }
  const known = options.filter(
    ([name, value]) => !["quantMethod", "LoadIn4bit", "LoadIn8bit"].includes(name) && !(value === null && name in schemas),
  );
  return new BitsAndBytesConfig(Object.fromEntries(known));
}

/**
 * The config that a checkpoint was quantised with.
 *
 * @throws `config_unsupported`: a field that is not known, or has a value that does not load
 */
export function storedBitsAndBytesConfig(config: Readonly<Record<string, unknown>>): BitsAndBytesConfig {
  const options: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(config)) {
    if (["quant_method", "_load_in_4bit", "_load_in_8bit"].includes(field)) continue;
    const name = names.find((known) => known === camelCase(field));
    if (!name || !(value === null || schemas[name].safeParse(value).success)) {
      throw new TsumugiError("config_unsupported", {
        field: `quantization_config.${field}`,
        given: value,
        supported: name ? "what transformers writes there" : "the fields of transformers' BitsAndBytesConfig",
      });
    }
    // how it was made, and not what it means
    const isLeft = name === "llmInt8EnableFp32CpuOffload" || name === "llmInt8HasFp16Weight";
    if (value !== null && !isLeft) options[name] = value;
  }
  return new BitsAndBytesConfig(options);
}
