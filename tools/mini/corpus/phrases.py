"""English and Japanese phrase pairs, in few-shot form and as chat."""

import random

from .grammar import chat
from .phrase_table import PAIRS

_NOUNS = {
    "cats": "猫", "dogs": "犬", "apples": "りんご", "books": "本", "music": "音楽", "tea": "お茶", "coffee": "コーヒー", "sushi": "寿司",
    "flowers": "花", "the sea": "海", "the mountains": "山", "snow": "雪", "summer": "夏", "winter": "冬", "movies": "映画", "soccer": "サッカー",
}
_THINGS = {"a cat": "猫", "a book": "本", "a pen": "ペン", "a flower": "花", "a clock": "時計", "a bird": "鳥", "an umbrella": "傘", "a car": "車", "a chair": "いす", "a dog": "犬"}
_WHERES = {"the station": "駅", "the hospital": "病院", "the bank": "銀行", "the library": "図書館", "the school": "学校", "the hotel": "ホテル", "the park": "公園", "the post office": "郵便局"}
_FOODS = {"water": "水", "tea": "お茶", "coffee": "コーヒー", "bread": "パン", "rice": "ご飯", "soup": "スープ", "an apple": "りんご", "fish": "魚"}

ALL: list[tuple[str, str]] = list(PAIRS)
ALL += [(f"I like {e}.", f"{j}が好きです。") for e, j in _NOUNS.items()]
ALL += [(f"I do not like {e}.", f"{j}は好きではありません。") for e, j in _NOUNS.items()]
ALL += [(f"Do you like {e}?", f"{j}は好きですか？") for e, j in _NOUNS.items()]
ALL += [(f"This is {e}.", f"これは{j}です。") for e, j in _THINGS.items()]
ALL += [(f"Is this {e}?", f"これは{j}ですか？") for e, j in _THINGS.items()]
ALL += [(f"That is {e}.", f"あれは{j}です。") for e, j in _THINGS.items()]
ALL += [(f"Where is {e}?", f"{j}はどこですか？") for e, j in _WHERES.items()]
ALL += [(f"I am going to {e}.", f"{j}に行きます。") for e, j in _WHERES.items()]
ALL += [(f"I want {e}.", f"{j}がほしいです。") for e, j in _FOODS.items()]
ALL += [(f"{e[0].upper()}{e[1:]}, please.", f"{j}をお願いします。") for e, j in _FOODS.items()]
EVERYDAY = ALL[:40]


def _pick(rng: random.Random) -> tuple[str, str]:
    return rng.choice(EVERYDAY) if rng.random() < 0.35 else rng.choice(ALL)


def few_shot(rng: random.Random) -> str:
    count = rng.choice([1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 5])
    pairs = []
    while len(pairs) < count:
        pair = _pick(rng)
        if pair not in pairs:
            pairs.append(pair)
    backwards = rng.random() < 0.25
    gap = rng.choice(["\n", "\n", "\n\n"])
    if backwards:
        return gap.join(f"Japanese: {j}\nEnglish: {e}" for e, j in pairs)
    return gap.join(f"English: {e}\nJapanese: {j}" for e, j in pairs)


def asked(rng: random.Random) -> str:
    turns = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        e, j = _pick(rng)
        if rng.random() < 0.7:
            turns.append((rng.choice([f"Translate to Japanese: {e}", f"Translate to Japanese: {e}", f"How do you say \"{e}\" in Japanese?", f"日本語に訳してください：{e}"]), j))
        else:
            turns.append((rng.choice([f"Translate to English: {j}", f"英語に訳してください：{j}"]), e))
    if rng.random() < 0.1:
        return f"{turns[0][0]}\n{turns[0][1]}"
    return chat(turns, rng.choice([None, None, "You are a helpful assistant.", "You are a translator."]))


def document(rng: random.Random) -> str:
    return few_shot(rng) if rng.random() < 0.6 else asked(rng)
