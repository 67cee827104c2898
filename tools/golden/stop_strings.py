"""Writes test/fixtures/decoding/stop-strings.json: after which tokens transformers' StopStringCriteria stops.

    python tools/golden/stop_strings.py test/fixtures/tokenizers test/fixtures/decoding/stop-strings.json

Texts in many scripts as tokens, split at random into longer and shorter ones; stop strings cut out of them, also inside
tokens and characters' tokens. Needs torch and transformers 5.18.
"""
import json
import os
import random
import sys

import torch
from transformers import PreTrainedTokenizerFast
from transformers.generation.stopping_criteria import StopStringCriteria

TEXTS = [
    "Hello world! The quick brown fox.\nUser: stop here",
    "こんにちは、世界。猫が好きです。終わり",
    "Привет, мир! Как дела?",
    "안녕하세요 세계 🌍👩‍👩‍👧 done",
    "مرحبا بالعالم 123",
    "def f(x):\n    return x\n\n```\n###",
]


def main(folder, path):
    rnd = random.Random(5)
    out = []
    for name in ("byte-level", "llama", "metaspace"):
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=os.path.join(folder, name, "tokenizer.json"))
        vocab = sorted(tokenizer.get_vocab().values())
        cases = []
        for text in TEXTS * 4:
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
            ids = [i for i in ids if rnd.random() < 0.95] + rnd.sample(vocab, 4)
            if len(ids) < 3:
                continue
            strings = []
            for _ in range(rnd.randint(1, 3)):
                start = rnd.randrange(len(text) - 1)
                strings.append(text[start:start + rnd.randint(1, 7)])
            try:
                criteria = StopStringCriteria(tokenizer, strings)
            except ValueError:
                continue
            split = rnd.randrange(len(ids) // 2)
            done = [bool(criteria(torch.tensor([ids[:n]]), None)[0]) for n in range(split + 1, len(ids) + 1)]
            cases.append({"strings": strings, "prompt": ids[:split], "tokens": ids[split:], "done": done})
        print(name, len(cases), sum(any(case["done"]) for case in cases))
        out.append({"tokenizer": name, "cases": cases})
    with open(path, "w") as file:
        json.dump(out, file, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    main(*sys.argv[1:])
