"""What regular expressions match in the tokenizers library (Oniguruma): test/fixtures/tokenizers-parts/patterns.json.

    python tools/golden/make_pattern_fixtures.py

Each case is a pattern with, for each text, the parts that it matches; or `null`, where the library refuses the pattern.
"""

import json
import random
from pathlib import Path

from tokenizers import Regex, pre_tokenizers

TARGET = Path(__file__).parents[2] / "test/fixtures/tokenizers-parts/patterns.json"
SEED, COUNT = 7, 300

# Patterns of published tokenizers.
PUBLISHED = [
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r" ?[^(\s|[.,!?…。，、।۔،])]+",
    r"[!-~]+|\p{N}{1,3}|\s+",
    r"[\r\n]|\s?\p{L}+|\s?\p{P}+|[一-龥ࠀ-一가-퟿]+|\p{N}",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[^\n]+|[\n]+",
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
    r"(\\\\[a-zA-Z])|(\[[^\]]+])|Br?|Cl?|N|O|S|P|F|I|b|c|n|o|s|p|\(|\)|\.|=|#|-|\+|\\|\/|:|~|@|\?|>|\*|\$|\%[0-9]{2}|[0-9]",
    r"[0-9]{3}",
    r"\d",
    r"(?=(\d{3})+(?!\d))",
    r" {2,}",
    r"\s+$",
    r"\.{2,}",
]

# One construct each.
CONSTRUCTS = r"""
(?i:'s) ~ (?i)ss ~ (?i)ß ~ (?i)first ~ a(?i)b|c ~ x^a ~ ^. ~ .$ ~ \Aa|a\z ~ a\Z ~ a.b ~ (?m)a.b ~ (?s)a.b ~ a{,2} ~ a{2}? ~ a{1,2}? ~ a{1,3}+
a{2}+ ~ a{1,3}+a ~ a++a ~ a{ ~ a{1 ~ a{x} ~ a** ~ a+* ~ a{,} ~ \pL+ ~ \p{l}+ ~ \p{Script=Greek} ~ \p{Greek}+ ~ \p{greek}+ ~ \p{lowercase letter}+
\p{Lowercase_Letter}+ ~ \p{Age=6.0} ~ \p{L&} ~ \p{LC}+ ~ \p{Alnum}+ ~ \P{^L}+ ~ \p{^L}+ ~ \P{L}+ ~ \p{IsL} ~ \p{IsAlpha} ~ \p{Any}+ ~ \p{Assigned}+
\p{ASCII}+ ~ \p{XPosixPunct}+ ~ \p{PosixPunct}+ ~ \p{Punct}+ ~ \p{Emoji}+ ~ \p{Han}+ ~ \p{Hiragana}+ ~ \p{Foo} ~ \p{Hani}+ ~ \p{Word}+ ~ [\p{Word}]+ ~ [\w]+ ~ \w+ ~ \W+
\xe9 ~ \x{e9} ~ \u00e9 ~ \xc3\xa9 ~ \x41 ~ \101 ~ \0 ~ \cA ~ \C-a ~ \e\a\v ~ \h+ ~ \H+ ~ \R ~ \R+x ~ \N+ ~ \O+ ~ (?<n>a)\k<n> ~ (a)\1 ~ (?<n>a)(b)\1
(?>a+)b ~ (?>a+)ab ~ (?#x)a ~ (?x) a # c ~ (?x: a b ) c ~ (?i-m:a)B ~ (?-i)a ~ (?u)a ~ (?P<n>a) ~ (?a)a ~ [a&&b] ~ [a-z&&[^aeiou]]+ ~ [a[bc]]+
[[:alpha:]]+ ~ [[:^alpha:]]+ ~ [:alpha:]+ ~ []a]+ ~ [] ~ [a-]+ ~ [-a]+ ~ [\w-.]+ ~ [0-9-a]+ ~ [+-\d]+ ~ [a-\x{64}]+ ~ [z-a] ~ [\]] ~ [a^]+ ~ [^^]+
[\b] ~ [\R] ~ [\X] ~ [\p{L}&&\p{Lu}] ~ [\x{61 62}]+ ~ \x{61 62} ~ [&&a] ~ [a&&] ~ [^a&&b]+ ~ [[:word:]]+ ~ [[:foo:]]+ ~ (?i)[\p{Lu}]+ ~ (?i)\p{Lu}+
(?i)[a-z]+ ~ (?i)[^a]+ ~ (?i)[ß]+ ~ (?<=a|bc)x ~ (?<!a)x ~ (?<=(?:a|bc)d)x ~ a|* ~ *a ~ +a ~ ( ~ ) ~ a) ~ [a ~ } ~ ] ~ a||b ~ () ~ \b\w+\b ~ \Bb
\_\-\/\ \é ~ (?=a)*b ~ ^* ~ a{100001} ~ (?i)K ~ \s+ ~ \S+ ~ \d+ ~ (?<=\b)a ~ (?i:ſ) ~ (?i)ﬁ ~ (?i)σ ~ (?i)İ ~ (?i)ŉ ~ (?i)straße ~ (?i)suffix ~ (?i)ffl|x
(?i)[k-m]+ ~ (?i)ı ~ (?i)i ~ \X ~ [[:punct:]]+ ~ [[:graph:]]+ ~ [[:print:]]+ ~ [[:blank:]]+ ~ [[:cntrl:]]+ ~ [[:upper:]]+ ~ [[:lower:]]+ ~ [[:xdigit:]]+ ~ [[:space:]]+
[[:alnum:]]+ ~ [[:digit:]]+ ~ [[:ascii:]]+ ~ [^\d\s]+ ~ [\D&&\S]+ ~ (a|b)*c ~ (?:a|ab)(?:c|bcd) ~ (?:ab){2,}? ~ x*? ~ (?<!\d)\d{2}(?!\d) ~ \/+ ~ ["'`]+
[{}()]+ ~ [.-/]+ ~ [a-c-e]+ ~ [\\]+ ~ [\t\n ]+ ~ (?i:a|(?-i)b)c ~ \p{Lu}?+\p{L} ~ (?:a|b)++b ~ (?:ab)*+a ~ [ab]*+b ~ [^ab]?+c ~ \p{In_Foo} ~ [[:alpha:]-z]
"""

PIECES = ["a", "b", "B", r"\d", r"\w", r"\s", r"\p{L}", r"\p{Lu}", ".", "[a-c]", "[^a]", r"[^\s\d]", r"[[:punct:]]", "é", "ß", " ", r"\b", "(?i:s)", "(?i:k)"]
SIGNS = ["", "", "", "", "*", "+", "?", "+?", "*?", "++", "?+", "*+", "{2}", "{1,2}", "{2,}", "{,2}", "{1,2}+", "{2}?"]

TEXTS = [
    "It's I'LL we'Re 'ſ' don't STOP. a  b\n\nc 12345 x1y2_z—é… 3,141.59\t\r\nend  ",
    "ab aB Ab AB abc abcd aab bcc xa bx cx\nabdx bcdx aa aaa aaaa aaaaa bb ba aba b|b a^b a-b a.b a&b",
    "ß ẞ ss SS sS ﬁrst ﬁrﬆ FIRST Straße STRASSE suﬃx SUFFIX ﬀl ﬄ K K k ı I i İ i̇ ŉ ʼn ΣΣς Ǆ ǅ ǆ",
    "日本語のテキスト、カタカナ。한국어 ελληνικά кириллица العربية ١٢٣ ² ³ ½ ⅷ 😀👨‍👩‍👧 e\u0301 क्षि \u2028x\u0085y\ufeffz\u200b",
    "x\na \r\n \x1b\x07\x0b \x00\x01\x7f\x08 ]a[ {a{1}{x}{,} \\ / \"'` :alph: +-1, _-/ é $!<>|~ é 0-a9 pL ¼ª·\u00a0",
]


def matches(pattern, text):
    split = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
    return [word for word, _ in split.pre_tokenize_str(text)]


def case(pattern):
    try:
        Regex(pattern)
    except Exception:
        return {"pattern": pattern, "matches": None}
    try:
        return {"pattern": pattern, "matches": [matches(pattern, text) for text in TEXTS]}
    except BaseException as error:  # a panic of the library: it gives up after ten million steps
        if type(error).__name__ != "PanicException":
            raise
        return None


def generated(draw):
    def atom(depth):
        if depth < 2 and draw.random() < 0.25:
            opening = draw.choice(["(?:", "(", "(?>", "(?i:", "(?=", "(?!", "(?<=", "(?<!"])
            inner = "|".join(sequence(depth + 1) for _ in range(draw.randint(1, 2)))
            return opening + inner + ")"
        return draw.choice(PIECES)

    def sequence(depth):
        return "".join(atom(depth) + draw.choice(SIGNS) for _ in range(draw.randint(1, 3)))

    return "|".join(sequence(0) for _ in range(draw.randint(1, 2)))


def main():
    constructs = [piece.strip(" ") for line in CONSTRUCTS.strip().splitlines() for piece in line.split(" ~ ")]
    draw = random.Random(SEED)
    patterns = dict.fromkeys([*PUBLISHED, *constructs, *(generated(draw) for _ in range(COUNT))])
    cases = [item for item in map(case, patterns) if item]
    lines = ",\n".join(json.dumps(item, ensure_ascii=False) for item in cases)
    texts = json.dumps(TEXTS, ensure_ascii=False)
    TARGET.write_text(f'{{"texts": {texts},\n"cases": [\n{lines}\n]}}\n')
    print(f"{len(cases)} patterns, {sum(item['matches'] is None for item in cases)} refused")


if __name__ == "__main__":
    main()
