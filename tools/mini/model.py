"""The shape of tsumugi-mini, as a transformers Llama."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

CONTEXT = 512


def config(vocabulary: int = 4096) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=256,
        intermediate_size=640,
        num_hidden_layers=5,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=64,
        max_position_embeddings=CONTEXT,
        rope_theta=10000.0,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=3,
        initializer_range=0.02,
    )


def create(seed: int, vocabulary: int = 4096) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    return LlamaForCausalLM(config(vocabulary))
