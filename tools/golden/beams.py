"""Writes test/fixtures/decoding/beams.json: beam search and beam sampling of transformers with random options.

    python tools/golden/beams.py > test/fixtures/decoding/beams.json

Models are those of test/fixtures/models (vocabulary 128). Every case has its own seed, a batch of one to four left-padded
rows, and options drawn from the lists below. torch.use_deterministic_algorithms is on; one thread, float32.
"""

import argparse
import json
import random
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM

transformers.logging.set_verbosity_error()
torch.set_num_threads(1)
FIXTURES = Path(__file__).resolve().parents[2] / "test" / "fixtures" / "models"


def draw_options(rng: random.Random) -> dict:
    beams = rng.choice([2, 2, 3, 4, 5])
    options = {"num_beams": beams, "max_new_tokens": rng.choice([1, 2, 7, 12, 18])}
    if rng.random() < 0.6:
        options["early_stopping"] = rng.choice([True, False, "never"])
    if rng.random() < 0.6:
        options["length_penalty"] = rng.choice([-1.0, 0.0, 0.6, 1.0, 1.7, 2.0])
    if rng.random() < 0.6:
        options["num_return_sequences"] = rng.randint(1, beams)
    if rng.random() < 0.6:
        options["eos_token_id"] = rng.sample(range(1, 128), rng.choice([1, 2, 3, 12, 30]))
    if rng.random() < 0.3:
        options["pad_token_id"] = rng.choice([0, 5])
    if rng.random() < 0.25:
        options["repetition_penalty"] = rng.choice([0.8, 1.3])
    if rng.random() < 0.25:
        options["no_repeat_ngram_size"] = rng.choice([1, 2, 3])
    if rng.random() < 0.2:
        options["min_new_tokens"] = rng.choice([2, 5])
    if rng.random() < 0.15:
        options["bad_words_ids"] = [[rng.randrange(1, 128)], [rng.randrange(1, 128), rng.randrange(1, 128)]]
    if rng.random() < 0.15:
        options["forced_eos_token_id"] = 2
    if rng.random() < 0.15:
        options["suppress_tokens"] = rng.sample(range(3, 128), rng.choice([5, 100]))
    if rng.random() < 0.15:
        options["renormalize_logits"] = True
    if rng.random() < 0.15:
        options["exponential_decay_length_penalty"] = (3, 1.4)
    if rng.random() < 0.45:
        options["do_sample"] = True
        options["top_k"] = rng.choice([0, 0, 2, 5, 50])
        for name, values in {
            "temperature": [0.7, 1.5],
            "top_p": [0.5, 0.9],
            "min_p": [0.1],
            "typical_p": [0.8],
            "epsilon_cutoff": [0.02],
            "eta_cutoff": [0.02],
        }.items():
            if rng.random() < 0.2:
                options[name] = rng.choice(values)
    return options


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=60, help="cases per model")
    parser.add_argument("--models", default="llama,gpt2")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    result = {"transformers": transformers.__version__, "torch": torch.__version__, "cases": []}
    for name in arguments.models.split(","):
        model = AutoModelForCausalLM.from_pretrained(FIXTURES / name, dtype=torch.float32).eval()
        rng = random.Random(f"{name} {arguments.seed}")
        for _ in range(arguments.cases):
            options = draw_options(rng)
            lengths = [rng.randint(1, 14) for _ in range(rng.choice([1, 1, 2, 4]))]
            width = max(lengths)
            ids = [[0] * (width - n) + [rng.randrange(3, 128) for _ in range(n)] for n in lengths]
            mask = [[0] * (width - n) + [1] * n for n in lengths]
            seed = rng.randrange(2**31)
            torch.manual_seed(seed)
            again = None
            inputs = {"inputs": torch.tensor(ids), "attention_mask": torch.tensor(mask), **options}
            try:
                output = model.generate(**inputs, return_dict_in_generate=True, output_scores=True)
                if options.get("do_sample"):  # goes on in the stream
                    again = model.generate(**inputs).tolist()
            except (RuntimeError, ValueError) as error:  # nothing left to draw
                print(str(error)[:100], options, file=sys.stderr)
                continue
            if not output.sequences_scores.isfinite().all():
                print("scores that are not finite", options, file=sys.stderr)
                continue
            result["cases"].append(
                {
                    "model": name,
                    "options": options,
                    "seed": seed,
                    "input_ids": ids,
                    "attention_mask": mask,
                    "sequences": output.sequences.tolist(),
                    "sequences_scores": [float(f"{x:.6g}") for x in output.sequences_scores.tolist()],
                    "beam_indices": output.beam_indices.tolist(),
                    "steps": len(output.scores),
                    "again": again,
                }
            )
    print(json.dumps(result, separators=(",", ":")))


main()
