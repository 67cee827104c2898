"""Writes test/fixtures/decoding/stop-strings.json: after which tokens transformers' StopStringCriteria stops.

    python tools/golden/stop_strings.py test/fixtures/tokenizers test/fixtures/decoding/stop-strings.json

Texts in many scripts as tokens, split at random into longer and shorter ones; stop strings cut out of them, also inside
tokens and characters' tokens. Then tiny vocabularies with each kind of decoder. Needs torch and transformers 5.18.
"""
import json
import os
import random
import sys

import torch
from tokenizers import Tokenizer
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


LETTERS = "abcdefost. ,'"
WORDS = ["abcdef", "stop", "do", "not", "be", "a", "fact", ".", ",", "'s", "n't", "##e", "@@ed", "food"]


def tiny(kind, decoder):
    """A tokenizer of single letters and some words, and its decoder."""
    tokens = ["<unk>", *LETTERS, *(letter + "</w>" for letter in LETTERS), *(w for w in WORDS if w not in LETTERS), "▁be", "▁", "<0x61>"]
    vocab = {token: i for i, token in enumerate(tokens)}
    model = {
        "BPE": {"type": "BPE", "vocab": vocab, "merges": [], "unk_token": "<unk>"},
        "WordLevel": {"type": "WordLevel", "vocab": vocab, "unk_token": "<unk>"},
        "WordPiece": {"type": "WordPiece", "vocab": vocab, "unk_token": "<unk>", "continuing_subword_prefix": "##",
                      "max_input_chars_per_word": 100},
        "Unigram": {"type": "Unigram", "vocab": [[token, -1.0] for token in tokens], "unk_id": 0},
    }[kind]
    return {"added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": decoder, "model": model}


DECODERS = [
    None,
    {"type": "BPEDecoder", "suffix": "</w>"},
    {"type": "WordPiece", "prefix": "##", "cleanup": True},
    {"type": "WordPiece", "prefix": "@@", "cleanup": False},
    {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
    {"type": "Fuse"},
    {"type": "ByteFallback"},
    {"type": "CTC", "pad_token": "o", "word_delimiter_token": "t", "cleanup": True},
    {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "Fuse"},
                                      {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
]


def tiny_cases(rnd):
    for kind in ("BPE", "WordLevel", "WordPiece", "Unigram"):
        for decoder in DECODERS:
            file = tiny(kind, decoder)
            tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(file)))
            cases = []
            for _ in range(4):
                ids = [rnd.randrange(1, len(tokenizer)) for _ in range(12)]
                text = tokenizer.decode(ids)
                strings = [text[at:at + rnd.randint(1, 4)] for at in rnd.sample(range(len(text) - 1), 2)]
                try:
                    criteria = StopStringCriteria(tokenizer, strings)
                except ValueError:  # the decoder gives no text with "abcdef" in it
                    continue
                done = [bool(criteria(torch.tensor([ids[:n]]), None)[0]) for n in range(4, len(ids) + 1)]
                cases.append({"strings": strings, "prompt": ids[:3], "tokens": ids[3:], "done": done})
            if cases:
                yield {"file": file, "cases": cases}


def main(folder, path):
    rnd = random.Random(5)
    out = []
    for name in ("byte-level", "llama", "metaspace", "roberta", "unigram", "wordpiece"):
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
    out += tiny_cases(rnd)
    with open(path, "w") as file:
        json.dump(out, file, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    main(*sys.argv[1:])
