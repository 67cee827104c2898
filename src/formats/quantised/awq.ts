import { fieldAmong, groupSizeOf, skipsOf, textsOf } from "./fields.ts";
import { moduleOf } from "./gptq.ts";
import { type QuantisationMethod, refuseFields } from "./method.ts";
import { checkScales, checkShape, checkTensor, findAll } from "./stored-tensors.ts";

/**
 * AWQ, the layout "gemm": a matrix "m.weight" is stored as "m.qweight", "m.qzeros" and "m.scales". Modules that
 * `modules_to_not_convert` names are plain, and so are all that lack these tensors (the head and embeddings, always).
 * Source: transformers' AwqConfig; AutoAWQ's WQLinear_GEMM.
 */
export const awq: QuantisationMethod = {
  name: "awq",
  open(config) {
    refuseFields(config, [
      ...["bits", "w_bit", "group_size", "q_group_size", "zero_point", "version", "format", "modules_to_not_convert"],
      // how it is computed with, or how it was made
      ...[
        "backend",
        "do_fuse",
        "fuse_max_seq_len",
        "modules_to_fuse",
        "exllama_config",
        "quant_config",
        "dataset",
        "tokenizer",
      ],
      ...["damp_percent", "desc_act", "act_group_aware", "sym", "true_sequential", "meta", "model_seqlen", "batch_size"],
      ...["block_name_to_quantize", "module_name_preceding_first_block", "pad_token_id", "max_input_length"],
      ...["cache_block_outputs", "modules_in_block_to_quantize", "lm_head"],
    ]);
    fieldAmong(config, config.bits == null ? "w_bit" : "bits", [4], 4);
    fieldAmong(config, "zero_point", [true], true);
    fieldAmong(config, "desc_act", [false], false);
    const versionField = config.version == null ? "format" : "version";
    fieldAmong(config, versionField, ["gemm", "GEMM"], "gemm");
    const size = groupSizeOf(config, config.group_size == null ? "q_group_size" : "group_size", 128);
    const isSkipped = skipsOf(textsOf(config, "modules_to_not_convert") ?? [], "modules_to_not_convert");
    return (tensor, lookup) => {
      const { find, info, isInputsFirst } = lookup;
      const module = moduleOf(tensor);
      if (module === undefined || isSkipped(module) || find(`${module}.qweight`) === undefined) return undefined;
      const names = { codes: `${module}.qweight`, zeros: `${module}.qzeros`, scales: `${module}.scales` };
      const tensors = findAll(names, lookup);
      if ("missing" in tensors) return tensors;
      const codes = info(tensors.codes);
      const [columns = 0, words = 0] = codes.shape;
      const isMatrix = codes.dtype === "int32" && codes.shape.length === 2 && columns > 0 && words > 0;
      checkTensor(codes, isMatrix, "int32 [columns, rows / 8]");
      const group = Math.min(size, columns);
      const groups = Math.ceil(columns / group);
      checkShape(info(tensors.zeros), "int32", [groups, words]);
      const scaleType = checkScales(info(tensors.scales), [groups, 8 * words]);
      return {
        tensor: `${tensors.codes.slice(0, -"qweight".length)}weight`,
        storage: { kind: "awq", shape: [8 * words, columns], tensors, group, scaleType },
        transposed: isInputsFirst(tensor),
      };
    };
  },
};
