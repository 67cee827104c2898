"""Attentions (and, where hidden_states.py has none, hidden states) of transformers' generate, float32, on the tiny models of
test/fixtures: padded batches, greedy and with beams.

    python tools/golden/attentions.py test/fixtures test/fixtures/decoding/attentions.json [NAME …]
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

DECODERS = ["llama", "gpt2", "gemma2", "gpt_oss", "bloom", "falcon", "gpt_bigcode", "qwen2_window", "qwen3_next", "lfm2",
            "deepseek_v3"]
SEQ2SEQ = ["t5", "bart", "mbart", "m2m_100"]
WINDOWS = ["gemma2"]  # shorter than these prompts
BEAMS = ["llama", "gemma2", "t5"]
TOKENS = {"max_new_tokens": 4, "min_new_tokens": 4, "do_sample": False, "return_dict_in_generate": True}


def tensor(value):
    return {"shape": list(value.shape), "data": [round(v, 5) for v in value.flatten().tolist()]}


def summary(value):
    """The first four of each vector, and the sum of its squares."""
    flat = value.reshape(-1, value.shape[-1])
    data = torch.cat([flat[:, :4], flat.square().sum(-1, keepdim=True)], -1).flatten().tolist()
    return {"shape": list(value.shape), "data": [float(f"{v:.6g}") for v in data]}


def each(value, make):
    return make(value) if isinstance(value, torch.Tensor) else [each(part, make) for part in value]


def case(model, ids, mask, pad, **options):
    kwargs = {**TOKENS, **options, "pad_token_id": pad}
    result = model.generate(input_ids=torch.tensor(ids), attention_mask=torch.tensor(mask), output_attentions=True,
                            output_hidden_states=True, **kwargs)
    doc = {"input_ids": ids, "attention_mask": mask, "pad": pad, "options": options, "sequences": result.sequences.tolist()}
    for name in ("attentions", "decoder_attentions", "cross_attentions", "encoder_attentions"):
        if result.get(name) is not None:
            doc[name] = each(result[name], tensor)
    for name in ("hidden_states", "decoder_hidden_states", "encoder_hidden_states"):
        if result.get(name) is not None:
            doc[name] = each(result[name], summary)
    return doc


def main(fixtures, out, *only):
    torch.set_num_threads(1)
    docs = {}
    left = [[0, 0, 11, 12, 13], [5, 6, 7, 8, 9]]
    mask = [[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]]
    long = [[0] * 3 + list(range(20, 30)), list(range(5, 18))]
    long_mask = [[0] * 3 + [1] * 10, [1] * 13]
    open_model = lambda auto, path: auto.from_pretrained(path, dtype=torch.float32, attn_implementation="eager").eval()
    for name in only or DECODERS:
        model = open_model(AutoModelForCausalLM, f"{fixtures}/models/{name}")
        docs[f"models/{name}"] = case(model, left, mask, 0)
        if name in WINDOWS or only:
            docs[f"models/{name} long"] = case(model, long, long_mask, 0)
    for name in BEAMS[:2] if not only else []:
        model = open_model(AutoModelForCausalLM, f"{fixtures}/models/{name}")
        docs[f"models/{name} beams"] = case(model, left, mask, 0, num_beams=3)
    for name in SEQ2SEQ if not only else []:
        model = open_model(AutoModelForSeq2SeqLM, f"{fixtures}/encoder-decoder/{name}")
        pad = model.config.pad_token_id
        right = [[11, 12, 13, pad, pad], [5, 6, 7, 8, 9]]
        ends = [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
        docs[f"encoder-decoder/{name}"] = case(model, right, ends, pad, num_beams=1)
        if name in BEAMS:
            docs[f"encoder-decoder/{name} beams"] = case(model, right, ends, pad, num_beams=2, num_return_sequences=2)
    with open(out, "w") as file:
        json.dump(docs, file, separators=(",", ":"))


main(*sys.argv[1:])
