"""Draws random combinations of generate()'s options on tiny checkpoints and writes what transformers answers.

    python fuzz_options.py FIXTURES OUT.json [first seed] [cases of each model] [models, comma separated] [scores of every n-th]

FIXTURES is test/fixtures. All logits processors, greedy search, sampling, beam search and beam sampling, batches with left
pads, several end tokens, copies, length limits of both kinds, scores. A case that Python refuses keeps its error's name.
`OPTIONS_GOLDEN=OUT.json npx vitest run --project conformance test/conformance/options.test.ts` compares.
Needs torch (CPU), transformers >= 5.18.
"""
import json
import math
import os
import random
import sys
import warnings

import torch
import transformers
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    LogitsProcessorList,
    StoppingCriteriaList,
    WatermarkingConfig,
    set_seed,
)

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()
warnings.filterwarnings("ignore")

CAUSAL = ["llama", "gpt2", "gemma2", "phi3", "qwen2"]
SEQ2SEQ = ["t5", "bart"]
ALL_SEQ2SEQ = SEQ2SEQ + ["mt5", "mbart"]  # M2M-100 tells pads by their id, which is a token of these prompts


def processors(rnd, pool, vocabulary):
    """Logits processors by name. `pool` holds tokens that are likely to come."""
    likely = lambda: rnd.choice(pool)
    phrase = lambda most: [likely() for _ in range(rnd.randint(1, most))]
    return {
        "sequence_bias": lambda: [[phrase(3), round(rnd.uniform(-6, 6), 2)] for _ in range(rnd.randint(1, 6))],
        "encoder_repetition_penalty": lambda: rnd.choice([0.6, 1.3, 1.9]),
        "repetition_penalty": lambda: rnd.choice([0.7, 1.1, 1.6]),
        "no_repeat_ngram_size": lambda: rnd.choice([1, 2, 3, 4]),
        "encoder_no_repeat_ngram_size": lambda: rnd.choice([1, 2, 3]),
        "bad_words_ids": lambda: [[*phrase(2), likely()], *(phrase(3) for _ in range(rnd.randint(0, 5)))],
        "min_length": lambda: rnd.randint(1, 30),
        "min_new_tokens": lambda: rnd.randint(1, 14),
        "forced_bos_token_id": lambda: rnd.randrange(3, vocabulary),
        "forced_eos_token_id": lambda: rnd.choice([2, [likely(), 2]]),  # several, and a warper that sorts: torch's sort is not stable
        "remove_invalid_values": lambda: True,
        "exponential_decay_length_penalty": lambda: [rnd.randint(0, 6), rnd.choice([1.05, 1.3, 2.0])],
        "suppress_tokens": lambda: phrase(5),
        "begin_suppress_tokens": lambda: phrase(6),
        "watermarking_config": lambda: {"greenlist_ratio": rnd.choice([0.25, 0.5]), "bias": rnd.choice([1.0, 3.5]),
                                        "seeding_scheme": rnd.choice(["lefthash", "selfhash"]), "context_width": rnd.choice([1, 2])},
        "renormalize_logits": lambda: True,
        "guidance_scale": lambda: rnd.choice([1.5, 0.5, 4.0]),
    }


WARPERS = {
    "temperature": [0.4, 0.8, 1.7], "top_h": [0.3, 0.6, 0.9], "top_k": [0, 1, 5, 30], "top_p": [0.3, 0.8, 0.97],
    "min_p": [0.02, 0.2], "typical_p": [0.3, 0.9], "epsilon_cutoff": [0.005, 0.05], "eta_cutoff": [0.005, 0.05],
}
BANS = ["min_length", "min_new_tokens", "suppress_tokens", "begin_suppress_tokens", "no_repeat_ngram_size", "bad_words_ids",
        "encoder_no_repeat_ngram_size", "forced_bos_token_id", "forced_eos_token_id", "prefix_allowed_tokens_fn", "watermarking_config"]


def allowed(vocabulary):
    """The rule of the cases with "prefix_allowed_tokens_fn": also in the test."""
    return lambda row, tokens: [t for t in range(2, vocabulary) if (t + int(tokens[-1]) + row) % 3 != 0]


def favour(ids, scores):
    """A logits processor of the cases with "process": also in the test."""
    tokens = torch.arange(scores.shape[-1])
    return torch.where((tokens + ids.shape[-1]) % 5 == 0, scores + 1.5, scores)


def ends(ids, scores, **kwargs):
    """A stopping criterion of the cases with "stop": also in the test."""
    return (ids[:, -1] * 7 + ids.shape[-1]) % 11 == 0


def draw(rnd, pool, vocabulary, encodes):
    made = processors(rnd, pool, vocabulary)
    kwargs = {}
    mode = rnd.choice(["greedy", "sample", "sample", "beams", "beams", "draw"])
    if mode in ("sample", "draw"):
        kwargs["do_sample"] = True
        for warper in rnd.sample(list(WARPERS), rnd.choice([0, 1, 1, 2, 3])):
            kwargs[warper] = rnd.choice(WARPERS[warper])
    if encodes:
        made.pop("exponential_decay_length_penalty")  # BART bans the end tokens but one in the end, which makes NaN
    names = [n for n in made if not (mode in ("beams", "draw") and n == "guidance_scale") and not (encodes and n == "guidance_scale")]
    for name in rnd.sample(names, rnd.choice([0, 1, 1, 2, 2, 3, 4])):
        kwargs[name] = made[name]()
    prefix = rnd.random() < 0.08
    if isinstance(kwargs.get("forced_eos_token_id"), list) and any(n in kwargs for n in ("top_p", "typical_p", "top_h")):
        kwargs["forced_eos_token_id"] = 2
    if "exponential_decay_length_penalty" in kwargs:  # with a banned end it is NaN in transformers
        for other in BANS + list(WARPERS):
            if other != "temperature":
                kwargs.pop(other, None)
        if mode in ("sample", "draw"):
            kwargs["top_k"] = 0
        kwargs.pop("sequence_bias", None)
        prefix = False
    if mode in ("beams", "draw"):
        prefix = False  # where every allowed token is banned, transformers looks at all beams
        beams = kwargs["num_beams"] = rnd.choice([2, 3, 4, 5])
        kwargs["num_return_sequences"] = rnd.randint(1, beams)
        if rnd.random() < 0.6:
            kwargs["early_stopping"] = rnd.choice([True, "never"])
        if rnd.random() < 0.6:
            kwargs["length_penalty"] = rnd.choice([-1.0, 0.0, 0.6, 2.0])
    elif mode == "sample" and rnd.random() < 0.4:
        kwargs["num_return_sequences"] = rnd.choice([2, 3])
    ends = rnd.choice([0, 0, 1, 2, 4])
    if ends:
        kwargs["eos_token_id"] = [2] + [rnd.choice(pool) for _ in range(ends - 1)]
    if rnd.random() < 0.1:
        kwargs["pad_token_id"] = rnd.choice([3, 7])
    if rnd.random() < 0.25:
        kwargs["max_length"] = rnd.randint(26, 44) if not encodes else rnd.randint(4, 24)
    else:
        kwargs["max_new_tokens"] = rnd.randint(1, 20)
    if rnd.random() < 0.25:
        kwargs["output_logits"] = True
    return kwargs, prefix


def numbers(steps):
    """Of each step and row: how many scores are not −infinity, and the greatest."""
    return [[[int(torch.isfinite(row).sum()), round(float(row.max()), 4)] for row in step] for step in steps]


def main(fixtures, out, first="1", count="20", only="", every="1"):
    cases = []
    for name in only.split(",") if only else CAUSAL + SEQ2SEQ:
        encodes = name in ALL_SEQ2SEQ
        directory = os.path.join(fixtures, "encoder-decoder" if encodes else "models", name)
        auto = AutoModelForSeq2SeqLM if encodes else AutoModelForCausalLM
        model = auto.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()
        vocabulary = model.config.vocab_size
        golden = json.load(open(os.path.join(directory, "golden.json")))
        pool = [t for case in golden["greedy"] for t in case["new_ids"] + case["input_ids"] if 2 < t < vocabulary]
        for seed in range(int(first), int(first) + int(count)):
            rnd = random.Random(f"{name} {seed}")
            kwargs, prefix = draw(rnd, pool, vocabulary, encodes)
            rows = [[1] + [rnd.choice(pool) for _ in range(rnd.randint(0, 20))] for _ in range(rnd.choice([1, 1, 2, 3]))]
            width = max(map(len, rows))
            pad = 0
            left = not encodes or (name not in ("bart", "mbart") and rnd.random() < 0.5)  # BART counts pads in front as positions
            ids = [[pad] * (width - len(r)) + r if left else r + [pad] * (width - len(r)) for r in rows]
            mask = [[0] * (width - len(r)) + [1] * len(r) if left else [1] * len(r) + [0] * (width - len(r)) for r in rows]
            if encodes and rnd.random() < 0.15:
                kwargs["decoder_start_token_id"] = [rnd.choice(pool) for _ in rows]
            call = dict(kwargs)
            if "watermarking_config" in call:
                call["watermarking_config"] = WatermarkingConfig(**call["watermarking_config"])
            process = rnd.random() < 0.1
            # with several prompts, transformers goes on from beams that have ended
            stop = rnd.random() < 0.1 and (len(rows) == 1 or "num_beams" not in kwargs)
            # without a mask, pads are told by their id, unless it is an end token too
            own = kwargs.get("pad_token_id", 0)
            masked = rnd.random() < 0.8 or encodes or any(own in r for r in rows) or (own != pad and width > min(map(len, rows)))
            if process:
                call["logits_processor"] = LogitsProcessorList([favour])
            if stop:
                call["stopping_criteria"] = StoppingCriteriaList([ends])
            if not masked:
                call["pad_token_id"] = kwargs["pad_token_id"] = own
            if prefix:
                call["prefix_allowed_tokens_fn"] = allowed(vocabulary)
            case = {"model": name, "seed": seed, "options": kwargs, "inputIds": ids, "attentionMask": mask if masked else None, "prefix": prefix,
                    "process": process, "stop": stop}
            if masked:
                call["attention_mask"] = torch.tensor(mask)
            if "guidance_scale" in kwargs and rnd.random() < 0.6:
                case["negativePromptIds"] = [[rnd.choice(pool) for _ in range(5)] for _ in rows for _ in range(kwargs.get("num_return_sequences", 1))]
                call["negative_prompt_ids"] = torch.tensor(case["negativePromptIds"])
            set_seed(seed)
            try:
                with torch.no_grad():
                    result = model.generate(torch.tensor(ids), return_dict_in_generate=True, output_scores=True, **call)
                case["sequences"] = result.sequences.tolist()
                if seed % int(every) == 0:
                    case["scores"] = numbers(result.scores)
                if kwargs.get("output_logits") and seed % int(every) == 0:
                    case["logits"] = numbers(result.logits)
                if "num_beams" in kwargs:
                    case["sequencesScores"] = [round(v, 5) for v in result.sequences_scores.tolist()]
                    case["beamIndices"] = result.beam_indices.tolist()
            except (RuntimeError, ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
                case["error"] = f"{type(error).__name__}: {error}"[:160]
            for numbers_of in ("scores", "logits", "sequencesScores"):
                if numbers_of in case:
                    case[numbers_of] = json.loads(json.dumps(case[numbers_of]).replace("-Infinity", "null").replace("NaN", "null"))
            cases.append(case)
        mine = [case for case in cases if case["model"] == name]
        print(name, len(mine), "cases,", sum("error" in case for case in mine), "errors", flush=True)
    with open(out, "w") as file:
        json.dump({"transformers": transformers.__version__, "torch": torch.__version__, "cases": cases}, file, separators=(",", ":"))
    print(out, os.path.getsize(out), "bytes", math.ceil(len(cases)), "cases")


if __name__ == "__main__":
    main(*sys.argv[1:])
