import { isRecord } from "../util/json-value.ts";

/** Model types by the tokenizer class that transformers 5.18 registers for them. Types that are not here have none. */
const modelTypes: Record<string, readonly string[]> = {
  T5Tokenizer: ["t5", "mt5", "switch_transformers"],
  GemmaTokenizer: ["gemma", "gemma2", "gemma3", "gemma3_text", "gemma3n", "gemma3n_text", "recurrent_gemma", "t5gemma"],
  GPT2Tokenizer: ["gpt2", "gpt_neo", "gptj", "opt", "phi", "starcoder2", "codegen", "dbrx"],
  GPTNeoXTokenizer: ["gpt_neox", "olmo", "olmoe", "mpt", "mamba", "mamba2", "falcon_mamba", "rwkv"],
  GPTNeoXJapaneseTokenizer: ["gpt_neox_japanese"],
  Qwen2Tokenizer: ["qwen2", "qwen2_moe", "qwen2_vl", "qwen2_5_vl", "qwen3", "qwen3_moe", "qwen3_vl", "qwen3_next"],
  Qwen3_5Tokenizer: ["qwen3_5", "qwen3_5_text", "qwen3_5_moe", "qwen3_5_moe_text"],
  RobertaTokenizer: ["bart", "roberta"],
  CohereTokenizer: ["cohere", "cohere2"],
  XGLMTokenizer: ["xglm"],
  M2M100Tokenizer: ["m2m_100"],
  TokenizersBackend: [
    ...["mistral", "mixtral", "ministral", "ministral3", "mistral3", "stablelm", "phi3", "phimoe", "internlm2", "nemotron"],
    ...["gpt_bigcode", "granite", "granitemoe", "granitemoehybrid", "glm", "glm4", "glm4_moe", "olmo2", "olmo3", "persimmon"],
    ...[
      "deepseek_v2",
      "deepseek_v3",
      "ernie4_5",
      "ernie4_5_moe",
      "jamba",
      "minicpm3",
      "hyperclovax",
      "arctic",
      "umt5",
      "llava",
    ],
  ],
};

/** Model types whose checkpoints name a wrong class; the registered one is taken. */
const wrongClasses = ["qwen2", "qwen3_5", "qwen3_5_moe", "qwen3_5_moe_text"];

/** No class of its own: the tokenizer is made of what the files say. */
export const genericClass = "TokenizersBackend";
const generic = [genericClass, "PreTrainedTokenizer", "PreTrainedTokenizerFast", "PythonBackend"];

/**
 * The class that transformers 5.18 would take: tokenizer_config.json's or config.json's `tokenizer_class`, unless the model's
 * type has the generic one; without a name, the type's. Source: `AutoTokenizer.from_pretrained`.
 */
export function tokenizerClassOf(config: unknown, tokenizerConfig: Record<string, unknown>): string {
  const model = isRecord(config) ? config : {};
  const type = String(model.model_type);
  const registered = Object.keys(modelTypes).find((name) => modelTypes[name]?.includes(type));
  const written = tokenizerConfig.tokenizer_class ?? model.tokenizer_class;
  const named = typeof written === "string" ? plain(written) : undefined;
  if (named === undefined) return registered ?? genericClass;
  if (registered === undefined || registered === named) return named;
  if (registered === genericClass || wrongClasses.includes(type)) return registered;
  return named;
}

function plain(name: string): string {
  return generic.includes(name) ? genericClass : name.replace(/Fast$/, "");
}
