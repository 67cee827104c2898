"""Train tsumugi-mini on the corpus. Stages continue from the checkpoint of the stage before:

    python train.py --seed 1 --steps 1200 --out out/stage1.pt
    python train.py --seed 2 --steps 800 --decay 800 --resume out/stage1.pt --out out/stage2.pt
"""

import argparse
import re
import time
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from corpus.build import documents
from model import CONTEXT, create
from muon import Muon
from tokenizers import Tokenizer

END = 0  # <|endoftext|>


# What the other side says (questions, system prompts, the sentence to translate) is a free choice of the grammar: it teaches
# little, so its tokens count little. Long stories count a little less, or they would drown the short answers.
GIVEN = re.compile(r"<\|im_start\|>(?:system|user)\n.*?<\|im_end\|>\n|<\|im_start\|>assistant\n|Question: .*\n", re.DOTALL)
SOURCES = {"English: ": re.compile(r"English: .*\n"), "Japanese: ": re.compile(r"Japanese: .*\n")}
GIVEN_WEIGHT, STORY_WEIGHT = 0.1, 0.8


def weights(text: str, offsets: list[tuple[int, int]]) -> list[float]:
    """The weight of every token of a document in the loss."""
    base = STORY_WEIGHT if max(len(line.encode()) for line in text.splitlines()) > 300 else 1.0
    values = [base] * len(offsets)
    pattern = next((pattern for start, pattern in SOURCES.items() if text.startswith(start)), GIVEN)
    spans = [match.span() for match in pattern.finditer(text)]
    for index, (start, end) in enumerate(offsets):
        if any(first <= start and end <= last for first, last in spans):
            values[index] = GIVEN_WEIGHT
    return values


def rows(tokenizer: Tokenizer, seed: int) -> Iterator[tuple[list[int], list[float]]]:
    """Rows of CONTEXT + 1 ids and weights. Every row starts with a document, as a prompt does; its last document is cut."""
    ids: list[int] = []
    values: list[float] = []
    for text in documents(seed):
        encoding = tokenizer.encode(text)
        ids += [*encoding.ids, END]
        values += [*weights(text, encoding.offsets), 1.0]
        if len(ids) > CONTEXT:
            yield ids[: CONTEXT + 1], values[: CONTEXT + 1]
            ids, values = [], []


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

    def measure(batch: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The weighted loss that is trained on, and the plain loss per token that is reported."""
        hidden = model.model(batch[:, :-1], use_cache=False).last_hidden_state
        losses = F.cross_entropy(model.lm_head(hidden).flatten(0, 1), batch[:, 1:].flatten(), reduction="none")
        weight = weight[:, 1:].flatten()
        return (losses * weight).sum() / weight.sum(), losses.detach().mean()

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
        chosen = [next(stream) for _ in range(options.rows)]
        batch = torch.tensor([ids for ids, _ in chosen])
        weighted, loss = measure(batch, torch.tensor([values for _, values in chosen]))
        weighted.backward()
        torch.nn.utils.clip_grad_norm_(others, 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        seen += batch[:, 1:].numel()
        recent = [*recent[-49:], loss.item()]
        average = sum(recent) / len(recent)
        if (step + 1) % 20 == 0:
            speed = (step + 1) * options.rows * CONTEXT / (time.time() - started)
            print(f"step {step + 1} weighted {weighted.item():.3f} loss {loss.item():.3f} average {average:.3f} tokens {seen} speed {speed:.0f}/s", flush=True)
        if (step + 1) % options.save_every == 0:
            save(average)
    save(average or 0.0)
    print(f"done: {seen} tokens, loss {average:.4f}, {time.time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
