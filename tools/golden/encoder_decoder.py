"""Writes tiny random encoder-decoder checkpoints, and what Python transformers answers on them.

    python encoder_decoder.py OUT [NAME …]

Each OUT/<name>/ holds config.json, model.safetensors and golden.json (store_once.py links equal files): forward logits, greedy
answers alone and as one padded batch, and some decoding modes. Answers begin with the decoder's start token.
Needs torch (CPU), transformers >= 5.18, safetensors.
"""

import json
import os
import random
import sys

import torch
import transformers
from store_once import begin, store_once
from transformers import AutoConfig, AutoModelForSeq2SeqLM

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()

BASE = dict(vocab_size=128, d_model=30, d_kv=7, d_ff=44, num_layers=3, num_decoder_layers=2, num_heads=3,
            relative_attention_num_buckets=10, relative_attention_max_distance=23, pad_token_id=0, eos_token_id=2,
            decoder_start_token_id=0, feed_forward_proj="gated-gelu")

BART = dict(vocab_size=128, d_model=42, encoder_layers=3, decoder_layers=2, encoder_attention_heads=6,
            decoder_attention_heads=3, encoder_ffn_dim=44, decoder_ffn_dim=52, max_position_embeddings=90,
            pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2)

SMALL = dict(d_model=24, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=20, decoder_ffn_dim=20)

# what BART's config.json of old says in place of a generation_config.json
LEGACY = dict(num_beams=4, length_penalty=2.0, no_repeat_ngram_size=3, early_stopping=True, forced_bos_token_id=0,
              forced_eos_token_id=2, min_length=7, max_length=15)

FAMILIES = {
    # as published: the head is said to be untied, which stands for the missing scale of T5 1.1
    "t5_gated": ("t5", BASE, dict(tie_word_embeddings=False)),
    "t5_silu": ("t5", dict(BASE, feed_forward_proj="gated-silu", num_decoder_layers=None, d_kv=16,
                           relative_attention_num_buckets=32, relative_attention_max_distance=128), {}),
    "mt5": ("mt5", dict(BASE, num_decoder_layers=1, decoder_start_token_id=5), dict(tie_word_embeddings=False)),
    "bart": ("bart", BART, {}),
    "bart_legacy": ("bart", dict(BART, scale_embedding=True, activation_function="gelu_new", d_model=40,
                                 encoder_attention_heads=5, decoder_attention_heads=4), LEGACY),
    "mbart": ("mbart", dict(BART, scale_embedding=True, activation_function="relu"), {}),
    "m2m_100": ("m2m_100", BART, {}),
    "m2m_100_odd": ("m2m_100", dict(BART, d_model=27, encoder_attention_heads=3, decoder_attention_heads=1,
                                    scale_embedding=False, activation_function="gelu"), {}),
    # an embedding for each stack, and a head of its own
    "bart_untied": ("bart", dict(BART, **SMALL, tie_word_embeddings=False), {}),
    "mbart_untied": ("mbart", dict(BART, **SMALL, tie_word_embeddings=False, scale_embedding=True), {}),
}

MODES = [
    dict(max_new_tokens=16, num_beams=4),
    dict(max_new_tokens=16, num_beams=3, num_return_sequences=2, length_penalty=0.5, do_sample=True),
    dict(max_new_tokens=20, do_sample=True, top_k=0, temperature=1.3),
    dict(max_new_tokens=20, do_sample=True, top_p=0.9, num_return_sequences=2),
    dict(max_new_tokens=20, encoder_no_repeat_ngram_size=1),
    # with beams transformers lifts the first rows only, whichever they are
    dict(max_new_tokens=20, num_beams=1, encoder_repetition_penalty=1.6, repetition_penalty=1.2),
    dict(max_new_tokens=12, forced_bos_token_id=9, begin_suppress_tokens=[4, 5], min_new_tokens=12),
    dict(max_length=9),
    dict(max_new_tokens=12, decoder_start_token_id=17),
]


def randomise(model, generator):
    """Wide random weights, so that answers are far from a tie."""
    # BART's family would repeat one token for ever: its norms turn the hidden state about, its positions weigh more
    other = "t5" not in model.config.model_type
    for name, p in model.named_parameters():
        r = torch.empty_like(p).normal_(generator=generator)
        if other and name.endswith("bias"):
            p.data = r * 0.05
        elif "shared" in name or "embed_tokens" in name:
            p.data = r * (0.2 if other else 0.4)
        elif "relative_attention_bias" in name:
            p.data = r * 1.5
        elif "layer_norm" in name or "layernorm" in name:
            p.data = p.data + (1.0 if other else 0.15) * r
        elif "embed_positions" in name:
            p.data = r
        else:
            p.data = r * ((2.5 if other else 1.2) / p.shape[-1] ** 0.5)
    if hasattr(model, "final_logits_bias"):
        model.final_logits_bias.normal_(generator=generator).mul_(0.3)


def main(out, *names):
    for seed, (name, (kind, settings, raw)) in enumerate(FAMILIES.items()):
        if names and name not in names:
            continue
        directory = os.path.join(out, name)
        begin(directory)
        model = AutoModelForSeq2SeqLM.from_config(AutoConfig.for_model(kind, **settings))
        randomise(model, torch.Generator().manual_seed(60 + seed))
        model.save_pretrained(directory)
        if raw:
            path = os.path.join(directory, "config.json")
            config = json.load(open(path))
            config.pop("scale_decoder_outputs", None)
            json.dump({**config, **raw}, open(path, "w"), indent=2)
            if raw is LEGACY:
                os.remove(os.path.join(directory, "generation_config.json"))
        model = AutoModelForSeq2SeqLM.from_pretrained(directory, dtype=torch.float32).eval()
        draw = random.Random(seed)
        prompt = lambda length: [draw.randrange(3, 128) for _ in range(length)]

        @torch.no_grad()
        def answers(ids, mask, **kwargs):
            return model.generate(torch.tensor(ids), attention_mask=torch.tensor(mask),
                                  **{"do_sample": False, **kwargs}).tolist()

        # longer than the greatest distance of the biases
        pad, start = settings["pad_token_id"], settings["decoder_start_token_id"] if kind != "mt5" else 0
        ids, decoder = prompt(70), [start, *prompt(40)]
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids]), decoder_input_ids=torch.tensor([decoder])).logits[0]
        golden = {"forward": {"input_ids": ids, "decoder_input_ids": decoder,
                              "logits": [[round(x, 6) for x in row] for row in logits.tolist()]}}
        rows = [prompt(length) for length in (1, 6, 19, 40)]
        ones = lambda table: [[1] * len(row) for row in table]
        golden["greedy"] = [{"input_ids": row, "new_ids": answers([row], ones([row]), max_new_tokens=24)[0]} for row in rows]
        # BART counts the pads on the left as positions: its rows are padded on the right
        sides = (lambda pads, row: row + pads) if "bart" in kind else (lambda pads, row: pads + row)
        padded = [sides([pad] * (40 - len(row)), row) for row in rows]
        mask = [sides([0] * (40 - len(row)), [1] * len(row)) for row in rows]
        golden["batch"] = {"input_ids": padded, "attention_mask": mask, "new_ids": answers(padded, mask, max_new_tokens=24)}
        golden["modes"] = []
        for kwargs in MODES:
            for which, table, masks in (("single", rows[1:2], ones(rows[1:2])), ("batch", padded, mask)):
                torch.manual_seed(11)
                golden["modes"].append({"kwargs": kwargs, "seed": 11, "input": which, "input_ids": table,
                                        "new_ids": answers(table, masks, **kwargs)})
        json.dump(golden, open(os.path.join(directory, "golden.json"), "w"))
        print(name, golden["greedy"][1]["new_ids"][:12])
    store_once(out)


main(*sys.argv[1:])
