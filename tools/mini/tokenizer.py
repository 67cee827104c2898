"""Train the tokenizer (byte-level BPE) on the corpus and save it with the chat template.

    python tokenizer.py --seed 1 --out out/tokenizer
"""

import argparse
import itertools
import json
from pathlib import Path

from corpus.build import documents
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"]
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def train(seed: int, count: int, vocabulary: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=SPECIAL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        min_frequency=2,
        max_token_length=15,  # Bytes: a Japanese token is at most five characters, so new sentences still split well.
        show_progress=False,
    )
    tokenizer.train_from_iterator(itertools.islice(documents(seed), count), trainer)
    return tokenizer


def save(tokenizer: Tokenizer, out: Path, context: int) -> None:
    out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(out / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": context,
        "bos_token": "<|endoftext|>",
        "eos_token": "<|endoftext|>",
        "pad_token": "<|pad|>",
        "unk_token": None,
        "add_bos_token": False,
        "add_eos_token": False,
        "clean_up_tokenization_spaces": False,
        "padding_side": "left",
        "model_input_names": ["input_ids", "attention_mask"],
        "chat_template": CHAT_TEMPLATE,
    }
    (out / "tokenizer_config.json").write_text(json.dumps(config, ensure_ascii=False, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--documents", type=int, default=30000)
    parser.add_argument("--vocabulary", type=int, default=4096)
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--out", type=Path, default=Path("out/tokenizer"))
    options = parser.parse_args()
    tokenizer = train(options.seed, options.documents, options.vocabulary)
    save(tokenizer, options.out, options.context)
    sample = list(itertools.islice(documents(options.seed + 1), 2000))
    tokens = sum(len(tokenizer.encode(text).ids) for text in sample)
    print(f"vocabulary {tokenizer.get_vocab_size()}, {tokens / len(sample):.1f} tokens per document, "
          f"{sum(map(len, sample)) / tokens:.2f} characters per token")
