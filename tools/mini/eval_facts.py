"""How many of the answers are right: `python eval_facts.py out/stage1.pt`. Every checked answer has one right text."""

import argparse
import random
from pathlib import Path

import torch
from corpus import talk
from corpus.phrases import ALL
from model import create
from transformers import AutoTokenizer

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--tokenizer", type=Path, default=Path("out/tokenizer"))
    parser.add_argument("--count", type=int, default=40)
    options = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(options.tokenizer)
    model = create(0, len(tokenizer)).eval()
    model.load_state_dict(torch.load(options.checkpoint)["model"])
    rng = random.Random(5)
    kinds = {
        "english facts": lambda: talk.fact(rng),
        "japanese facts": lambda: talk.fact_japanese(rng),
        "translations": lambda: (lambda pair: (f"Translate to Japanese: {pair[0]}", pair[1]))(rng.choice(ALL)),
    }
    for kind, make in kinds.items():
        right, wrong = 0, []
        for _ in range(options.count):
            ask, answer = make()
            prompt = tokenizer.apply_chat_template([{"role": "user", "content": ask}], tokenize=False, add_generation_prompt=True)
            ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False).input_ids
            out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=40, do_sample=False, eos_token_id=[0, 2], pad_token_id=3)
            said = tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
            if said == answer:
                right += 1
            else:
                wrong.append((ask, said))
        print(f"{kind}: {right}/{options.count}; for example {wrong[:4]}")
