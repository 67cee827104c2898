"""The mixture: an endless, seeded stream of documents."""

import random
from collections.abc import Iterator

from . import intros, lists, phrases, stories_en, stories_ja, talk

# Shares of documents, not of tokens: stories are long, lists and answers short.
MIXTURE = [(stories_en, 0.15), (stories_ja, 0.11), (lists, 0.15), (intros, 0.07), (phrases, 0.20), (talk, 0.32)]


def documents(seed: int) -> Iterator[str]:
    rng = random.Random(seed)
    makers, shares = zip(*MIXTURE)
    while True:
        yield rng.choices(makers, shares)[0].document(rng)
