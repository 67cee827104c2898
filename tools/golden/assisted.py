"""What Python transformers drafts by prompt lookup, and answers with assisted greedy generation.

    python assisted.py FIXTURES OUT.json

FIXTURES is test/fixtures: random checkpoints of 128 tokens, so that any of them can assist any other. Sampled answers are
not compared: transformers draws for every candidate row, and so uses other random numbers than without assistance.
Needs torch (CPU), transformers >= 5.18.
"""

import json
import os
import random
import sys

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM
from transformers.generation.candidate_generator import PromptLookupCandidateGenerator

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()


def lookups():
    rnd = random.Random(1)
    cases = []
    for _ in range(300):
        tokens = [rnd.randrange(rnd.choice([3, 6, 30])) for _ in range(rnd.randrange(1, 40))]
        num = rnd.randrange(1, 9)
        size = rnd.randrange(1, 5)
        eos = rnd.choice([None, [2], [1, 4]])
        generator = PromptLookupCandidateGenerator(
            eos_token_id=None if eos is None else torch.tensor(eos), num_output_tokens=num,
            max_matching_ngram_size=size, max_length=1000)
        ids, _ = generator.get_candidates(torch.tensor([tokens]))
        cases.append(dict(tokens=tokens, num=num, size=size, eos=eos or [], draft=ids[0, len(tokens):].tolist()))
    return cases


def prompt(rnd, repeats):
    piece = [rnd.randrange(3, 128) for _ in range(rnd.randrange(2, 7))]
    return [1] + piece * repeats + piece[: rnd.randrange(1, len(piece))]


def answers(fixtures):
    rnd = random.Random(2)
    cases = []
    pairs = [("llama", "gpt2"), ("gpt2", "llama"), ("gemma2", "llama"), ("mistral", "qwen2"), ("phi3", "mistral"),
             ("qwen3_moe", "llama"), ("t5", "bart"), ("bart", "t5")]
    for target, assistant in pairs:
        def load(name):
            kind = AutoModelForSeq2SeqLM if name in ("t5", "bart") else AutoModelForCausalLM
            folder = "encoder-decoder" if name in ("t5", "bart") else "models"
            return kind.from_pretrained(os.path.join(fixtures, folder, name), dtype=torch.float32, attn_implementation="eager").eval()

        model, helper = load(target), load(assistant)
        for options in (dict(), dict(repetition_penalty=1.3), dict(no_repeat_ngram_size=2, min_new_tokens=20),
                        dict(eos_token_id=[2, 17, 40, 77, 90])):
            ids = prompt(rnd, 3)
            lookup = dict(prompt_lookup_num_tokens=rnd.randrange(1, 7), max_matching_ngram_size=rnd.randrange(1, 4))
            count = rnd.randrange(1, 8)
            schedule = rnd.choice(["constant", "heuristic_transient"])
            threshold = rnd.choice([0.0, 0.02])
            helper.generation_config.update(num_assistant_tokens=count, num_assistant_tokens_schedule=schedule,
                                            assistant_confidence_threshold=threshold)
            common = dict(do_sample=False, max_new_tokens=30, pad_token_id=0, **options)
            with torch.no_grad():
                inputs = dict(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long))
                found = model.generate(**inputs, **lookup, **common)[0].tolist()
                helped = model.generate(**inputs, assistant_model=helper, **common)[0].tolist()
                alone = model.generate(**inputs, **common)[0].tolist()
            cases.append(dict(target=target, assistant=assistant, options=common, input_ids=ids, lookup=lookup,
                              drafts=dict(num_assistant_tokens=count, num_assistant_tokens_schedule=schedule,
                                          assistant_confidence_threshold=threshold),
                              found=found, helped=helped, alone=alone))
    return cases


def main(fixtures, out):
    golden = dict(lookups=lookups(), answers=answers(fixtures))
    differ = [c for c in golden["answers"] if not c["found"] == c["helped"] == c["alone"]]
    print(len(golden["answers"]), "answers;", len(differ), "where assistance changes transformers' own answer")
    for c in differ:
        print(c["target"], c["assistant"], c["options"], c["alone"], c["found"], c["helped"], sep="\n  ")
    with open(out, "w") as file:
        json.dump(golden, file, separators=(",", ":"))


if __name__ == "__main__":
    main(*sys.argv[1:])
