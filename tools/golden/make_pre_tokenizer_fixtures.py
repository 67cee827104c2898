"""Writes test/fixtures/tokenizers-parts/pre-tokenizers.json: the words that the tokenizers library cuts texts into.

    python tools/golden/make_pre_tokenizer_fixtures.py test/fixtures/tokenizers-parts/pre-tokenizers.json

{texts, cases: [{config, words: one list per text}]}
Needs: tokenizers.
"""
import json
import os
import sys

from tokenizers import Regex, Tokenizer, models
from tokenizers import pre_tokenizers as p

TEXTS = ["", " ", "Hello, world!", "a  b\tc\n\nd ", "don't we've 3.14 x1y22z", "猫です...（x） 12 ½①３\ufeffab\u200d\u0085z  y_w ▁q", "--a--b-", "aXXbXc", "😀👨‍👩‍👧 é e\u0301", "foo_bar http://x.y/z?q=1&r=%20", "▁▁ a▁b", "١٢٣ ०१"]


def main(out):
    steps = []
    for pattern in ("X", " ", Regex(r"\s+"), Regex(r"\p{N}{1,3}|\p{L}+"), Regex("-")):
        for behavior in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"):
            for invert in (False, True):
                steps.append(p.Split(pattern, behavior, invert))
    for behavior in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"):
        steps.append(p.Punctuation(behavior))
    steps += [p.Digits(True), p.Digits(False), p.Whitespace(), p.WhitespaceSplit(), p.BertPreTokenizer(), p.CharDelimiterSplit("-"), p.FixedLength(3)]
    steps += [p.Metaspace(prepend_scheme=s, split=x) for s in ("always", "first", "never") for x in (True, False)]
    steps += [p.ByteLevel(add_prefix_space=a, use_regex=r) for a in (True, False) for r in (True, False)]
    steps += [p.Sequence([p.Whitespace(), p.Digits(True)]), p.Sequence([p.Split(Regex(r"\n"), "isolated", False), p.Metaspace(prepend_scheme="always")])]
    cases = []
    for step in steps:
        t = Tokenizer(models.BPE())
        t.pre_tokenizer = step
        cases.append({"config": json.loads(t.to_str())["pre_tokenizer"], "words": [[w for w, _ in step.pre_tokenize_str(text)] for text in TEXTS]})
    os.makedirs(os.path.dirname(out), exist_ok=True)
    with open(out, "w") as f:
        f.write('{"texts": ' + json.dumps(TEXTS, ensure_ascii=False) + ',\n"cases": [\n' + ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "\n]}\n")
    print(len(cases), "pre-tokenizers,", len(cases) * len(TEXTS), "cases")


if __name__ == "__main__":
    main(sys.argv[1])
