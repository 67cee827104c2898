"""Writes four tokenizers of the usual kinds to test/fixtures/tokenizers, trained on the documents of this repository.

    python tools/golden/make_trained_fixtures.py test/fixtures/tokenizers

    docs-llama2      BPE with byte fallback, merges in SentencePiece's way, "▁" before the text
    docs-llama3      byte-level BPE with the pattern of Llama 3, ignore_merges, and a BOS
    docs-unigram     Unigram with NFKC and byte fallback, Metaspace "first"
    docs-wordpiece   WordPiece that keeps case and accents

Files and answers as make_tokenizer_fixtures.py writes them. The documents change, so a later run trains other tokenizers.
Needs: transformers 5, tokenizers.
"""

import json
import sys
from pathlib import Path

from make_tokenizer_fixtures import LLAMA3, save, template
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

ROOT = Path(__file__).parents[2]
BYTES = [f"<0x{i:02X}>" for i in range(256)]


def documents():
    files = [ROOT / "README.md", ROOT / "README.ja.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [line for file in files for line in file.read_text().splitlines()]


def without_byte_tokens(tokenizer, **model):
    """The tokens of bytes belong to the model, not to the added tokens."""
    described = json.loads(tokenizer.to_str())
    described["added_tokens"] = [token for token in described["added_tokens"] if token["content"] not in BYTES]
    described["model"].update(model)
    return Tokenizer.from_str(json.dumps(described))


def llama2(lines):
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    t.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=1200, special_tokens=["<unk>", "<s>", "</s>", *BYTES], show_progress=False))
    t = without_byte_tokens(t, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    t.pre_tokenizer = None
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    t.post_processor = template(t, "<s> $A", "<s> $A <s>:1 $B:1", ["<s>"])
    return t, {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "clean_up_tokenization_spaces": False, "model_max_length": 4096}


def llama3(lines):
    t = Tokenizer(models.BPE(ignore_merges=True))
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated", False), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=1200, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    t.add_special_tokens([AddedToken(x, special=True, normalized=False) for x in ("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>")])
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template(t, "<|begin_of_text|> $A", "<|begin_of_text|> $A <|begin_of_text|>:1 $B:1", ["<|begin_of_text|>"])])
    return t, {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>", "clean_up_tokenization_spaces": True, "model_max_length": 131072}


def unigram(lines):
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=True)
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    t.train_from_iterator(lines, trainers.UnigramTrainer(vocab_size=1200, special_tokens=["<unk>", "<s>", "</s>", "<pad>", *BYTES], unk_token="<unk>", show_progress=False))
    t = without_byte_tokens(t, byte_fallback=True)
    t.post_processor = template(t, "$A </s>", "$A </s> $B:1 </s>:1", ["</s>"])
    return t, {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>", "clean_up_tokenization_spaces": False}


def wordpiece(lines):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    t.train_from_iterator(lines, trainers.WordPieceTrainer(vocab_size=1200, special_tokens=["[UNK]", "[CLS]", "[SEP]", "[PAD]"], show_progress=False))
    t.post_processor = template(t, "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", ["[CLS]", "[SEP]"])
    return t, {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "eos_token": "[SEP]", "clean_up_tokenization_spaces": False}


def main(out):
    lines = documents()
    for make in (llama2, llama3, unigram, wordpiece):
        tokenizer, config = make(lines)
        save(out, f"docs-{make.__name__}", tokenizer, config)


if __name__ == "__main__":
    main(sys.argv[1])
