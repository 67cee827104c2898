"""First-person introductions: "I am a cat." goes on with a few sentences that fit."""

import random

from .grammar import article, chat, expand
from .stories_en import FEMALE, MALE
from .stories_ja import NAMES

# who: (where it lives, what it does, what it likes, what it says or thinks)
ENGLISH = {
    "cat": ("in a small house with an old teacher", "sleep in the sun all day", "fish and warm milk", "people are strange, but their laps are warm"),
    "dog": ("in a house with a big garden", "run after the ball", "bones and long walks", "every day is a good day"),
    "dragon": ("in a cave on a high mountain", "fly above the clouds", "gold and hot soup", "fire is best when it keeps friends warm"),
    "robot": ("in a quiet laboratory", "count stars and clean the floor", "electricity and puzzles", "one day I will understand jokes"),
    "bird": ("in a nest in a tall tree", "sing every morning", "seeds and blue skies", "the wind is my best friend"),
    "fish": ("in a clear river", "swim against the stream", "small bubbles", "the sky is only another kind of water"),
    "tree": ("on a hill near the village", "stand in the wind and the rain", "sunlight and birds", "slow is a good way to grow"),
    "student": ("in Tokyo with my family", "go to school every day", "books and music", "mathematics is hard but fun"),
    "teacher": ("in a small town", "teach children how to read", "tea and good questions", "nobody is too old to learn"),
    "doctor": ("near the hospital", "help sick people", "walks in the park", "a smile is good medicine"),
    "cook": ("above my little restaurant", "make soup and bread", "fresh vegetables", "good food makes good friends"),
    "pirate": ("on a ship with black sails", "look for treasure", "maps and loud songs", "the sea is the greatest treasure"),
    "ghost": ("in an old castle", "walk through the walls at night", "silence and moonlight", "people should not be afraid of me"),
    "mouse": ("behind the kitchen wall", "look for cheese at night", "cheese and quiet feet", "it is good to be small"),
    "frog": ("in a green pond", "jump from leaf to leaf", "rain and flies", "nobody sings as well as I do"),
    "computer": ("on a desk by the window", "work with numbers", "order and cool air", "people think too slowly, but they dream well"),
    "farmer": ("in the country with ten cows", "work in the field", "rain in spring", "the earth gives back what you give"),
    "fox": ("at the edge of the forest", "run in the moonlight", "grapes and tricks", "a clever word is better than sharp teeth"),
}
ENGLISH_PATTERNS = [
    "I am {a}. My name is {name}. I live {where}. Every day I {do}. I like {like}. I think that {think}.",
    "I am {a}. I live {where}, and I {do}. I like {like}. My name is {name}, and I think that {think}.",
    "I am {a}. My name is {name}, and I live {where}. I like {like}[.| very much.] Every day I {do}.",
    "I am {a} and my name is {name}. I live {where}. I like {like}. I think that {think}.",
    "[Hello, my|Hello! My|My] name is {name}. I am {a}, and I live {where}. I like {like}. I think that {think}.",
]
# who: (where, what it does, what it likes, what it thinks) with 吾輩 or わたし
JAPANESE = {
    "猫": ("年とった先生の家", "縁側で昼寝をしている", "魚と日なた", "人間というものは不思議だが、ひざの上は温かい"),
    "犬": ("広い庭のある家", "ボールを追いかけている", "骨と散歩", "毎日がよい日である"),
    "ドラゴン": ("高い山のほら穴", "雲の上を飛んでいる", "金と温かいスープ", "火は友を温めるためにある"),
    "ロボット": ("静かな研究所", "星を数えている", "電気とパズル", "いつか冗談がわかるようになりたい"),
    "鳥": ("高い木の巣", "歌を歌っている", "種と青い空", "風は一番の友である"),
    "たぬき": ("山のふもと", "腹つづみを打っている", "団子と月夜", "化けるのも楽ではない"),
    "かめ": ("大きな池", "ゆっくり歩いている", "水草とひなたぼっこ", "急いでもよいことはない"),
    "学生": ("東京の小さな部屋", "学校に通っている", "本と音楽", "数学は難しいがおもしろい"),
    "先生": ("小さな町", "子どもたちに字を教えている", "お茶とよい質問", "学ぶのに遅すぎることはない"),
    "料理人": ("小さな食堂の二階", "朝からパンを焼いている", "新しい野菜", "おいしいものは人を笑顔にする"),
}
JAPANESE_PATTERNS = [
    "吾輩は{who}である。[名前は{name}という。|名は{name}。]{where}に住んでいる。毎日、{do}。好きなものは{like}である。思うに、{think}。",
    "吾輩は{who}である。{where}に住み、いつも{do}。[好物|好きなもの]は{like}だ。{think}と思っている。",
    "わたしは{who}です。名前は{name}です。{where}に住んでいます。好きなものは{like}です。どうぞよろしくお願いします。",
    "私は{who}です。名前は{name}といいます。{where}に住んでいます。{like}が好きです。よろしくお願いします。",
    "[こんにちは。|はじめまして。]わたしは{who}の{name}です。{where}に住んでいます。好きなものは{like}です。よろしくお願いします。",
]


def english(rng: random.Random) -> str:
    who = "cat" if rng.random() < 0.15 else rng.choice(list(ENGLISH))
    where, do, like, think = ENGLISH[who]
    slots = {"a": article(who), "name": rng.choice(FEMALE + MALE), "where": where, "do": do, "like": like, "think": think}
    text = expand(rng.choice(ENGLISH_PATTERNS), rng, slots)
    if rng.random() < 0.25:
        ask = rng.choice(["Who are you?", "Introduce yourself.", "Please introduce yourself.", "Tell me about yourself."])
        return chat([(ask, text)], f"You are {article(who)}.")
    return text


def japanese(rng: random.Random) -> str:
    who = "猫" if rng.random() < 0.2 else rng.choice(list(JAPANESE))
    where, do, like, think = JAPANESE[who]
    slots = {"who": who, "name": rng.choice(NAMES), "where": where, "do": do, "like": like, "think": think}
    text = expand(rng.choice(JAPANESE_PATTERNS), rng, slots)
    if rng.random() < 0.25:
        return chat([(rng.choice(["自己紹介をしてください。", "あなたはだれですか？"]), text)], f"あなたは{who}です。")
    return text


def document(rng: random.Random) -> str:
    return english(rng) if rng.random() < 0.6 else japanese(rng)
