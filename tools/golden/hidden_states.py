"""Hidden states of transformers' generate, float32, on tiny models of test/fixtures/models: a left-padded batch, greedy.

    python tools/golden/hidden_states.py test/fixtures/models test/fixtures/decoding/hidden-states.json
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM

NAMES = ["llama", "gpt2", "gemma2", "olmo2", "falcon", "phi", "qwen3_moe", "gemma4_text"]


def case(folder, name):
    model = AutoModelForCausalLM.from_pretrained(f"{folder}/{name}", dtype=torch.float32, attn_implementation="eager").eval()
    ids = torch.tensor([[0, 0, 11, 12, 13], [5, 6, 7, 8, 9]])
    mask = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]])
    options = {"max_new_tokens": 3, "min_new_tokens": 3, "do_sample": False, "pad_token_id": 0}
    result = model.generate(
        input_ids=ids, attention_mask=mask, return_dict_in_generate=True, output_hidden_states=True, **options
    )
    states = result.hidden_states
    return {
        "sequences": result.sequences.tolist(),
        "shapes": [[list(layer.shape) for layer in step] for step in states],
        # the first four of each vector, and the sum of its squares
        "values": [[[[[*v[:4].tolist(), v.square().sum().item()] for v in row] for row in layer] for layer in step] for step in states],
    }


def main(folder, out):
    torch.set_num_threads(1)
    with open(out, "w") as file:
        json.dump({name: case(folder, name) for name in NAMES}, file, separators=(",", ":"))


main(*sys.argv[1:])
