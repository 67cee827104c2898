"""Short English stories: a hero, a place, a turn, an end. The dragon comes more often than the others."""

import random

from .grammar import article, chat, expand

HEROES = {
    "dragon": ["small green", "shy", "red", "young", "friendly", "golden", "sleepy", "tiny blue", "kind", "old"],
    "cat": ["black", "lazy", "curious", "little gray", "clever", "white", "hungry"],
    "dog": ["brown", "brave", "happy", "big", "little spotted", "loyal"],
    "rabbit": ["white", "quick", "shy", "small", "soft gray"],
    "fox": ["red", "clever", "sly", "young"],
    "bear": ["big brown", "gentle", "sleepy", "hungry"],
    "mouse": ["tiny", "brave little", "gray", "clever"],
    "owl": ["wise old", "gray", "curious young", "quiet"],
    "robot": ["small silver", "old rusty", "friendly", "curious"],
    "girl": ["little", "clever", "brave", "kind", "curious"],
    "boy": ["little", "clever", "brave", "quiet", "curious"],
    "princess": ["young", "brave", "clever", "kind"],
    "king": ["old", "proud", "lonely", "kind"],
    "wizard": ["old", "young", "forgetful", "funny"],
    "pirate": ["brave", "funny", "old", "young"],
    "bird": ["small blue", "yellow", "little red", "happy"],
    "turtle": ["slow green", "old", "patient", "small"],
    "elephant": ["gray", "gentle", "little", "young"],
    "lion": ["proud", "young", "brave", "gentle"],
    "frog": ["green", "noisy", "small", "happy"],
    "horse": ["white", "fast", "young brown", "strong"],
    "fish": ["little silver", "golden", "quick", "shy"],
    "ghost": ["small", "shy", "friendly", "lonely"],
    "farmer": ["hard-working", "old", "kind", "poor"],
}
FEMALE = ["Luna", "Mia", "Rosa", "Lily", "Ruby", "Hana", "Daisy", "Anna", "Bella", "Clara", "Nora", "Ivy", "Pearl", "Stella"]
MALE = ["Ember", "Leo", "Max", "Oliver", "Finn", "Toby", "Sam", "Hugo", "Oscar", "Ben", "Taro", "Milo", "Felix", "Rufus", "Spark"]
PLACES = [
    "in a deep green forest", "in a cave on a high mountain", "in a small village by the sea", "in an old castle on a hill",
    "in a little house by the river", "on a quiet island", "near a big blue lake", "in a valley full of flowers",
    "at the edge of a busy town", "in a garden behind the school", "under an old oak tree", "in a snowy land far in the north",
]
TREASURES = ["golden key", "silver bell", "red kite", "blue lantern", "wooden flute", "shiny stone", "warm scarf", "little music box",
             "magic seed", "old map", "glass star", "green umbrella"]
FOODS = ["apple pie", "warm soup", "honey cake", "sweet berries", "fresh bread", "rice balls", "pumpkin soup", "cheese"]
LIKES = ["sing songs", "look at the stars", "bake bread", "read books", "swim in the lake", "climb hills", "paint pictures",
         "dance in the rain", "collect shells", "tell jokes", "count the clouds", "play the drum"]
FRIENDS = ["owl", "rabbit", "squirrel", "fox", "bird", "mouse", "turtle", "frog", "goat", "deer", "hedgehog", "old woman", "little girl", "little boy"]

OPENINGS = [
    "[Once upon a time,|Long ago,|Once upon a time,] there was {a_hero} named {name}. {name} lived {place}[.|, and {he} liked to {like}.|. {He} liked to {like}.]",
    "[Once upon a time,|Long ago,] {a_hero} named {name} lived {place}. [Every day|Every morning|Every evening] {he} liked to {like}.",
    "{name} was {a_hero} who lived {place}. {He} loved to {like}[.|, and {he} loved {food} even more.]",
    "There once was {a_hero} who lived {place}. {His} name was {name}[.|, and {he} liked to {like}.]",
]
PLOTS = [
    # Lost treasure.
    "One day {name} [lost|could not find] {his} {treasure}. {He} looked [under the bed and behind the door|in the grass and under the stones|everywhere], but it was not there. "
    "{Then} {name} met {a_friend}. \"[Why are you sad?|What is wrong?]\" asked the {friend}. \"I lost my {treasure},\" said {name}. "
    "\"[Let us look together|I will help you|Do not worry, I will help you],\" said the {friend}. They looked all [day|afternoon] and found the {treasure} [in a bird's nest|by the old well|under a pile of leaves]. "
    "{name} was so happy that {he} [shared {his} {food} with the {friend}|danced and laughed|hugged the {friend}].",
    # Storm.
    "One night a big storm came. The wind [was loud|blew and blew] and the rain fell hard. {name} heard a small voice outside. \"Help! I am cold and wet,\" said {a_friend}. "
    "{name} opened the door. \"Come in,\" {he} said. {He} made a fire and gave the {friend} some {food}. "
    "In the morning the sun came out[.| and the birds sang.] \"Thank you,\" said the {friend}. \"[You are very kind|You saved me|I will never forget this].\" From that day they were good friends.",
    # Afraid.
    "But {name} was afraid of [the dark|thunder|deep water|high places]. One day {a_friend} [came to {him} and cried|called for help]. \"My [brother|sister|baby] is lost in the [cave|woods|fog]!\" "
    "{name} was scared, but {he} took a deep breath and [said, \"I will go.\"|went in.] Step by step {he} walked on, and at last {he} found the little one. "
    "\"You are so brave,\" said the {friend}. {name} smiled. \"I was afraid,\" {he} said, \"but I went anyway.\"",
    # Lonely.
    "But {name} had no friends, and {he} was [lonely|sad]. Everyone was [a little afraid of {him}|too busy to play]. One day {he} met {a_friend} [near the bridge|on the road|by the water]. "
    "\"Will you play with me?\" asked {name}. The {friend} [thought for a moment|looked at {him} and smiled]. \"Yes,\" said the {friend}, \"if you share your {food}.\" "
    "They ate, they played, and they laughed until the sun went down. {name} was not lonely anymore.",
    # Treasure found, belongs to another.
    "One [morning|day] {name} found a {treasure} [on the road|in the sand|under a bush]. It was beautiful, and {he} wanted to keep it. "
    "But then {he} saw {a_friend} who was crying. \"I lost my {treasure},\" said the {friend}. \"It was a gift from my [mother|grandmother|father].\" "
    "{name} [thought for a long time|looked at the {treasure} one more time]. Then {he} gave it back. The {friend} [jumped with joy|smiled and thanked {him}], and together they ate some {food}.",
    # Contest.
    "One day there was a big {contest} in the village. \"You are too [slow|small|young] to win,\" said {a_friend}. {name} did not [answer|get angry]. "
    "{He} practiced every day, in the sun and in the rain. On the day of the {contest}, {name} did {his} best. {He} did not come first, but {he} never stopped, and everyone [clapped|cheered]. "
    "\"I was wrong,\" said the {friend}. \"You are amazing.\" {name} laughed and said, \"Next year I will win!\"",
    # Magic seed.
    "One day {a_friend} gave {name} a [small|strange|little] seed. \"Plant it and be patient,\" said the {friend}. {name} planted the seed and gave it water every day. "
    "For a long time nothing happened. [{name} wanted to give up, but {he} waited.|\"I will wait one more day,\" {name} said.] Then one morning there was a tall tree with [golden apples|silver leaves|a hundred red flowers]. "
    "{name} called everyone, and they had a party under the tree with {food}.",
    # Journey.
    "One day {name} [decided|wanted] to see the [sea|moon|highest mountain|big city]. {He} packed some {food} and a {treasure} and began to walk. On the way {he} met {a_friend}. "
    "\"May I come with you?\" asked the {friend}. \"Of course,\" said {name}. They walked for [three days|seven days|a long time], over hills and across rivers. "
    "At last they saw it, and it was [more beautiful than a dream|bigger than they had thought]. \"The best part was the way here,\" said {name}, \"because you were with me.\"",
]
PLOTS += [
    # Mistake.
    "One day {name} [broke|dropped] the {treasure} of {a_friend}. Nobody saw it. {name} wanted to [run away|hide], but {his} heart was heavy. "
    "So {he} went to the {friend} and said, \"I am sorry. It was my mistake.\" The {friend} was quiet for a moment. Then the {friend} smiled. "
    "\"Thank you for telling me the truth,\" said the {friend}. Together they mended the {treasure}, and it was almost as good as new.",
    # Song at night.
    "One night {name} could not sleep. {He} went outside and heard a soft song. It was {a_friend}, alone under the moon. "
    "\"Why do you sing so late?\" asked {name}. \"I sing for the stars,\" said the {friend}, \"because they listen.\" {name} sat down and sang too. "
    "The stars [seemed to dance|shone brighter than before], and from then on the two friends sang together every night.",
    # Cooking.
    "One day {name} wanted to make {food} for {his} birthday, but {he} had no [salt|honey|butter|water]. {He} asked {a_friend} for help. \"I have some,\" said the {friend}, \"but I have nothing to eat with it.\" "
    "\"Then come and eat with me,\" said {name}. They cooked all [morning|afternoon], and the smell was so good that all the neighbors came. It was the best birthday of all.",
    # Wish.
    "One evening {name} found an old lamp in the sand. A [small|blue|sleepy] spirit came out. \"You have one wish,\" said the spirit. {name} thought of gold and of a big house. "
    "But then {he} thought of {his} friend, a sick {friend}. \"I wish that my friend is well again,\" said {name}. The spirit smiled. "
    "The next morning the {friend} came running over the hill, and {name} knew that {he} had made the right wish.",
    # River.
    "One spring the river became wide and fast, and {a_friend} could not go home. \"My children are waiting,\" said the {friend}. {name} looked around and found a long [tree|rope|board]. "
    "It was heavy, and {he} worked until the sun was low. At last there was a bridge. \"Thank you!\" cried the {friend}. Everyone used the bridge for many years, and they called it the bridge of {name}.",
]
DRAGON_PLOTS = [
    "But {name} had a problem: {he} could not breathe fire. When {he} tried, only [a little smoke|a few bubbles|a warm wind] came out. The other dragons laughed at {him}. "
    "One [cold|winter] night the fire in the village went out, and everyone was cold. {name} wanted to help. {He} took a deep breath, thought of {his} friends, and [whoosh|puff]! A bright flame came out and lit the [lamps|big fire]. "
    "The people cheered. \"Thank you, {name}!\" they said. {name} was the happiest dragon in the world.",
    "The people of the village were afraid of {him}, because dragons are big and have sharp teeth. But {name} only wanted a friend. One day a little [girl|boy] [climbed up to the cave|came to the cave]. "
    "\"Are you going to eat me?\" asked the little [one|child]. \"No,\" said {name}. \"I like {food} better.\" They laughed and ate {food} together. "
    "The next day the child told everyone that the dragon was kind, and soon the whole village came to visit.",
    "{name} had wings, but {he} was afraid to fly. \"The sky is so high,\" {he} said. One day {a_friend} fell into the river and the water was fast. {name} did not think. "
    "{He} opened {his} wings, jumped into the air and [caught|picked up] the {friend}. \"You are flying!\" cried the {friend}. {name} looked down and laughed. From that day {he} flew every morning, high above the clouds.",
    "{name} kept a {treasure} in {his} cave and never showed it to anyone. One day a knight came. \"Give me your treasure!\" said the knight. \"It is not gold,\" said {name}. \"It is only my {treasure}.\" "
    "The knight was surprised. He sat down, and {name} told him the story of the {treasure}. In the end the knight put away his sword, and they drank tea together as friends.",
]
ENDINGS = [
    "", "", "The end.", "And they lived happily ever after.", "{name} learned that [a friend is the best treasure|being kind is better than being strong|it is good to ask for help|small steps go a long way|even the small can do big things].",
    "That night {name} [slept well|went to bed with a smile|looked at the stars and smiled].", "And from that day on, {name} was never sad again.",
]


def story(rng: random.Random, hero: str | None = None) -> tuple[str, str, str]:
    """One story: (hero, name, text)."""
    if hero is None:
        hero = "dragon" if rng.random() < 0.22 else rng.choice(list(HEROES))
    female = hero in ("girl", "princess") or (hero not in ("boy", "king", "wizard", "farmer") and rng.random() < 0.45)
    if hero == "dragon":
        name = rng.choice(["Ruby", "Luna", "Pearl", "Ivy"] if female else ["Ember", "Spark", "Felix", "Hugo", "Finn"])
    else:
        name = rng.choice(FEMALE if female else MALE)
    friend = rng.choice([f for f in FRIENDS if f != hero])
    he = ("she", "her", "her") if female else ("he", "his", "him")
    slots = {
        "name": name, "hero": hero, "a_hero": article(f"{rng.choice(HEROES[hero])} {hero}"), "friend": friend,
        "a_friend": article(friend), "place": rng.choice(PLACES), "treasure": rng.choice(TREASURES), "food": rng.choice(FOODS),
        "like": rng.choice(LIKES), "he": he[0], "He": he[0].capitalize(), "his": he[1], "His": he[1].capitalize(), "him": he[2],
        "contest": rng.choice(["race", "singing contest", "cooking contest"]),
        "Then": rng.choice(["Then", "On the way home", "After a while"]),
    }
    plots = DRAGON_PLOTS if hero == "dragon" and rng.random() < 0.6 else PLOTS
    gap = rng.choice([" ", " ", "\n\n"])
    text = gap.join(part for part in (rng.choice(OPENINGS), rng.choice(plots), rng.choice(ENDINGS)) if part)
    return hero, name, expand(text, rng, slots)


ASK = ["Tell me a story about {a}.", "Tell me a story about {a}.", "Tell me a story about {a}.", "Tell me a short story about {a}.",
       "Write a story about {a}.", "Write a short story about {a}.", "Please tell me a story about {a}.", "Can you tell me a story about {a}?"]
SYSTEMS = [None, None, None, "You are a helpful assistant.", "You are a storyteller.", "You tell short stories for children."]


def document(rng: random.Random) -> str:
    hero, name, text = story(rng)
    ask = rng.choice(ASK).format(a=article(hero))
    kind = rng.random()
    if kind < 0.30:
        return text
    if kind < 0.62:
        return f"{ask}\n{text}"
    if kind < 0.66:
        return f"Title: {name} the {hero.capitalize()}\n\n{text}"
    turns = [(ask, text)]
    if rng.random() < 0.2:
        turns.append(rng.choice([
            ("Thank you!", "You are welcome! I am glad you liked the story."),
            ("What was the name of the hero?", f"The name of the hero was {name}."),
            (f"Who was {name}?", f"{name} was {article(hero)}."),
            ("I liked it.", f"I am happy to hear that! I like {name} too."),
        ]))
    return chat(turns, rng.choice(SYSTEMS))
