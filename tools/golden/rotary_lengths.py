"""What Python transformers answers where rotary frequencies follow the length: longrope and dynamic NTK, alone and in batches.

    python rotary_lengths.py MODELS OUT.json

MODELS holds phi3_longrope (its factors change above 64 tokens) and llama_dynamic_rope (test/fixtures/models). longrope runs
without a cache: with one, transformers 5.18 forgets the whole context at the change (Phi3ForCausalLM's
prepare_inputs_for_generation drops the cache, and then the newest token goes through the model alone); without one it
computes what Phi-3 means, everything again. Dynamic NTK runs with the cache, each case on a model of its own: the module
keeps the greatest length it has seen, from call to call. Needs torch (CPU), transformers >= 5.18.
"""

import json
import os
import random
import sys

import torch
import transformers
from transformers import AutoModelForCausalLM

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()


def prompt(rnd, length):
    return [1] + [rnd.randrange(3, 128) for _ in range(length - 1)]


def longrope_cases():
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
    return cases


def dynamic_cases(original):
    rnd = random.Random(6)
    rows = [prompt(rnd, original + n) for n in (-10, -3, 12, -20)]
    sample = dict(do_sample=True, top_k=0, temperature=1.2)
    return [([rows[1]], dict(max_new_tokens=20)), ([rows[2]], dict(max_new_tokens=20)), (rows[:2], dict(max_new_tokens=24)),
            (rows, dict(max_new_tokens=20)), (rows, dict(max_new_tokens=16, num_return_sequences=2, **sample)),
            (rows[:3], dict(max_new_tokens=16, num_beams=3))]


def main(models, out):
    def load(name):
        folder = os.path.join(models, name)
        return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()

    original = load("llama_dynamic_rope").config.max_position_embeddings
    cases = [("phi3_longrope", *case) for case in longrope_cases()]
    cases += [("llama_dynamic_rope", *case) for case in dynamic_cases(original)]
    rows = []
    for seed, (name, prompts, options) in enumerate(cases):
        model = load(name)
        width = max(map(len, prompts))
        ids = torch.tensor([[0] * (width - len(p)) + p for p in prompts])
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
        torch.manual_seed(seed)
        with torch.no_grad():
            new = model.generate(ids, attention_mask=mask, use_cache=name != "phi3_longrope", **options)[:, width:].tolist()
        rows.append({"model": name, "seed": seed, "options": options, "inputIds": ids.tolist(), "attentionMask": mask.tolist(),
                     "newTokens": new})
        print(seed, name, width, options, [len(set(row)) for row in new], flush=True)
    with open(out, "w") as f:
        json.dump({"transformers": transformers.__version__, "cases": rows}, f, separators=(",", ":"))


if __name__ == "__main__":
    main(*sys.argv[1:])
