"""Greedy tokens of transformers in bfloat16, on the tiny models of test/fixtures/models, under teacher forcing.

    python tools/golden/bfloat16.py test/fixtures/models test/fixtures/decoding/bfloat16.json

For every model: random sequences of 200 tokens, and for each position the four best tokens of transformers in bfloat16 with their
logits, the greatest absolute logit (which says how coarse bfloat16 is there), and the best token of transformers in float32 on
the same weights, rounded to bfloat16: how far transformers is from itself.
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM

NAMES = ["llama", "gpt2", "qwen3", "gemma2", "mistral"]
ROWS = 2
LENGTH = 200


def case(folder, name):
    model = AutoModelForCausalLM.from_pretrained(f"{folder}/{name}", dtype=torch.bfloat16, attn_implementation="eager").eval()
    generator = torch.Generator().manual_seed(16)
    ids = torch.randint(3, model.config.vocab_size, (ROWS, LENGTH), generator=generator)
    with torch.no_grad():
        # a row at a time: nothing may depend on a batch
        logits = torch.cat([model(input_ids=row[None]).logits for row in ids])
        exact = torch.cat([model.float()(input_ids=row[None]).logits for row in ids])
    assert logits.dtype == torch.bfloat16 and exact.dtype == torch.float32
    logits = logits.float()
    values, tokens = logits.sort(dim=-1, descending=True, stable=True)  # of equal ones the first comes first
    return {
        "inputIds": ids.tolist(),
        "tokens": tokens[..., :4].tolist(),
        "logits": values[..., :4].tolist(),
        "greatest": logits.abs().amax(-1).tolist(),
        "float32Tokens": exact.argmax(-1).tolist(),
    }


def main(folder, out):
    torch.set_num_threads(1)
    with open(out, "w") as file:
        json.dump({name: case(folder, name) for name in NAMES}, file, separators=(",", ":"))


main(*sys.argv[1:])
