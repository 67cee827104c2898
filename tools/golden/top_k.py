"""Writes test/fixtures/decoding/top-k.json: the order in which torch.topk gives equal values on the CPU.

    python tools/golden/top_k.py > test/fixtures/decoding/top-k.json
"""

import json
import random

import torch

SHAPES = [(10, 4, 1), (12, 3, 2), (24, 6, 3), (24, 9, 4), (40, 20, 3), (100, 50, 5), (300, 3, 2), (300, 4, 3), (700, 9, 4),
          (700, 12, 1), (1000, 40, 7), (64, 1, 2), (2000, 17, 3), (5, 5, 1), (3, 2, 1), (20, 17, 2), (200, 120, 2)]  # fmt: skip

random.seed(0)
cases = []
for length, k, levels in SHAPES:
    for repetition in range(3):
        values = torch.tensor([float(random.randrange(levels)) for _ in range(length)])
        if repetition == 2 and length > 20:
            values[random.randrange(length)] = float("nan")
            values[random.randrange(length)] = float("-inf")
        indices = torch.topk(values, k)[1].tolist()
        written = ["nan" if v != v else "-inf" if v == float("-inf") else v for v in values.tolist()]
        cases.append({"values": written, "k": k, "indices": indices})
print(json.dumps(cases))
