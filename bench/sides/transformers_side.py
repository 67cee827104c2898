"""One process of Python transformers on the CPU; prints one JSON object. Called by bench/run.mjs.

The workloads are those of bench/lib/workloads.mjs, which come as JSON.
"""

import argparse
import json
import resource
import subprocess
import time

import torch
import transformers
from transformers import AutoModelForCausalLM

ap = argparse.ArgumentParser()
ap.add_argument("model")
ap.add_argument("--threads", type=int, default=2)
ap.add_argument("--format", default="bfloat16")
ap.add_argument("--probe")
ap.add_argument("--workloads", required=True, help="JSON")
ap.add_argument("--round", type=int, default=0)
a = ap.parse_args()
torch.set_num_threads(a.threads)
transformers.logging.set_verbosity_error()
start = time.perf_counter()
model = AutoModelForCausalLM.from_pretrained(a.model, dtype=getattr(torch, a.format), local_files_only=True).eval()
load = time.perf_counter() - start
vocabulary = model.config.vocab_size
probe = a.probe and subprocess.Popen(
    [a.probe, str(a.threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
)


def bandwidth():
    probe.stdin.write("bandwidth\n")
    return json.loads(probe.stdout.readline())["gigabytesPerSecond"]


def prompt(count, seed):
    return [300 + ((i + 1) * 7919 + seed * 104729) % (vocabulary - 300) for i in range(count)]


def generate(prompts, new):
    x = torch.tensor(prompts)
    start = time.perf_counter()
    out = model.generate(
        x, attention_mask=torch.ones_like(x), max_new_tokens=new, min_new_tokens=new, do_sample=False, pad_token_id=0
    )
    seconds = time.perf_counter() - start
    assert out.shape[1] == x.shape[1] + new, out.shape
    return seconds


def measure(workload):
    new = workload["newTokens"]
    prompts = [prompt(workload["promptTokens"], a.round * 64 + i) for i in range(workload["sequences"])]
    if new == 1:
        return len(prompts) * len(prompts[0]) / generate(prompts, 1)
    one = generate(prompts, 1)
    return len(prompts) * new / (generate(prompts, 1 + new) - one)


generate([prompt(32, 0)], 4)
results = {}
for workload in json.loads(a.workloads):
    before = probe and bandwidth()
    speed = measure(workload)
    results[workload["name"]] = {"tokensPerSecond": speed, "bandwidth": probe and [before, bandwidth()]}
print(
    json.dumps(
        {
            "versions": {"transformers": transformers.__version__, "torch": torch.__version__},
            "loadSeconds": load,
            "results": results,
            "peakMemoryBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
    )
)
