"""Writes test/fixtures/tokenizers-parts/offsets.json: the offsets that the tokenizers library gives.

    python tools/golden/make_offset_fixtures.py test/fixtures/tokenizers-parts/offsets.json test/fixtures/tokenizers

`parts`: every normalizer with every pre-tokenizer here, in a tokenizer whose words are all unknown, so that the offsets are
those of the words. `calls`: options of the small tokenizers. Needs tokenizers 0.23 and transformers 5.18.
"""
import itertools
import json
import os
import sys

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

NORMALIZERS = [
    None,
    {"type": "NFC"}, {"type": "NFD"}, {"type": "NFKC"}, {"type": "NFKD"},
    {"type": "Lowercase"}, {"type": "StripAccents"}, {"type": "Nmt"}, {"type": "ByteLevel"},
    {"type": "Strip", "strip_left": True, "strip_right": False},
    {"type": "Prepend", "prepend": "▁▁"},
    {"type": "Replace", "pattern": {"Regex": "\\s{2,}"}, "content": "__"},
    {"type": "Replace", "pattern": {"String": "ab"}, "content": ""},
    {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
    {"type": "Sequence", "normalizers": [{"type": "Strip", "strip_left": True, "strip_right": True}, {"type": "NFD"},
        {"type": "StripAccents"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}, {"type": "Prepend", "prepend": "▁"}]},
]
PRE_TOKENIZERS = [
    None,
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True},
    {"type": "BertPreTokenizer"}, {"type": "Whitespace"},
    {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True},
        {"type": "Digits", "individual_digits": True}]},
    {"type": "Sequence", "pretokenizers": [{"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        {"type": "Split", "pattern": {"Regex": "[0-9]{2}"}, "behavior": "MergedWithPrevious", "invert": False}]},
    {"type": "FixedLength", "length": 2},
]
POST_PROCESSORS = [
    None,
    {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
]
TEXTS = ["Hello  wörld", "  e\u0301a\u0323\u0302 ﬁ ㍿x", "ab cab 1234", "日本語 𠮷野家 😀!", "\u0344Å각\u0327\u0301", " [A] x [B]  İΣ", "ｶﾞ①½\u200b \u00adz"]
CALLS = [
    {}, {"add_special_tokens": False}, {"padding": True}, {"padding": "max_length", "max_length": 9, "truncation": True},
    {"padding": True, "padding_side": "left"}, {"max_length": 4},
]
CALL_TEXTS = ["Hello  world", " a dragon 😀 Hi", "日本語\n 1234 ｶﾞ"]


def main(out, folder):
    added = [
        {"id": 1, "content": "[A]", "single_word": False, "lstrip": True, "rstrip": True, "normalized": False, "special": True},
        {"id": 2, "content": "[B]", "single_word": False, "lstrip": False, "rstrip": True, "normalized": True, "special": False},
    ]
    parts = []
    for n, p, q in itertools.product(NORMALIZERS, PRE_TOKENIZERS, POST_PROCESSORS):
        if q and not (p and "Byte" in json.dumps(p)):
            continue
        spec = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": n, "pre_tokenizer": p,
                "post_processor": q, "decoder": None, "model": {"type": "WordLevel", "vocab": {"?": 0, "[A]": 1, "[B]": 2}, "unk_token": "?"}}
        t = Tokenizer.from_str(json.dumps(spec))
        parts.append([NORMALIZERS.index(n), PRE_TOKENIZERS.index(p), POST_PROCESSORS.index(q),
                      [[part for pair in t.encode(text).offsets for part in pair] for text in TEXTS]])
    calls = []
    for name in sorted(os.listdir(folder)):
        t = PreTrainedTokenizerFast.from_pretrained(f"{folder}/{name}")
        t.pad_token = t.pad_token or t.eos_token
        for kwargs in CALLS:
            for side in ("right", "left"):
                t.truncation_side = side
                given = {"padding_side": "right", **kwargs}
                e = t(CALL_TEXTS, return_offsets_mapping=True, **given)
                calls.append([name, side, given, e.input_ids, e.offset_mapping])
        t.truncation_side = "right"
        e = t(CALL_TEXTS, CALL_TEXTS[::-1], return_offsets_mapping=True)
        calls.append([name, "right", {"text_pair": CALL_TEXTS[::-1]}, e.input_ids, e.offset_mapping])
    lists = {"normalizers": NORMALIZERS, "preTokenizers": PRE_TOKENIZERS, "postProcessors": POST_PROCESSORS, "texts": TEXTS,
             "callTexts": CALL_TEXTS, "addedTokens": added}
    rows = lambda items: "[\n" + ",\n".join(json.dumps(i, ensure_ascii=False, separators=(",", ":")) for i in items) + "\n]"
    with open(out, "w") as f:
        f.write('{"lists": ' + json.dumps(lists, ensure_ascii=False) + ',\n"parts": ' + rows(parts) + ',\n"calls": ' + rows(calls) + "}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
