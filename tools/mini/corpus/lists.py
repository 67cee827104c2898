"""Lists and counting: every list ends by itself."""

import random

from .grammar import chat

ORDERED = {
    "days of the week": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "months": "January February March April May June July August September October November December".split(),
    "planets": "Mercury Venus Earth Mars Jupiter Saturn Uranus Neptune".split(),
    "seasons": "spring summer autumn winter".split(),
}
FREE = {
    "colors": "red blue green yellow orange purple pink brown black white".split(),
    "animals": "dog cat horse cow pig sheep rabbit lion tiger elephant bear monkey".split(),
    "fruits": "apple banana orange grape peach cherry lemon melon strawberry pear".split(),
    "vegetables": "carrot potato onion tomato cabbage spinach pumpkin cucumber".split(),
    "countries": "Japan France Italy Germany China India Canada Brazil Egypt Spain".split(),
    "cities": "Tokyo Paris London Rome Berlin Osaka Madrid Kyoto Cairo Sydney".split(),
    "birds": "owl sparrow eagle crow duck swan parrot penguin".split(),
    "sports": "soccer tennis baseball swimming running skiing golf judo".split(),
    "instruments": "piano violin guitar drum flute trumpet harp".split(),
    "drinks": "water tea coffee milk juice lemonade".split(),
    "shapes": "circle square triangle rectangle star heart".split(),
    "languages": "English Japanese French Spanish German Italian Chinese Korean".split(),
    "clothes": "shirt hat coat shoes socks gloves scarf dress".split(),
    "body parts": "head arm hand leg foot eye ear nose mouth".split(),
}
JAPANESE_ORDERED = {
    "曜日": "月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 日曜日".split(),
    "季節": "春 夏 秋 冬".split(),
    "月": [f"{n}月" for n in range(1, 13)],
}
JAPANESE_FREE = {
    "色": "赤 青 緑 黄色 紫 白 黒 茶色 ピンク".split(),
    "動物": "犬 猫 馬 牛 豚 羊 うさぎ ライオン 象 くま 猿".split(),
    "果物": "りんご みかん バナナ ぶどう 桃 いちご メロン 梨".split(),
    "野菜": "にんじん じゃがいも 玉ねぎ トマト キャベツ きゅうり なす".split(),
    "国": "日本 フランス イタリア ドイツ 中国 インド カナダ".split(),
    "都市": "東京 大阪 京都 名古屋 札幌 福岡 横浜".split(),
    "食べ物": "寿司 ラーメン うどん カレー おにぎり 天ぷら そば".split(),
}
WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split()
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
KANJI = "一 二 三 四 五 六 七 八 九 十".split()
KANA = "いち に さん よん ご ろく なな はち きゅう じゅう".split()
SYLLABLES = "あいうえおかきくけこさしすせそたちつてとなにぬねの"


def _items(rng: random.Random, name: str, ordered: dict, free: dict) -> list[str]:
    """Ordered lists stay in order; free lists mostly start in the usual order, at times they are shuffled."""
    if name in ordered:
        return list(ordered[name])
    items = list(free[name])
    kind = rng.random()
    if kind < 0.3:
        rng.shuffle(items)
    elif kind < 0.6:
        # Any two first, the rest in the usual order: what a short prompt looks like.
        first = rng.sample(items, 2)
        items = first + [item for item in items if item not in first]
    return items


def named(rng: random.Random) -> str:
    name = "colors" if rng.random() < 0.15 else rng.choice([*ORDERED, *FREE])
    items = _items(rng, name, ORDERED, FREE)
    kind = rng.random()
    if kind < 0.55:
        return rng.choice(["A list of {}: ", "A list of {}: ", "A list of {}: ", "List of {}: ", "Some {}: ", "{}: "]).format(name) + ", ".join(items) + "."
    if kind < 0.65:
        return f"A list of {name}:\n" + "\n".join(f"- {item}" for item in items)
    if kind < 0.75:
        return f"A list of {name}:\n" + "\n".join(f"{i}. {item}" for i, item in enumerate(items, 1))
    count = rng.randint(2, 6)
    count = min(count, len(items))
    word = WORDS[count - 1]
    if name in FREE:
        ask = rng.choice([f"List {word} {name}.", f"Name {word} {name}.", f"Give me {word} {name}.", f"Tell me {count} {name}."])
        return chat([(ask, ", ".join(items[:count]) + ".")], rng.choice([None, None, "You are a helpful assistant."]))
    ask = rng.choice([f"List the {name}.", f"What are the {name}?", f"Tell me the {name}."])
    return chat([(ask, ", ".join(items) + ".")], rng.choice([None, None, "You are a helpful assistant."]))


def named_japanese(rng: random.Random) -> str:
    name = rng.choice([*JAPANESE_ORDERED, *JAPANESE_FREE])
    items = _items(rng, name, JAPANESE_ORDERED, JAPANESE_FREE)
    if rng.random() < 0.6:
        return rng.choice([f"{name}のリスト：", f"{name}の一覧：", f"{name}のリスト："]) + "、".join(items) + "。"
    if name in JAPANESE_ORDERED:
        return chat([(rng.choice([f"{name}を全部教えてください。", f"{name}を言ってください。"]), "、".join(items) + "です。")])
    count = min(rng.randint(2, 5), len(items))
    return chat([(rng.choice([f"{name}を{KANJI[count - 1]}つ挙げてください。", f"{name}を{count}つ教えてください。"]), "、".join(items[:count]) + "です。")])


def _run(rng: random.Random) -> tuple[list[int], str]:
    kind = rng.random()
    if kind < 0.42:
        return list(range(1, rng.choice([10, 10, 10, 10, 10, 10, 10, 12, 15, 20, 20]) + 1)), "numbers"
    if kind < 0.62:
        start = rng.randint(2, 120)
        end = -(-(start + 7) // 10) * 10  # The first round number after at least eight numbers: an end one can foresee.
        return list(range(start, end + 1)), "numbers"
    if kind < 0.70:
        return list(range(2, rng.choice([20, 20, 30]) + 1, 2)), "even numbers"
    if kind < 0.76:
        return list(range(1, rng.choice([19, 21]) + 1, 2)), "odd numbers"
    if kind < 0.84:
        step = rng.choice([3, 5, 10, 10, 5, 100])
        return list(range(step, step * 10 + 1, step)), f"multiples of {step}"
    start = rng.choice([5, 10, 10, 10, 20])
    return list(range(start, 0, -1)), "countdown"


def counting(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.70:
        numbers, name = _run(rng)
        text = ", ".join(map(str, numbers))
        form = rng.random()
        if name == "countdown":
            return rng.choice([f"A countdown: {text}.", f"Counting down: {text}.", f"{text}", chat([(f"Count down from {numbers[0]}.", text + ".")])])
        if form < 0.45:
            return f"A sequence of {rng.choice(['numbers', 'numbers', name])}: {text}."
        if form < 0.65:
            return text
        if form < 0.75 and name == "numbers":
            return f"Count from {numbers[0]} to {numbers[-1]}: {text}."
        if form < 0.9 and name == "numbers":
            return chat([(rng.choice([f"Count from {numbers[0]} to {numbers[-1]}.", f"Please count from {numbers[0]} to {numbers[-1]}."]), text + ".")])
        if name == "numbers":
            return chat([(f"{numbers[0]}から{numbers[-1]}まで数えてください。", "、".join(map(str, numbers)) + "。")])
        return f"{name.capitalize()}: {text}."
    if kind < 0.82:
        start = 0 if rng.random() < 0.7 else rng.randint(1, 16)
        text = ", ".join(LETTERS[start : rng.choice([10, 26, 26, 26]) if start == 0 else 26])
        return rng.choice([text, text, f"The letters of the alphabet: {text}.", f"A sequence of letters: {text}.", text.lower()])
    if kind < 0.90:
        text = ", ".join(WORDS[: rng.choice([10, 10, 12, 20])])
        return rng.choice([text, f"A sequence of numbers: {text}.", f"Numbers in words: {text}."])
    text = "、".join(rng.choice([KANJI, KANA, list(SYLLABLES[: rng.choice([5, 10, 15, 25])])]))
    return rng.choice([text, f"数の並び：{text}。" if text[0] in "一い" else f"ひらがな：{text}。"])


def document(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.42:
        return named(rng)
    if kind < 0.60:
        return named_japanese(rng)
    return counting(rng)
