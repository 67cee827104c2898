"""A tiny text grammar: `[a|b|c]` chooses one (nested as deep as you like), `{name}` is filled from a table."""

import random
import re

_INNERMOST = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")


def expand(text: str, rng: random.Random, slots: dict[str, str] | None = None) -> str:
    """Choose among the alternatives from the inside out, then fill the slots."""
    while True:
        match = _INNERMOST.search(text)
        if match is None:
            break
        text = text[: match.start()] + rng.choice(match.group(1).split("|")) + text[match.end() :]
    if slots is not None:
        # Slots may hold slots (a hero's name inside a chosen phrase): two passes are enough.
        for _ in range(2):
            text = _SLOT.sub(lambda m: slots[m.group(1)], text)
    return text


def article(noun: str) -> str:
    """`a dragon`, `an owl`."""
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def chat(turns: list[tuple[str, str]], system: str | None = None) -> str:
    """One conversation in the chat template of the model (see export.py): the same text the template renders."""
    parts = [] if system is None else [f"<|im_start|>system\n{system}<|im_end|>\n"]
    for user, assistant in turns:
        parts.append(f"<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n{assistant}<|im_end|>\n")
    return "".join(parts)
