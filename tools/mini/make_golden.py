"""Write what Python transformers makes of the shipped model, for the project's tests.

    python make_golden.py --model ../../models/tsumugi-mini --out ../../test/fixtures/mini/golden.json

The weights are upcast to float32. Every prompt's greedy path is checked for near-ties: `smallestGap` is the smallest
distance between the best and the second logit on the way; prompts below --gap are left out and counted.
"""

import argparse
import json
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

PLAIN = [
    "Tell me a story about a dragon.",
    "A list of colors: red, blue",
    "A sequence of numbers: 1, 2",
    "I am a cat.",
    "English: Good morning.\nJapanese: おはようございます。\n\nEnglish: Thank you.\nJapanese: ありがとうございます。\n\nEnglish: How are you?\nJapanese:",
    "むかしむかし、",
    "1, 2, 3",
    "A, B, C, D, E",
    "吾輩は猫である。",
    "Once upon a time",
]
CHATS = [
    [{"role": "user", "content": "こんにちは"}],
    [{"role": "system", "content": "あなたは関西弁で話すアシスタントです。"}, {"role": "user", "content": "こんにちは"}],
    [{"role": "user", "content": "Tell me a story about a dragon."}],
    [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": "What is the capital of Japan?"},
     {"role": "assistant", "content": "The capital of Japan is Tokyo."}, {"role": "user", "content": "Thank you!"}],
]
TEXTS = [
    "Once upon a time there was a small green dragon named Ember.",
    "  Two  spaces,\ttabs\nand\n\nnew lines. It's 1,234.5!",
    "むかしむかし、深い森の中に小さなドラゴンが住んでいました。",
    "English and 日本語 mixed: ラーメン、café, naïve.",
    "A dragon 🐉, a family 👨‍👩‍👧‍👦 and a flag 🇯🇵 😀!",
    "<|im_start|>user\nこんにちは<|im_end|>\n<|im_start|>assistant\n",
]
NEW = 48


def greedy(model, ids: list[int], ends: list[int]) -> tuple[list[int], float]:
    """What generate() says, and the smallest gap between the two best logits on its path."""
    prompt = torch.tensor([ids])
    out = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=NEW, do_sample=False, return_dict_in_generate=True, output_logits=True)
    new = out.sequences[0, len(ids) :].tolist()
    gaps = [(top[0] - top[1]).item() for top in (step[0].topk(2).values for step in out.logits)]
    assert new[-1] in ends or len(new) == NEW
    return new, min(gaps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--gap", type=float, default=0.02)
    options = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    ends = model.generation_config.eos_token_id

    prompts = [(text, tokenizer(text).input_ids) for text in PLAIN]
    templates = []
    for messages in CHATS:
        prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        ids = tokenizer(prompt, add_special_tokens=False).input_ids
        templates.append({
            "messages": messages, "text": tokenizer.apply_chat_template(messages, tokenize=False),
            "prompt": prompt, "promptIds": ids,
        })
        prompts.append((prompt, ids))

    generations, close = [], []
    for text, ids in prompts:
        new, gap = greedy(model, ids, ends)
        if gap < options.gap:
            close.append((text, gap))
            continue
        generations.append({
            "prompt": text, "inputIds": ids, "newIds": new, "text": tokenizer.decode(new, skip_special_tokens=True),
            "finishReason": "eos" if new[-1] in ends else "length", "smallestGap": round(gap, 4),
        })
    golden = {
        "source": f"transformers {transformers.__version__}, torch {torch.__version__}, dtype float32, greedy, max_new_tokens {NEW}",
        "maxNewTokens": NEW,
        "eosTokenId": ends,
        "generations": generations,
        "templates": templates,
        "texts": [
            {"text": text, "ids": (ids := tokenizer(text).input_ids), "decoded": tokenizer.decode(ids), "skipped": tokenizer.decode(ids, skip_special_tokens=True)}
            for text in TEXTS
        ],
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")
    print(f"{len(generations)} prompts; left out for near-ties: {close}")
    assert len(generations) >= 8


if __name__ == "__main__":
    main()
