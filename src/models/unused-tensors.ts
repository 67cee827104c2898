import { originTensors } from "../ops/origin.ts";
import type { Model } from "../ops/program.ts";
import type { Architecture } from "./define.ts";

/**
 * Tensors that checkpoints carry and transformers takes without a word: buffers that can be computed (rotary frequencies,
 * causal masks, positions), and layers that predict tokens further ahead. Source: `_keys_to_ignore_on_load_unexpected`.
 */
const expected: readonly RegExp[] = [
  /rotary_emb\.(\w*inv_freq|cos_cached|sin_cached)$/,
  /(^|\.)position_ids$/,
  /(^|\.)(attn|attention|crossattention)\.(bias|masked_bias|causal_mask)$/,
  /(^|\.)mtp/,
  /(^|\.)(encoder|decoder)\.version$/,
  /(^|\.)(encoder|decoder)\.embed_tokens\.weight$/,
  // gemma3n has it, and uses it only where altup_correct_scale is set
  /\.altup\.correct_output_scale$/,
  /decoder\.block\.0\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight$/,
];

/**
 * Names of tensors of a checkpoint that nothing of the model reads, in the checkpoint's order: what transformers reports as
 * UNEXPECTED. Of a multimodal checkpoint only the layers of the text part are looked at.
 *
 * @param model - Bound to the checkpoint.
 * @param fields - config.json of the text model.
 */
export function unusedTensors(
  model: Model,
  { spare, tie }: Architecture,
  fields: unknown,
  names: readonly string[],
  isMultimodal: boolean,
): string[] {
  const used = new Set(model.weights.flatMap(({ from }) => from.flatMap(originTensors)));
  const layer = /^(.*?\.)?(?:layers|h|blocks?)\.(\d+)\./;
  const layerPrefix = [...used].map((name) => layer.exec(name)?.[0].replace(/\d+\.$/, "")).find((found) => found !== undefined);
  const { num_hidden_layers: count, num_nextn_predict_layers: ahead } = (fields ?? {}) as Record<string, unknown>;
  const first = typeof count === "number" ? count : Number.POSITIVE_INFINITY;
  const isAhead = (name: string) => {
    const index = Number(layer.exec(name)?.[2] ?? Number.NaN);
    if (index >= first && spare.layersAhead?.includes(index)) return true;
    return typeof ahead === "number" && index >= first && index < first + ahead;
  };
  return names.filter((name) => {
    if (used.has(name) || expected.some((pattern) => pattern.test(name)) || isAhead(name)) return false;
    if ([tie.embedding, tie.head].some((tied) => name === `${tied}.weight` || name.endsWith(`.${tied}.weight`))) return false;
    if (spare.sharedKeys && /\.self_attn\.[kv]_(proj|norm)\./.test(name)) {
      if (used.has(name.replace(/\.self_attn\..*/, ".self_attn.q_proj.weight"))) return false;
    }
    return !isMultimodal || (layerPrefix !== undefined && name.startsWith(layerPrefix));
  });
}
