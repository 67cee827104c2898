import { holdingBits, weightHoldings } from "../backends/weight-holding.ts";
import { engineLimits } from "../engine/limits.ts";
import type { HubOptions } from "../hub/index.ts";
import { isMultimodal, loadModel } from "../models/index.ts";
import { dtypeBytes, elementCount, type FloatDType } from "../tensor/dtype.ts";
import { refuseUnknown } from "../util/unknown-options.ts";
import { chooseDtype } from "./choose-dtype.ts";
import { openModel } from "./open-model.ts";

/** What a model is and takes, read without loading its weights. */
export interface ModelInformation {
  /** Hub id or folder, as given. */
  model: string;
  modelType: string;
  /** The own type of a multimodal model. `modelType` is then that of its text part, and all numbers are of that part. */
  multimodalType?: string;
  architectures: string[];
  /** Tied ones counted once. */
  parameters: number;
  /** Context in tokens. */
  maxPositions: number;
  vocabularySize: number;
  storedDtype: FloatDType;
  /** Bytes at each dtype: of the weights (vectors stay float32), and of the KV cache for each token. */
  memory: Record<FloatDType, { weights: number; cachePerToken: number }>;
}

/**
 * Architecture, parameters and memory of a model. Downloads it if need be; its weights are not read.
 *
 * @example
 * ```ts
 * const { parameters, memory } = await modelInformation("tsumugi-mini");
 * console.log(parameters, memory.bfloat16.weights);
 * ```
 */
export async function modelInformation(
  idOrDirectory: string,
  options: Pick<HubOptions, "revision" | "cacheDir" | "token" | "localFilesOnly" | "forceDownload" | "onProgress"> = {},
): Promise<ModelInformation> {
  refuseUnknown(options, ["revision", "cacheDir", "token", "localFilesOnly", "forceDownload", "onProgress"]);
  const { files, config, checkpoint, adapter } = await openModel(idOrDirectory, options);
  try {
    const model = await loadModel(config, checkpoint, adapter);
    const memoryOf = (dtype: FloatDType) => {
      const { cache, weights: held } = engineLimits(model, { blockTokens: 16, weights: dtype });
      const bits = weightHoldings(model, held).map((holding, index) => holdingBits(model.weights[index]!, holding));
      const weights = model.weights.reduce((sum, { shape }, index) => sum + (elementCount(shape) * bits[index]!) / 8, 0);
      const cachePerToken = model.states.reduce(
        (sum, { parts }) =>
          sum +
          parts.reduce(
            (bytes, part) => bytes + elementCount(part.shape) * dtypeBytes(part.type === "cache" ? cache : "float32"),
            0,
          ),
        0,
      );
      return { weights, cachePerToken };
    };
    return {
      model: files.id,
      modelType: model.modelType,
      ...(isMultimodal(config) && { multimodalType: String(config.model_type) }),
      architectures: Array.isArray(config.architectures) ? config.architectures.map(String) : [],
      parameters: model.weights.reduce((sum, { shape }) => sum + elementCount(shape), 0),
      maxPositions: model.maxPositions,
      vocabularySize: model.vocabularySize,
      storedDtype: chooseDtype("auto", config, checkpoint),
      memory: { float32: memoryOf("float32"), bfloat16: memoryOf("bfloat16"), float16: memoryOf("float16") },
    };
  } finally {
    await checkpoint.close();
  }
}
