"""One measurement of Python transformers on the CPU; prints one JSON object. Called by bench/generation.mjs."""

import argparse
import json
import resource
import time

import torch
import transformers
from transformers import AutoModelForCausalLM

ap = argparse.ArgumentParser()
ap.add_argument("model")
ap.add_argument("--threads", type=int, default=2)
ap.add_argument("--dtype", default="bfloat16")
ap.add_argument("--prompt", type=int, default=512)
ap.add_argument("--new", type=int, default=64)
ap.add_argument("--runs", type=int, default=3)
a = ap.parse_args()
torch.set_num_threads(a.threads)
transformers.logging.set_verbosity_error()
start = time.perf_counter()
model = AutoModelForCausalLM.from_pretrained(a.model, dtype=getattr(torch, a.dtype), local_files_only=True).eval()
load = time.perf_counter() - start


def ids(count):
    return torch.tensor([[3 + (i * 7919) % 20000 % (model.config.vocab_size - 3) for i in range(count)]])


def generate(count, new):
    x = ids(count)
    start = time.perf_counter()
    out = model.generate(
        x, attention_mask=torch.ones_like(x), max_new_tokens=new, min_new_tokens=new, do_sample=False, pad_token_id=0
    )
    seconds = time.perf_counter() - start
    assert out.shape[1] == count + new, out.shape
    return seconds


generate(32, 4)
prefill = [a.prompt / generate(a.prompt, 1) for _ in range(a.runs)]
decode = []
for _ in range(a.runs):
    one = generate(16, 1)
    decode.append(a.new / (generate(16, 1 + a.new) - one))
print(
    json.dumps(
        {
            "side": "transformers",
            "versions": {"transformers": transformers.__version__, "torch": torch.__version__},
            "loadSeconds": load,
            "prefillTokensPerSecond": prefill,
            "decodeTokensPerSecond": decode,
            "peakMemoryBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
    )
)
