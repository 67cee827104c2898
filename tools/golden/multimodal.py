"""Writes tiny random multimodal checkpoints, and what Python transformers answers to texts alone.

    python multimodal.py ../../test/fixtures/multimodal [--only gemma3,qwen2_vl]

Each OUT/<name>/ holds config.json, model.safetensors and golden.json, as in test/fixtures/models (store_once.py links equal files).
The answers are those of the multimodal class itself (`…ForConditionalGeneration`). Tensor names are as `save_pretrained`
writes them, or renamed to another layout that released checkpoints have. Needs torch (CPU), transformers >= 5.18.
"""

import argparse
import json
import os
import random
import re

import torch
import transformers
from model_families import randomise
from safetensors.torch import load_file, save_file
from store_once import begin, store_once
from transformers import AutoConfig, AutoModelForImageTextToText, AutoModelForSeq2SeqLM, AutoModelForSpeechSeq2Seq

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()

TEXT = dict(vocab_size=128, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            intermediate_size=56, max_position_embeddings=256, bos_token_id=1, eos_token_id=2, pad_token_id=0)
EYES = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14)
QWEN_EYES = dict(depth=1, hidden_size=8, intermediate_size=8, num_heads=2, patch_size=4)
MROPE = dict(rope_type="default", mrope_section=[1, 1, 2], rope_theta=20000.0)


def text(model_type, **more):
    return {**TEXT, "model_type": model_type, **more}


# name: (model type, config, layout of tensor names: as saved, "new", or "flat" with the config's older form)
FAMILIES = {
    "gemma3": ("gemma3", dict(
        text_config=text("gemma3_text", head_dim=16, sliding_window=8, sliding_window_pattern=2, query_pre_attn_scalar=16),
        vision_config=dict(EYES), mm_tokens_per_image=4), []),
    "gemma3_new": ("gemma3", dict(
        text_config=text("gemma3_text", head_dim=8, num_hidden_layers=1, sliding_window_pattern=1), vision_config=dict(EYES),
        mm_tokens_per_image=4), "new"),
    "llava": ("llava", dict(text_config=text("llama"), vision_config=dict(EYES, model_type="clip_vision_model")), []),
    "llava_new": ("llava", dict(text_config=text("llama", num_hidden_layers=1), tie_word_embeddings=True,
                                vision_config=dict(EYES, model_type="clip_vision_model")), "new"),
    "mistral3": ("mistral3", dict(
        text_config=text("mistral", head_dim=12), vision_config=dict(
            EYES, model_type="pixtral", head_dim=4)), []),
    "smolvlm": ("smolvlm", dict(text_config=text("llama"), vision_config=dict(EYES), pad_token_id=0), []),
    "aya_vision": ("aya_vision", dict(text_config=text("cohere2", sliding_window=8), vision_config=dict(
        EYES, model_type="siglip_vision_model")), []),
    "lfm2_vl": ("lfm2_vl", dict(
        text_config=text("lfm2", layer_types=["conv", "full_attention"], block_multiple_of=8), projector_hidden_size=8,
        vision_config=dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
                           model_type="siglip2_vision_model", num_patches=4, patch_size=4)), []),
    "glm4v": ("glm4v", dict(
        text_config=text("glm4v_text", rope_parameters=dict(MROPE, partial_rotary_factor=0.5, mrope_section=[1, 0, 1])),
        vision_config=dict(QWEN_EYES, out_hidden_size=32, image_size=28)), []),
    # released files of the first Qwen VL models hold the text's fields beside vision_config
    "qwen2_vl": ("qwen2_vl", dict(text_config=text("qwen2_vl_text", rope_parameters=MROPE), vision_config=dict(
        depth=1, embed_dim=8, hidden_size=32, num_heads=2, mlp_ratio=1, patch_size=4)), "flat"),
    "qwen2_5_vl": ("qwen2_5_vl", dict(
        text_config=text("qwen2_5_vl_text", rope_parameters=MROPE, use_sliding_window=True, sliding_window=8,
                         max_window_layers=1),
        vision_config=dict(QWEN_EYES, out_hidden_size=32, fullatt_block_indexes=[0])), "new"),
    "qwen3_vl": ("qwen3_vl", dict(
        text_config=text("qwen3_vl_text", head_dim=8, rope_parameters=dict(MROPE, mrope_interleaved=True)),
        vision_config=dict(QWEN_EYES, out_hidden_size=32, deepstack_visual_indexes=[0], num_position_embeddings=4)), []),
    "qwen3_vl_moe": ("qwen3_vl_moe", dict(
        text_config=text("qwen3_vl_moe_text", head_dim=8, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=20,
                         rope_parameters=dict(MROPE, mrope_interleaved=True)),
        vision_config=dict(QWEN_EYES, out_hidden_size=32, deepstack_visual_indexes=[0], num_position_embeddings=4)), []),
    "qwen3_5": ("qwen3_5", dict(
        text_config=text("qwen3_5_text", head_dim=16, linear_num_key_heads=2, linear_num_value_heads=4,
                         linear_key_head_dim=8, linear_value_head_dim=8, layer_types=["linear_attention", "full_attention"]),
        vision_config=dict(QWEN_EYES, out_hidden_size=32, num_position_embeddings=4)), []),
    "qwen3_5_moe": ("qwen3_5_moe", dict(
        text_config=text("qwen3_5_moe_text", head_dim=16, linear_num_key_heads=2, linear_num_value_heads=4,
                         linear_key_head_dim=8, linear_value_head_dim=8, layer_types=["linear_attention", "full_attention"],
                         num_experts=4, num_experts_per_tok=2, moe_intermediate_size=20, shared_expert_intermediate_size=24),
        vision_config=dict(QWEN_EYES, out_hidden_size=32, num_position_embeddings=4)), []),
    "gemma4": ("gemma4", dict(
        text_config=text("gemma4_text", head_dim=8, sliding_window=8, layer_types=["sliding_attention", "full_attention"],
                         vocab_size_per_layer_input=128, hidden_size_per_layer_input=8, global_head_dim=16),
        vision_config=dict(EYES, head_dim=4, num_key_value_heads=2, position_embedding_size=16), audio_config=None), []),
    # tokens beyond vocab_size_per_layer_input have the small inputs of token 0
    "gemma3n": ("gemma3n", dict(
        text_config=text("gemma3n_text", head_dim=8, sliding_window=8, num_hidden_layers=3, num_kv_shared_layers=1,
                         layer_types=["sliding_attention", "full_attention", "full_attention"], laurel_rank=4,
                         vocab_size_per_layer_input=90, hidden_size_per_layer_input=8, altup_num_inputs=2,
                         activation_sparsity_pattern=[0.5, 0.0, 0.0], intermediate_size=24),
        vision_config=dict(hidden_size=4, vocab_offset=128, vocab_size=2),
        audio_config=dict(hidden_size=4, vocab_offset=130, vocab_size=2)), []),
    "llama4": ("llama4", dict(
        text_config=text("llama4_text", head_dim=8, num_local_experts=4, num_experts_per_tok=1, intermediate_size_mlp=40,
                         attention_chunk_size=8),
        vision_config=dict(EYES, vision_output_dim=8, projector_input_dim=8, projector_output_dim=8)), []),
    "voxtral": ("voxtral", dict(text_config=text("llama", head_dim=8), audio_config=dict(
        model_type="voxtral_encoder", hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
        num_mel_bins=4, max_source_positions=4)), []),
    "granite_speech": ("granite_speech", dict(
        text_config=text("granite", embedding_multiplier=6.0, attention_multiplier=0.3, residual_multiplier=0.5,
                         logits_scaling=2.0),
        encoder_config=dict(input_dim=4, num_layers=1, hidden_dim=8, feedforward_mult=1, num_heads=2, dim_head=4,
                            output_dim=4, context_size=4, max_pos_emb=4, conv_kernel_size=3, conv_expansion_factor=1),
        projector_config=dict(model_type="blip_2_qformer", hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
                              intermediate_size=8, encoder_hidden_size=8, vocab_size=4, max_position_embeddings=4),
        has_lora_adapter=False), []),
}
# The same code takes these as those above: checked when they were written. Carried as fixtures: glm4v_moe, mistral3_ministral3, qwen2_5_omni.
MARKS = dict(vision_start_token_id=120, vision_end_token_id=121, audio_start_token_id=122, audio_end_token_id=123)
CLIP = dict(EYES, model_type="clip_vision_model")
SIGLIP = dict(EYES, model_type="siglip_vision_model")
MORE = {
    "llava_next_mistral": ("llava_next", dict(text_config=text("mistral", sliding_window=None), vision_config=dict(
        EYES, model_type="clip_vision_model")), []),
    "llava_onevision": ("llava_onevision", dict(text_config=text("qwen2"), vision_config=dict(
        EYES, model_type="siglip_vision_model")), []),
    "internvl": ("internvl", dict(text_config=text("qwen3", head_dim=8), vision_config=dict(
        EYES, image_size=[28, 28], patch_size=[14, 14])), []),
    "qwen2_5_omni": ("qwen2_5_omni_thinker", dict(
        text_config=text("qwen2_5_omni_text", rope_parameters=MROPE), tie_word_embeddings=False, **MARKS,
        vision_config=dict(QWEN_EYES, out_hidden_size=32, fullatt_block_indexes=[0]), audio_config=dict(
            d_model=8, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=8, num_mel_bins=4, max_source_positions=4,
            output_dim=32)), "thinker"),
    "qwen3_omni_moe": ("qwen3_omni_moe_thinker", dict(
        text_config=text("qwen3_omni_moe_text", head_dim=8, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=20,
                         rope_parameters=dict(MROPE, mrope_interleaved=True)), **MARKS,
        vision_config=dict(QWEN_EYES, out_hidden_size=32, deepstack_visual_indexes=[0], num_position_embeddings=4),
        audio_config=dict(d_model=8, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=8, num_mel_bins=16,
                          max_source_positions=4, output_dim=32, downsample_hidden_size=8)), "thinker"),
    "qwen2_audio": ("qwen2_audio", dict(text_config=text("qwen2"), audio_config=dict(
        model_type="qwen2_audio_encoder", d_model=8, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=8,
        num_mel_bins=4, max_source_positions=4)), []),
    "idefics2": ("idefics2", dict(text_config=text("mistral", head_dim=8), vision_config=dict(EYES), perceiver_config=dict(
        hidden_size=32, resampler_n_latents=2, resampler_depth=1, resampler_n_heads=2, resampler_head_dim=4,
        num_key_value_heads=1)), []),
    "idefics3": ("idefics3", dict(text_config=text("llama"), vision_config=dict(EYES)), []),
    "llava_next_video": ("llava_next_video", dict(text_config=text("llama"), vision_config=CLIP), []),
    "vipllava": ("vipllava", dict(text_config=text("llama"), vision_config=CLIP, vision_feature_layers=[0]), []),
    "video_llava": ("video_llava", dict(text_config=text("llama"), vision_config=CLIP), []),
    "cohere2_vision": ("cohere2_vision", dict(text_config=text("cohere2", sliding_window=8), vision_config=SIGLIP), []),
    "got_ocr2": ("got_ocr2", dict(text_config=text("qwen2"), vision_config=dict(
        hidden_size=8, output_channels=8, num_hidden_layers=1, num_attention_heads=2, image_size=32, patch_size=16,
        mlp_dim=8, global_attn_indexes=[0])), []),
    "janus": ("janus", dict(text_config=text("llama"), vision_config=dict(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14, projection_dim=8,
        mlp_ratio=1), vq_config=dict(embed_dim=4, num_embeddings=8, base_channels=32, channel_multiplier=[1], latent_channels=32,
                                     num_res_blocks=1, projection_dim=8, image_token_embed_dim=8, num_patches=2)), []),
    "ovis2": ("ovis2", dict(text_config=text("qwen2"), vision_config=dict(EYES, num_visual_indicator_tokens=1, vocab_size=8),
                            hidden_size=32, vocab_size=128, image_token_id=120, visual_indicator_token_ids=[121]), []),
    "deepseek_vl": ("deepseek_vl", dict(text_config=text("llama"), vision_config=SIGLIP), []),
    "fast_vlm": ("fast_vlm", dict(text_config=text("qwen2"), vision_config=None), []),
    "audioflamingo3": ("audioflamingo3", dict(text_config=text("qwen2"), audio_config=dict(
        model_type="audioflamingo3_encoder", hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
        num_mel_bins=4, max_source_positions=4)), []),
    "mistral3_ministral3": ("mistral3", dict(
        text_config=text("ministral3", head_dim=12, rope_parameters=dict(
            rope_type="yarn", rope_theta=1e5, factor=4.0, original_max_position_embeddings=16, beta_fast=32.0, beta_slow=1.0,
            mscale=1.0, mscale_all_dim=1.0, llama_4_scaling_beta=0.2)),
        vision_config=dict(EYES, model_type="pixtral", head_dim=4)), []),
    "glm46v": ("glm46v", dict(
        text_config=text("glm4v_text", rope_parameters=dict(MROPE, partial_rotary_factor=0.5, mrope_section=[1, 0, 1])),
        vision_config=dict(QWEN_EYES, model_type="glm4v_vision", out_hidden_size=32, image_size=28)), []),
    "glm4v_moe": ("glm4v_moe", dict(
        text_config=text("glm4v_moe_text", rope_parameters=dict(MROPE, partial_rotary_factor=0.5, mrope_section=[1, 0, 1]),
                         n_routed_experts=4, num_experts_per_tok=2, moe_intermediate_size=20),
        vision_config=dict(QWEN_EYES, out_hidden_size=32, image_size=28)), []),
    "exaone4_5": ("exaone4_5", dict(text_config=text("exaone4", head_dim=8, sliding_window=8, sliding_window_pattern=2),
                                    vision_config=dict(QWEN_EYES, out_hidden_size=32, fullatt_block_indexes=[0])), []),
    "lighton_ocr": ("lighton_ocr", dict(text_config=text("qwen3", head_dim=8), vision_config=dict(
        EYES, model_type="pixtral", head_dim=4)), []),
    "video_llama_3": ("video_llama_3", dict(text_config=text("qwen2"), vision_config=dict(EYES)), []),
    "deepseek_vl_hybrid": ("deepseek_vl_hybrid", dict(
        text_config=text("llama"), vision_config=dict(EYES, model_type="siglip_vision_model"), high_res_vision_config=dict(
            model_type="sam_vision_model", hidden_size=8, output_channels=8, num_hidden_layers=1, num_attention_heads=2,
            image_size=32, patch_size=16, mlp_dim=8, global_attn_indexes=[0])), []),
    "kimi_k25": ("kimi_k25", dict(
        text_config=text("deepseek_v3", num_key_value_heads=4, moe_intermediate_size=20, n_routed_experts=4, n_group=2,
                         topk_group=1, num_experts_per_tok=2, first_k_dense_replace=1, kv_lora_rank=16, q_lora_rank=24,
                         qk_rope_head_dim=8, qk_nope_head_dim=8, v_head_dim=10),
        vision_config=dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2)), "layers"),
    "qwen3_asr": ("qwen3_asr", dict(text_config=text("qwen3", head_dim=8), audio_config=dict(
        model_type="qwen3_asr_encoder", d_model=8, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=8,
        num_mel_bins=16, max_source_positions=4, output_dim=32, downsample_hidden_size=8)), []),
    "glmasr": ("glmasr", dict(text_config=text("llama"), audio_config=dict(
        model_type="glmasr_encoder", hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
        num_mel_bins=4, max_position_embeddings=4)), []),
    "llava_gemma2": ("llava", dict(text_config=text("gemma2", head_dim=8, sliding_window=8), vision_config=CLIP), []),
    "llava_qwen3_moe": ("llava", dict(text_config=text("qwen3_moe", head_dim=8, num_experts=4, num_experts_per_tok=2,
                                                       moe_intermediate_size=20), vision_config=CLIP), []),
    "internvl_gpt_oss": ("internvl", dict(text_config=text("gpt_oss", head_dim=8, num_local_experts=4, num_experts_per_tok=2,
                                                           sliding_window=8), vision_config=dict(
        EYES, image_size=[28, 28], patch_size=[14, 14])), []),
}


def to_new(name):
    name = re.sub(r"^language_model\.lm_head", "lm_head", name)
    name = re.sub(r"^language_model\.(model\.)?", "model.language_model.", name)
    name = re.sub(r"^model\.(?!language_model|visual|vision|multi)", "model.language_model.", name)
    return re.sub(r"^(visual|vision_tower|multi_modal_projector)", r"model.\1", name)


def to_layers(name):
    """As released: transformers 5.18 writes `blocks`, the name of the vision tower's layers, here too."""
    return re.sub(r"^language_model\.model\.blocks", "language_model.model.layers", name)


def to_flat(name):
    return re.sub(r"^model\.visual", "visual", re.sub(r"^model\.language_model", "model", name))


def rewrite(folder, layout):
    file = os.path.join(folder, "model.safetensors")
    rename = {"new": to_new, "flat": to_flat, "layers": to_layers, "thinker": lambda name: f"thinker.{name}"}[layout]
    save_file({rename(name): value for name, value in load_file(file).items()}, file, metadata={"format": "pt"})
    if layout == "thinker":  # beside a talker, whose config and tensors nobody reads
        path = os.path.join(folder, "config.json")
        with open(path) as f:
            config = json.load(f)
        with open(path, "w") as f:
            json.dump({"model_type": config["model_type"].replace("_thinker", ""), "thinker_config": config}, f, indent=2)
    if layout == "flat":
        path = os.path.join(folder, "config.json")
        with open(path) as f:
            config = json.load(f)
        inner = config.pop("text_config")
        rope = inner.pop("rope_parameters")
        inner["rope_theta"] = rope["rope_theta"]
        inner["rope_scaling"] = {"type": "mrope", "mrope_section": rope["mrope_section"]}
        config = {**inner, **config}
        with open(path, "w") as f:
            json.dump(config, f, indent=2)


def stub_towers():
    """Gemma 3n's vision tower needs timm. A text goes past both towers."""
    from transformers.models.gemma3n import modeling_gemma3n

    class Towers:
        @staticmethod
        def from_config(config):
            return transformers.AutoModel.from_config(config) if config.model_type == "gemma3n_text" else torch.nn.Linear(1, 1)

    modeling_gemma3n.AutoModel = Towers


def class_of(model_type):
    for auto in (AutoModelForImageTextToText, AutoModelForSeq2SeqLM, AutoModelForSpeechSeq2Seq):
        if transformers.CONFIG_MAPPING[model_type] in auto._model_mapping:
            return auto._model_mapping[transformers.CONFIG_MAPPING[model_type]]
    raise ValueError(model_type)


def write(name, model_type, options, layout, seed, out):
    config = AutoConfig.for_model(model_type, **options)
    config._attn_implementation = "eager"
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    cls = class_of(model_type)
    if model_type == "gemma3n":
        stub_towers()
    model = cls(config).eval()
    randomise(TextOnly(model), generator)
    model.tie_weights()
    folder = os.path.join(out, name)
    begin(folder)
    model.generation_config = transformers.GenerationConfig(bos_token_id=1, eos_token_id=2, pad_token_id=0)
    model.save_pretrained(folder)
    if layout and layout != "thinker":
        rewrite(folder, layout)
    model = cls.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()

    if layout == "thinker":
        rewrite(folder, layout)
    rnd = random.Random(seed * 7919 + len(name))
    prompts = [[1] + [rnd.randrange(3, 100) for _ in range(n)] for n in (2, 7, 12, 21)]
    doc = {"name": name, "model_type": model_type, "transformers": transformers.__version__, "seed": seed}
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([prompts[3]])).logits[0]
        rows = [[round(v, 6) for v in row] for row in logits.tolist()]
        doc["forward"] = {"input_ids": prompts[3], "logits": {length: rows[length - 1] for length in (1, 9, len(rows))}}
        doc["greedy"] = []
        for p in prompts:
            ids = torch.tensor([p])
            o = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False)
            doc["greedy"].append({"input_ids": p, "new_ids": o[0][len(p):].tolist()})
        width = max(map(len, prompts))
        padded = torch.tensor([[0] * (width - len(p)) + p for p in prompts])
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
        o = model.generate(input_ids=padded, attention_mask=mask, max_new_tokens=24, do_sample=False)
        doc["batch"] = {"input_ids": padded.tolist(), "attention_mask": mask.tolist(), "new_ids": o[:, width:].tolist()}
    gaps = [sorted(row)[-1] - sorted(row)[-2] for row in rows]
    same = sum(g["new_ids"] == doc["batch"]["new_ids"][i][: len(g["new_ids"])] for i, g in enumerate(doc["greedy"]))
    with open(os.path.join(folder, "golden.json"), "w") as f:
        json.dump(doc, f, separators=(",", ":"))
    kinds = len({t for g in doc["greedy"] for t in g["new_ids"]})
    size = os.path.getsize(os.path.join(folder, "model.safetensors")) // 1024
    print(f"{name:18s} alone as in the batch {same}/4, {kinds} different tokens, least gap {min(gaps):.4f}, {size} KiB", flush=True)


class TextOnly:
    """What `randomise` needs of a model: the parameters of its text part, under the text model's names."""

    def __init__(self, model):
        self.model = model
        body = model.model if hasattr(model, "model") else model
        self.text = getattr(body, "language_model", None) or getattr(body, "text_model", body)
        self.head = model.get_output_embeddings()

    def get_output_embeddings(self):
        return self.head

    def get_input_embeddings(self):
        return self.model.get_input_embeddings()

    def named_parameters(self):
        yield from self.text.named_parameters()
        if self.head.weight is not self.get_input_embeddings().weight:
            yield from ((f"lm_head.{name}", p) for name, p in self.head.named_parameters())

    def named_buffers(self):
        return self.text.named_buffers()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    only = set(filter(None, given.only.split(",")))
    for name, (model_type, options, layout) in {**FAMILIES, **MORE}.items():
        if name not in (only or FAMILIES):
            continue
        write(name, model_type, options, layout, given.seed, given.out)
    store_once(given.out)
