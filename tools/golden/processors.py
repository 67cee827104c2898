"""Writes test/fixtures/decoding/processors/<model>.json: what transformers generates with random combinations of its processors.

    python tools/golden/processors.py test/fixtures/models test/fixtures/decoding/processors [seed]

Needs torch (CPU) and transformers 5.18. Each case has generate() keyword arguments, a seed, and the new ids of a single
prompt or of a left-padded batch; some have the scores of the chosen tokens too, and what the watermark detector says.
"""
import json
import math
import os
import random
import sys
import warnings

import torch
import transformers
from transformers import AutoModelForCausalLM, WatermarkDetector, WatermarkingConfig, set_seed

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()
warnings.filterwarnings("ignore")

V = 128


def ids(rnd, least, most):
    return [rnd.randrange(3, V) for _ in range(rnd.randint(least, most))]


def options(rnd, pool):
    """Every option by name, with a random value. `pool` holds tokens that are likely to come."""
    likely = lambda: rnd.choice(pool)
    eos = rnd.choice([2, [2, likely()], [2, likely(), likely()]])
    return {
        "sequence_bias": lambda: [[[likely()], round(rnd.uniform(-4, 4), 2)], [[likely(), likely()], round(rnd.uniform(-8, 8), 2)],
                                  [[rnd.randrange(V)], -float("inf")], [[likely(), likely(), likely()], 5.0]],
        "encoder_repetition_penalty": lambda: rnd.choice([0.6, 1.3, 1.7]),
        "repetition_penalty": lambda: rnd.choice([0.8, 1.2, 1.5]),
        "no_repeat_ngram_size": lambda: rnd.choice([1, 2, 3, 4]),
        "encoder_no_repeat_ngram_size": lambda: rnd.choice([1, 2, 3]),
        "bad_words_ids": lambda: [[likely()], [likely(), likely()], [2], [rnd.randrange(V), likely(), likely()]],
        "min_length": lambda: rnd.choice([20, 30]),
        "min_new_tokens": lambda: rnd.choice([5, 12]),
        "forced_bos_token_id": lambda: rnd.randrange(3, V),
        "forced_eos_token_id": lambda: rnd.choice([2, [likely(), likely()]]),
        "remove_invalid_values": lambda: True,
        "exponential_decay_length_penalty": lambda: [rnd.randint(0, 6), rnd.choice([1.05, 1.3, 2.0])],
        "suppress_tokens": lambda: [likely() for _ in range(4)] + [-1, 500],
        "begin_suppress_tokens": lambda: [likely() for _ in range(6)],
        "eos_token_id": lambda: eos,
        "watermarking_config": lambda: {"greenlist_ratio": rnd.choice([0.25, 0.5, 0.1]), "bias": rnd.choice([1.0, 2.5, 6.0]),
                                        "hashing_key": rnd.choice([15485863, 7, 2147483647]),
                                        "seeding_scheme": rnd.choice(["lefthash", "lefthash", "selfhash"]),
                                        "context_width": rnd.choice([1, 2, 4])},
        "renormalize_logits": lambda: True,
        "guidance_scale": lambda: rnd.choice([1.5, 2.5, 0.5, 5.0]),
    }


WARPERS = {
    "temperature": [0.5, 0.9, 1.6],
    "top_h": [0.3, 0.6, 0.9],
    "top_k": [0, 3, 20, 50],
    "top_p": [0.4, 0.8, 0.95],
    "min_p": [0.02, 0.1],
    "typical_p": [0.4, 0.9],
    "epsilon_cutoff": [0.005, 0.03],
    "eta_cutoff": [0.005, 0.03],
}


def allowed(row, tokens):
    """The rule of the cases with "prefix_allowed_tokens_fn": also in the test."""
    return [t for t in range(3, V) if (t + int(tokens[-1]) + row) % 3 != 0]


def main(models, out, start="91"):
    for number, name in enumerate(("llama", "gpt2")):
        rnd = random.Random(int(start) + number)
        directory = os.path.join(models, name)
        model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()
        golden = json.load(open(os.path.join(directory, "golden.json")))
        batch, mask = golden["batch"]["input_ids"], golden["batch"]["attention_mask"]
        singles = [case["input_ids"] for case in golden["greedy"]] + [[1]]
        pool = [t for case in golden["greedy"] for t in case["new_ids"] + case["input_ids"] if t > 2]
        pool += [t for mode in golden.get("modes", []) for row in mode["new_ids"] for t in row if t > 2]

        names = [n for n in options(rnd, pool) if n != "guidance_scale"]
        plans = [[n] for n in names for _ in range(3)] + [["prefix_allowed_tokens_fn"]] * 2
        plans += [rnd.sample(names + ["prefix_allowed_tokens_fn"], rnd.randint(2, 5)) for _ in range(70)]
        plans += [["guidance_scale"]] * 12 + [["guidance_scale", *rnd.sample(names[1:], 2)] for _ in range(12)]
        beams = [n for n in names if not n.startswith("encoder_") and n != "watermarking_config"]
        plans += [["num_beams", *rnd.sample(beams, rnd.randint(1, 3))] for _ in range(40)]
        cases = []
        for index, plan in enumerate(plans):
            made = options(rnd, pool)
            kwargs = {n: made[n]() for n in plan if n in made}
            kwargs["max_new_tokens"] = rnd.randint(10, 24)
            kwargs["do_sample"] = index % 2 == 1
            if "num_beams" in plan:
                kwargs["num_beams"] = rnd.choice([2, 3, 4])
            # a banned end plus its penalty is NaN in transformers
            if "exponential_decay_length_penalty" in kwargs:
                for other in ("min_length", "min_new_tokens", "suppress_tokens", "begin_suppress_tokens", "no_repeat_ngram_size",
                              "encoder_no_repeat_ngram_size", "sequence_bias", "bad_words_ids"):
                    kwargs.pop(other, None)
                plan = [n for n in plan if n != "prefix_allowed_tokens_fn"]
                kwargs.pop("forced_bos_token_id", None)
                kwargs.pop("forced_eos_token_id", None)
            many = index % 3 == 2
            if kwargs["do_sample"]:
                for warper in rnd.sample(list(WARPERS), rnd.randint(0, 4)):
                    kwargs[warper] = rnd.choice(WARPERS[warper])
                # for copies, transformers' encoder penalty reaches the first rows only
                if not any(n.startswith("encoder_") for n in plan) and rnd.random() < 0.3:
                    kwargs["num_return_sequences"] = min(3, kwargs.get("num_beams", 3))
            input_ids = batch if many else [rnd.choice(singles)]
            attention = mask if many else [[1] * len(input_ids[0])]
            call = dict(kwargs)
            if "watermarking_config" in call:
                call["watermarking_config"] = WatermarkingConfig(**call["watermarking_config"])
            if "prefix_allowed_tokens_fn" in plan:
                call["prefix_allowed_tokens_fn"] = allowed
            negative = None
            if "guidance_scale" in plan and index % 4 != 3:
                if many and index % 2:
                    negative = [[5, 9, 30], [7, 8, 9], [3, 3, 90], [4, 5, 6]][: len(input_ids)]
                else:
                    negative = [ids(rnd, 2, 9)] * len(input_ids)
                call["negative_prompt_ids"] = torch.tensor(negative)
                kwargs.pop("num_return_sequences", None)
                call.pop("num_return_sequences", None)
            seed = 100 + index
            set_seed(seed)
            try:
                result = model.generate(torch.tensor(input_ids), attention_mask=torch.tensor(attention), return_dict_in_generate=True,
                                        output_scores=True, **call)
            except (RuntimeError, ValueError, IndexError) as error:
                print(name, index, plan, "skipped:", str(error)[:80])
                continue
            width = len(input_ids[0])
            new_ids = result.sequences[:, width:]
            case = {"kwargs": kwargs, "seed": seed, "input_ids": input_ids, "attention_mask": attention, "new_ids": new_ids.tolist()}
            if negative:
                case["negative_prompt_ids"] = negative
            if "prefix_allowed_tokens_fn" in plan:
                case["prefix"] = True
            if index % 4 == 0 and "num_beams" not in plan and new_ids.shape[0] == 1:
                case["transition_scores"] = {
                    str(normalise).lower(): [None if math.isinf(v) else round(v, 5) for v in
                                             model.compute_transition_scores(result.sequences, result.scores, normalize_logits=normalise)[0].tolist()]
                    for normalise in (False, True)}
            if "watermarking_config" in kwargs and new_ids.shape[1] > 5:
                detector = WatermarkDetector(model_config=model.config, device="cpu", watermarking_config=kwargs["watermarking_config"])
                found = detector(new_ids, return_dict=True)
                case["detector"] = {"scored": found.num_tokens_scored.tolist(), "green": found.num_green_tokens.tolist(),
                                    "z": found.z_score.tolist(), "p": found.p_value.tolist()}
            for pair in case["kwargs"].get("sequence_bias", []):
                if math.isinf(pair[1]):
                    pair[1] = "-inf"
            cases.append(case)
        path = os.path.join(out, f"{name}.json")
        with open(path, "w") as file:
            json.dump({"transformers": transformers.__version__, "torch": torch.__version__, "cases": cases}, file, separators=(",", ":"))
        print(name, len(cases), os.path.getsize(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
