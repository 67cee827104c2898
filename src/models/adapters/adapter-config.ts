import { z } from "zod";
import { TsumugiError } from "../../errors.ts";
import { isRecord } from "../../util/json-value.ts";
import { printable } from "../../util/printable.ts";
import { pythonPattern } from "../../util/python-pattern.ts";
import { showValue } from "../../util/show-value.ts";
import { optional, withDefault } from "../config.ts";

const names = z.union([z.string(), z.array(z.string())]);
const indices = z.union([z.int(), z.array(z.int())]);

/** Fields of adapter_config.json that say what a LoRA adapter does, with PEFT's defaults. */
const loraFields = z.object({
  r: withDefault(z.int().positive(), 8),
  lora_alpha: z.number().default(8),
  use_rslora: withDefault(z.boolean(), false),
  use_dora: withDefault(z.boolean(), false),
  target_modules: optional(names),
  exclude_modules: optional(names),
  layers_to_transform: optional(indices),
  layers_pattern: optional(names),
  rank_pattern: withDefault(z.record(z.string(), z.int().positive()), {}),
  alpha_pattern: withDefault(z.record(z.string(), z.number()), {}),
  modules_to_save: optional(z.array(z.string())),
  ensure_weight_tying: withDefault(z.boolean(), false),
  target_parameters: optional(z.array(z.string())),
});

/** What a LoRA adapter does. */
export interface LoraConfig extends z.output<typeof loraFields> {
  /** Whether the adapter is for a module. */
  targets(module: string): boolean;
  /** Rank of the change of a module. */
  rankOf(module: string): number;
  /** Factor of the change of a module. */
  scaleOf(module: string): number;
}

/** Fields that change what the weights of the adapter mean, and are not built: refused where they are set. */
const unsupportedFields = [
  ...["lora_bias", "layer_replication", "trainable_token_indices", "alora_invocation_tokens"],
  ...["use_qalora", "use_bdlora", "arrow_config", "kasa_config", "monteclora_config"],
];

/** Ways to begin training that also change the weights of the model itself. */
const changingStarts = /^(pissa|olora|corda|loftq|lora_ga)/i;

/**
 * Reads adapter_config.json of a LoRA adapter.
 *
 * @param directory where the adapter is, for messages
 * @param head the module of the model's head, which `all-linear` leaves out
 * @throws TsumugiError `adapter_unsupported` for other kinds of adapters and what is not built, `adapter_invalid`
 */
export function readLoraConfig(config: unknown, directory: string, head: string): LoraConfig {
  if (!isRecord(config))
    throw new TsumugiError("adapter_invalid", { directory, reason: "adapter_config.json holds no object" });
  const { peft_type: kind } = config;
  if (typeof kind !== "string") {
    throw new TsumugiError("adapter_invalid", { directory, reason: "adapter_config.json has no `peft_type`" });
  }
  const refuse = (reason: string): never => {
    throw new TsumugiError("adapter_unsupported", { directory, reason });
  };
  if (kind !== "LORA") refuse(`\`peft_type\` is ${kind.slice(0, 100)}, and LORA is the kind that is applied`);
  for (const field of unsupportedFields) {
    if (isSet(config[field])) refuse(`\`${field}\` = ${showValue(config[field])} is not supported`);
  }
  const start = config.init_lora_weights;
  if (typeof start === "string" && changingStarts.test(start)) {
    refuse(`\`init_lora_weights\` is ${start.slice(0, 100)}, which changes the weights of the model, too`);
  }
  const result = loraFields.safeParse(config);
  if (!result.success) {
    const [issue] = result.error.issues;
    const field = issue!.path.join(".");
    const given = showValue(config[String(issue!.path[0])]);
    throw new TsumugiError("adapter_invalid", {
      directory,
      reason: `\`${field}\` is wrong: ${issue!.message}. Given: ${given}`,
    });
  }
  const fields = result.data;
  const stacked = fields.target_parameters?.find((name) => !name.endsWith(".weight"));
  if (stacked !== undefined) refuse(`\`target_parameters\` names ${stacked}, and only the \`weight\` of a module is changed`);
  const pattern: MakePattern = (source, before, behind) =>
    pythonPattern(source, before, behind) ??
    refuse(`the pattern ${printable(source)} cannot be read, or could take very long on a name`);
  // the last part of a name, or all of it
  const ends = (source: string) => pattern(source, "^(?:.*\\.)?(?:", ")$");
  const ranks = Object.entries(fields.rank_pattern).map(([source, value]) => ({ pattern: ends(source), value }));
  const alphas = Object.entries(fields.alpha_pattern).map(([source, value]) => ({ pattern: ends(source), value }));
  const patternValue = (list: readonly { pattern: RegExp; value: number }[], module: string) =>
    list.find(({ pattern: each }) => each.test(module))?.value;
  const rankOf = (module: string) => patternValue(ranks, module) ?? fields.r;
  const isTarget = targetRule(fields, head, pattern);
  const isParameter = isNamed((fields.target_parameters ?? []).map((name) => name.replace(/\.weight$/, "")));
  const { use_rslora: isStable } = fields;
  return {
    ...fields,
    targets: (module) => isTarget(module) || isParameter(module),
    rankOf,
    scaleOf(module) {
      const rank = rankOf(module);
      return (patternValue(alphas, module) ?? fields.lora_alpha) / (isStable ? Math.sqrt(rank) : rank);
    },
  };
}

type MakePattern = (source: string, before: string, behind: string) => RegExp;

function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}

/** Which modules PEFT puts the adapter into. */
function targetRule(fields: z.output<typeof loraFields>, head: string, pattern: MakePattern): (module: string) => boolean {
  const { target_modules: targets, exclude_modules: excluded, modules_to_save: saved = [] } = fields;
  const whole = (source: string) => pattern(source, "^(?:", ")$");
  const isExcluded = typeof excluded === "string" ? matches(whole(excluded)) : isNamed(excluded ?? []);
  const savedPatterns = saved.map((name) => pattern(name, "^(?:|.*\\.)", "(?:$|\\..*)"));
  const isIn = (module: string) => !isExcluded(module) && !savedPatterns.some((each) => each.test(module));
  // without a list, PEFT has one for each model, and the adapter's file holds what was on it
  if (targets === undefined) return (module) => fields.target_parameters === undefined && isIn(module);
  if (typeof targets === "string") {
    if (targets.toLowerCase() === "all-linear") return (module) => isIn(module) && module !== head;
    const isTarget = matches(whole(targets));
    return (module) => isIn(module) && isTarget(module);
  }
  const isListed = isNamed(targets);
  const isInLayer = layerRule(fields, pattern);
  return (module) => isIn(module) && (targets.includes(module) || (isListed(module) && isInLayer(module)));
}

/** `layers_to_transform`: the layers that listed modules are changed in. */
function layerRule(
  { layers_to_transform: wanted, layers_pattern: places }: z.output<typeof loraFields>,
  pattern: MakePattern,
): (module: string) => boolean {
  const layers = typeof wanted === "number" ? [wanted] : (wanted ?? []);
  if (layers.length === 0) return () => true;
  const named = typeof places === "string" ? [places] : (places ?? []);
  const given = named.filter((name) => name !== "").map((name) => pattern(name, "^(?:|.*?\\.)", "\\.(\\d+)\\."));
  const patterns = given.length > 0 ? given : [/^.*?\.[^.]*\.(\d+)\./];
  return (module) => {
    const found = patterns.map((each) => each.exec(module)?.at(-1)).find((index) => index !== undefined);
    return found !== undefined && layers.includes(Number(found));
  };
}

/** Whether a module has one of these names, or ends with one. */
function isNamed(list: readonly string[]): (module: string) => boolean {
  return (module) => list.some((name) => module === name || module.endsWith(`.${name}`));
}

function matches(pattern: RegExp): (module: string) => boolean {
  return (module) => pattern.test(module);
}
