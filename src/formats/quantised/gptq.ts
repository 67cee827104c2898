import { streamWords } from "../../tensor/storages/bit-stream.ts";
import { isRecord } from "../../util/json-value.ts";
import { fieldAmong, groupSizeOf, matcherOf, refuseField, refuseUnlessEmpty } from "./fields.ts";
import { type FindStorage, type QuantisationMethod, refuseFields } from "./method.ts";
import { checkGroups, checkScales, checkShape, checkTensor, findAll } from "./stored-tensors.ts";

/** How a checkpoint was made, or how it is computed with: nothing that changes what its tensors mean. */
const making = [
  ...["damp_percent", "damp_auto_increment", "static_groups", "true_sequential", "mse", "act_group_aware", "model_seqlen"],
  ...["tokenizer", "dataset", "batch_size", "pad_token_id", "max_input_length", "cache_block_outputs", "meta", "uuid"],
  ...["block_name_to_quantize", "module_name_preceding_first_block", "modules_in_block_to_quantize", "hyb_act"],
  ...["model_name_or_path", "model_file_base_name", "backend", "use_cuda_fp16", "use_exllama", "disable_exllama"],
  ...["exllama_config", "desc_act_order", "quantizer", "version", "parallel_packing", "offload_to_disk", "lm_head", "sym"],
] as const;

/** What may differ from module to module. */
interface Scheme {
  bits: 2 | 3 | 4 | 8;
  group: number;
  descAct: boolean;
}

/**
 * GPTQ: a matrix "m.weight" is stored as "m.qweight", "m.qzeros", "m.scales" and "m.g_idx". Which modules are quantised, the head
 * too, is seen from the tensors that are there, so `lm_head` and lists of modules say nothing more; nor does `sym`, since zeros are
 * stored in any case. Without a format the first version of the layout is meant.
 * Source: transformers' GPTQConfig; GPTQModel's QuantizeConfig.
 */
export const gptq: QuantisationMethod = {
  name: "gptq",
  reads: (tensor) => tensor.endsWith(".g_idx"),
  open(config) {
    refuseFields(config, [
      ...["bits", "group_size", "desc_act", "checkpoint_format", "format", "pack_dtype", "dynamic", "is_marlin_format"],
      ...["adapter", "rotation", ...making],
    ]);
    refuseUnlessEmpty(config, ["is_marlin_format", "adapter", "rotation"]);
    fieldAmong(config, "pack_dtype", ["int32", "torch.int32"], "int32");
    const formatField = config.checkpoint_format == null ? "format" : "checkpoint_format";
    const zeroShift = fieldAmong(config, formatField, ["gptq", "gptq_v2"], "gptq") === "gptq" ? 1 : 0;
    const schemeOf = schemes(config);
    return (tensor, lookup) => findGptq(tensor, lookup, zeroShift, schemeOf);
  },
};

function findGptq(
  tensor: string,
  lookup: Parameters<FindStorage>[1],
  zeroShift: 0 | 1,
  schemeOf: (module: string) => Scheme,
): ReturnType<FindStorage> {
  const { find, info, isInputsFirst } = lookup;
  const module = moduleOf(tensor);
  if (module === undefined || find(`${module}.qweight`) === undefined) return undefined;
  const { bits, group: size, descAct } = schemeOf(module);
  const own = { codes: `${module}.qweight`, zeros: `${module}.qzeros`, scales: `${module}.scales` };
  // without act-order the groups of columns are plain
  const tensors = findAll({ ...own, ...(descAct && { groups: `${module}.g_idx` }) }, lookup);
  if ("missing" in tensors) return tensors;
  const codes = info(tensors.codes);
  const [words = 0, rows = 0] = codes.shape;
  const list = find(`${module}.g_idx`);
  const columns = list === undefined ? Math.floor((words * 32) / bits) : (info(list).shape[0] ?? 0);
  const isMatrix = codes.dtype === "int32" && codes.shape.length === 2 && rows > 0 && columns > 0;
  checkTensor(codes, isMatrix && streamWords(columns, bits) === words, `int32 [${streamWords(columns, bits)}, rows]`);
  const group = Math.min(size, columns);
  const groups = Math.ceil(columns / group);
  checkShape(info(tensors.zeros), "int32", [groups, streamWords(rows, bits)]);
  const scaleType = checkScales(info(tensors.scales), [groups, rows]);
  const columnGroups = checkGroups(list, lookup, columns, group, groups);
  return {
    tensor: `${tensors.codes.slice(0, -"qweight".length)}weight`,
    storage: {
      kind: "gptq",
      shape: [rows, columns],
      tensors: { ...tensors, ...(list !== undefined && { groups: list }) },
      ...{ bits, group, zeroShift, scaleType, columnGroups },
    },
    transposed: isInputsFirst(tensor),
  };
}

/** The module whose matrix a tensor is. */
export function moduleOf(tensor: string): string | undefined {
  return tensor.endsWith(".weight") ? tensor.slice(0, -".weight".length) : undefined;
}

/**
 * What each module is quantised with: `dynamic` of GPTQModel has other numbers for modules that match a pattern. Those behind
 * "-:" are left as they are, which the tensors show.
 */
function schemes(config: Readonly<Record<string, unknown>>): (module: string) => Scheme {
  const read = (fields: Readonly<Record<string, unknown>>): Scheme => ({
    bits: fieldAmong(fields, "bits", [2, 3, 4, 8]),
    group: groupSizeOf(fields, "group_size", 128),
    descAct: fieldAmong(fields, "desc_act", [true, false], false),
  });
  const own = read(config);
  const { dynamic } = config;
  if (dynamic === undefined || dynamic === null) return () => own;
  if (!isRecord(dynamic)) refuseField("dynamic", dynamic, "an object of patterns");
  const rules = Object.entries(dynamic as Record<string, unknown>).flatMap(([key, fields]) => {
    const pattern = /^(?:[+-]:)?(.*)$/s.exec(key)![1]!;
    if (key.startsWith("-:")) return [];
    const changes = isRecord(fields) ? fields : refuseField(`dynamic.${key}`, fields, "an object of fields");
    const known = ["bits", "group_size", "desc_act", ...making];
    refuseFields(changes, known, `dynamic.${key}.`);
    return [{ matches: matcherOf(pattern, "dynamic"), scheme: read({ ...config, ...changes }) }];
  });
  return (module) => rules.find(({ matches }) => matches(module))?.scheme ?? own;
}
