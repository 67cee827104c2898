"""Writes test/fixtures/sampling/golden.json: what transformers' warpers and torch's multinomial give on the CPU.

    python tools/golden/sampling.py test/fixtures/sampling/golden.json

Needs torch (CPU) and transformers 5.18.
"""
import json
import sys

import torch
from transformers.generation import logits_process as lp

torch.set_num_threads(1)

WARPERS = {
    "temperature": lambda v, k: lp.TemperatureLogitsWarper(v),
    "topK": lambda v, k: lp.TopKLogitsWarper(int(v), min_tokens_to_keep=k),
    "topP": lambda v, k: lp.TopPLogitsWarper(v, min_tokens_to_keep=k),
    "minP": lambda v, k: lp.MinPLogitsWarper(v, min_tokens_to_keep=k),
    "typicalP": lambda v, k: lp.TypicalLogitsWarper(v, min_tokens_to_keep=k),
    "epsilonCutoff": lambda v, k: lp.EpsilonLogitsWarper(v, min_tokens_to_keep=k),
    "etaCutoff": lambda v, k: lp.EtaLogitsWarper(v, min_tokens_to_keep=k),
    "topH": lambda v, k: lp.TopHLogitsWarper(v),
}
VALUES = {
    "temperature": [0.3, 0.7, 1.9],
    "topK": [1, 3, 40, 300],
    "topP": [0.0, 0.1, 0.5, 0.9, 0.999],
    "minP": [0.01, 0.2, 1.0],
    "typicalP": [0.1, 0.5, 0.95],
    "epsilonCutoff": [0.001, 0.05, 0.5],
    "etaCutoff": [0.0005, 0.02, 0.5],
    "topH": [0.1, 0.4, 0.9]  # at 1 the last token hangs on the order of a float32 sum,
}


def rows():
    generator = torch.Generator().manual_seed(17)
    for size, spread in ((1, 1.0), (7, 2.0), (33, 0.01), (120, 3.0), (200, 8.0)):
        row = torch.randn(size, generator=generator) * spread
        yield row, False
        if size == 33:
            yield (row * 200).round() / 2, True
        if size >= 33:
            masked = row.clone()
            masked[::3] = -float("inf")
            yield masked, False


def numbers(row):
    return [None if value == -float("inf") else value for value in row.tolist()]


def main(path):
    cases = []
    for row, tied in rows():
        results = []
        for how, make in WARPERS.items():
            for value in VALUES[how]:
                for keep in (1, 3):
                    if keep > row.numel() or (how in ("temperature", "topH") and keep > 1):
                        continue
                    # torch's sort and topk leave the order of equal values open
                    if tied and (how in ("topP", "topH") or (keep > 1 and how != "topK")):
                        continue
                    try:
                        out = make(value, keep)(None, row[None].clone())[0]
                    except RuntimeError:
                        continue
                    entry = {"how": how, "value": value, "keep": keep}
                    if how == "temperature":
                        entry["scores"] = numbers(out)
                    else:
                        entry["kept"] = [i for i, v in enumerate(out.tolist()) if v != -float("inf")]
                    results.append(entry)
        torch.manual_seed(5)
        draws = [torch.multinomial(torch.softmax(row, -1), 1).item() for _ in range(20)]
        cases.append({"row": numbers(row), "results": results, "draws": draws})
    with open(path, "w") as file:
        json.dump({"torch": torch.__version__, "cases": cases}, file, separators=(",", ":"))


if __name__ == "__main__":
    main(sys.argv[1])
