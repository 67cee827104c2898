"""Look at what a checkpoint writes: `python sample.py out/stage1.pt` (or an exported folder)."""

import argparse
from pathlib import Path

import torch
from model import create
from transformers import AutoTokenizer, LlamaForCausalLM

PLAIN = [
    "Tell me a story about a dragon.", "A list of colors: red, blue", "A sequence of numbers: 1, 2", "I am a cat.", "1, 2, 3", "A, B, C, D, E",
    "English: Good morning.\nJapanese: おはようございます。\nEnglish: Thank you.\nJapanese: ありがとうございます。\nEnglish: How are you?\nJapanese:",
    "English: I like cats.\nJapanese: 猫が好きです。\n\nEnglish: Good night.\nJapanese: おやすみなさい。\n\nEnglish: How are you?\nJapanese:",
    "むかしむかし、", "吾輩は猫である。", "Once upon a time", "色のリスト：赤、青", "The capital of Japan is", "A list of animals: cat, lion",
]
CHAT = [
    (None, "Tell me a story about a dragon."), (None, "こんにちは"), (None, "こんにちは。"), ("あなたは関西弁で話すアシスタントです。", "こんにちは"),
    (None, "ドラゴンのお話をしてください。"), ("You are a helpful assistant.", "What is the capital of Japan?"), (None, "What is 3 plus 4?"),
    ("You are a pirate.", "Hello!"), (None, "Translate to Japanese: How are you?"), (None, "List three fruits."), (None, "日本の首都はどこですか？"),
    (None, "Hello!"), (None, "What sound does a cat make?"), (None, "1足す2は？"), (None, "Tell me a story about a brave turtle."),
]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--tokenizer", type=Path, default=Path("out/tokenizer"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.model.is_dir():
        tokenizer = AutoTokenizer.from_pretrained(options.model)
        model = LlamaForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    else:
        tokenizer = AutoTokenizer.from_pretrained(options.tokenizer)
        state = torch.load(options.model)
        print(f"tokens {state['tokens']}, loss {state['loss']:.4f}")
        model = create(0, len(tokenizer))
        model.load_state_dict(state["model"])
    model.eval()
    prompts = [(prompt, prompt) for prompt in PLAIN]
    for system, user in CHAT:
        messages = ([{"role": "system", "content": system}] if system else []) + [{"role": "user", "content": user}]
        prompts.append((f"[{system or ''}] {user}", tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)))
    for shown, prompt in prompts:
        ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False).input_ids
        out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=220, do_sample=False, eos_token_id=[0, 2], pad_token_id=3)[0, ids.shape[1] :]
        end = "" if out[-1].item() in (0, 2) else "  (NO END)"
        print(f"--- {shown}\n>>> {tokenizer.decode(out, skip_special_tokens=True)}{end}")
