import { TsumugiError } from "../errors.ts";
import { isRecord } from "../util/json-value.ts";
import type { TensorInfo } from "./checkpoint.ts";

/** A tensor of the authors' layout under the name that transformers has for it. */
export interface RenamedTensor {
  tensor: TensorInfo;
  name: string;
  /** Heads whose rows are in pairs and go into halves; undefined: rows stay. */
  heads?: number;
}

const layerNames: { readonly [name: string]: string } = {
  "attention.wq": "self_attn.q_proj",
  "attention.wk": "self_attn.k_proj",
  "attention.wv": "self_attn.v_proj",
  "attention.wo": "self_attn.o_proj",
  "feed_forward.w1": "mlp.gate_proj",
  "feed_forward.w2": "mlp.down_proj",
  "feed_forward.w3": "mlp.up_proj",
  attention_norm: "input_layernorm",
  ffn_norm: "post_attention_layernorm",
};

const outerNames: { readonly [name: string]: string } = {
  "tok_embeddings.weight": "model.embed_tokens.weight",
  "norm.weight": "model.norm.weight",
  "output.weight": "lm_head.weight",
};

/**
 * Llama's and Mistral's own layout (consolidated.00.pth or consolidated.safetensors, with params.json) as transformers has it:
 * names, order of the rows of queries and keys, and config.json.
 *
 * @throws `convert_unsupported` for what is not defined in it: mixtures of experts, several parts, vision
 */
export function fromConsolidated(
  tensors: readonly TensorInfo[],
  params: unknown,
  directory: string,
): { renamed: RenamedTensor[]; config: Record<string, unknown> } {
  const fail = (reason: string): never => {
    throw new TsumugiError("convert_unsupported", { directory, reason });
  };
  if (!isRecord(params)) return fail("params.json is no object");
  const number = (name: string, fallback?: number): number => {
    const value = params[name] ?? fallback;
    return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : fail(`params.json lacks \`${name}\``);
  };
  const heads = number("n_heads");
  const keyValueHeads = number("n_kv_heads", heads);
  const renamed = tensors.flatMap((tensor): RenamedTensor[] => {
    if (tensor.name === "rope.freqs") return [];
    const outer = outerNames[tensor.name];
    if (outer) return [{ tensor, name: outer }];
    const [, layer, inner] = /^layers\.(\d+)\.(.+)\.weight$/.exec(tensor.name) ?? [];
    const name = layerNames[inner ?? ""];
    if (name === undefined) return fail(`tensor ${tensor.name} has no place in the layout of Llama and Mistral`);
    const of = inner === "attention.wq" ? { heads } : inner === "attention.wk" ? { heads: keyValueHeads } : {};
    return [{ tensor, name: `model.layers.${layer}.${name}.weight`, ...of }];
  });
  const shapeOf = (name: string) => tensors.find((tensor) => tensor.name === name)?.shape ?? fail(`tensor ${name} is missing`);
  const [vocabulary] = shapeOf("tok_embeddings.weight");
  const [intermediate] = shapeOf("layers.0.feed_forward.w1.weight");
  const [queryRows] = shapeOf("layers.0.attention.wq.weight");
  const isMistral = params.sliding_window !== undefined || params.hidden_dim !== undefined;
  const theta = number("rope_theta", 10_000);
  const isScaled = params.use_scaled_rope === true;
  const positions = number("max_seq_len", isScaled ? 131_072 : isMistral ? 32_768 : theta >= 500_000 ? 8192 : 4096);
  const isTied = !tensors.some(({ name }) => name === "output.weight");
  const first = tensors.find(({ name }) => name === "tok_embeddings.weight")!;
  const scaling = { rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
  const config = {
    architectures: [isMistral ? "MistralForCausalLM" : "LlamaForCausalLM"],
    model_type: isMistral ? "mistral" : "llama",
    hidden_act: "silu",
    hidden_size: number("dim"),
    intermediate_size: intermediate,
    num_hidden_layers: number("n_layers"),
    num_attention_heads: heads,
    num_key_value_heads: keyValueHeads,
    head_dim: number("head_dim", queryRows! / heads),
    max_position_embeddings: positions,
    rms_norm_eps: number("norm_eps", 1e-5),
    rope_theta: theta,
    ...(isScaled && { rope_scaling: { ...scaling, original_max_position_embeddings: 8192 } }),
    ...(isMistral && { sliding_window: typeof params.sliding_window === "number" ? params.sliding_window : null }),
    vocab_size: vocabulary,
    tie_word_embeddings: isTied,
    torch_dtype: first.dtype,
  };
  return { renamed, config };
}

/** Rows of each head in pairs (0, 1), (2, 3), … become halves (0, 2, …), (1, 3, …): how transformers rotates them. */
export function pairsToHalves(bytes: Uint8Array, rows: number, heads: number): Uint8Array {
  const rowBytes = bytes.length / rows;
  const perHead = rows / heads;
  const out = new Uint8Array(bytes.length);
  for (let row = 0; row < rows; row += 1) {
    const head = Math.floor(row / perHead);
    const inHead = row % perHead;
    const from = head * perHead + (inHead < perHead / 2 ? 2 * inHead : 2 * (inHead - perHead / 2) + 1);
    out.set(bytes.subarray(from * rowBytes, (from + 1) * rowBytes), row * rowBytes);
  }
  return out;
}
