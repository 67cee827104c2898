"""What the tokenizers library answers with small odd tokenizers: test/fixtures/tokenizers-parts/edges.json.

    python tools/golden/make_edge_fixtures.py [target] [count of each kind] [seed]

Splits and replacements whose patterns match nothing, with every behaviour; vocabularies with some of the byte tokens, with and
without an unknown token. Each case is a tokenizer.json with, for each text, ids and offsets, or `null` where the library raises;
and what some ids decode to.
"""

import json
import random
import sys
from pathlib import Path

from tokenizers import Tokenizer

TARGET = Path(__file__).parents[2] / "test/fixtures/tokenizers-parts/edges.json"
BEHAVIORS = ["Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
REGEXES = [
    "(?<=[a-z])(?=[A-Z])", "(?=(\\d{3})+(?!\\d))", "\\b", "x*", "x*?", "(?=b)", "(?<=b)", "^", "$", "", "()", "a?|b", "b|a?", "\\B", "(?=\\s)",
    "(?<=\\s)", "(?!a)", "(?<!a)", "\\s*", "[^a]*", "\\A", "\\z", "(?=é)|é", "(?m)^", "😀?", "(?<=😀)", "a|", "|a", "(?:a|b|)", "\\d*(?=b)",
    " ?\\p{L}*", "(?<=\\d)(?=\\D)|(?<=\\D)(?=\\d)",
]
STRINGS = ["", " ", "a", "ab", "😀", "aa"]
TEXTS = [
    "", "a", "ab", "xxaxxb", "helloWorldFoo", "1234567 89 12345", "a123456", "ab cd,ef", "axxb", "aaa", " a  b ", "éaé", "😀a😀😀", "a\nb\n\nc",
    "\n", "abaab", "12a34B", "あいa", "日本 語",
]
ALPHABET = ["a", "b", "\n", "é", "あ", "😀", " ", "x", "ab", "ba", "aé"]


def word_level(**parts):
    vocab = {"<unk>": 0}
    for token in ["a", "b", " ", "x", "ab", "1", "123", "456"]:
        vocab[token] = len(vocab)
    return {"added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None,
            "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "<unk>"}, **parts}


def pattern_of(rnd):
    return {"String": rnd.choice(STRINGS)} if rnd.random() < 0.2 else {"Regex": rnd.choice(REGEXES)}


def split(rnd):
    step = {"type": "Split", "pattern": pattern_of(rnd), "behavior": rnd.choice(BEHAVIORS), "invert": rnd.random() < 0.5}
    return word_level(pre_tokenizer=step)


def replace(rnd):
    steps = [{"type": "Replace", "pattern": pattern_of(rnd), "content": rnd.choice(["", "-", "a", "日本", "$&"])} for _ in range(rnd.randint(1, 2))]
    cut = {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False}
    return word_level(normalizer={"type": "Sequence", "normalizers": steps}, pre_tokenizer=cut)


def decoder(rnd):
    steps = [{"type": "Replace", "pattern": pattern_of(rnd), "content": rnd.choice(["", "-", "ab"])}]
    if rnd.random() < 0.5:
        steps.insert(0, {"type": "Fuse"})
    return word_level(decoder={"type": "Sequence", "decoders": steps})


def byte_tokens(rnd):
    kept = set()
    for character in rnd.sample(["\n", "é", "あ", "😀", "ß", "い"], 3):
        kept.update(character.encode())
    if rnd.random() < 0.3:
        kept.discard(rnd.choice(sorted(kept)))
    return [f"<0x{byte:02X}>" for byte in sorted(kept)]


def bpe(rnd):
    tokens = rnd.sample(ALPHABET[:8], rnd.randint(2, 6)) + byte_tokens(rnd)
    unknown = rnd.choice([None, "<unk>", "<unk>", "missing"])
    if unknown == "<unk>":
        tokens.insert(0, "<unk>")
    merges = []
    for _ in range(rnd.randint(0, 4)):
        left, right = rnd.choice(tokens), rnd.choice(tokens)
        if left + right not in tokens and "<unk>" not in (left, right):
            tokens.append(left + right)
            merges.append([left, right])
    model = {"type": "BPE", "vocab": {token: i for i, token in enumerate(tokens)}, "merges": merges, "unk_token": unknown,
             "byte_fallback": rnd.random() < 0.8, "fuse_unk": rnd.random() < 0.5}
    return word_level(model=model, decoder={"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]})


def unigram(rnd):
    tokens = rnd.sample(ALPHABET, rnd.randint(2, 6)) + byte_tokens(rnd)
    rnd.shuffle(tokens)
    tokens.insert(0, "<unk>")
    model = {"type": "Unigram", "vocab": [[token, -rnd.randint(1, 9) / 2] for token in tokens],
             "unk_id": rnd.choice([0, 0, 0, None, len(tokens) - 1]), "byte_fallback": rnd.random() < 0.7}
    return word_level(model=model, decoder={"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]})


def word_piece(rnd):
    tokens = ["a", "b", "##a", "##b", "é", "##😀", "ab"][: rnd.randint(2, 7)]
    unknown = rnd.choice(["[UNK]", "missing"])
    if unknown == "[UNK]":
        tokens.append(unknown)
    model = {"type": rnd.choice(["WordPiece", "WordLevel"]), "vocab": {token: i for i, token in enumerate(tokens)}, "unk_token": unknown,
             "continuing_subword_prefix": "##", "max_input_chars_per_word": 6}
    return word_level(model=model, pre_tokenizer={"type": "WhitespaceSplit"}, decoder={"type": "WordPiece", "prefix": "##", "cleanup": True})


def answers(tokenizer, text):
    try:
        found = tokenizer.encode(text)
    except Exception:
        return None
    return [found.ids, found.offsets]


def main(target=TARGET, count="40", seed="3"):
    cases = []
    for kind in (split, replace, decoder, bpe, unigram, word_piece):
        rnd = random.Random(f"{kind.__name__} {seed}")
        for _ in range(int(count)):
            file = kind(rnd)
            tokenizer = Tokenizer.from_str(json.dumps(file))
            texts = rnd.sample(TEXTS, 5) + ["".join(rnd.choice(ALPHABET) for _ in range(rnd.choice([5, 20, 90])))]
            size = tokenizer.get_vocab_size()
            rows = [[rnd.randrange(size) for _ in range(rnd.randint(1, 6))] for _ in range(3)]
            cases.append({"kind": kind.__name__, "file": file, "texts": [[text, answers(tokenizer, text)] for text in texts],
                          "rows": [[row, tokenizer.decode(row, skip_special_tokens=False)] for row in rows]})
    with open(target, "w") as out:
        out.write("[" + ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases) + "]\n")
    raised = sum(answer is None for case in cases for _, answer in case["texts"])
    print(len(cases), "cases,", raised, "texts that the library refuses")


if __name__ == "__main__":
    main(*sys.argv[1:])
