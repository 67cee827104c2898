"""Writes test/fixtures/decoding/older-beams.json: the searches that left transformers with version 4.50.

    python tools/golden/older_beams.py > test/fixtures/decoding/older-beams.json

Diverse group beam search (Vijayakumar et al., 2018) and constrained beam search (Post and Vilar, 2018) with the rules of
transformers 4.4x, one prompt at a time, without a cache: every step runs the model on whole rows. It is written for
clarity, from the algorithm; transformers 4.4x itself is not needed.
"""

import json
import random
from dataclasses import dataclass, field
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM

transformers.logging.set_verbosity_error()
torch.set_num_threads(1)
FIXTURES = Path(__file__).resolve().parents[2] / "test" / "fixtures" / "models"


@dataclass
class Hypotheses:
    """The best finished rows of one set of beams."""

    size: int
    length_penalty: float
    early_stopping: object
    max_new: int
    rows: list = field(default_factory=list)
    worst: float = 1e9
    done: bool = False

    def add(self, ids, total, length, by_end):
        score = total / length**self.length_penalty
        if len(self.rows) < self.size or score > self.worst:
            self.rows.append((score, ids, by_end))
            if len(self.rows) > self.size:
                ranked = sorted((row[0], index) for index, row in enumerate(self.rows))
                del self.rows[ranked[0][1]]
                self.worst = ranked[1][0]
            else:
                self.worst = min(score, self.worst)

    def settle(self, best, length):
        if self.done or len(self.rows) < self.size:
            return
        if self.early_stopping is True:
            self.done = True
            return
        reckoned = self.max_new if self.early_stopping == "never" and self.length_penalty > 0 else length
        self.done = self.worst >= best / reckoned**self.length_penalty


def log_probabilities(model, ids):
    with torch.no_grad():
        return torch.log_softmax(model(torch.tensor([ids])).logits[0, -1].float(), -1)


def process(scores, ids, options):
    """The logits processors that the cases use, in their order."""
    if (penalty := options.get("repetition_penalty")) is not None:
        seen = torch.tensor(sorted(set(ids)))
        picked = scores[seen]
        scores = scores.clone()
        scores[seen] = torch.where(picked < 0, picked * penalty, picked / penalty)
    return scores


def candidates_of(rows, scores, eos):
    flat = torch.cat([row + score for row, score in zip(rows, scores)])
    values, places = torch.topk(flat, max(2, 1 + len(eos)) * len(rows))
    size = rows[0].shape[0]
    return [(int(at) // size, int(at) % size, value) for at, value in zip(places, values)], flat


def pick(candidates, beams, hypotheses, eos, length, accepts=lambda ids: True):
    kept = []
    for rank, (beam, token, score) in enumerate(candidates):
        if token in eos:
            if rank < len(beams) and accepts(beams[beam]):
                hypotheses.add(beams[beam], score.item(), length, True)
        else:
            kept.append((beam, token, score))
        if len(kept) == len(beams):
            break
    return kept


def finish(all_hypotheses, prompt, options, eos):
    rows = sorted((row for item in all_hypotheses for row in item.rows), key=lambda row: row[0])
    result = []
    for _ in range(options["num_return_sequences"]):
        score, ids, by_end = rows.pop()
        if by_end and len(ids) - len(prompt) < options["max_new_tokens"]:
            ids = ids + [eos[0]]
        result.append((ids[len(prompt) :], score))
    return result


def group_search(model, prompt, options, eos, pad):
    groups, beams = options["num_beam_groups"], options["num_beams"]
    size = beams // groups
    finished = [Hypotheses(size, options["length_penalty"], options["early_stopping"], options["max_new_tokens"]) for _ in range(groups)]  # fmt: skip
    rows = [[prompt] * size for _ in range(groups)]
    scores = [torch.tensor([0.0] + [-1e9] * (size - 1)) for _ in range(groups)]
    for length in range(1, options["max_new_tokens"] + 1):
        chosen = []
        for group in range(groups):
            if finished[group].done:
                chosen += [pad] * size
                continue
            processed = []
            for ids in rows[group]:
                values = log_probabilities(model, ids)
                if chosen:
                    values = values - options["diversity_penalty"] * torch.bincount(torch.tensor(chosen), minlength=values.shape[0])
                processed.append(process(values, ids, options))
            candidates, _ = candidates_of(processed, scores[group], eos)
            kept = pick(candidates, rows[group], finished[group], eos, length)
            finished[group].settle(candidates[0][2].item(), length)
            rows[group] = [rows[group][beam] + [token] for beam, token, _ in kept]
            scores[group] = torch.stack([score for _, _, score in kept])
            chosen += [token for _, token, _ in kept]
        if all(item.done for item in finished):
            break
    for group in range(groups):
        if not finished[group].done:
            for ids, score in zip(rows[group], scores[group]):
                finished[group].add(ids, score.item(), length, False)
    return finish(finished, prompt, options, eos)


class Progress:
    """How far a row has got with its constraints: each a list of alternatives, each alternative a list of tokens."""

    def __init__(self, constraints):
        self.longest = max(len(phrase) for one in constraints for phrase in one)
        self.complete, self.current, self.made = 0, None, []
        self.pending = list(constraints)

    @property
    def completed(self):
        return self.current is None and not self.pending

    def copy(self):
        other = Progress.__new__(Progress)
        other.__dict__.update(self.__dict__, made=list(self.made), pending=list(self.pending))
        return other

    @staticmethod
    def tokens(constraint, made):
        result = []
        for phrase in constraint:
            if phrase[: len(made)] == made and len(phrase) > len(made) and phrase[len(made)] not in result:
                result.append(phrase[len(made)])
        return result

    def advance(self):
        if self.current is not None:
            return self.tokens(self.current, self.made)
        return [token for one in self.pending for token in self.tokens(one, [])]

    def bank(self):
        started = 0
        if self.current is not None:
            remaining = max(len(phrase) for phrase in self.current) - len(self.made)
            started = self.longest - remaining
        return self.complete * self.longest + started

    def add(self, token):
        if self.completed:
            return
        if self.current is not None:
            if token in self.tokens(self.current, self.made):
                self.made.append(token)
                if self.made in self.current:
                    self.complete, self.current, self.made = self.complete + 1, None, []
            else:
                self.pending.append(self.current)
                self.current, self.made = None, []
            return
        for index, one in enumerate(self.pending):
            if token in self.tokens(one, []):
                del self.pending[index]
                if [token] in one:
                    self.complete += 1
                else:
                    self.current, self.made = one, [token]
                return

    def run(self, ids):
        for token in ids:
            self.add(token)
            if self.completed:
                break
        return self


def constrained_search(model, prompt, options, eos, pad):
    beams = options["num_beams"]
    constraints = [one if isinstance(one[0], list) else [one] for one in options["force_words_ids"]]
    finished = Hypotheses(beams, options["length_penalty"], options["early_stopping"], options["max_new_tokens"])
    rows, scores = [prompt] * beams, torch.tensor([0.0] + [-1e9] * (beams - 1))
    complete = lambda ids: Progress(constraints).run(ids).completed
    for length in range(1, options["max_new_tokens"] + 1):
        processed = [process(log_probabilities(model, ids), ids, options) for ids in rows]
        candidates, flat = candidates_of(processed, scores, eos)
        kept = pick(candidates, rows, finished, eos, length, complete)
        tried = [rows[beam] + [token] for beam, token, _ in kept]
        entries = [(item, Progress(constraints).run(ids).bank()) for item, ids in zip(kept, tried)]
        for beam, ids in enumerate(rows):
            state = Progress(constraints).run(ids)
            if state.completed:
                continue
            for token in state.advance():
                if ids + [token] in tried:
                    continue
                tried.append(ids + [token])
                further = state.copy()
                further.add(token)
                entries.append(((beam, token, flat[beam * processed[0].shape[0] + token]), further.bank()))
        if len(entries) > len(kept):
            banks = torch.tensor([bank for _, bank in entries])
            weights = banks * 100 + torch.stack([item[2] for item, _ in entries])
            order = weights.sort(descending=True, stable=True).indices.tolist()
            counter, current, places = -1, entries[order[0]][1], []
            for index in order:
                if entries[index][1] == current:
                    counter += 1
                else:
                    counter, current = 0, entries[index][1]
                places.append(counter)
            ranked = sorted(range(len(order)), key=lambda at: places[at])[:beams]
            kept = [entries[order[at]][0] for at in ranked]
        finished.settle(candidates[0][2].item(), length)
        rows = [rows[beam] + [token] for beam, token, _ in kept]
        scores = torch.stack([score for _, _, score in kept])
        if finished.done:
            break
    if not finished.done:
        done = [complete(ids) for ids in rows]
        for wanted in (True, False):
            if not wanted and sum(done) >= options["num_return_sequences"]:
                break
            for ids, score, full in zip(rows, scores, done):
                if full is wanted:
                    finished.add(ids, score.item(), length, False)
    return finish([finished], prompt, options, eos)


def main() -> None:
    result = {"transformers": transformers.__version__, "torch": torch.__version__, "cases": []}
    for name in ["llama", "gpt2"]:
        model = AutoModelForCausalLM.from_pretrained(FIXTURES / name, dtype=torch.float32).eval()
        rng = random.Random(f"older {name}")
        for case in range(60):
            grouped = case % 2 == 0
            groups = rng.choice([2, 2, 3]) if grouped else 1
            beams = groups * rng.choice([1, 2, 3]) if grouped else rng.choice([2, 3, 4, 6])
            options = {
                "num_beams": beams,
                "max_new_tokens": rng.choice([3, 8, 12]),
                "early_stopping": rng.choice([True, False, "never"]),
                "length_penalty": rng.choice([-1.0, 0.0, 1.0, 2.0]),
                "num_return_sequences": rng.randint(1, beams),
                "eos_token_id": rng.sample(range(1, 128), rng.choice([1, 3, 12])),
            }
            if rng.random() < 0.3:
                options["repetition_penalty"] = 1.3
            if grouped:
                options |= {"num_beam_groups": groups, "diversity_penalty": rng.choice([0.3, 1.0, 5.0])}
            else:
                phrase = lambda: [rng.randrange(3, 128) for _ in range(rng.choice([1, 2, 3]))]
                words = [phrase() for _ in range(rng.choice([1, 1, 2]))]
                if rng.random() < 0.4:
                    first = rng.randrange(3, 128)
                    words.append([[first, rng.randrange(3, 60)], [first, rng.randrange(60, 128), 7], [rng.randrange(3, 128), 9]])
                options["force_words_ids"] = words
            prompt = [rng.randrange(3, 128) for _ in range(rng.randint(1, 10))]
            search = group_search if grouped else constrained_search
            rows = search(model, prompt, options, options["eos_token_id"], model.config.pad_token_id)
            item = {"model": name, "options": options, "input_ids": prompt}
            item["rows"] = [ids for ids, _ in rows]
            item["scores"] = [float(f"{score:.6g}") for _, score in rows]
            result["cases"].append(item)
    print(json.dumps(result, separators=(",", ":")))


main()
