"""Renders templates with transformers' Jinja environment, as the oracle of src/chat/jinja.

    python tools/golden/jinja.py OUT.json --written --seed 1 --count 1000

--written takes the expressions of this file and the lines of jinja_templates.txt; --count adds random templates of a seed.
The output: {"variables": of every template, "cases": [[template, text or null where it raises], ...]}. What differs from run to
run, the addresses of generators, and what differs by the last bit of a power is left out.
"""

# ruff: noqa: UP031  (templates are full of braces: percent formats read better)
import argparse
import copy
import itertools
import json
import random
import re
import warnings
from pathlib import Path

from transformers.utils.chat_template_utils import _compile_jinja_template

VARIABLES = {
    "s": "Hello World foo-bar",
    "e": "",
    "u": "日本語\u3000😀é ß ﬁ ǆ",
    "n": None,
    "i": 7,
    "z": 0,
    "neg": -5,
    "f": 1.5,
    "big": 1e22,
    "tiny": 1e-7,
    "t": True,
    "l": [3, 1, 2],
    "ls": ["b", "A", "c", "a"],
    "d": {"b": 1, "a": [1, {"x": None}], "items": "I", "C": 2.5},
    "ld": [{"n": "x", "v": 2, "c": {"k": 1}}, {"n": "Y", "v": 1, "c": {"k": 2}}, {"n": "z", "v": 2}],
    "multi": "line one\n  line two\r\n\nlast\x0bvt",
    "html": "<b>\"a\" & 'b'</b>",
    "long": "The quick brown fox jumps over the lazy dog, again-and-again; and well--dashed words "
    "verylongwordverylongwordverylongword end.",
    "nest": [[1, [2]], [3]],
    "q": "it's",
    "qq": "a\"b'c\\\n\t\x00\x7f\u200b😀",
    "mixed": [1, "1", None, True, 1.5, [], {}],
}

FILTERS = (
    "abs capitalize count default d e escape first float forceescape int items join last length list lower max min pprint "
    "reverse safe sort string striptags sum title tojson trim unique upper urlencode wordcount xmlattr dictsort "
    "filesizeformat round wordwrap indent truncate center urlize"
).split()
TESTS = (
    "odd even defined undefined none boolean true false integer float number lower upper string mapping sequence iterable "
    "callable escaped"
).split()
SUBSCRIPTS = (
    "[0]|[-1]|[1:]|[::-1]|[:2]|['a']|.a|.items|.foo|[none]|['foo']|[99]|[1.0]|[true]|[5:1:-2]".split("|")
)
OPERATORS = "+ - * / // % ** == != < <= > >= in ~ and or".split() + ["not in", "is eq", "is sameas", "is in"]
OPERANDS = (
    "s|'a'|1|2.5|n|nope|l|d|t|-3|(1,2)|z|0.0|'%s'|big|''|[]|range(3)".split("|")
)
METHODS = (
    "upper()|lower()|title()|capitalize()|swapcase()|casefold()|strip()|lstrip()|rstrip()|strip('Hd')|split()|split(' ')|"
    "split(' ',1)|split(none,1)|rsplit(' ',1)|rsplit(none,1)|split('o',maxsplit=1)|rsplit('o',1)|split('')|splitlines()|"
    "splitlines(true)|replace('o','0')|replace('o','0',1)|replace('','-')|replace('','-',3)|replace('o','0',-1)|find('o')|"
    "find('o',5)|rfind('o')|find('zz')|index('o')|index('zz')|rindex('o')|count('o')|count('')|count('o',5)|count('o',0,5)|"
    "startswith('H')|startswith(('x','H'))|startswith('e',1)|endswith('r')|endswith(('x','r'))|endswith('W',0,7)|"
    "join(['a','b'])|join('abc')|join([1])|center(30)|center(30,'*')|ljust(30,'.')|rjust(30)|zfill(30)|partition(' ')|"
    "rpartition(' ')|partition('zz')|rpartition('zz')|isalpha()|isdigit()|isalnum()|isspace()|isupper()|islower()|"
    "istitle()|isdecimal()|isnumeric()|isidentifier()|isprintable()|isascii()|removeprefix('He')|removesuffix('ar')|"
    "expandtabs()|expandtabs(4)|format(1)|foo()|strip(1)|split(1)|replace('a')|upper(1)|__class__|_x|find(1)|join(1)|"
    "center('a')"
).split("|")
TEXTS = ["s", "e", "u", "multi", "q", "long", "'  pad\\t '", "'123'", "'-42'", "'abcABC'", "'a\\tb\\n\\tc'", "'ÀÉß'", "'ǆabc ǅx'", "'１２３'"]

# The last bits of powers, complex numbers, the words of lipsum, sets of keys, bytes, texts made of a generator's address, and slices
# of what has none, which Jinja2 folds to undefined or not by where they stand.
UNSTABLE = re.compile(
    r"\*\* *-?\d*\.\d|lipsum|keys\(\) [-<>]|[-<>=] d\.keys|encode\(|sameas ['\"]|loop *\| |"
    r"(map|select|reject|selectattr|rejectattr|items|unique|batch|slice|reverse)(\([^|]*\))? *\| *(string|safe|e|escape|title|upper|lower|"
    r"wordcount|center|capitalize|forceescape|trim|urlize|striptags|urlencode|pprint|filesizeformat)|\)\[[-\d]*:"
)


def render(template):
    """A template's text; None where it raises."""
    try:
        return _compile_jinja_template(template).render(**copy.deepcopy(VARIABLES))
    except Exception:
        return None


def written():
    """Every filter, test, operator and method over every kind of value, and the lines of jinja_templates.txt."""
    values = [*VARIABLES, "nope", "l[0]", "d.a", "d['items']", "d.items()", "d.keys()", "d.values()", "range(5)", "(1,2)", "('a',)"]
    for value in values:
        yield "{{ %s }}" % value
        yield from ("{{ %s | %s }}" % (value, name) for name in FILTERS)
        yield from ("{{ %s | %s | list }}" % (value, name) for name in ("unique", "items", "reverse"))
        yield from ("{{ %s is %s }}" % (value, name) for name in TESTS)
        yield from ("{{ %s%s }}" % (value, subscript) for subscript in SUBSCRIPTS)
        yield "{%% for x in %s %%}[{{ x }}{{ loop.index }}{{ loop.last }}]{%% endfor %%}" % value
    for left, right, operator in itertools.product(OPERANDS, OPERANDS, OPERATORS):
        yield "{{ %s %s %s }}" % (left, operator, right)
    for text, method in itertools.product(TEXTS, METHODS):
        yield "{{ %s.%s }}" % (text, method)
    lines = (Path(__file__).parent / "jinja_templates.txt").read_text(encoding="utf-8").split("\n")
    for line in lines:
        yield line
        if line.count("{{") > 2 and "{%" not in line:
            yield from re.findall(r"\{\{.*?\}\}(?!\})", line)


class Random:
    """Random templates: expressions and statements of any depth, most of which do not fail."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = [*VARIABLES, "nope", "x", "y", "a", "ns", "loop", "messages"]

    def choice(self, options):
        return self.random.choice(options)

    def leaf(self):
        literals = "none|true|false|[]|{}|()|[1,2,3]|{'a':1,'b':[2]}|(1,'x')|range(3)|[[1,2],[3,4]]".split("|")
        texts = ["'a'", "'Hello o'", "''", "'%s'", "\"q'\"", "'日本😀'"]
        number = str(self.random.randint(-3, 12))
        options = [self.choice(self.names), self.choice(self.names), number]
        return self.choice([*options, self.choice(["1.5", "0.0", "2e3"]), self.choice(texts), self.choice(literals)])

    def primary(self, depth):
        return self.choice([self.choice(self.names), f"({self.expression(depth)})", "'Hello World'", "d", "l", "ld", "s"])

    def expression(self, depth):
        if depth <= 0 or self.random.random() < 0.22:
            return self.leaf()
        one = lambda: self.expression(depth - 1)  # noqa: E731
        primary = self.primary(depth - 1)
        filters = (
            "default('z')|join(',')|replace('o','0')|indent(2)|truncate(6)|sort(reverse=true)|map('upper')|select|"
            "reject('none')|map(attribute='n')|selectattr('v','eq',2)|batch(2)|round(1)|int(3)|center(9)|tojson(indent=1)|"
            "d('q',true)|attr('b')|groupby('v')|trim('H')|wordwrap(7)|format(1)|slice(2)|sum(start=1)"
        ).split("|")
        tests = [*TESTS, "eq 1", "in [1,2]", "divisibleby 2", "sameas none", "lt 3"]
        methods = [*METHODS, "items()", "keys()", "values()", "get('a')", "copy()", "n", "a", "b", "0", "x"]
        subscript = self.choice([*SUBSCRIPTS, f"[{one()}]", "[1:-1]", "['n']"])
        operators = "+ - * / // % ~ and or == != < > <= >= in".split() + ["not in"]
        forms = [
            lambda: f"({one()} {self.choice(operators)} {one()})",
            lambda: f"{one()} {self.choice(operators)} {one()}",
            lambda: f"{one()} | {self.choice(FILTERS + filters)}",
            lambda: f"{one()} | {self.choice(FILTERS + filters)}",
            lambda: f"{one()} is {self.choice(['', 'not '])}{self.choice(tests)}",
            lambda: f"{primary}.{self.choice(methods)}",
            lambda: f"{primary}{subscript}",
            lambda: f"({one()} if {one()} else {one()})",
            lambda: f"not {one()}",
            lambda: f"[{one()}, {one()}]",
            lambda: "{'k': %s, %s: 1}" % (one(), self.choice(["'a'", "1", "none", "1.5", "(1,2)"])),
            lambda: f"({one()}, {one()})",
        ]
        return self.choice(forms)()

    def space(self):
        return self.choice(["", " ", "\n", "  \n ", "x", "a\n", "\r\n", "\t"])

    def tag(self, text):
        signs = ["", "", "", "-", "+"]
        return "{%" + self.choice(signs) + " " + text + " " + self.choice(signs) + "%}"

    def body(self, depth):
        return "".join(self.statement(depth - 1) for _ in range(self.random.randint(1, 3)))

    def loop(self, depth):
        target = self.choice(["x", "x", "y", "a, b", "x, y"])
        values = self.choice(["l", "ls", "ld", "d.items()", "[1,2]", "d", "s", "range(3)", self.expression(1)])
        more = self.choice([""] * 5 + [" if x is odd", " recursive", " if x"])
        ends = ["", "", "{{ loop.index }}", "{{ loop.last }}{{ loop.nextitem }}", "{% break %}", "{{ loop.changed(x) }}"]
        end = self.choice([*ends, "{% if loop.first %}{% continue %}{% endif %}"])
        otherwise = self.tag("else") + self.body(depth) if self.random.random() < 0.2 else ""
        begin = self.tag(f"for {target} in {values}{more}")
        return begin + self.space() + self.body(depth) + end + otherwise + self.tag("endfor") + self.space()

    def macro(self, depth):
        signature = self.choice(["", "x", "x, y=1", "x=s", "a, b=x"])
        ends = ["", "{{ caller() if caller }}", "{{ varargs }}", "{{ kwargs }}"]
        calls = ["{{ m() }}", "{{ m(1) }}", "{{ m(1,y=2) }}", "{{ m(x=3) }}", "{% call m() %}c{{ x }}{% endcall %}"]
        call = self.choice([*calls, "{% call(q) m(1) %}{{ q }}{% endcall %}"])
        return self.tag(f"macro m({signature})") + self.body(depth) + self.choice(ends) + self.tag("endmacro") + call

    def statement(self, depth):
        if depth <= 0 or self.random.random() < 0.3:
            sign = self.choice(["", "", "-"])
            return "{{" + sign + " " + self.expression(2) + " " + sign + "}}" + self.space()
        body = self.body(depth)
        target = self.choice(["x", "y", "a", "ns.x", "a, b", "ns", "s"])
        value = self.choice([self.expression(2), "namespace(x=1)"])
        named = self.choice(["upper", "indent(2)", "trim", "replace('a','b')"])
        condition = self.tag("if " + self.expression(2)) + self.space() + body
        forms = [
            lambda: condition + self.tag("else") + self.body(depth) + self.tag("endif") + self.space(),
            lambda: condition + self.tag("elif " + self.expression(1)) + self.body(depth) + self.tag("endif"),
            lambda: self.loop(depth),
            lambda: self.loop(depth),
            lambda: self.tag(f"set {target} = {value}") + self.space(),
            lambda: self.tag("set x" + self.choice(["", " | upper"])) + body + self.tag("endset"),
            lambda: self.macro(depth),
            lambda: self.tag(f"with {self.choice('xya')} = {self.expression(1)}") + body + self.tag("endwith"),
            lambda: self.tag("filter " + named) + body + self.tag("endfilter"),
            lambda: self.tag("generation") + body + self.tag("endgeneration"),
            lambda: "{#" + self.choice(["", "-"]) + " c " + self.choice(["", "-", "+"]) + "#}" + self.space(),
            lambda: self.tag("raw") + " {{ x }} " + self.tag("endraw"),
            lambda: self.tag(f"block b{self.random.randint(0, 999)}") + body + self.tag("endblock"),
            lambda: self.space() + self.choice(["text", "{ x }", "}}", "%}", "日本\n"]),
        ]
        return self.choice(forms)()

    def template(self):
        if self.random.random() < 0.4:
            return "{{ %s }}" % self.expression(4)
        return "".join(self.space() + self.statement(3) for _ in range(self.random.randint(1, 3)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--written", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    source = Random(arguments.seed)
    templates = [*(written() if arguments.written else []), *(source.template() for _ in range(arguments.count))]
    cases = [[template, render(template)] for template in dict.fromkeys(templates) if not UNSTABLE.search(template)]
    cases = [case for case in cases if case[1] is None or not re.search(r"(?i)0x[0-9a-f]{8}|lipsum", case[1])]
    with open(arguments.out, "w", encoding="utf-8") as file:
        json.dump({"variables": VARIABLES, "cases": cases}, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")
    print(f"{len(cases)} templates, {sum(text is None for _, text in cases)} of which raise")


if __name__ == "__main__":
    main()
