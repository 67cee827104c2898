"""Writes test/fixtures/tokenizers/<name>/{tokenizer.json,tokenizer_config.json,golden.json}.

    python tools/golden/make_tokenizer_fixtures.py test/fixtures/tokenizers

Five small tokenizers, trained on the lines below, and what transformers answers for them:
  encode   {text, ids, ids_no_special, tokens, tokenized (where tokenize() gives others), decoded, decoded_skip}
  decode   {ids, decoded, decoded_skip}            random ids
  call     {texts, kwargs, input_ids, attention_mask}
  stream   {prompt, ids, skip_prompt, skip_special, pieces}    every on_finalized_text of TextStreamer
Needs: transformers 5, tokenizers.
"""
import json
import os
import random
import sys

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast, TextStreamer

LINES = [
    "Once upon a time there was a small dragon who lived in a quiet valley.", "The dragon liked to read stories about the sea.",
    "A list of colors: red, blue, green, yellow.", "A sequence of numbers: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10.", "I am a cat. You are a dog. We're friends, aren't we?",
    "def add(a, b):\n    return a + b\n", "It's 3.14 and that's fine!", "Hello, world! How are you today?",
    "昔々あるところに小さな竜が住んでいました。", "吾輩は猫である。名前はまだ無い。", "富士山はとても高い山です。", "これはテストです。今日は良い天気ですね。", "東京と京都と大阪に行きました。",
    "カレーはインドの料理です。", "こんにちは、世界！", "おおきに、ほな行こか。",
] * 4
TEXTS = [
    "", " ", "  ", "\n", "\t\n ", "a", "Hello, world!", " Hello", "Hello ", "Tell me a story about a dragon.", "1, 2, 3, 4, 5", "don't can't I'm we've he'd . , ? ! ' x '",
    "snake_case camelCase 3.14159 1234567890", "multiple   spaces    and\ttabs\n\nnewlines\r\nand more  ", "吾輩は猫である。名前はまだ無い。", "カレーはどこの料理ですか? A.インドの料理です",
    "ﾊﾝｶｸｶﾅとＦｕｌｌｗｉｄｔｈ　ＡＢＣ１２３", "你好，世界！", "안녕하세요 세계", "Привет, мир!", "مرحبا", "नमस्ते", "Ünïcödé çafé", "e\u0301 vs \u00e9", "😀 😃 👨‍👩‍👧‍👦 🇯🇵 👍🏽", "𠮷野家と𩸽",
    "a\u200bb\u200cc\ufeffd\u0085e", "x\u061dy", "\u0000\u0001\x7f", "\ufffd", "ａ゙が゙", "<s>", "</s> <unk> <pad>", "<|im_start|>user\nhi<|im_end|>\n", "x <|im_end|>  y", "<mask> a  <mask>  b<mask>", "toolbox tool tools <tool>tool</tool> tool_",
    "竜の記号 竜竜の記号", "▁▁ a▁b", " leading and trailing ", "①②③ ㍿ ﬁ ½", "\u3000全角\u3000スペース", "x" * 120, "def f(x):\n    return x ** 2  # square\n", "{\"key\": [1, 2, null]}", "????!!!!....,,,,",
]
STREAMS = ["Hello, world! How are you?\nI am fine. ", "これはテストです。", "富士山は高い山。\n今日は良い天気", "😀 👨‍👩‍👧‍👦 ok", "1, 2, 3", " leading", "東京", "\n\n", "", "tabs\tand  two  spaces"]
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def save(out, name, tok, config):
    d = os.path.join(out, name)
    os.makedirs(d, exist_ok=True)
    tok.save(os.path.join(d, "tokenizer.json"), pretty=False)
    config = {"tokenizer_class": "PreTrainedTokenizerFast", **config}
    json.dump(config, open(os.path.join(d, "tokenizer_config.json"), "w"), ensure_ascii=False, indent=1)
    t = PreTrainedTokenizerFast.from_pretrained(d)
    rng = random.Random(7)
    golden = {"encode": [], "decode": [], "call": [], "stream": []}
    for text in TEXTS:
        ids = t(text).input_ids
        golden["encode"].append({"text": text, "ids": ids, "ids_no_special": t(text, add_special_tokens=False).input_ids, "tokens": t.convert_ids_to_tokens(ids), **tokenized(t, text, ids), "decoded": t.decode(ids), "decoded_skip": t.decode(ids, skip_special_tokens=True)})
    special = t.all_special_ids
    for _ in range(60):
        ids = [rng.choice(special) if special and rng.random() < 0.1 else rng.randrange(len(t)) if rng.random() < 0.6 else rng.randrange(min(300, len(t))) for _ in range(rng.randrange(1, 24))]
        golden["decode"].append({"ids": ids, "decoded": t.decode(ids), "decoded_skip": t.decode(ids, skip_special_tokens=True)})
    if t.pad_token is None:
        t.pad_token = t.eos_token
    for kwargs in [{"padding": True}, {"padding": True, "padding_side": "left"}, {"padding": "max_length", "max_length": 12}, {"truncation": True, "max_length": 4}, {"max_length": 5}, {"padding": "max_length", "truncation": True, "max_length": 6, "padding_side": "left"}, {"padding": True, "pad_to_multiple_of": 8}, {"add_special_tokens": False, "padding": True}]:
        texts = ["1, 2, 3", "A dragon, an old one", "猫"]
        e = t(texts, **kwargs)
        golden["call"].append({"texts": texts, "kwargs": kwargs, "input_ids": e.input_ids, "attention_mask": e.attention_mask})
    for text in STREAMS:
        for skip_prompt, skip_special in ((False, False), (True, True)):
            ids = t(text, add_special_tokens=False).input_ids + [t.eos_token_id]
            prompt = t("I am").input_ids
            pieces = []
            streamer = TextStreamer(t, skip_prompt=skip_prompt, skip_special_tokens=skip_special)
            streamer.on_finalized_text = lambda text, stream_end=False: pieces.append([text, stream_end])
            streamer.put(torch.tensor([prompt]))
            for i in ids:
                streamer.put(torch.tensor([i]))
            streamer.end()
            golden["stream"].append({"prompt": prompt, "ids": ids, "skip_prompt": skip_prompt, "skip_special": skip_special, "pieces": pieces})
    with open(os.path.join(d, "golden.json"), "w") as f:
        f.write("{\n" + ",\n".join(json.dumps(k) + ": [\n" + ",\n".join(json.dumps(x, ensure_ascii=False) for x in v) + "\n]" for k, v in golden.items()) + "\n}\n")
    print(name, len(t), {k: len(v) for k, v in golden.items()})


def tokenized(t, text, ids):
    tokens = t.tokenize(text, add_special_tokens=True)
    return {} if tokens == t.convert_ids_to_tokens(ids) else {"tokenized": tokens}


def template(tok, single, pair, tokens):
    return processors.TemplateProcessing(single=single, pair=pair, special_tokens=[(x, tok.token_to_id(x)) for x in tokens])


def main(out):
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated", False), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(LINES, trainers.BpeTrainer(vocab_size=500, initial_alphabet=alphabet, show_progress=False))
    t.add_special_tokens([AddedToken(x, special=True, normalized=False) for x in ("<|endoftext|>", "<|im_start|>", "<|im_end|>")])
    t.add_special_tokens([AddedToken("<mask>", special=True, lstrip=True, normalized=False)])
    t.add_tokens([AddedToken("tool", single_word=True, normalized=True), AddedToken("<tool>", normalized=False, rstrip=True), AddedToken("竜の記号", normalized=False)])
    save(out, "byte-level", t, {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "clean_up_tokenization_spaces": True, "padding_side": "left", "model_max_length": 512, "additional_special_tokens": ["<|im_start|>"]})

    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(LINES, trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"], show_progress=False))
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=True)
    save(out, "roberta", t, {"bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>", "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": {"__type": "AddedToken", "content": "<mask>", "lstrip": True, "normalized": False, "rstrip": False, "single_word": False, "special": True}})

    for name, metaspace in (("llama", False), ("metaspace", True)):
        specials = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]
        t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
        t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
        t.train_from_iterator(LINES, trainers.BpeTrainer(vocab_size=600, special_tokens=specials, show_progress=False))
        j = json.loads(t.to_str())
        j["added_tokens"] = [x for x in j["added_tokens"] if not x["content"].startswith("<0x")]
        j["model"].update(unk_token="<unk>", fuse_unk=True, byte_fallback=True)
        j["pre_tokenizer"] = None
        t = Tokenizer.from_str(json.dumps(j))
        if metaspace:
            t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False)
            t.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(replacement="▁", prepend_scheme="first")])
            t.add_tokens([AddedToken("<tool>", normalized=False), AddedToken("tool", single_word=True, normalized=False)])
        else:
            t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
            t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
        t.post_processor = template(t, "<s> $A", "<s> $A <s>:1 $B:1", ["<s>"])
        # beside a tokenizer.json, add_eos_token of tokenizer_config.json changes nothing
        save(out, name, t, {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "clean_up_tokenization_spaces": False, **({} if metaspace else {"add_bos_token": True, "add_eos_token": True})})

    t = Tokenizer(models.Unigram())
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    t.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    t.train_from_iterator(LINES, trainers.UnigramTrainer(vocab_size=400, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False))
    t.post_processor = template(t, "$A </s>", "$A </s> $B:1 </s>:1", ["</s>"])
    save(out, "unigram", t, {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>", "clean_up_tokenization_spaces": True, "extra_special_tokens": ["<extra>"]})

    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece(cleanup=False)
    t.train_from_iterator(LINES, trainers.WordPieceTrainer(vocab_size=400, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    t.post_processor = template(t, "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", ["[CLS]", "[SEP]"])
    save(out, "wordpiece", t, {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "eos_token": "[SEP]", "mask_token": "[MASK]", "clean_up_tokenization_spaces": True})


if __name__ == "__main__":
    main(sys.argv[1])
