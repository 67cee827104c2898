"""Adds `modes` to golden.json of checkpoints in test/fixtures/models: what transformers' generate() answers in every decoding mode.

    python tools/golden/make_modes.py test/fixtures/models mistral qwen3 gemma2 mixtral --seed 11

For each mode, one row ("single": the second greedy prompt) and the left-padded batch of golden.json, each after set_seed.
Needs: torch (CPU), transformers >= 5.18.
"""

import argparse
import json
import os
import warnings

import torch
import transformers
from transformers import AutoModelForCausalLM, set_seed

transformers.logging.set_verbosity_error()
warnings.filterwarnings("ignore")
torch.set_num_threads(1)

CASES = [
    dict(num_beams=4, max_new_tokens=16),
    dict(num_beams=3, max_new_tokens=14, early_stopping=True, length_penalty=0.7),
    dict(num_beams=4, max_new_tokens=18, early_stopping="never", length_penalty=1.5, num_return_sequences=2),
    dict(num_beams=3, max_new_tokens=12, no_repeat_ngram_size=2, repetition_penalty=1.3),
    dict(num_beams=3, max_new_tokens=12, eos_token_id=[2, 19, 41]),
    dict(max_new_tokens=20, repetition_penalty=1.2),
    dict(max_new_tokens=20, no_repeat_ngram_size=3),
    dict(max_new_tokens=18, min_new_tokens=15, eos_token_id=[2, 8, 33]),
    dict(max_new_tokens=12, bad_words_ids=[[6], [9, 10]], suppress_tokens=[13, 14]),
    dict(max_new_tokens=14, forced_eos_token_id=2, exponential_decay_length_penalty=[3, 1.2]),
    dict(do_sample=True, max_new_tokens=20, top_k=0),
    dict(do_sample=True, max_new_tokens=20, top_p=0.85, temperature=0.9),
    dict(do_sample=True, max_new_tokens=20, top_k=7, temperature=1.4),
    dict(do_sample=True, max_new_tokens=20, top_k=0, min_p=0.08, temperature=1.1),
    dict(do_sample=True, max_new_tokens=20, top_k=0, typical_p=0.75),
    dict(do_sample=True, max_new_tokens=20, top_k=0, epsilon_cutoff=0.02),
    dict(do_sample=True, max_new_tokens=20, top_k=0, eta_cutoff=0.02),
    dict(do_sample=True, max_new_tokens=20, top_k=40, top_p=0.9, repetition_penalty=1.1, num_return_sequences=3),
    dict(do_sample=True, num_beams=3, max_new_tokens=12, top_k=0),
]

ap = argparse.ArgumentParser()
ap.add_argument("folder")
ap.add_argument("names", nargs="+")
ap.add_argument("--seed", type=int, default=11)
a = ap.parse_args()
for name in a.names:
    path = os.path.join(a.folder, name)
    doc = json.load(open(os.path.join(path, "golden.json")))
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, attn_implementation="eager").eval()
    single = torch.tensor([doc["greedy"][1]["input_ids"]])
    batch, mask = torch.tensor(doc["batch"]["input_ids"]), torch.tensor(doc["batch"]["attention_mask"])
    doc["modes"] = []
    for i, kwargs in enumerate(CASES):
        for kind, ids, attention in (("single", single, torch.ones_like(single)), ("batch", batch, mask)):
            set_seed(a.seed + i)
            with torch.no_grad():
                out = model.generate(ids, attention_mask=attention, **kwargs)
            doc["modes"].append(
                {
                    "kwargs": kwargs,
                    "seed": a.seed + i,
                    "input": kind,
                    "input_ids": ids.tolist(),
                    "new_ids": out[:, ids.shape[1] :].tolist(),
                }
            )
    json.dump(doc, open(os.path.join(path, "golden.json"), "w"), separators=(",", ":"))
    print(name, len(doc["modes"]))
