import { TsumugiError } from "../errors.ts";

/** Modules that tools wrap a model in: their names stand in front of, or in the middle of, the names of its tensors. */
const wrappers: readonly { segment: string; by: string }[] = [
  { segment: "_orig_mod", by: "torch.compile" },
  { segment: "module", by: "DataParallel, DistributedDataParallel or DeepSpeed" },
  { segment: "_fsdp_wrapped_module", by: "FSDP" },
  { segment: "_checkpoint_wrapped_module", by: "checkpointing of activations" },
  { segment: "_forward_module", by: "Lightning" },
  { segment: "base_model.model", by: "PEFT" },
  { segment: "base_layer", by: "PEFT" },
];

/** Parts of names that quantised checkpoints have in place of `weight`. */
const quantised =
  /\.(qweight|qzeros|scales|g_idx|weight_packed|weight_scale|weight_scale_inv|absmax|quant_state\.\w+|SCB|blocks)$/;

/**
 * Refuses a checkpoint that lacks tensors: `weights_missing`, with what it has in their place.
 *
 * @param missing names that the model has for them
 * @param stored names of all tensors of the checkpoint
 */
export function refuseMissing(missing: readonly string[], stored: readonly string[], modelType: string): never {
  throw new TsumugiError("weights_missing", {
    count: missing.length,
    names: shown(missing, 10),
    modelType,
    hint: hintOf(missing, stored),
  });
}

function hintOf(missing: readonly string[], stored: readonly string[]): string {
  const bare = new Set(missing);
  for (const { segment, by } of wrappers) {
    const wrapped = stored.filter((name) => `.${name}`.includes(`.${segment}.`) && bare.has(without(name, segment)));
    if (wrapped.length > 0) return renamed(segment, by, wrapped, missing.length);
  }
  const ends = new Set(missing.map((name) => `.${name}`));
  const inner = stored.filter((name) => [...suffixes(name)].some((end) => ends.has(end)));
  if (inner.length > 0) return `It has ${inner.length} of them under longer names: ${shown(inner, 5)}. Rename them.`;
  const codes = stored.filter((name) => quantised.test(name));
  if (codes.length > 0) {
    return `It has tensors of a quantised checkpoint (${shown(codes, 3)}), and config.json says nothing of how: use the checkpoint that is not quantised.`;
  }
  if (stored.length === 0) return "It holds no tensors at all.";
  return `It holds ${stored.length} tensors, among them ${shown(stored, 5)}: is config.json of another checkpoint?`;
}

function renamed(segment: string, by: string, wrapped: readonly string[], count: number): string {
  const what = wrapped.length < count ? `${wrapped.length} of them` : "them";
  const code = `save_file({k.replace("${segment}.", ""): v for k, v in load_file(path).items()}, path, {"format": "pt"})`;
  return `It has ${what} with \`${segment}.\` in their names, which ${by} writes: ${shown(wrapped, 5)}. Remove it once with Python's safetensors.torch: \`${code}\`.`;
}

function without(name: string, segment: string): string {
  return `.${name}`.replaceAll(`.${segment}.`, ".").slice(1);
}

/** The ends of a name behind each of its first dots. */
function* suffixes(name: string): Generator<string> {
  let at = name.indexOf(".");
  for (let count = 0; at >= 0 && count < 8; count++) {
    yield name.slice(at);
    at = name.indexOf(".", at + 1);
  }
}

function shown(names: readonly string[], most: number): string {
  return names.slice(0, most).join(", ") + (names.length > most ? ", …" : "");
}
