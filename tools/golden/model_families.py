"""Writes tiny random checkpoints of more families, and what Python transformers answers on them.

    python model_families.py OUT [--only gpt_oss_mxfp4,olmo3]

Each OUT/<name>/ holds config.json, model.safetensors and golden.json (forward logits, greedy answers alone and as one
left-padded batch), as in test/fixtures/models, and what store_once.py keeps of generation_config.json. gpt_oss_mxfp4 stores its experts in MXFP4; the
answers are those of the same values in float32. Needs torch (CPU), transformers >= 5.18, safetensors.
"""

import argparse
import json
import os
import random

import torch
import transformers
from safetensors.torch import load_file, save_file
from store_once import begin, store_once
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()

BASE = dict(vocab_size=128, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=256,
            bos_token_id=1, eos_token_id=2, pad_token_id=0, num_key_value_heads=2, intermediate_size=56)

FAMILIES = {
    "gpt_oss_mxfp4": ("gpt_oss", dict(head_dim=16, num_local_experts=4, num_experts_per_tok=2, sliding_window=8,
                                      hidden_size=64, intermediate_size=32)),
    "qwen2_moe": ("qwen2_moe", dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=24,
                                    shared_expert_intermediate_size=40, num_hidden_layers=3, mlp_only_layers=[1])),
    "granitemoe": ("granitemoe", dict(num_local_experts=4, num_experts_per_tok=2, embedding_multiplier=6.0,
                                      attention_multiplier=0.2, residual_multiplier=0.4, logits_scaling=2.0)),
    "olmo3": ("olmo3", dict(num_hidden_layers=4, sliding_window=8, rope_theta=500000.0)),
    "mamba": ("mamba", dict(state_size=6, num_hidden_layers=3, expand=2, conv_kernel=4, time_step_rank=5)),
    "mamba_bias": ("mamba", dict(hidden_size=24, state_size=16, expand=3, conv_kernel=2, use_bias=True, use_conv_bias=False,
                                 hidden_act="gelu", tie_word_embeddings=False)),
    "lfm2": ("lfm2", dict(num_hidden_layers=4, layer_types=["conv", "full_attention", "conv", "conv"], conv_L_cache=3,
                          block_multiple_of=8, block_ffn_dim_multiplier=1.1)),
    "lfm2_bias": ("lfm2", dict(num_hidden_layers=3, full_attn_idxs=[2], conv_L_cache=4, conv_bias=True,
                               block_auto_adjust_ff_dim=False, tie_word_embeddings=False)),
    "qwen3_next": ("qwen3_next", dict(
        num_hidden_layers=4, head_dim=16, linear_num_key_heads=2, linear_num_value_heads=4, linear_key_head_dim=12,
        linear_value_head_dim=10, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=24,
        shared_expert_intermediate_size=40, mlp_only_layers=[1])),
    "qwen3_next_even": ("qwen3_next", dict(
        num_hidden_layers=3, head_dim=8, layer_types=["full_attention", "linear_attention", "linear_attention"],
        linear_num_key_heads=3, linear_num_value_heads=3, linear_key_head_dim=8, linear_value_head_dim=8,
        linear_conv_kernel_dim=2, num_experts=6, num_experts_per_tok=3, norm_topk_prob=False, decoder_sparse_step=2,
        moe_intermediate_size=20, shared_expert_intermediate_size=24, attention_bias=True, tie_word_embeddings=True)),
    "qwen3_5_text": ("qwen3_5_text", dict(
        num_hidden_layers=4, head_dim=16, linear_num_key_heads=2, linear_num_value_heads=6, linear_key_head_dim=8,
        linear_value_head_dim=12)),
    "qwen3_5_moe_text": ("qwen3_5_moe_text", dict(
        num_hidden_layers=3, head_dim=12, attention_bias=True, tie_word_embeddings=True,
        layer_types=["full_attention", "linear_attention", "full_attention"], linear_conv_kernel_dim=3,
        linear_num_key_heads=2, linear_num_value_heads=2, linear_key_head_dim=8, linear_value_head_dim=6, num_experts=5,
        num_experts_per_tok=3, moe_intermediate_size=20, shared_expert_intermediate_size=26,
        rope_parameters=dict(rope_type="default", rope_theta=50000.0, partial_rotary_factor=0.5))),
    "llama4_text": ("llama4_text", dict(
        num_hidden_layers=4, head_dim=16, num_local_experts=4, num_experts_per_tok=1, interleave_moe_layer_step=2,
        intermediate_size_mlp=72, attention_chunk_size=8, floor_scale=4, attn_scale=0.5,
        rope_parameters=dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                             original_max_position_embeddings=32))),
    "llama4_text_odd": ("llama4_text", dict(
        hidden_size=36, num_hidden_layers=3, num_attention_heads=6, num_key_value_heads=3, head_dim=10, num_local_experts=5,
        num_experts_per_tok=2, intermediate_size=21, attention_chunk_size=5, no_rope_layer_interval=2, use_qk_norm=False,
        attn_temperature_tuning=False, attention_bias=True, hidden_act="gelu", tie_word_embeddings=True)),
    "llama4_text_long": ("llama4_text", dict(
        num_hidden_layers=3, head_dim=12, num_attention_heads=2, num_key_value_heads=1, moe_layers=[],
        intermediate_size_mlp=50, attention_chunk_size=33, no_rope_layers=[0, 1, 1],
        layer_types=["chunked_attention", "full_attention", "chunked_attention"], floor_scale=16, attn_scale=0.3)),
    "ministral3": ("ministral3", dict(
        head_dim=16, num_hidden_layers=3,
        rope_parameters=dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=8, mscale=1.0,
                             mscale_all_dim=1.0, llama_4_scaling_beta=0.4))),
    "ministral3_window": ("ministral3", dict(
        hidden_size=36, num_attention_heads=6, num_key_value_heads=3, head_dim=10, sliding_window=6, hidden_act="gelu",
        tie_word_embeddings=True,
        rope_parameters=dict(rope_type="default", rope_theta=500.0, original_max_position_embeddings=5,
                             llama_4_scaling_beta=0.7))),
    "ministral": ("ministral", dict(
        head_dim=12, num_hidden_layers=3, sliding_window=6,
        layer_types=["full_attention", "sliding_attention", "sliding_attention"])),
    "mistral4": ("mistral4", dict(
        num_key_value_heads=4, moe_intermediate_size=20, n_routed_experts=6, num_experts_per_tok=2, kv_lora_rank=18,
        q_lora_rank=14, qk_rope_head_dim=8, qk_nope_head_dim=12, v_head_dim=10,
        rope_parameters=dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=8, mscale=1.0,
                             mscale_all_dim=0.7, llama_4_scaling_beta=0.3))),
    "mistral4_groups": ("mistral4", dict(
        num_key_value_heads=4, num_hidden_layers=3, moe_intermediate_size=12, n_routed_experts=8, n_group=4, topk_group=2,
        num_experts_per_tok=3, first_k_dense_replace=1, n_shared_experts=2, norm_topk_prob=False, routed_scaling_factor=1.7,
        kv_lora_rank=11, q_lora_rank=None, qk_rope_head_dim=6, qk_nope_head_dim=10, v_head_dim=13, rope_interleave=False,
        attention_bias=True, tie_word_embeddings=True,
        rope_parameters=dict(rope_type="yarn", rope_theta=300.0, factor=2.0, original_max_position_embeddings=16,
                             llama_4_scaling_beta=0.5))),
    "glm": ("glm", dict(head_dim=16)),
    "glm_plain": ("glm", dict(
        hidden_size=36, num_attention_heads=6, num_key_value_heads=3, head_dim=6, partial_rotary_factor=0.67, num_hidden_layers=3,
        attention_bias=False, hidden_act="relu", tie_word_embeddings=True)),
    "glm4_moe": ("glm4_moe", dict(
        head_dim=16, use_qk_norm=True, attention_bias=True, moe_intermediate_size=20, n_routed_experts=6, num_experts_per_tok=2,
        num_hidden_layers=3)),
    "glm4_moe_groups": ("glm4_moe", dict(
        hidden_size=48, num_attention_heads=6, num_key_value_heads=3, moe_intermediate_size=12, n_routed_experts=8, n_group=4,
        topk_group=2, num_experts_per_tok=3, first_k_dense_replace=0, n_shared_experts=2, norm_topk_prob=False,
        routed_scaling_factor=1.7, partial_rotary_factor=0.25, tie_word_embeddings=True, num_mtp_layers=0)),
    "deepseek_v3_yarn": ("deepseek_v3", dict(
        intermediate_size=56, moe_intermediate_size=20, n_routed_experts=6, n_group=1, topk_group=1, num_experts_per_tok=3,
        num_key_value_heads=4, n_shared_experts=2, first_k_dense_replace=1, kv_lora_rank=18, q_lora_rank=None,
        qk_rope_head_dim=8, qk_nope_head_dim=12, v_head_dim=10, norm_topk_prob=False, rope_interleave=False,
        attention_bias=True,
        rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16, mscale=1.0, mscale_all_dim=0.8))),
    "gemma3n_text": ("gemma3n_text", dict(
        num_hidden_layers=6, layer_types=["sliding_attention", "full_attention"] * 3, sliding_window=8, head_dim=16,
        hidden_size_per_layer_input=12, vocab_size_per_layer_input=128, num_kv_shared_layers=2, laurel_rank=5,
        activation_sparsity_pattern=[0.9, 0.5, 0.0, 0.2, 0.0, 0.75])),
    "gemma3n_text_odd": ("gemma3n_text", dict(
        hidden_size=36, num_hidden_layers=4, num_attention_heads=6, num_key_value_heads=3, head_dim=10, attention_bias=True,
        layer_types=["full_attention"] + ["sliding_attention"] * 3, sliding_window=5, hidden_size_per_layer_input=7,
        vocab_size_per_layer_input=140, num_kv_shared_layers=1, laurel_rank=3, intermediate_size=[20, 33, 56, 47],
        altup_num_inputs=3, altup_active_idx=1, altup_correct_scale=False, final_logit_softcapping=4.0,
        hidden_activation="silu", tie_word_embeddings=False, rope_parameters=dict(
            full_attention=dict(rope_type="linear", rope_theta=5000.0, factor=2.0),
            sliding_attention=dict(rope_type="default", rope_theta=300.0)))),
    "gemma4_text": ("gemma4_text", dict(
        num_hidden_layers=6, layer_types=["sliding_attention", "full_attention"] * 3, sliding_window=8, head_dim=16,
        global_head_dim=24, hidden_size_per_layer_input=12, vocab_size_per_layer_input=128, num_kv_shared_layers=2,
        use_double_wide_mlp=True, final_logit_softcapping=20.0)),
    "gemma4_text_moe": ("gemma4_text", dict(
        num_hidden_layers=3, sliding_window=6, head_dim=8, global_head_dim=20, attention_k_eq_v=True,
        num_global_key_value_heads=1, hidden_size_per_layer_input=0, enable_moe_block=True, num_experts=5, top_k_experts=2,
        moe_intermediate_size=20)),
    "gemma4_text_odd": ("gemma4_text", dict(
        hidden_size=36, num_hidden_layers=7, num_attention_heads=6, num_key_value_heads=3, head_dim=10, global_head_dim=14,
        layer_types=["full_attention"] + ["sliding_attention", "sliding_attention", "full_attention"] * 2, sliding_window=5,
        attention_k_eq_v=True, attention_bias=True, hidden_size_per_layer_input=7, vocab_size_per_layer_input=140,
        num_kv_shared_layers=3, enable_moe_block=True, num_experts=4, top_k_experts=3, moe_intermediate_size=20,
        hidden_activation="silu", use_bidirectional_attention="vision", tie_word_embeddings=False,
        rope_parameters=dict(
            full_attention=dict(rope_type="proportional", rope_theta=5000.0, partial_rotary_factor=0.6, factor=2.0),
            sliding_attention=dict(rope_type="linear", rope_theta=300.0, factor=3.0)))),
    "gpt_neox_japanese": ("gpt_neox_japanese", dict(num_hidden_layers=3, num_key_value_heads=None, intermediate_size=None)),
    "gpt_neox_japanese_part": ("gpt_neox_japanese", dict(
        vocab_size=130, hidden_size=60, num_attention_heads=5, intermediate_multiple_size=3, hidden_act="relu",
        rotary_pct=0.5, rotary_emb_base=500, tie_word_embeddings=False)),
    "hunyuan_v1_dense": ("hunyuan_v1_dense", dict(
        head_dim=16, max_position_embeddings=24,
        rope_scaling=dict(type="dynamic", alpha=100.0, factor=2.0, beta_fast=32, beta_slow=1, mscale=1.0, mscale_all_dim=1.0))),
    "hunyuan_v1_dense_tied": ("hunyuan_v1_dense", dict(
        hidden_size=60, num_attention_heads=6, num_key_value_heads=3, head_dim=14, attention_bias=True, hidden_act="gelu",
        intermediate_size=90, rope_theta=500.0, tie_word_embeddings=True)),
    "hunyuan_v1_moe": ("hunyuan_v1_moe", dict(
        head_dim=16, num_experts=4, moe_topk=2,
        rope_scaling=dict(type="dynamic", alpha=50.0, factor=1.0))),
    "hunyuan_v1_moe_own": ("hunyuan_v1_moe", dict(
        hidden_size=48, num_hidden_layers=3, num_attention_heads=6, num_key_value_heads=1, head_dim=10, num_experts=5,
        moe_topk=[1, 3, 2], attention_bias=True, intermediate_size=36, tie_word_embeddings=True)),
    "nemotron": ("nemotron", dict()),
    "nemotron_tied": ("nemotron", dict(
        hidden_size=60, num_attention_heads=6, num_key_value_heads=3, head_dim=14, intermediate_size=90, hidden_act="gelu",
        attention_bias=True, mlp_bias=True, tie_word_embeddings=True, norm_eps=1e-3,
        rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=500.0, partial_rotary_factor=0.75))),
    "codegen": ("codegen", dict(rotary_dim=4)),
    "codegen_inner": ("codegen", dict(
        hidden_size=96, num_attention_heads=8, num_hidden_layers=3, rotary_dim=10, n_inner=90, activation_function="silu",
        max_position_embeddings=300)),
    "apertus": ("apertus", dict(num_hidden_layers=3)),
    "apertus_tied": ("apertus", dict(
        hidden_size=60, num_attention_heads=5, num_key_value_heads=1, intermediate_size=70, attention_bias=True,
        tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=500.0))),
    "deepseek_v2": ("deepseek_v2", dict(
        moe_intermediate_size=20, n_routed_experts=6, num_experts_per_tok=3, num_key_value_heads=4, n_shared_experts=2,
        first_k_dense_replace=1, kv_lora_rank=18, q_lora_rank=None, qk_rope_head_dim=8, qk_nope_head_dim=12, v_head_dim=10,
        num_hidden_layers=3, rope_scaling=dict(type="yarn", factor=4.0, original_max_position_embeddings=16, mscale=0.707,
                                               mscale_all_dim=0.707))),
    "deepseek_v2_groups": ("deepseek_v2", dict(
        hidden_size=48, num_attention_heads=6, num_key_value_heads=6, moe_intermediate_size=24, n_routed_experts=8,
        num_experts_per_tok=2, n_shared_experts=1, n_group=4, topk_group=2, topk_method="group_limited_greedy",
        routed_scaling_factor=2.5, kv_lora_rank=16, q_lora_rank=24, qk_rope_head_dim=6, qk_nope_head_dim=10, v_head_dim=14,
        attention_bias=True, mlp_bias=True, hidden_act="gelu", tie_word_embeddings=True)),
    "falcon_alibi": ("falcon", dict(
        alibi=True, multi_query=False, parallel_attn=False, bias=True, num_attention_heads=6, hidden_size=48,
        tie_word_embeddings=False)),
    "falcon_alibi_one": ("falcon", dict(
        alibi=True, multi_query=True, hidden_size=60, num_attention_heads=5, num_hidden_layers=3, ffn_hidden_size=100,
        tie_word_embeddings=False)),
}


# Their biases run over padding into the state, in transformers: only rows without padding are answers.
LEAKY = ["mamba_bias", "lfm2_bias"]
# Their rotary table keeps what an earlier, longer prompt grew it to: a fresh model for each prompt, and no batch.
GROWING = ["hunyuan_v1_dense"]
# The default of transformers; its eager attention adds ALiBi twice.
SDPA = ["falcon_alibi", "falcon_alibi_one"]

# Prompts of other lengths than all others have: more than two chunks of attention.
LENGTHS = {"llama4_text_long": (2, 40, 75, 91)}


# Text models that AutoModelForCausalLM does not list, because checkpoints hold them inside multimodal ones.
UNLISTED = {"mistral4": transformers.Mistral4ForCausalLM}


def randomise(model, generator):
    """Wide random weights, so that answers are far from a tie."""
    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    for name, p in model.named_parameters():
        r = torch.empty_like(p).normal_(generator=generator)
        if any(part in name for part in ("embed_tokens", "embed_in", "word_embeddings", "wte")):
            p.data = r * (0.15 if tied else 0.6)
        elif name.endswith("scale"):
            p.data = p.data + 0.3 * r
        elif p.ndim >= 2:
            p.data = r * (1.2 / p.shape[-1] ** 0.5)
        elif "norm" in name or "ln_" in name:
            p.data = p.data + 0.15 * r
        else:
            p.data = 0.2 * r
    for name, buffer in model.named_buffers():
        if name.endswith("e_score_correction_bias"):
            buffer.data = torch.empty_like(buffer).normal_(generator=generator) * 0.1
        elif name.endswith("layer_scalar"):
            buffer.data = 1 + 0.2 * torch.empty_like(buffer).normal_(generator=generator)


def pack_experts(model, generator):
    """Experts of MXFP4 values: the model gets the values, the returned tensors are how a checkpoint stores them."""
    stored = {}
    for layer, block in enumerate(model.model.layers):
        for name in ("gate_up_proj", "down_proj"):
            weight = getattr(block.mlp.experts, name)  # [experts, in, out]
            experts, width, out = weight.shape
            blocks = torch.randint(0, 256, (experts, out, width // 32, 16), generator=generator, dtype=torch.uint8)
            scales = torch.randint(122, 126, (experts, out, width // 32), generator=generator, dtype=torch.uint8)
            weight.data = convert_moe_packed_tensors(blocks, scales, dtype=torch.float32).reshape(weight.shape).contiguous()
            stored[f"model.layers.{layer}.mlp.experts.{name}_blocks"] = blocks
            stored[f"model.layers.{layer}.mlp.experts.{name}_scales"] = scales
    return stored


def write(name, model_type, options, seed, out):
    config = AutoConfig.for_model(model_type, **{**BASE, **options})
    config.dtype = "float32"
    loading = dict(dtype=torch.float32, attn_implementation="sdpa" if name in SDPA else "eager")
    own = UNLISTED.get(model_type)
    model = (own._from_config if own else AutoModelForCausalLM.from_config)(config, **loading).eval()
    generator = torch.Generator().manual_seed(seed)
    randomise(model, generator)
    model.tie_weights()
    packed = pack_experts(model, generator) if name.endswith("mxfp4") else {}
    folder = os.path.join(out, name)
    begin(folder)
    model.save_pretrained(folder)
    model = (own or AutoModelForCausalLM).from_pretrained(folder, **loading).eval()
    if packed:
        file = os.path.join(folder, "model.safetensors")
        plain = {key: value for key, value in load_file(file).items() if not key.endswith(("gate_up_proj", "down_proj"))}
        save_file({**plain, **packed}, file, metadata={"format": "pt"})
        file = os.path.join(folder, "config.json")
        with open(file) as f:
            given = json.load(f)
        given["quantization_config"] = {"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn"]}
        with open(file, "w") as f:
            json.dump(given, f, indent=2)

    rnd = random.Random(seed * 7919 + len(name))
    prompts = [[1] + [rnd.randrange(3, 128) for _ in range(n)] for n in LENGTHS.get(name, (2, 7, 12, 21))]
    doc = {"name": name, "model_type": model_type, "transformers": transformers.__version__, "seed": seed}
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([prompts[3]])).logits[0]
        doc["forward"] = {"input_ids": prompts[3], "logits": [[round(v, 6) for v in row] for row in logits.tolist()],
                          "argmax": logits.argmax(-1).tolist()}
        doc["greedy"] = []
        for p in prompts:
            if name in GROWING:
                model = (own or AutoModelForCausalLM).from_pretrained(folder, **loading).eval()
            ids = torch.tensor([p])
            o = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False)
            doc["greedy"].append({"input_ids": p, "new_ids": o[0][len(p):].tolist()})
        width = max(map(len, prompts))
        padded = torch.tensor([[0] * (width - len(p)) + p for p in prompts])
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
        o = model.generate(padded, attention_mask=mask, max_new_tokens=24, do_sample=False)
        doc["batch"] = {"input_ids": padded.tolist(), "attention_mask": mask.tolist(), "new_ids": o[:, width:].tolist()}
    gaps = [sorted(row)[-1] - sorted(row)[-2] for row in doc["forward"]["logits"]]
    same = sum(g["new_ids"] == doc["batch"]["new_ids"][i][: len(g["new_ids"])] for i, g in enumerate(doc["greedy"]))
    if name in LEAKY + GROWING:
        del doc["batch"]
    with open(os.path.join(folder, "golden.json"), "w") as f:
        json.dump(doc, f, separators=(",", ":"))
    kinds = len({t for g in doc["greedy"] for t in g["new_ids"]})
    print(f"{name:18s} alone as in the batch {same}/4, {kinds} different tokens, least gap {min(gaps):.4f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    only = set(filter(None, given.only.split(",")))
    for name, (model_type, options) in FAMILIES.items():
        if not only or name in only:
            write(name, model_type, options, given.seed, given.out)
    store_once(given.out)
