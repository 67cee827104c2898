import { isRecord } from "../../util/json-value.ts";
import { fieldAmong, matcherOf, refuseField, refuseUnlessEmpty, textsOf } from "./fields.ts";
import { refuseFields } from "./method.ts";

type Fields = Readonly<Record<string, unknown>>;

/** How the weights of a group are quantised. */
export interface WeightScheme {
  type: "int" | "float";
  bits: 2 | 3 | 4 | 5 | 6 | 7 | 8;
  isSymmetric: boolean;
  /** Columns that share a scale; infinite: all. */
  group: number;
  /** Rows and columns that share a scale. */
  block: readonly [number, number] | undefined;
  /** Groups are of columns that stand in any order. */
  isGrouped: boolean;
}

const formats = ["pack-quantized", "int-quantized", "float-quantized", "naive-quantized"] as const;

const argumentFields = [
  ...["num_bits", "type", "symmetric", "group_size", "strategy", "block_structure", "dynamic", "actorder"],
  ...["observer", "observer_kwargs", "scale_dtype", "zp_dtype"],
] as const;

/**
 * The scheme of each module by `quantization_config`; undefined of those that stay plain. A module takes the group that names it,
 * else one whose pattern ("re:…") it matches, in the order of the patterns' text, else one for its class.
 *
 * @throws TsumugiError `config_unsupported`
 */
export function schemesOf(config: Fields): (module: string) => WeightScheme | undefined {
  refuseFields(config, [
    ...["config_groups", "format", "ignore", "kv_cache_scheme", "quantization_status", "global_compression_ratio"],
    ...["sparsity_config", "transform_config", "version"],
  ]);
  refuseUnlessEmpty(config, ["kv_cache_scheme", "transform_config"]);
  fieldAmong(config, "quantization_status", ["compressed", "frozen"], "compressed");
  const { sparsity_config: sparsity, config_groups: groups } = config;
  if (!isRecord(sparsity) || sparsity.format !== "dense") refuseUnlessEmpty(config, ["sparsity_config"]);
  fieldAmong(config, "format", [...formats, "mixed-precision", "dense"], "dense");
  if (!isRecord(groups)) refuseField("config_groups", groups, "an object of groups");
  const isIgnored = targetsOf(textsOf(config, "ignore") ?? [], "ignore");
  const targets = Object.entries(groups as Record<string, unknown>).flatMap(([name, group]) => groupTargets(name, group));
  const ranked = targets.sort((a, b) => a.rank - b.rank || (a.target < b.target ? -1 : a.target > b.target ? 1 : 0));
  return (module) => (isIgnored(module) ? undefined : ranked.find(({ matches }) => matches(module))?.scheme);
}

/** Whether a module is named by a list of names, patterns and classes. Every matrix that can be quantised is a Linear. */
function targetsOf(list: readonly string[], field: string): (module: string) => boolean {
  const matchers = list.map((target) => matcherOfTarget(target, field));
  return (module) => matchers.some((matches) => matches(module));
}

function matcherOfTarget(target: string, field: string): (module: string) => boolean {
  if (target.startsWith("re:")) return matcherOf(target.slice(3), field);
  if (target === "Linear") return () => true;
  // names of modules are in small letters, those of classes are not
  if (/^[A-Z]\w*$/.test(target)) refuseField(field, target, "Linear, names of modules, and patterns (re:…)");
  return (module) => module === target;
}

function groupTargets(name: string, group: unknown) {
  const within = `config_groups.${name}`;
  if (!isRecord(group)) return refuseField(within, group, "an object");
  refuseFields(group, ["targets", "weights", "input_activations", "output_activations", "format"], `${within}.`);
  refuseUnlessEmpty(group, ["output_activations"], `${within}.`);
  fieldAmong(group, "format", formats, formats[0], `${within}.`);
  if (!isRecord(group.weights)) return refuseField(`${within}.weights`, group.weights, "an object");
  if (group.input_activations != null) checkInputs(group.input_activations, `${within}.input_activations`);
  const scheme = weightsOf(group.weights, `${within}.weights`);
  return (textsOf(group, "targets") ?? []).map((target) => ({
    target,
    rank: target === "Linear" ? 2 : target.startsWith("re:") ? 1 : 0,
    matches: matcherOfTarget(target, `${within}.targets`),
    scheme,
  }));
}

function weightsOf(given: Fields, within: string): WeightScheme {
  refuseFields(given, argumentFields, `${within}.`);
  const type = fieldAmong(given, "type", ["int", "float"], "int", `${within}.`);
  const bits = fieldAmong(given, "num_bits", type === "float" ? [8] : [2, 3, 4, 5, 6, 7, 8], 8, `${within}.`);
  const strategy = fieldAmong(given, "strategy", ["tensor", "channel", "group", "block"], strategyOf(given), `${within}.`);
  fieldAmong(given, "dynamic", [false], false, `${within}.`);
  const actorder = fieldAmong(given, "actorder", ["none", "group", "weight", "static"], "none", `${within}.`);
  const isSymmetric = fieldAmong(given, "symmetric", [true, false], true, `${within}.`);
  const { group_size: size, block_structure: block } = given;
  if (type === "float" && !isSymmetric) refuseField(`${within}.symmetric`, false, "true, of floats");
  if (strategy === "group" && !(Number.isSafeInteger(size) && (size as number) > 0)) {
    refuseField(`${within}.group_size`, size, "a positive integer");
  }
  if (strategy === "block" && type !== "float") refuseField(`${within}.strategy`, strategy, "blocks of floats alone");
  return {
    ...{ type, bits, isSymmetric, isGrouped: actorder === "group" },
    group: strategy === "group" ? (size as number) : Number.POSITIVE_INFINITY,
    block: strategy === "block" ? blockOf(block, `${within}.block_structure`) : undefined,
  };
}

function blockOf(given: unknown, field: string): readonly [number, number] {
  if (given === undefined || given === null) return [128, 128];
  const sizes = typeof given === "string" ? given.split("x").map(Number) : given;
  const isPair = Array.isArray(sizes) && sizes.length === 2 && sizes.every((size) => Number.isSafeInteger(size) && size > 0);
  return isPair ? (sizes as [number, number]) : refuseField(field, given, "two positive integers");
}

/** The strategy where none is said. Source: compressed-tensors' QuantizationArgs. */
function strategyOf({ group_size: size }: Fields): "tensor" | "channel" | "group" {
  if (size === undefined || size === null) return "tensor";
  return size === -1 ? "channel" : "group";
}

/** Inputs of 8 bits stay floats; those of fewer bits are refused, since weights are then made for them. */
function checkInputs(given: unknown, within: string): void {
  const fields = isRecord(given) ? given : refuseField(within, given, "an object");
  refuseFields(fields, argumentFields, `${within}.`);
  fieldAmong(fields, "type", ["int", "float"], "int", `${within}.`);
  fieldAmong(fields, "num_bits", [8], 8, `${within}.`);
}

/** Whether any group quantises the inputs of its matrices. */
export function saysInputs({ config_groups: groups }: Fields): boolean {
  return isRecord(groups) && Object.values(groups).some((group) => isRecord(group) && isRecord(group.input_activations));
}
