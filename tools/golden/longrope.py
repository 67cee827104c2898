"""What Python transformers answers where a sequence outgrows the length at which longrope changes its factors.

    python longrope.py CHECKPOINT OUT.json

CHECKPOINT is test/fixtures/models/phi3_longrope (factors change above 64 tokens). Runs without a cache: transformers 5.18
forgets the whole context at the change when it has one (Phi3ForCausalLM.prepare_inputs_for_generation drops the cache, but
the one newest token alone goes through the model), and without one it computes what Phi-3 means: everything again.
Needs torch (CPU), transformers >= 5.18.
"""

import json
import random
import sys

import torch
import transformers
from transformers import AutoModelForCausalLM

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()


def prompt(rnd, length):
    return [1] + [rnd.randrange(3, 128) for _ in range(length - 1)]


def main(checkpoint, out):
    model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32, attn_implementation="eager").eval()
    rnd = random.Random(5)
    one = [prompt(rnd, n) for n in (40, 58, 63, 64, 65)]
    cases = [([p], dict(max_new_tokens=34)) for p in one]
    sample = dict(do_sample=True, top_k=0, temperature=1.3)
    cases += [([one[1]], dict(max_new_tokens=20, **sample)), ([one[3]], dict(max_new_tokens=12, num_return_sequences=3, **sample))]
    cases += [([one[1]], dict(max_new_tokens=20, num_beams=3, num_return_sequences=2)),
              ([one[2]], dict(max_new_tokens=20, num_beams=4, early_stopping="never", length_penalty=0.5)),
              ([one[1]], dict(max_new_tokens=16, num_beams=3, do_sample=True, top_k=0))]
    batch = [prompt(rnd, n) for n in (60, 42, 55, 20)]
    cases += [(batch, dict(max_new_tokens=16)), (batch, dict(max_new_tokens=16, num_return_sequences=2, **sample)),
              (batch[:2], dict(max_new_tokens=16, num_beams=3)), ([prompt(rnd, 66), batch[1]], dict(max_new_tokens=30))]
    rows = []
    for seed, (prompts, options) in enumerate(cases):
        width = max(map(len, prompts))
        ids = torch.tensor([[0] * (width - len(p)) + p for p in prompts])
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
        torch.manual_seed(seed)
        with torch.no_grad():
            new = model.generate(ids, attention_mask=mask, use_cache=False, **options)[:, width:].tolist()
        rows.append({"seed": seed, "options": options, "inputIds": ids.tolist(), "attentionMask": mask.tolist(), "newTokens": new})
        print(seed, width, options, [len(set(row)) for row in new], flush=True)
    with open(out, "w") as f:
        json.dump({"transformers": transformers.__version__, "cases": rows}, f, separators=(",", ":"))


if __name__ == "__main__":
    main(*sys.argv[1:])
