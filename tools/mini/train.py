"""Train tsumugi-mini on the corpus. Stages continue from the checkpoint of the stage before:

    python train.py --seed 1 --steps 1200 --out out/stage1.pt
    python train.py --seed 2 --steps 800 --decay 800 --resume out/stage1.pt --out out/stage2.pt
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from corpus.build import documents
from model import CONTEXT, create
from muon import Muon

END = 0  # <|endoftext|>


def rows(tokenizer: Tokenizer, seed: int) -> Iterator[list[int]]:
    """Rows of CONTEXT + 1 ids. Every row starts with a document, as a prompt does; the last document of a row is cut."""
    row: list[int] = []
    for text in documents(seed):
        row += [*tokenizer.encode(text).ids, END]
        if len(row) > CONTEXT:
            yield row[: CONTEXT + 1]
            row = []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--decay", type=int, default=0, help="the last steps, over which the rates fall linearly to zero")
    parser.add_argument("--warmup", type=int, default=60, help="only without --resume")
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--matrix-rate", type=float, default=4e-3)
    parser.add_argument("--vector-rate", type=float, default=3e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compile", action="store_true", help="torch.compile: a minute or two first, then faster")
    parser.add_argument("--tokenizer", type=Path, default=Path("out/tokenizer"))
    parser.add_argument("--resume", type=Path)
    parser.add_argument("--save-every", type=int, default=200)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    tokenizer = Tokenizer.from_file(str(options.tokenizer / "tokenizer.json"))
    model = create(options.seed, tokenizer.get_vocab_size())
    matrices = [p for name, p in model.model.layers.named_parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if not any(p is m for m in matrices)]
    optimizers = [
        Muon(matrices, lr=options.matrix_rate),
        torch.optim.AdamW(others, lr=options.vector_rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]
    rates = [options.matrix_rate, options.vector_rate]
    seen = 0
    if options.resume:
        state = torch.load(options.resume)
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)
        seen = state["tokens"]

    def save(loss: float) -> None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        partial = options.out.with_suffix(".part")
        torch.save({"model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers], "tokens": seen, "loss": loss}, partial)
        partial.replace(options.out)

    def measure(batch: torch.Tensor) -> torch.Tensor:
        hidden = model.model(batch[:, :-1], use_cache=False).last_hidden_state
        return F.cross_entropy(model.lm_head(hidden).flatten(0, 1), batch[:, 1:].flatten())

    if options.compile:
        measure = torch.compile(measure)
    stream = rows(tokenizer, options.seed)
    model.train()
    started, average, recent = time.time(), None, []
    for step in range(options.steps):
        factor = 1.0 if options.resume else min(1.0, (step + 1) / options.warmup)
        factor *= min(1.0, (options.steps - step) / max(1, options.decay))
        for optimizer, rate in zip(optimizers, rates):
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
        batch = torch.tensor([next(stream) for _ in range(options.rows)])
        loss = measure(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(others, 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        seen += batch[:, 1:].numel()
        recent = [*recent[-49:], loss.item()]
        average = sum(recent) / len(recent)
        if (step + 1) % 20 == 0:
            speed = (step + 1) * options.rows * CONTEXT / (time.time() - started)
            print(f"step {step + 1} loss {loss.item():.3f} average {average:.3f} tokens {seen} speed {speed:.0f}/s", flush=True)
        if (step + 1) % options.save_every == 0:
            save(average)
    save(average or 0.0)
    print(f"done: {seen} tokens, loss {average:.4f}, {time.time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
