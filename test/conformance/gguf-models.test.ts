import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { encodeGgml, type GgufWriteTensor, type GgufWriteValue, writeGguf } from "../../src/formats/gguf/write.ts";
import { planGguf } from "../../src/formats/gguf/write-model.ts";
import { openCheckpoint } from "../../src/formats/index.ts";
import { AutoModelForCausalLM } from "../../src/generate/auto-model.ts";
import { toFloat32 } from "../../src/tensor/convert.ts";

// each model becomes a GGUF file in llama.cpp's names, order of rows and layouts, and answers as the model of transformers
const planned = [
  ...["llama", "llama3_rope", "llama_linear_rope", "llama_yarn", "mistral", "mixtral", "qwen2", "qwen3", "qwen3_moe"],
  ...["gemma", "gemma2", "gemma3_text", "phi3", "gpt2"],
];

const directory = mkdtempSync(join(tmpdir(), "tsumugi-gguf-"));
afterAll(() => rmSync(directory, { recursive: true }));

interface Fixture {
  config: Record<string, unknown>;
  golden: { forward: { input_ids: number[]; logits: number[][] } };
  tensors: Map<string, { shape: readonly number[]; values: Float32Array }>;
}

async function fixture(name: string): Promise<Fixture> {
  const folder = new URL(`../fixtures/models/${name}/`, import.meta.url).pathname;
  const json = (file: string) => JSON.parse(readFileSync(join(folder, file), "utf8"));
  const checkpoint = await openCheckpoint(folder);
  const tensors: Fixture["tensors"] = new Map();
  for (const { name: tensor, shape, dtype } of checkpoint.tensors()) {
    tensors.set(tensor, { shape, values: toFloat32(await checkpoint.read(tensor), dtype) });
  }
  await checkpoint.close();
  return { config: json("config.json"), golden: json("golden.json"), tensors };
}

type Tensor = Omit<GgufWriteTensor, "type"> & { values: Float32Array };

async function answers(name: string, { golden }: Fixture, metadata: Record<string, GgufWriteValue>, tensors: Tensor[]) {
  const file = join(directory, `${name}.gguf`);
  const data = tensors.map(({ values, ...tensor }) => ({ ...tensor, type: "F32" as const, data: encodeGgml(values, "F32") }));
  writeFileSync(file, writeGguf(metadata, data));
  const model = await AutoModelForCausalLM.fromPretrained(file, { maxBatchSize: 1 });
  try {
    const { input_ids: ids, logits: wanted } = golden.forward;
    const options = { maxNewTokens: 1, doSample: false, outputLogits: true, returnDictInGenerate: true } as const;
    const attentionMask = [ids.map(() => 1)];
    const { logits } = await model.generate({ inputIds: [ids], attentionMask, ...options });
    const last = wanted.at(-1)!;
    const scale = Math.max(...last.map(Math.abs));
    expect(Math.max(...last.map((value, i) => Math.abs(value - logits![0]![0]![i]!)))).toBeLessThan(1e-4 * scale);
  } finally {
    await model.dispose();
  }
}

describe("models as GGUF files", () => {
  it.each(planned)("%s", async (name) => {
    const source = await fixture(name);
    const shapes = [...source.tensors].map(([tensor, { shape }]) => ({ name: tensor, shape }));
    const { metadata, tensors } = planGguf(source.config, shapes);
    const made = tensors.map(({ parts, values, ...tensor }) => {
      const all = values ? [values] : parts.map((part) => part.make(source.tensors.get(part.tensor)!.values));
      return { ...tensor, values: Float32Array.from(all.flatMap((part) => [...part])) };
    });
    await answers(name, source, metadata as Record<string, GgufWriteValue>, made);
  });

  it.each(["gpt_oss", "deepseek_v2", "deepseek_v3"])("%s, named by hand", async (name) => {
    const source = await fixture(name);
    const { metadata, tensors } = name === "gpt_oss" ? gptOss(source) : deepseek(source);
    await answers(name, source, metadata, tensors);
  });

  it("refuses to write what files of llama.cpp have no place for", () => {
    expect(() => planGguf({ model_type: "mamba" }, [])).toThrow(/model_type is not supported/);
    const config = { model_type: "llama", hidden_size: 8, num_attention_heads: 2 };
    expect(() => planGguf(config, [{ name: "model.other.weight", shape: [1] }])).toThrow(/model.other.weight/);
  });
});

const whole = (value: unknown): GgufWriteValue => ({ type: "uint32", value: Number(value) });
const real = (value: unknown): GgufWriteValue => ({ type: "float32", value: Number(value) });

/** Metadata with the architecture in front of the keys. */
function keyed(architecture: string, values: Record<string, GgufWriteValue>): Record<string, GgufWriteValue> {
  const entries = Object.entries(values).map(([key, value]) => [`${architecture}.${key}`, value] as const);
  return { "general.architecture": { type: "string", value: architecture }, ...Object.fromEntries(entries) };
}

function common(config: Record<string, unknown>): Record<string, GgufWriteValue> {
  const rope = config.rope_parameters as Record<string, unknown>;
  const isYarn = rope.rope_type === "yarn";
  return {
    context_length: whole(config.max_position_embeddings),
    embedding_length: whole(config.hidden_size),
    block_count: whole(config.num_hidden_layers),
    feed_forward_length: whole(config.intermediate_size),
    "attention.head_count": whole(config.num_attention_heads),
    "attention.head_count_kv": whole(config.num_key_value_heads),
    "attention.layer_norm_rms_epsilon": real(config.rms_norm_eps),
    "rope.freq_base": real(rope.rope_theta),
    expert_used_count: whole(config.num_experts_per_tok),
    ...(isYarn && {
      "rope.scaling.type": { type: "string", value: "yarn" },
      "rope.scaling.factor": real(rope.factor),
      "rope.scaling.original_context_length": whole(rope.original_max_position_embeddings),
      ...(rope.mscale_all_dim !== undefined && { "rope.scaling.yarn_log_multiplier": real(0.1 * Number(rope.mscale_all_dim)) }),
    }),
  };
}

const outside: Record<string, string> = {
  "model.embed_tokens.weight": "token_embd.weight",
  "model.norm.weight": "output_norm.weight",
  "lm_head.weight": "output.weight",
};

/** Gate and up stand row by row in one tensor [experts, in, 2 · out] of the model, and as two [experts, out, in] in the file. */
function gptOss({ config, tensors }: Fixture) {
  const metadata = keyed("gpt-oss", {
    ...common(config),
    "attention.key_length": whole(config.head_dim),
    "attention.sliding_window": whole(config.sliding_window),
    expert_count: whole(config.num_local_experts),
    expert_feed_forward_length: whole(config.intermediate_size),
  });
  const names: Record<string, string> = {
    ...{ "input_layernorm.weight": "attn_norm.weight", "post_attention_layernorm.weight": "post_attention_norm.weight" },
    ...{
      "self_attn.sinks": "attn_sinks.weight",
      "mlp.router.weight": "ffn_gate_inp.weight",
      "mlp.router.bias": "ffn_gate_inp.bias",
    },
    "mlp.experts.down_proj_bias": "ffn_down_exps.bias",
  };
  const out = [...tensors].flatMap(([tensor, { shape, values }]): Tensor[] => {
    const [, layer, rest = ""] = /^model\.layers\.(\d+)\.(.*)$/.exec(tensor) ?? [];
    if (layer === undefined) return [{ name: outside[tensor]!, shape, values }];
    const attention = /^self_attn\.([qkvo])_proj\.(weight|bias)$/.exec(rest);
    if (attention) {
      const module = attention[1] === "o" ? "attn_output" : `attn_${attention[1]}`;
      return [{ name: `blk.${layer}.${module}.${attention[2]}`, shape, values }];
    }
    if (names[rest]) return [{ name: `blk.${layer}.${names[rest]}`, shape, values }];
    const [experts, inputs, outputs] = shape as [number, number, number];
    if (rest.endsWith("gate_up_proj_bias")) {
      return ["gate", "up"].map((part, odd) => ({
        ...{ name: `blk.${layer}.ffn_${part}_exps.bias`, shape: [experts, inputs / 2] },
        values: values.filter((_, i) => i % 2 === odd),
      }));
    }
    const turned = Float32Array.from({ length: values.length }, (_, i) => {
      const [expert, output, input] = [Math.floor(i / inputs / outputs), Math.floor(i / inputs) % outputs, i % inputs];
      return values[(expert * inputs + input) * outputs + output]!;
    });
    if (rest.endsWith("down_proj"))
      return [{ name: `blk.${layer}.ffn_down_exps.weight`, shape: [experts, outputs, inputs], values: turned }];
    return ["gate", "up"].map((part, odd) => ({
      ...{ name: `blk.${layer}.ffn_${part}_exps.weight`, shape: [experts, outputs / 2, inputs] },
      values: turned.filter((_, i) => Math.floor(i / inputs) % 2 === odd),
    }));
  });
  return { metadata, tensors: out };
}

function deepseek({ config, tensors }: Fixture) {
  const isThird = config.model_type === "deepseek_v3";
  const metadata = keyed("deepseek2", {
    ...common(config),
    "attention.key_length": whole(Number(config.qk_nope_head_dim) + Number(config.qk_rope_head_dim)),
    "attention.value_length": whole(config.v_head_dim),
    "attention.kv_lora_rank": whole(config.kv_lora_rank),
    ...(config.q_lora_rank != null && { "attention.q_lora_rank": whole(config.q_lora_rank) }),
    "rope.dimension_count": whole(config.qk_rope_head_dim),
    leading_dense_block_count: whole(config.first_k_dense_replace),
    expert_count: whole(config.n_routed_experts),
    expert_shared_count: whole(config.n_shared_experts),
    expert_feed_forward_length: whole(config.moe_intermediate_size),
    expert_weights_scale: real(config.routed_scaling_factor),
    expert_weights_norm: { type: "bool", value: config.norm_topk_prob === true },
    expert_gating_func: whole(isThird ? 2 : 1),
    ...(config.n_group != null && {
      expert_group_count: whole(config.n_group),
      expert_group_used_count: whole(config.topk_group),
    }),
  });
  const names: Record<string, string> = {
    ...{ input_layernorm: "attn_norm", post_attention_layernorm: "ffn_norm", "self_attn.o_proj": "attn_output" },
    ...{ "self_attn.q_proj": "attn_q", "self_attn.q_a_proj": "attn_q_a", "self_attn.q_a_layernorm": "attn_q_a_norm" },
    ...{ "self_attn.q_b_proj": "attn_q_b", "self_attn.kv_a_proj_with_mqa": "attn_kv_a_mqa" },
    ...{ "self_attn.kv_a_layernorm": "attn_kv_a_norm", "self_attn.kv_b_proj": "attn_kv_b", "mlp.gate": "ffn_gate_inp" },
    ...{ "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down" },
    ...{ "mlp.shared_experts.gate_proj": "ffn_gate_shexp", "mlp.shared_experts.up_proj": "ffn_up_shexp" },
    "mlp.shared_experts.down_proj": "ffn_down_shexp",
  };
  const out: Tensor[] = [];
  const stacks = new Map<string, Tensor[]>();
  for (const [tensor, { shape, values }] of tensors) {
    const [, layer, module = "", kind] = /^model\.layers\.(\d+)\.(.*)\.(weight|e_score_correction_bias)$/.exec(tensor) ?? [];
    const expert = /^mlp\.experts\.(\d+)\.(gate|up|down)_proj$/.exec(module);
    if (layer === undefined) out.push({ name: outside[tensor]!, shape, values });
    else if (Number(layer) >= Number(config.num_hidden_layers)) continue;
    else if (kind !== "weight") out.push({ name: `blk.${layer}.exp_probs_b.bias`, shape, values });
    else if (expert) {
      const name = `blk.${layer}.ffn_${expert[2]}_exps.weight`;
      const stack = stacks.get(name) ?? [];
      stack[Number(expert[1])] = { name, shape, values };
      stacks.set(name, stack);
    } else out.push({ name: `blk.${layer}.${names[module]}.weight`, shape, values });
  }
  for (const [name, stack] of stacks) {
    out.push({
      name,
      shape: [stack.length, ...stack[0]!.shape],
      values: Float32Array.from(stack.flatMap(({ values }) => [...values])),
    });
  }
  return { metadata, tensors: out };
}
