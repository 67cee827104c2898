"""Write the Hugging Face folder (bfloat16) of a checkpoint.

    python export.py out/stage3.pt --out ../../models/tsumugi-mini
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from model import CONTEXT, create
from safetensors.torch import save_file

GENERATION = {
    "bos_token_id": 0,
    "eos_token_id": [2, 0],
    "pad_token_id": 3,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--tokenizer", type=Path, default=Path("out/tokenizer"))
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    state = torch.load(options.checkpoint)["model"]
    vocabulary = state["model.embed_tokens.weight"].shape[0]
    model = create(0, vocabulary)
    model.load_state_dict(state)
    # The output matrix is the embedding: it is stored once.
    tensors = {name: value.to(torch.bfloat16).contiguous() for name, value in model.state_dict().items() if name != "lm_head.weight"}
    save_file(tensors, options.out / "model.safetensors", metadata={"format": "pt"})

    (options.out / "model.safetensors").chmod(0o644)

    shape = model.config
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "pad_token_id": 3,
        "head_dim": shape.head_dim,
        "hidden_act": "silu",
        "hidden_size": shape.hidden_size,
        "initializer_range": shape.initializer_range,
        "intermediate_size": shape.intermediate_size,
        "max_position_embeddings": CONTEXT,
        "mlp_bias": False,
        "num_attention_heads": shape.num_attention_heads,
        "num_hidden_layers": shape.num_hidden_layers,
        "num_key_value_heads": shape.num_key_value_heads,
        "rms_norm_eps": shape.rms_norm_eps,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "dtype": "bfloat16",
        "use_cache": True,
        "vocab_size": vocabulary,
    }
    (options.out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (options.out / "generation_config.json").write_text(json.dumps(GENERATION, indent=2) + "\n")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(options.tokenizer / name, options.out / name)
    total = sum(path.stat().st_size for path in options.out.iterdir())
    print(f"{sum(t.numel() for t in tensors.values())} parameters, {total / 1e6:.2f} MB in {options.out}")


if __name__ == "__main__":
    main()
