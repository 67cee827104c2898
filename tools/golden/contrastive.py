"""Writes test/fixtures/decoding/contrastive.json: contrastive search (Su et al., 2022) with the rules of transformers 4.4x.

    python tools/golden/contrastive.py > test/fixtures/decoding/contrastive.json

One prompt at a time, without a cache: every candidate's whole row goes through the model. Cases in which the two best
candidates are closer than 1e-4 are left out.
"""

import json
import random
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM

transformers.logging.set_verbosity_error()
torch.set_num_threads(1)
FIXTURES = Path(__file__).resolve().parents[2] / "test" / "fixtures" / "models"


def run(model, ids):
    with torch.no_grad():
        output = model(torch.tensor([ids]), output_hidden_states=True)
    return output.logits[0, -1].float(), output.hidden_states[-1][0].float()


def search(model, prompt, options):
    ids, gap = list(prompt), 1.0
    logits, hidden = run(model, ids)
    alpha = options["penalty_alpha"]
    while True:
        scores = logits.clone()
        if "repetition_penalty" in options:
            seen = torch.tensor(sorted(set(ids)))
            picked, penalty = scores[seen], options["repetition_penalty"]
            scores[seen] = torch.where(picked < 0, picked * penalty, picked / penalty)
        probabilities, tokens = torch.topk(torch.softmax(scores, -1), options["top_k"])
        context = hidden / hidden.norm(dim=-1, keepdim=True)
        ranked, runs = [], []
        for probability, token in zip(probabilities, tokens):
            runs.append(run(model, ids + [int(token)]))
            state = runs[-1][1][-1]
            likeness = (context @ (state / state.norm())).max()
            ranked.append((1 - alpha) * probability - alpha * likeness)
        ranked = torch.stack(ranked)
        best = int(ranked.argmax())
        others = ranked.topk(2).values
        gap = min(gap, float(others[0] - others[1]))
        ids.append(int(tokens[best]))
        logits, hidden = runs[best]
        if ids[-1] in options["eos_token_id"] or len(ids) - len(prompt) >= options["max_new_tokens"]:
            return ids[len(prompt) :], gap


def main() -> None:
    result = {"transformers": transformers.__version__, "torch": torch.__version__, "cases": []}
    for name in ["llama", "gpt2"]:
        model = AutoModelForCausalLM.from_pretrained(FIXTURES / name, dtype=torch.float32).eval()
        rng = random.Random(f"contrastive {name}")
        for _ in range(25):
            options = {
                "penalty_alpha": rng.choice([0.1, 0.6, 0.9]),
                "top_k": rng.choice([2, 4, 8]),
                "max_new_tokens": rng.choice([1, 6, 16]),
                "eos_token_id": rng.sample(range(1, 128), rng.choice([1, 4])),
            }
            if rng.random() < 0.3:
                options["repetition_penalty"] = 1.3
            prompt = [rng.randrange(3, 128) for _ in range(rng.randint(1, 12))]
            row, gap = search(model, prompt, options)
            if gap > 1e-4:
                result["cases"].append({"model": name, "options": options, "input_ids": prompt, "row": row})
    print(json.dumps(result, separators=(",", ":")))


main()
