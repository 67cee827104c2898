import { TsumugiError } from "../errors.ts";
import type { TensorInfo } from "../formats/checkpoint.ts";

/** What a checkpoint has, and so the most that a config.json can rightly ask for. */
export interface CheckpointSizes {
  /** Tensors in all. A layer has at least one. */
  tensors: number;
  /** The largest dimension of any tensor. */
  largest: number;
}

export function sizesOf(tensors: readonly TensorInfo[]): CheckpointSizes {
  return {
    tensors: tensors.length,
    largest: tensors.reduce((most, { shape }) => shape.reduce((a, b) => Math.max(a, b), most), 1),
  };
}

/** What is built once for each: modules with tensors of their own. */
const layers = /^(num_|n_|encoder_|decoder_)(hidden_|decoder_)?layers?$|^(encoder|decoder)_layers$|^altup_num_inputs$/;

/** Modules with tensors of their own, or entries of a tensor that stacks them. */
const experts = /experts$/;

/** Lengths and steps, for which no tensor need be as large, and vocabularies, in proportion to which nothing is built. */
const free = /vocab|position|window|seq|ctx|context|_ids?$|distance|interval|step|pattern|multiple|scale|factor|bucket/;

/** Sizes that make no work worth mentioning, so that fields that a model does not read may be larger than its tensors. */
const harmless = 65_536;

/**
 * Refuses numbers of config.json that the checkpoint cannot have tensors for, before anything is built in proportion to them.
 *
 * @param parsed fields as the architecture reads them
 * @param given fields that the file has; defaults are not looked at
 * @throws `config_invalid`
 */
export function checkSizes(parsed: object, given: unknown, sizes: CheckpointSizes): void {
  for (const [field, value] of Object.entries(parsed)) {
    if (typeof value !== "number" || !Number.isInteger(value) || free.test(field)) continue;
    if (!Object.hasOwn(given as object, field)) continue;
    const { limit, has } = boundOf(field, sizes);
    if (value <= limit) continue;
    throw new TsumugiError("config_invalid", { field, expected: `at most ${limit}, because ${has}`, given: value });
  }
}

function boundOf(field: string, { tensors, largest }: CheckpointSizes): { limit: number; has: string } {
  if (layers.test(field)) return { limit: tensors, has: `the checkpoint has ${tensors} tensors` };
  const has = `the checkpoint has ${tensors} tensors with dimensions of up to ${largest}`;
  if (experts.test(field)) return { limit: Math.max(tensors, largest), has };
  return { limit: Math.max(largest, harmless), has };
}
