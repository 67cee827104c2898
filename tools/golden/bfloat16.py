"""Greedy tokens of transformers in bfloat16, on the tiny models of test/fixtures/models, under teacher forcing.

    python tools/golden/bfloat16.py test/fixtures/models test/fixtures/decoding/bfloat16.json

For every model: a random sequence of 200 tokens, and for each position the four best tokens of transformers in bfloat16, how far
the logits of the second to fourth lie below the first's (in units of the last place of a bfloat16 as large as the greatest
logit), and the best token of transformers in float32 on the same weights, rounded to bfloat16: how far transformers is from
itself. Models that transformers cannot run in bfloat16 here (experts of odd widths, MXFP4 without accelerate) are left out.
"""

import json
import math
import os
import sys

import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging

LENGTH = 200
# Falcon's eager attention adds ALiBi otherwise than its default one
DEFAULT_ATTENTION = {"falcon_alibi", "falcon_alibi_one"}


def forward(model, ids):
    with torch.no_grad():
        return model(input_ids=ids[None]).logits[0].float()


def case(folder, name):
    implementation = "sdpa" if name in DEFAULT_ATTENTION else "eager"
    model = AutoModelForCausalLM.from_pretrained(f"{folder}/{name}", dtype=torch.bfloat16, attn_implementation=implementation)
    model = model.eval()
    generator = torch.Generator().manual_seed(16)
    ids = torch.randint(3, model.config.vocab_size, (LENGTH,), generator=generator)
    logits = forward(model, ids)
    exact = forward(model.float(), ids)
    values, tokens = logits.sort(dim=-1, descending=True, stable=True)  # of equal ones the first comes first
    units = [2.0 ** (math.floor(math.log2(greatest)) - 7) for greatest in logits.abs().amax(-1).tolist()]
    return {
        "inputIds": ids.tolist(),
        "tokens": tokens[..., :4].tolist(),
        "gaps": [[round((row[0] - value) / unit, 2) for value in row[1:4]] for row, unit in zip(values.tolist(), units)],
        "float32Tokens": exact.argmax(-1).tolist(),
    }


def main(folder, out):
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    cases = {}
    for name in sorted(os.listdir(folder)):
        if not os.path.exists(f"{folder}/{name}/config.json"):
            continue
        try:
            cases[name] = case(folder, name)
        except (RuntimeError, ImportError, ValueError) as error:
            print(f"left out: {name}: {str(error).splitlines()[0][:100]}")
    with open(out, "w") as file:
        json.dump(cases, file, separators=(",", ":"))


main(*sys.argv[1:])
