"""Writes test/fixtures/tokenizers-mixed/<name>.json: hashes of what transformers answers for 5,000 lines of mixed text.

    python tools/golden/make_mixed_fixtures.py test/fixtures/tokenizers-mixed test/fixtures/tokenizers test/fixtures/tokenizers-checkpoints

The lines are made by a small generator, once here and once in test/conformance/mixed-text.ts. For each line two characters
(12 bits, FNV-1a) of {ids, decoded text}, and two of the offsets. Needs transformers 5.18.
"""
import json
import os
import sys

from transformers import AutoTokenizer, PreTrainedTokenizerFast

HERE = os.path.dirname(os.path.abspath(__file__))
PARTS = json.load(open(os.path.join(HERE, "../../test/fixtures/tokenizers-mixed/parts.json")))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def lines(count):
    state = 20261121

    def below(n):
        nonlocal state
        state = (state * 1664525 + 1013904223) % 2**32
        return state * n // 2**32

    for _ in range(count):
        out = ""
        for _ in range(1 + below(14)):
            kind = below(10)
            if kind < 7:
                out += PARTS["fragments"][below(len(PARTS["fragments"]))]
            elif kind < 9:
                first, last = PARTS["ranges"][below(len(PARTS["ranges"]))]
                for _ in range(1 + below(4)):
                    out += chr(first + below(last - first + 1))
            else:
                out += str(below(10 ** (1 + below(7))))
            if below(3) > 0:
                out += " "
        yield out


def code(value):
    h = 0x811C9DC5
    for byte in json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8"):
        h = (h ^ byte) * 0x01000193 % 2**32
    h = (h ^ (h >> 12) ^ (h >> 24)) & 4095
    return ALPHABET[h >> 6] + ALPHABET[h & 63]


def main(out, *folders):
    texts = list(lines(5000))
    for folder in folders:
        prefix = "checkpoint-" if "checkpoints" in folder else ""
        for name in sorted(os.listdir(folder)):
            if not os.path.isdir(f"{folder}/{name}"):
                continue
            # beside a tokenizer.json, tsumugi takes that file as it is
            loader = PreTrainedTokenizerFast if os.path.exists(f"{folder}/{name}/tokenizer.json") else AutoTokenizer
            t = loader.from_pretrained(f"{folder}/{name}")
            encoded = [t(text, return_offsets_mapping=True) for text in texts]
            ids = "".join(code([e.input_ids, t.decode(e.input_ids)]) for e in encoded)
            offsets = "".join(code([list(pair) for pair in e.offset_mapping]) for e in encoded)
            json.dump({"ids": ids, "offsets": offsets}, open(f"{out}/{prefix}{name}.json", "w"), indent=0)
            print(name, sum(len(e.input_ids) for e in encoded))
            if os.environ.get("FULL"):
                with open(f"{os.environ['FULL']}/{prefix}{name}.jsonl", "w") as f:
                    for text, e in zip(texts, encoded):
                        f.write(json.dumps([text, e.input_ids, t.decode(e.input_ids), e.offset_mapping], ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
