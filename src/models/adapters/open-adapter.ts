import { TsumugiError } from "../../errors.ts";
import { adapterTensorName } from "../../formats/adapted-checkpoint.ts";
import type { TensorInfo } from "../../formats/checkpoint.ts";
import { originTensors } from "../../ops/origin.ts";
import type { LowRankChange, Weight, WeightOrigin } from "../../ops/program.ts";
import { showValue } from "../../util/show-value.ts";
import type { Architecture } from "../define.ts";
import { tensorFinder } from "../tensor-names.ts";
import { readLoraConfig } from "./adapter-config.ts";
import { type ModuleChange, sortAdapterTensors } from "./adapter-tensors.ts";

/** An adapter beside a model: adapter_config.json, and the tensors of its file. */
export interface AdapterSource {
  /** Where it is, for messages. */
  directory: string;
  config: unknown;
  tensors: readonly TensorInfo[];
}

/** An adapter, ready to be bound with the model. */
export interface ModelAdapter {
  /** Whether it changes or replaces a module's weight. */
  touches(module: string): boolean;
  /** The tensor that stands in place of one of the model's, as the joined checkpoint names it. */
  replacementOf(tensor: string): string | undefined;
  /** The origin with the change that the adapter makes to it. `shape`: of the stored tensor. */
  changed(origin: WeightOrigin, tensor: string, shape: readonly number[]): WeightOrigin;
  /**
   * Names of the adapter's tensors that the bound weights do not read.
   *
   * @throws TsumugiError `adapter_unsupported` where one of them changes a module of the model
   */
  unread(weights: readonly Weight[], isPart: boolean): string[];
}

/**
 * Reads a LoRA adapter for an architecture. Its modules have the names of transformers' modules, with or without what a base
 * model's or a multimodal model's names begin with.
 *
 * @throws TsumugiError `adapter_unsupported`, `adapter_invalid`
 */
export function openAdapter({ directory, config, tensors }: AdapterSource, architecture: Architecture): ModelAdapter {
  const lora = readLoraConfig(config, directory, architecture.tie.head);
  const { changes, replacements } = sortAdapterTensors(tensors, directory);
  if (lora.ensure_weight_tying && [...changes.values()].some(({ isTable }) => isTable)) {
    const reason = "`ensure_weight_tying` with a change of the embedding is not supported";
    throw new TsumugiError("adapter_unsupported", { directory, reason });
  }
  const targeted = new Map([...changes].filter(([module]) => lora.targets(module)));
  if (targeted.size === 0 && changes.size > 0) {
    throw new TsumugiError("adapter_invalid", {
      directory,
      reason: `none of its tensors is of \`target_modules\` ${showValue(lora.target_modules)}`,
    });
  }
  const moduleOf = (tensor: string) => tensor.replace(/\.weight$/, "");
  const findChange = tensorFinder(architecture, {
    has: (tensor) => tensor.endsWith(".weight") && targeted.has(moduleOf(tensor)),
  });
  const findReplacement = tensorFinder(architecture, replacements);
  const invalid = (reason: string) => new TsumugiError("adapter_invalid", { directory, reason });
  const unsupported = (reason: string) => new TsumugiError("adapter_unsupported", { directory, reason });

  /** The change of a module; undefined where PEFT leaves out what would be nothing but zeros. */
  const changeOf = (module: string, { down, up, magnitude, isTable }: ModuleChange, exchanged: boolean) => {
    if (!down || !up) return undefined;
    const rank = lora.rankOf(module);
    if (down.shape.length !== 2 || up.shape.length !== 2)
      throw unsupported(`${module} is no matrix: ${down.name} has the shape [${down.shape}]`);
    if (down.shape[0] !== rank || up.shape[1] !== rank) {
      throw invalid(
        `${module} has rank ${rank} by adapter_config.json, and ${down.name} [${down.shape}] with ${up.name} [${up.shape}]`,
      );
    }
    if (lora.use_dora && (isTable || !magnitude))
      throw unsupported(`\`use_dora\` needs a magnitude of ${module}, and works on no table`);
    const change: LowRankChange = {
      down: adapterTensorName(down.name),
      up: adapterTensorName(up.name),
      scale: lora.scaleOf(module),
      exchanged: exchanged || isTable,
      ...(lora.use_dora && magnitude && { magnitude: adapterTensorName(magnitude.name) }),
    };
    return { change, inputs: down.shape[1]!, outputs: up.shape[0]!, magnitude };
  };

  // a transposed origin may also be a part that the model wants so, of a matrix that is stored as every other
  const isExchanged = ({ transpose = false }: WeightOrigin) => transpose && architecture.storesInputsFirst;

  return {
    touches: (module) => findChange(`${module}.weight`) !== undefined || findReplacement(`${module}.weight`) !== undefined,
    replacementOf(tensor) {
      const found = findReplacement(tensor);
      return found === undefined ? undefined : adapterTensorName(replacements.get(found)!.name);
    },
    changed(origin, tensor, shape) {
      const found = findChange(tensor);
      const module = found && moduleOf(found);
      const made = module === undefined ? undefined : changeOf(module, targeted.get(module)!, isExchanged(origin));
      if (module === undefined || !made) return origin;
      const { change, inputs, outputs, magnitude } = made;
      if (origin.storage || origin.index !== undefined)
        throw unsupported(`the weight of ${module} is quantised or one of a stack`);
      const expected = change.exchanged ? [inputs, outputs] : [outputs, inputs];
      const isFitting = shape.join() === expected.join() && (!change.magnitude || magnitude?.shape.join() === `${outputs}`);
      if (!isFitting) throw invalid(`its change of ${module} is of a matrix [${expected}], and the model's is [${shape}]`);
      const byOutput = (origin.transpose ?? false) === change.exchanged && origin.slice?.axis !== (change.exchanged ? 0 : 1);
      if (change.magnitude && !byOutput) {
        throw unsupported(`\`use_dora\` works on whole rows, and the model reads ${module} in parts of them`);
      }
      return { ...origin, change };
    },
    unread(weights, isPart) {
      const read = new Set(weights.flatMap(({ from }) => from.flatMap(originTensors)));
      const isRead = ({ name }: TensorInfo) => read.has(adapterTensorName(name));
      for (const [module, { down, up }] of targeted) {
        if (isPart || !down || !up || isRead(up)) continue;
        throw unsupported(`the model has no matrix of its own for ${module}`);
      }
      return tensors.filter((tensor) => !isRead(tensor)).map(({ name }) => name);
    },
  };
}
