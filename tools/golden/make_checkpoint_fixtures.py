"""Writes test/fixtures/tokenizers-checkpoints/<name>/: checkpoints without tokenizer.json, and what transformers answers.

    python tools/golden/make_checkpoint_fixtures.py test/fixtures/tokenizers-checkpoints

SentencePiece models (.model) and byte-level vocab.json + merges.txt, trained on the lines of make_tokenizer_fixtures.py.
golden.json: encode {text, ids, ids_no_special, tokens, tokenized where tokenize() gives others, decoded, decoded_skip}, decode {ids, decoded, decoded_skip}, special
(named tokens), length. Needs: transformers 5.18, tokenizers, sentencepiece, protobuf.
"""

import json
import os
import random
import shutil
import sys
import tempfile

import sentencepiece
from make_precompiled_fixture import RULES
from make_tokenizer_fixtures import LINES, TEXTS
from store_once import begin, store_once
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoTokenizer

MORE = [
    "hello <tool> there",
    "竜の記号です",
    "<extra_id_0> and <extra_id_1>",
    "tool<s>x",
    "[PAD][CLS] a",
    "ab\u00a0cd",
    "ｶﾞｷﾞ ﾊﾟ",
    "a\tb",
    "  a  b  ",
    "<0x41> <0xE3>",
]


def sp(path, kind, size, **options):
    with tempfile.TemporaryDirectory() as d:
        open(f"{d}/t.txt", "w").write("\n".join(LINES).replace("\n\n", "\n"))
        if options.pop("charsmap", False):
            with open(f"{d}/rules.tsv", "w") as f:
                for source, target in RULES.items():
                    f.write(" ".join(f"{ord(c):X}" for c in source) + "\t" + " ".join(f"{ord(c):X}" for c in target) + "\n")
            options["normalization_rule_tsv"] = f"{d}/rules.tsv"
        else:
            options["normalization_rule_name"] = "identity"
        sentencepiece.SentencePieceTrainer.train(
            input=f"{d}/t.txt",
            model_prefix=f"{d}/m",
            vocab_size=size,
            model_type=kind,
            minloglevel=2,
            hard_vocab_limit=False,
            num_threads=1,
            **options,
        )
        shutil.copy(f"{d}/m.model", path)


def tokenized(t, text, ids):
    tokens = t.tokenize(text, add_special_tokens=True)
    return {} if tokens == t.convert_ids_to_tokens(ids) else {"tokenized": tokens}


def golden(d):
    t = AutoTokenizer.from_pretrained(d)
    if os.environ.get("SHOW"):
        shown = json.loads(t.backend_tokenizer.to_str())
        shown["model"].update(vocab=len(shown["model"]["vocab"]), merges=len(shown["model"].get("merges", [])))
        if len(json.dumps(shown["added_tokens"])) > 1500:
            shown["added_tokens"] = shown["added_tokens"][:6]
        text = json.dumps(shown, ensure_ascii=False)
        print(type(t).__name__, text if len(text) < 6000 else text[:6000])
    rng = random.Random(3)
    out = {"encode": [], "decode": []}
    japanese = type(t).__name__ == "GPTNeoXJapaneseTokenizer"  # its tokens of ids are texts
    for text in TEXTS + MORE + (JAPANESE if japanese else []):
        e = t(text)
        out["encode"].append(
            {
                "text": text,
                "ids": e.input_ids,
                "ids_no_special": t(text, add_special_tokens=False).input_ids,
                "tokens": t.tokenize(text) if japanese else t.convert_ids_to_tokens(e.input_ids),
                **({} if japanese else tokenized(t, text, e.input_ids)),
                "decoded": t.decode(e.input_ids),
                "decoded_skip": t.decode(e.input_ids, skip_special_tokens=True),
            }
        )
    for _ in range(30):
        ids = [rng.randrange(len(t)) for _ in range(rng.randrange(1, 20))]
        out["decode"].append({"ids": ids, "decoded": t.decode(ids), "decoded_skip": t.decode(ids, skip_special_tokens=True)})
    out["special"] = {k: str(v) for k, v in t.special_tokens_map.items() if isinstance(v, str)}
    out["length"] = len(t)
    out["padding_side"] = t.padding_side
    out["pair"] = t("a b", "c d").input_ids
    with open(f"{d}/golden.json", "w") as f:
        f.write(
            "{\n"
            + ",\n".join(
                json.dumps(k)
                + ": "
                + (
                    "[\n" + ",\n".join(json.dumps(x, ensure_ascii=False) for x in v) + "\n]"
                    if k in ("encode", "decode")
                    else json.dumps(v)
                )
                for k, v in out.items()
            )
            + "\n}\n"
        )
    print(os.path.basename(d), len(t))


def make(out, name, config, tokenizer_config, build):
    d = os.path.join(out, name)
    begin(d)
    json.dump(config, open(f"{d}/config.json", "w"), indent=1)
    if tokenizer_config is not None:
        json.dump(tokenizer_config, open(f"{d}/tokenizer_config.json", "w"), indent=1)
    build(d)
    golden(d)


def bpe(size, unicode=True, specials=("<|endoftext|>",)):
    def build(d):
        t = Tokenizer(models.BPE())
        t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        t.train_from_iterator(
            LINES,
            trainers.BpeTrainer(vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False),
        )
        j = json.loads(t.to_str())["model"]
        vocab = j["vocab"]
        for s in specials:
            vocab[s] = len(vocab)
        json.dump(vocab, open(f"{d}/vocab.json", "w"), ensure_ascii=False)
        open(f"{d}/merges.txt", "w").write(
            "#version: 0.2\n" + "".join((m if isinstance(m, str) else " ".join(m)) + "\n" for m in j["merges"])
        )

    return build


JAPANESE = [
    "吾輩は猫である🐯。実は慶応(慶應)大学出身",
    "1１①,,、,2",
    " 両端の　空白\t\r\n\n",
    "<SP><br><|byte1|><|byte65|><|emoji2|><URL><<SP",
    "—−―–",
    "¡¿ǀʹ̀ͣ͢Ḁ☃⯿Ⰰ",
    "😀😀👨‍👩‍👧‍👦 (^_^)",
    "𠮷野家 ﷽\ufeff",
    "かなかなカナカナ漢字漢字",
    "あ<|endoftext|> <|startoftext|>い",
    "─━▀<BLOCK>",
    "https://example.com/ 03-1234-5678 令和3年4月1日 1,000円",
    "\x00\x1f\x7f\x85\xa0",
    "カタカ ナひらが なひら",
]


def japanese(d):
    """A vocabulary of our own in the form of GPTNeoXJapaneseTokenizer's: lines of words, ways to write one with commas."""
    words = [
        "慶応,慶應",
        "大学,大學",
        "である",
        "ひらがな",
        "ひらが",
        "ひら",
        "カタカナ",
        "カタ",
        "かな",
        "カナ",
        "漢字",
        "漢",
        "吾輩,我輩",
        "は",
        "猫,ネコ,ねこ",
        ",",
        "1,１,①",
        "。",
        "、",
        "(,（",
        "),）",
        "空白",
        "の",
        "ー",
        "実は",
        "実",
        "なか",
        "あ",
        "い",
        "<br>",
        "a",
        "b",
        "ab",
        "he",
        "hel",
        "lo",
        "123",
        "12",
        "<",
        "<S",
        "(^",
        "é",
        "a b",
    ]
    tags = [
        "<SP>",
        "<BR>",
        "<TAB>",
        "<URL>",
        "<BLOCK>",
        "<KIGOU>",
        "<U2000U2BFF>",
        "<|emoji1|>",
        "<|emoji2|>",
        "<|emoji12|>",
        "<|startoftext|>",
    ]
    lines = words + [f"<|byte{i}|>" for i in range(256)] + tags + ["<|endoftext|>", ","]
    open(f"{d}/vocab.txt", "w").write("\n".join(lines))
    emoji = {"😀": "<|emoji1|>", "🐯": "<|emoji12|>", "(^_^)": "<|emoji1|>", "👨‍👩‍👧‍👦": "<|emoji2|>", "👨": "<|emoji2|>"}
    json.dump(
        {"emoji": emoji, "emoji_inv": {"<|emoji1|>": "😀", "<|emoji2|>": "👪", "<|emoji12|>": "🐯"}},
        open(f"{d}/emoji.json", "w"),
        ensure_ascii=False,
    )


def main(out):
    t5 = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
    make(
        out,
        "t5",
        {"model_type": "t5"},
        {
            "tokenizer_class": "T5Tokenizer",
            "extra_ids": 5,
            "eos_token": "</s>",
            "unk_token": "<unk>",
            "pad_token": "<pad>",
            "additional_special_tokens": [f"<extra_id_{i}>" for i in range(5)],
        },
        lambda d: sp(f"{d}/spiece.model", "unigram", 260, charsmap=True, **t5),
    )
    make(out, "t5-plain", {"model_type": "t5"}, None, lambda d: sp(f"{d}/spiece.model", "unigram", 230, charsmap=True, **t5))
    make(
        out,
        "rinna",
        {"model_type": "gpt2", "tokenizer_class": "T5Tokenizer"},
        {
            "tokenizer_class": "T5Tokenizer",
            "eos_token": "</s>",
            "unk_token": "<unk>",
            "bos_token": "<s>",
            "pad_token": "[PAD]",
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
            "mask_token": "[MASK]",
            "extra_ids": 0,
            "additional_special_tokens": [],
            "do_lower_case": True,
        },
        lambda d: sp(
            f"{d}/spiece.model", "unigram", 300, charsmap=True, user_defined_symbols=["[PAD]", "[CLS]", "[SEP]", "[MASK]"]
        ),
    )
    make(
        out,
        "rinna-neox",
        {"model_type": "gpt_neox"},
        {
            "tokenizer_class": "T5Tokenizer",
            "eos_token": "</s>",
            "unk_token": "[UNK]",
            "bos_token": "<s>",
            "pad_token": "[PAD]",
            "extra_ids": 0,
        },
        lambda d: sp(
            f"{d}/spiece.model",
            "unigram",
            500,
            charsmap=True,
            byte_fallback=True,
            unk_piece="[UNK]",
            pad_id=3,
            pad_piece="[PAD]",
            add_dummy_prefix=False,
            user_defined_symbols=["<tool>", "竜の記号"],
        ),
    )
    make(
        out,
        "llama",
        {"model_type": "llama"},
        {
            "tokenizer_class": "LlamaTokenizer",
            "bos_token": "<s>",
            "eos_token": "</s>",
            "unk_token": "<unk>",
            "add_bos_token": True,
            "add_eos_token": False,
        },
        lambda d: sp(f"{d}/tokenizer.model", "bpe", 500, byte_fallback=True, split_digits=True),
    )
    make(
        out,
        "llama-legacy",
        {"model_type": "llama"},
        {
            "tokenizer_class": "LlamaTokenizer",
            "legacy": True,
            "bos_token": {
                "__type": "AddedToken",
                "content": "<s>",
                "lstrip": False,
                "normalized": True,
                "rstrip": False,
                "single_word": False,
            },
            "eos_token": "</s>",
            "pad_token": None,
        },
        lambda d: sp(f"{d}/tokenizer.model", "bpe", 420, byte_fallback=True, user_defined_symbols=["<tool>", "竜の記号"]),
    )
    make(
        out,
        "gemma",
        {"model_type": "gemma"},
        {"tokenizer_class": "GemmaTokenizer"},
        lambda d: sp(
            f"{d}/tokenizer.model",
            "bpe",
            500,
            byte_fallback=True,
            pad_id=0,
            eos_id=1,
            bos_id=2,
            unk_id=3,
            bos_piece="<bos>",
            eos_piece="<eos>",
            add_dummy_prefix=False,
            user_defined_symbols=["<mask>", "<start_of_turn>"],
        ),
    )
    make(
        out,
        "backend-bpe",
        {"model_type": "stablelm"},
        {"bos_token": "<s>", "eos_token": "</s>"},
        lambda d: sp(f"{d}/tokenizer.model", "bpe", 450, byte_fallback=True, charsmap=True, user_defined_symbols=["<tool>"]),
    )
    make(
        out,
        "backend-unigram",
        {"model_type": "mistral"},
        {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True},
        lambda d: sp(f"{d}/tokenizer.model", "unigram", 480, byte_fallback=True, user_defined_symbols=["<tool>"]),
    )
    make(out, "gpt2", {"model_type": "gpt2"}, None, bpe(330))
    make(
        out,
        "gpt2-prefix",
        {"model_type": "gpt2"},
        {
            "tokenizer_class": "GPT2Tokenizer",
            "add_prefix_space": True,
            "add_bos_token": True,
            "bos_token": "<|endoftext|>",
            "eos_token": "<|endoftext|>",
            "unk_token": "<|endoftext|>",
            "pad_token": "<pad>",
        },
        bpe(300),
    )
    make(
        out,
        "qwen2",
        {"model_type": "qwen2"},
        {
            "tokenizer_class": "Qwen2Tokenizer",
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "additional_special_tokens": ["<|im_start|>", "<|im_end|>"],
            "added_tokens_decoder": {
                str(i): {
                    "content": c,
                    "lstrip": False,
                    "normalized": False,
                    "rstrip": False,
                    "single_word": False,
                    "special": True,
                }
                for i, c in ((340, "<|endoftext|>"), (341, "<|im_start|>"), (342, "<|im_end|>"))
            },
        },
        bpe(340, specials=()),
    )
    llama = {
        "tokenizer_class": "LlamaTokenizer",
        "add_bos_token": True,
        "add_eos_token": True,
        "additional_special_tokens": ["<extra>", "<tool>"],
    }

    def mapped(d):
        sp(f"{d}/tokenizer.model", "bpe", 420, byte_fallback=True, user_defined_symbols=["<tool>"])
        json.dump(
            {"bos_token": {"content": "<s>"}, "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"},
            open(f"{d}/special_tokens_map.json", "w"),
        )

    make(out, "llama-extra", {"model_type": "llama"}, llama, mapped)

    def added(d):
        bpe(300)(d)
        json.dump({"<tool>": 302, "<|endoftext|>": 300, "<pad>": 301}, open(f"{d}/added_tokens.json", "w"))
        json.dump({"pad_token": "<pad>"}, open(f"{d}/special_tokens_map.json", "w"))

    make(out, "gpt2-added", {"model_type": "gpt2"}, None, added)
    make(
        out,
        "gpt-neox-japanese",
        {"model_type": "gpt_neox_japanese"},
        {
            "tokenizer_class": "GPTNeoXJapaneseTokenizer",
            "do_clean_text": False,
            "unk_token": "<|endoftext|>",
            "pad_token": "<|endoftext|>",
            "bos_token": "<|startoftext|>",
            "eos_token": "<|endoftext|>",
        },
        japanese,
    )
    make(out, "gpt-neox-japanese-plain", {"model_type": "gpt_neox_japanese"}, None, japanese)
    make(out, "roberta", {"model_type": "roberta"}, None, bpe(300, specials=("<s>", "</s>", "<unk>", "<pad>", "<mask>")))


if __name__ == "__main__":
    main(sys.argv[1])
    store_once(sys.argv[1])
