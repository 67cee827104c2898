"""Print documents of the corpus: `python -m corpus --seed 1 --count 20`."""

import argparse

from .build import documents

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20)
    options = parser.parse_args()
    for _, text in zip(range(options.count), documents(options.seed)):
        print(text, "<|endoftext|>", sep="", end="\n\n")
