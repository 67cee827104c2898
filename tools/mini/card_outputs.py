"""Write the outputs that the model card shows: `python card_outputs.py ../../models/tsumugi-mini` (greedy, bfloat16 weights upcast)."""

import argparse
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

# (system, user) for chat, or a plain prompt.
SHOWN = [
    "Tell me a story about a dragon.",
    (None, "Tell me a story about a dragon."),
    "A list of colors: red, blue",
    "A sequence of numbers: 1, 2",
    "I am a cat.",
    "English: Good morning.\nJapanese: おはようございます。\n\nEnglish: Thank you.\nJapanese: ありがとうございます。\n\nEnglish: How are you?\nJapanese:",
    (None, "こんにちは"),
    ("あなたは関西弁で話すアシスタントです。", "こんにちは"),
    ("You are a helpful assistant.", "What is the capital of Japan?"),
    (None, "ドラゴンのお話をしてください。"),
    "吾輩は猫である。",
    ("You are a pirate.", "Hello!"),
]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    for number, prompt in enumerate(SHOWN, 1):
        if isinstance(prompt, str):
            kind, shown, text = "plain", prompt, prompt
        else:
            system, user = prompt
            messages = ([{"role": "system", "content": system}] if system else []) + [{"role": "user", "content": user}]
            kind = "chat" + (f', system "{system}"' if system else "")
            shown, text = user, tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        ids = tokenizer(text, return_tensors="pt", add_special_tokens=False).input_ids
        out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=300, do_sample=False)[0, ids.shape[1] :]
        end = f"{len(out)} tokens, ended by itself with `{tokenizer.decode(out[-1:])}`" if out[-1].item() in (0, 2) else "cut at 300 tokens"
        print(f"**{number}. {kind}** ({end})\n\n```text\n{shown}\n>>>{tokenizer.decode(out, skip_special_tokens=True)}\n```\n")
