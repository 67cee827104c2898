"""LoRA adapters of random numbers for models of test/fixtures, and what transformers answers with them.

    python adapters.py FIXTURES

FIXTURES is test/fixtures; FIXTURES/adapters/<name> gets adapter_config.json, adapter_model.safetensors and golden.json, which
names the model. transformers 5.18 does not load the magnitudes of DoRA: those answers are peft's own.
Needs torch (CPU), transformers >= 5.18, peft >= 0.21.
"""

import json
import os
import shutil
import sys
import tempfile

import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()

TIED = "hunyuan_v1_dense_tied"
CASES = {
    "patterns": ("llama", dict(
        target_modules=["q_proj", "v_proj", "down_proj"], rank_pattern={"down_proj": 3},
        alpha_pattern={r"model\.layers\.1\.self_attn\.v_proj": 20}, use_rslora=True)),
    "regex": ("llama", dict(target_modules=r".*\.layers\.1\..*(up|down|o)_proj", exclude_modules=["layers.1.mlp.up_proj"])),
    "layers": ("llama", dict(target_modules=["k_proj", "gate_proj"], layers_to_transform=[1])),
    "all_linear": ("qwen3", dict(target_modules="all-linear")),
    "biases": ("qwen2", dict(target_modules=["q_proj", "v_proj"], bias="all")),
    "saved": ("llama", dict(target_modules=["q_proj"], modules_to_save=["lm_head", "input_layernorm"])),
    "table": ("llama", dict(target_modules=["q_proj", "embed_tokens", "lm_head"])),
    "conv1d": ("gpt2", dict(target_modules=["c_attn", "c_proj", "wpe"])),
    "split": ("deepseek_v2", dict(target_modules=["kv_b_proj", "kv_a_proj_with_mqa", "o_proj"])),
    "fused": ("phi3", dict(target_modules=["qkv_proj", "gate_up_proj"])),
    "tied_head": (TIED, dict(target_modules=["lm_head"])),
    "tied_table": (TIED, dict(target_modules=["embed_tokens"])),
    "tied_saved": (TIED, dict(target_modules=["q_proj"], modules_to_save=["embed_tokens"])),
    "dora": ("llama", dict(target_modules=["q_proj", "down_proj"], use_dora=True)),
    "dora_conv1d": ("gpt2", dict(target_modules=["c_attn"], use_dora=True)),
}
PROMPT = [1, 17, 33, 5, 90, 42, 17, 33, 8, 64, 3, 77]


def answer(model):
    ids = torch.tensor([PROMPT])
    options = dict(max_new_tokens=8, do_sample=False, pad_token_id=0, eos_token_id=None)
    return model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), **options)[0, len(PROMPT):].tolist()


def make(fixtures, name, seed):
    base, settings = CASES[name]
    source = os.path.join(fixtures, "models", base)
    out = os.path.join(fixtures, "adapters", name)
    shutil.rmtree(out, ignore_errors=True)
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    adapted = get_peft_model(model, LoraConfig(**{"r": 2, "lora_alpha": 5, "task_type": "CAUSAL_LM", **settings}))
    random = torch.Generator().manual_seed(seed)
    for tensor_name, value in adapted.named_parameters():
        if value.requires_grad:
            noise = torch.randn(value.shape, generator=random)
            value.data = 0.4 * noise if "lora_A" in tensor_name or "lora_B" in tensor_name else value.data + 0.2 * noise
            if "lora_embedding" in tensor_name:
                value.data = 0.3 * noise
    adapted.save_pretrained(out, save_embedding_layers=False)
    os.remove(os.path.join(out, "README.md"))
    path = os.path.join(out, "adapter_config.json")
    with open(path) as file:
        config = json.load(file)
    config["base_model_name_or_path"] = base
    with open(path, "w") as file:
        json.dump(config, file, indent=2)
        file.write("\n")
    if settings.get("use_dora"):
        tokens = answer(PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32), out))
    else:
        with tempfile.TemporaryDirectory() as both:
            for folder, names in (source, ["config.json", "model.safetensors"]), (out, os.listdir(out)):
                for file in names:
                    shutil.copy(os.path.join(folder, file), both)
            tokens = answer(AutoModelForCausalLM.from_pretrained(both, dtype=torch.float32))
    plain = answer(AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32))
    assert tokens != plain, name
    with open(os.path.join(out, "golden.json"), "w") as file:
        json.dump(dict(model=base, input_ids=PROMPT, new_ids=tokens), file)
        file.write("\n")


for at, case in enumerate(CASES):
    make(sys.argv[1], case, at + 1)
