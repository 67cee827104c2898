"""Small questions and answers and greetings, in chat form: English, Japanese, Kansai dialect, personas."""

import random

from .grammar import article, chat
from .stories_en import FEMALE, MALE
from .stories_ja import NAMES
from .talk_table import (
    CAPITALS,
    COLORS,
    FACTS,
    FACTS_JA,
    OPPOSITES,
    OPPOSITES_JA,
    PERSONAS,
    PERSONAS_JA,
    SMALL_TALK,
    SMALL_TALK_JA,
    SMALL_TALK_KANSAI,
    SOUNDS,
)

HELPFUL = [None, None, None, "You are a helpful assistant.", "You are a helpful assistant.", "You are a friendly assistant. Keep your answers short."]
HELPFUL_JA = [None, None, None, "あなたは親切なアシスタントです。", "あなたは丁寧なアシスタントです。"]
KANSAI = ["あなたは関西弁で話すアシスタントです。", "あなたは関西弁で話すアシスタントです。", "関西弁で答えてください。", "あなたは大阪の人です。関西弁で話します。", "You speak in Kansai dialect."]


def fact(rng: random.Random) -> tuple[str, str]:
    kind = rng.random()
    if kind < 0.28:
        country, (city, _, _) = rng.choice(list(CAPITALS.items()))
        return rng.choice([f"What is the capital of {country}?", f"What is the capital of {country}?", f"Which city is the capital of {country}?"]), f"The capital of {country} is {city}."
    if kind < 0.40:
        animal, (sound, _, _) = rng.choice(list(SOUNDS.items()))
        return f"What sound does {article(animal)} make?", f"{article(animal).capitalize()} says \"{sound}\"."
    if kind < 0.50:
        thing, (color, _, _) = rng.choice(list(COLORS.items()))
        return rng.choice([f"What color is {thing}?", f"What is the color of {thing}?"]), f"{thing[0].upper()}{thing[1:]} is {color}."
    if kind < 0.70:
        a, b = rng.randint(1, 10), rng.randint(1, 10)
        if rng.random() < 0.7:
            return rng.choice([f"What is {a} plus {b}?", f"What is {a} + {b}?"]), f"{a} + {b} = {a + b}."
        a, b = a + b, b
        return rng.choice([f"What is {a} minus {b}?", f"What is {a} - {b}?"]), f"{a} - {b} = {a - b}."
    if kind < 0.80:
        pair = rng.choice(OPPOSITES)
        a, b = pair if rng.random() < 0.5 else pair[::-1]
        return f"What is the opposite of {a}?", f"The opposite of {a} is {b}."
    return rng.choice(FACTS)


def fact_japanese(rng: random.Random) -> tuple[str, str]:
    kind = rng.random()
    if kind < 0.28:
        _, (_, country, city) = rng.choice(list(CAPITALS.items()))
        return rng.choice([f"{country}の首都はどこですか？", f"{country}の首都は？"]), f"{country}の首都は{city}です。"
    if kind < 0.40:
        _, (_, animal, sound) = rng.choice(list(SOUNDS.items()))
        return f"{animal}は何と鳴きますか？", f"{animal}は「{sound}」と鳴きます。"
    if kind < 0.50:
        _, (_, thing, color) = rng.choice(list(COLORS.items()))
        return f"{thing}は何色ですか？", f"{thing}は{color}です。"
    if kind < 0.70:
        a, b = rng.randint(1, 10), rng.randint(1, 10)
        return rng.choice([f"{a}足す{b}は？", f"{a}+{b}はいくつですか？"]), f"{a}+{b}は{a + b}です。"
    if kind < 0.80:
        pair = rng.choice(OPPOSITES_JA)
        a, b = pair if rng.random() < 0.5 else pair[::-1]
        return f"「{a}」の反対は何ですか？", f"「{a}」の反対は「{b}」です。"
    return rng.choice(FACTS_JA)


def small_talk(rng: random.Random, table: list, names: list[str]) -> list[tuple[str, str]]:
    """One to three turns that open with a greeting; a name that was given is remembered."""
    name = rng.choice(names)
    turns = []
    for _ in range(rng.choice([1, 1, 1, 2, 2, 3])):
        asks, answers = table[0] if not turns and rng.random() < 0.35 else rng.choice(table)
        turn = (rng.choice(asks).format(name=name), rng.choice(answers).format(name=name))
        if turn[0] not in [ask for ask, _ in turns]:
            turns.append(turn)
    return turns


def remembered(rng: random.Random) -> str:
    if rng.random() < 0.5:
        name = rng.choice(FEMALE + MALE)
        turns = [(f"My name is {name}.", f"Nice to meet you, {name}!")]
        if rng.random() < 0.5:
            turns.append(fact(rng))
        turns.append(("What is my name?", f"Your name is {name}."))
        return chat(turns, rng.choice(HELPFUL))
    name = rng.choice(NAMES)
    turns = [(f"わたしの名前は{name}です。", f"はじめまして、{name}さん！")]
    if rng.random() < 0.5:
        turns.append(fact_japanese(rng))
    turns.append(("わたしの名前は何ですか？", f"あなたの名前は{name}さんです。"))
    return chat(turns, rng.choice(HELPFUL_JA))


def document(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.24:
        turns = [fact(rng) for _ in range(rng.choice([1, 1, 1, 1, 2, 3]))]
        kind = rng.random()
        if kind < 0.12:
            # The answers alone, as plain sentences: "The capital of Japan is" goes on by itself.
            return " ".join(answer for _, answer in turns)
        if kind < 0.18:
            return f"{turns[0][0]}\n{turns[0][1]}"
        if kind < 0.27:
            return "\n\n".join(f"Question: {ask}\nAnswer: {answer}" for ask, answer in turns)
        return chat(turns, rng.choice(HELPFUL))
    if kind < 0.44:
        turns = [fact_japanese(rng) for _ in range(rng.choice([1, 1, 1, 1, 2, 3]))]
        kind = rng.random()
        if kind < 0.10:
            return "".join(answer for _, answer in turns)
        if kind < 0.16:
            return f"{turns[0][0]}\n{turns[0][1]}"
        return chat(turns, rng.choice(HELPFUL_JA))
    if kind < 0.56:
        return chat(small_talk(rng, SMALL_TALK, FEMALE + MALE), rng.choice(HELPFUL))
    if kind < 0.68:
        return chat(small_talk(rng, SMALL_TALK_JA, NAMES), rng.choice(HELPFUL_JA))
    if kind < 0.81:
        return chat(small_talk(rng, SMALL_TALK_KANSAI, NAMES), rng.choice(KANSAI))
    if kind < 0.89:
        system, table = rng.choice(PERSONAS)
        return chat(small_talk(rng, table, FEMALE + MALE), system)
    if kind < 0.93:
        system, table = rng.choice(PERSONAS_JA)
        return chat(small_talk(rng, table, NAMES), system)
    return remembered(rng)
