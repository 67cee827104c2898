"""Stores what checkpoints in test/fixtures have in common once.

    python tools/golden/store_once.py test/fixtures/models [test/fixtures/multimodal …]

The scripts that write checkpoints call `begin` for each folder, and `store_once` at their end. A generation_config.json that says nothing which config.json
does not say is removed: both transformers and tsumugi then take the values of config.json. A file that is equal to one of a
folder beside it becomes a symbolic link to it (test/fixtures/README.md). Needs nothing but Python.
"""

import filecmp
import json
import sys
from pathlib import Path

# fields of generation_config.json that no answer depends on
INDIFFERENT = {"_from_model_config", "output_attentions", "output_hidden_states", "transformers_version", "use_cache"}


def begin(folder):
    """Makes the folder, and takes links out of it: what is written there must not reach the folder that they name."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        if file.is_symlink():
            file.unlink()


def repeats_config(folder):
    """Whether the folder's generation_config.json says only what its config.json (or the text part's) says."""
    given = json.loads((folder / "generation_config.json").read_text())
    config = json.loads((folder / "config.json").read_text())
    known = {**config.get("text_config", {}), **{key: value for key, value in config.items() if value is not None}}
    return all(known.get(key) == value for key, value in given.items() if key not in INDIFFERENT)


def store_once(root):
    """Removes and links files in the checkpoints root/<name>/."""
    root = Path(root)
    for file in sorted(root.glob("*/generation_config.json")):
        if repeats_config(file.parent):
            file.unlink()
    # the shortest name is the plainest checkpoint: the others are variants of it
    files = [path for path in root.glob("*/*") if path.is_file() and not path.is_symlink()]
    kept = {}
    for file in sorted(files, key=lambda path: (len(path.parent.name), path)):
        alike = kept.setdefault((file.name, file.stat().st_size), [])
        same = next((other for other in alike if filecmp.cmp(file, other, shallow=False)), None)
        if same is None:
            alike.append(file)
            continue
        file.unlink()
        file.symlink_to(Path("..") / same.parent.name / same.name)


if __name__ == "__main__":
    for given in sys.argv[1:]:
        store_once(given)
