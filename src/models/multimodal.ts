import { isRecord } from "../util/json-value.ts";
import { type TextPart, textTypes } from "./text-types.ts";

interface Wrapper {
  /** `model_type` of `text_config` where it does not say. */
  text: string;
  /** The class has that text model, whatever `text_config` says. */
  fixed?: true;
  /** Fields that `text_config` leaves out, where they are not those of its own class. */
  defaults?: Record<string, unknown>;
  /** The field that holds the config with `text_config`: the model speaks, too, by models beside it. */
  inside?: string;
  /** Older files hold the text model's fields beside `vision_config`. */
  flat?: true;
  /** Logits are scaled and capped as the text model's own class does; by default they come from the head as they are. */
  ownLogits?: true;
}

/**
 * Multimodal `model_type`s whose text part reads a text as that text model alone does. Source: each model's configuration
 * and forward pass in transformers 5.18.
 */
const wrappers: { readonly [modelType: string]: Wrapper } = {
  audioflamingo3: { text: "qwen2" },
  aya_vision: { text: "cohere2" },
  cohere2_vision: { text: "cohere2" },
  deepseek_vl: { text: "llama" },
  deepseek_vl_hybrid: { text: "llama" },
  exaone4_5: { text: "exaone4" },

  gemma3: { text: "gemma3_text", fixed: true },
  // these two read tokens that stand for images and sounds in another way, but no text has such tokens
  gemma3n: { text: "gemma3n_text", fixed: true, ownLogits: true },
  gemma4: { text: "gemma4_text", fixed: true, ownLogits: true },
  glm46v: { text: "glm4v_text" },
  glm4v: { text: "glm4v_text", fixed: true },
  glm4v_moe: { text: "glm4v_moe_text", fixed: true },
  glmasr: {
    text: "llama",
    defaults: {
      ...{ vocab_size: 59264, hidden_size: 2048, intermediate_size: 6144, num_hidden_layers: 28, num_attention_heads: 16 },
      ...{ num_key_value_heads: 4, max_position_embeddings: 8192, rms_norm_eps: 1e-5 },
    },
  },
  got_ocr2: { text: "qwen2" },
  granite_speech: { text: "granite" },
  idefics2: { text: "mistral" },
  idefics3: { text: "llama" },
  internvl: { text: "qwen2" },
  janus: { text: "llama" },
  kimi_k25: { text: "deepseek_v3" },
  lfm2_vl: { text: "lfm2" },
  lighton_ocr: { text: "qwen3" },
  llama4: { text: "llama4_text", fixed: true, ownLogits: true },
  llava: { text: "llama" },
  llava_next: { text: "llama" },
  llava_next_video: { text: "llama" },
  llava_onevision: { text: "qwen2" },
  mistral3: { text: "mistral" },
  ovis2: { text: "qwen2" },

  qwen2_5_omni: { text: "qwen2_5_omni_text", fixed: true, inside: "thinker_config" },
  qwen2_5_omni_thinker: { text: "qwen2_5_omni_text", fixed: true },
  qwen2_5_vl: { text: "qwen2_5_vl_text", fixed: true, flat: true },
  qwen2_audio: { text: "qwen2" },
  qwen2_vl: { text: "qwen2_vl_text", fixed: true, flat: true },
  qwen3_5: { text: "qwen3_5_text", fixed: true },
  qwen3_5_moe: { text: "qwen3_5_moe_text", fixed: true },
  qwen3_asr: { text: "qwen3" },
  qwen3_omni_moe: { text: "qwen3_omni_moe_text", fixed: true, inside: "thinker_config" },
  qwen3_omni_moe_thinker: { text: "qwen3_omni_moe_text", fixed: true },
  qwen3_vl: { text: "qwen3_vl_text", fixed: true },
  qwen3_vl_moe: { text: "qwen3_vl_moe_text", fixed: true },
  smolvlm: { text: "llama" },
  video_llama_3: { text: "qwen2" },
  video_llava: { text: "llama" },
  vipllava: { text: "llama" },
  voxtral: {
    text: "llama",
    defaults: {
      ...{ vocab_size: 131072, hidden_size: 3072, intermediate_size: 8192, num_hidden_layers: 30, num_key_value_heads: 8 },
      ...{ max_position_embeddings: 131072, rms_norm_eps: 1e-5, rope_theta: 1e8, head_dim: 128 },
    },
  },
};

/** What Cohere, Granite and Gemma do to logits, left out. */
const plainLogits = { logit_scale: 1, logits_scaling: 1, final_logit_softcapping: null };

/** Multimodal types whose text part reads a text in another way than the text model alone: why. */
const others: { readonly [modelType: string]: string } = {
  paligemma: "it reads its prompt in both directions",
};

/** Whether `architectures` hold the text model of a multimodal type; others may hold one by what `text_config` says. */
export function multimodalTypesOf(architectures: readonly string[]): string[] {
  const isThere = (type: string) => architectures.includes(textTypes[type]?.architecture ?? type);
  return Object.keys(wrappers).filter((type) => isThere(wrappers[type]!.text));
}

/** Whether config.json is of a multimodal model whose text part can be built. */
export function isMultimodal(config: unknown): boolean {
  const text = textModelOf(config);
  return "outer" in text && text.outer !== undefined;
}

/** What a config.json says of the text model. */
export type TextConfig =
  /** Fields of the text model, under the `model_type` of its architecture. */
  | { config: unknown; outer?: Record<string, unknown> }
  /** What config.json names, for the error that says it is not supported. */
  | { unsupported: string };

/** What config.json says of the text model: itself, or of a multimodal model the part that reads and writes text. */
export function textModelOf(config: unknown): TextConfig {
  if (!isRecord(config)) return { config };
  const { model_type: type } = config;
  const outer = typeof type === "string" ? type : "";
  const why = Object.hasOwn(others, outer) ? others[outer] : undefined;
  if (why) return { unsupported: `${outer} (${why})` };
  const wrapper = Object.hasOwn(wrappers, outer) ? wrappers[outer] : undefined;
  const { text_config: nested } = (wrapper?.inside && isRecord(config[wrapper.inside]) ? config[wrapper.inside] : config) as {
    text_config?: unknown;
  };
  if (wrapper && isRecord(nested)) {
    const own = typeof nested.model_type === "string" && !wrapper.fixed ? nested.model_type : wrapper.text;
    const fields = ofArchitecture(own, { ...wrapper.defaults, ...nested }, config);
    return { config: wrapper.ownLogits ? fields : { ...fields, ...plainLogits }, outer: config };
  }
  if (wrapper?.flat) return { config: ofArchitecture(wrapper.text, config, config), outer: config };
  const inner = isRecord(nested) ? nested.model_type : undefined;
  if (inner !== undefined) return { unsupported: `${outer} (its text part is ${inner})` };
  return { config };
}

/** Fields of a text part as its architecture reads them. */
function ofArchitecture(type: string, given: Record<string, unknown>, outer: Record<string, unknown>): Record<string, unknown> {
  const part: TextPart = Object.hasOwn(textTypes, type) ? textTypes[type]! : { architecture: type };
  const { vision_config: _, ...own } = given;
  const fields: Record<string, unknown> = { ...part.defaults, ...own };
  Object.assign(fields, part.fixed?.(fields), { model_type: part.architecture });
  for (const name of ["rope_scaling", "rope_parameters"]) {
    if (isRecord(fields[name])) fields[name] = ordinaryRope(fields[name]);
  }
  // the outer config says how the whole checkpoint is quantised
  const quantization = outer.quantization_config;
  return { ...fields, ...(quantization != null && { quantization_config: quantization }) };
}

/** M-RoPE turns by three positions, which are one in a text: there it is ordinary RoPE. Source: Wang et al. 2024, "Qwen2-VL". */
function ordinaryRope(rope: Record<string, unknown>): Record<string, unknown> {
  const plain = (name: unknown) => (name === "mrope" ? "default" : name);
  return {
    ...rope,
    ...("type" in rope && { type: plain(rope.type) }),
    ...("rope_type" in rope && { rope_type: plain(rope.rope_type) }),
  };
}
