/** Names of the files that hold a model's weights, the preferred one first. The second says which shards hold them. */
export const weightNames = ["model.safetensors", "model.safetensors.index.json"] as const;

/** The two files of an adapter beside a model, or alone. */
export const adapterNames = ["adapter_config.json", "adapter_model.safetensors"] as const;

/** Where the weights of a model are. */
export interface WeightFiles {
  /** One file that holds them all, or the index of shards; undefined where there is neither. */
  weights?: (typeof weightNames)[number];
  /** Files of an adapter that changes the weights, as far as they are there; empty where there is none. */
  adapter: readonly (typeof adapterNames)[number][];
}

/**
 * Which files hold a model's weights, of the names of all its files. Folders, repositories of the Hub and browsers ask here,
 * so that the same files are the same model everywhere: model.safetensors before an index, as transformers takes them, and
 * the adapter that lies beside them.
 */
export function findWeightFiles(names: readonly string[]): WeightFiles {
  const [configuration] = adapterNames;
  const weights = weightNames.find((name) => names.includes(name));
  const adapter = names.includes(configuration) ? adapterNames.filter((name) => names.includes(name)) : [];
  return { ...(weights !== undefined && { weights }), adapter };
}

/** Weights that are not read: what their names look like, what they are, and what to do. */
const others: readonly { pattern: RegExp; kind: string; advice: string }[] = [
  {
    pattern: /^model\.safetensors(\.index\.json)?$/,
    kind: "by its name the weights, but no file that can be opened: a broken link, a folder, a pipe",
    advice: "Put the file itself there; copies of a cache need the files that its links lead to (`cp -L`).",
  },
  {
    pattern: /^model-\d+-of-\d+\.safetensors$/,
    kind: "shards without their index",
    advice: "Put the model.safetensors.index.json beside them that belongs to them.",
  },
  {
    pattern:
      /^model\.[\w-]+\.safetensors(\.index\.json)?$|^model\.[\w-]+-\d+-of-\d+\.safetensors$|^model\.safetensors\.index\.[\w-]+\.json$/,
    kind: "a variant of the weights",
    advice: "Rename it to the name without the variant, or use another repository.",
  },
  {
    pattern: /^(original\/)?consolidated(\.\d+)?\.(safetensors|pth)$|^original\//,
    kind: "weights in the layout of the model's authors",
    advice:
      "Convert them once, `tsumugi convert {where} --output folder` (Llama and Mistral), or use the version of the model in the layout of transformers, which has a model.safetensors or an index.",
  },
  {
    pattern: /^adapter_model\.(safetensors|bin)$/,
    kind: "an adapter without adapter_config.json or in pickle format",
    advice: "An adapter needs both adapter_config.json and adapter_model.safetensors.",
  },
  {
    pattern: /\.(bin|pt|pth|ckpt)$/,
    kind: "PyTorch pickle",
    advice:
      "Convert them once, `tsumugi convert {where} --output folder`, then load that folder; or look for a safetensors version (another repository, or the branch `refs/pr/N`).",
  },
  { pattern: /\.gguf$/, kind: "GGUF", advice: "Give the path of the file, or its name as the option `ggufFile`." },
  {
    pattern: /\.onnx(_data)?$/,
    kind: "ONNX",
    advice: "Use the repository in the layout of transformers that it was exported from.",
  },
  {
    pattern: /\.(h5|msgpack|ot|tflite|mlmodel|npz)$/,
    kind: "weights of another library",
    advice: "Use a version of the model with safetensors.",
  },
  {
    pattern: /^.+\/model\.safetensors(\.index\.json)?$/,
    kind: "weights in a folder inside",
    advice: "Give the path of that folder, with config.json in it.",
  },
  {
    pattern: /\.safetensors$/,
    kind: "safetensors of another name",
    advice: "If it holds the whole model, rename it to model.safetensors.",
  },
];

/** Files whose names look like weights, and are none. */
const noWeights = /(^|\/)(training_args|optimizer|scheduler|scaler|rng_state(_\d+)?|tokenizer)\.(bin|pt|pth|msgpack)$/;

/**
 * Says which weights are there that are not read, and what to do: for an error where `findWeightFiles` finds none.
 * Undefined where nothing looks like weights.
 *
 * @param where what the model was asked for by, as a user would write it
 */
export function describeOtherWeights(names: readonly string[], where: string): string | undefined {
  const candidates = names.filter((name) => !noWeights.test(name));
  for (const { pattern, kind, advice } of others) {
    const found = candidates.filter((name) => pattern.test(name));
    if (found.length === 0) continue;
    const shown = found.slice(0, 3).join(", ") + (found.length > 3 ? ` and ${found.length - 3} more` : "");
    return `There is ${shown} (${kind}). ${advice.replace("{where}", () => where)}`;
  }
  return undefined;
}
