"""Writes test/fixtures/tokenizers-parts/precompiled.json: SentencePiece's Precompiled normaliser with a small table.

    python tools/golden/make_precompiled_fixture.py test/fixtures/tokenizers-parts/precompiled.json

{charsmap: base64, cases: [[text, normalized]]}
Needs: tokenizers, sentencepiece.
"""

import base64
import json
import os
import sys
import tempfile

import sentencepiece
from tokenizers import normalizers

RULES = {
    "ｶﾞ": "ガ",
    "ｶ": "カ",
    "ﾊﾟ": "パ",
    "ﾊ": "ハ",
    "ﾞ": "゛",
    "①": "1",
    "㍿": "株式会社",
    "\u3000": " ",
    "\u200d": "",
    "ﬁ": "fi",
    "か\u3099": "が",
    "Ａ": "A",
    "\u00ad": "",
    "ab": "c",
}
TEXTS = [
    "",
    "abc",
    "ｶﾞｶﾊﾟﾊﾞ",
    "①㍿ﬁ",
    "全角\u3000Ａ",
    "👨\u200d👩\u200d👧",
    "か\u3099き\u3099",
    "so\u00adft",
    "é e\u0301 ab",
    "\r\n",
    "한글 각",
]


def fields(data):
    """Fields of a protocol buffer message: (number, value)."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 == 2:
            size = varint()
            yield key >> 3, data[at : at + size]
            at += size
        else:
            at += 4 if key & 7 == 5 else 8


def main(out):
    with tempfile.TemporaryDirectory() as d:
        with open(f"{d}/rules.tsv", "w") as f:
            for source, target in RULES.items():
                f.write(" ".join(f"{ord(c):X}" for c in source) + "\t" + " ".join(f"{ord(c):X}" for c in target) + "\n")
        open(f"{d}/text.txt", "w").write("a b c\nabc cab\n" * 20)
        sentencepiece.SentencePieceTrainer.train(
            input=f"{d}/text.txt",
            model_prefix=f"{d}/m",
            vocab_size=8,
            model_type="char",
            normalization_rule_tsv=f"{d}/rules.tsv",
            minloglevel=2,
        )
        model = open(f"{d}/m.model", "rb").read()
    spec = next(v for n, v in fields(model) if n == 3)
    charsmap = next(v for n, v in fields(spec) if n == 2)
    normalizer = normalizers.Precompiled(charsmap)
    os.makedirs(os.path.dirname(out), exist_ok=True)
    with open(out, "w") as f:
        json.dump(
            {"charsmap": base64.b64encode(charsmap).decode(), "cases": [[t, normalizer.normalize_str(t)] for t in TEXTS]},
            f,
            ensure_ascii=False,
            indent=0,
        )
    print(len(charsmap), "bytes,", len(TEXTS), "cases")


if __name__ == "__main__":
    main(sys.argv[1])
