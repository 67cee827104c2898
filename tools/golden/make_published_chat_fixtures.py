"""Writes test/fixtures/chat/published.json: what transformers renders for the templates in tools/golden/chat-templates.

    python tools/golden/make_published_chat_fixtures.py test/fixtures/tokenizers/byte-level test/fixtures/chat/published.json

The templates follow the publicly documented formats of model families. Form as golden.json of make_chat_fixtures.py.
Needs: transformers 5.
"""

import json
import os
import sys

from make_chat_fixtures import CONVERSATIONS, DOCUMENTS, TOOLS
from transformers import AutoTokenizer

KWARGS = [
    {},
    {"add_generation_prompt": True},
    {"continue_final_message": True},
    {"tools": True, "add_generation_prompt": True},
    {"documents": True},
    {"enable_thinking": False, "add_generation_prompt": True},
    {"builtin_tools": ["code_interpreter", "search"]},
    {"controls": {"length": "long"}, "add_generation_prompt": True},
]
MORE = {
    "tool_id": [
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": "abc123def",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": {"city": "Zürich", "list": [1, 2.5, {"a": None}]}},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "abc123def", "name": "get_weather", "content": "21"},
        {"role": "assistant", "content": "It is 21."},
    ],
    "text_arguments": [
        {"role": "user", "content": "W"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}],
        },
        {"role": "tool", "content": "<a> & 'b'"},
    ],
    "long": [
        m
        for i in range(3)
        for m in ({"role": "user", "content": f"Q{i}\n\n第{i}問"}, {"role": "assistant", "content": f'A{i} <tag> "x" \\ é'})
    ]
    + [{"role": "user", "content": " end "}],
    "two_systems": [
        {"role": "system", "content": "A /no_think"},
        {"role": "user", "content": "x"},
        {"role": "system", "content": "B"},
    ],
}


def main(tokenizer, out):
    t = AutoTokenizer.from_pretrained(tokenizer)
    t.bos_token = "<|im_start|>"
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "chat-templates")
    templates = {name[:-6]: open(f"{folder}/{name}").read() for name in sorted(os.listdir(folder))}
    conversations = {**CONVERSATIONS, **MORE}
    rows = []
    for template, text in templates.items():
        for name, conversation in conversations.items():
            for kwargs in KWARGS:
                given = dict(kwargs)
                if given.get("tools"):
                    given["tools"] = TOOLS
                if given.get("documents"):
                    given["documents"] = DOCUMENTS
                if not all(word in text for word in given if word != "continue_final_message"):
                    continue
                row = {"template": template, "conversation": name, "kwargs": kwargs}
                try:
                    row["text"] = t.apply_chat_template(conversation, chat_template=text, tokenize=False, **given)
                except Exception as e:
                    row["error"] = True
                    if os.environ.get("SHOW") == template:
                        print(name, kwargs, repr(e)[:200])
                rows.append(row)
    head = {
        "special": {"bos_token": t.bos_token, "eos_token": t.eos_token},
        "templates": templates,
        "conversations": conversations,
        "tools": TOOLS,
        "documents": DOCUMENTS,
    }
    with open(out, "w") as f:
        f.write(
            "{\n"
            + ",\n".join(json.dumps(k) + ": " + json.dumps(v, ensure_ascii=False) for k, v in head.items())
            + ',\n"rows": [\n'
            + ",\n".join(json.dumps(r, ensure_ascii=False) for r in rows)
            + "\n]\n}\n"
        )
    print(len(templates), "templates,", len(rows), "rows,", sum("error" in r for r in rows), "raise")
    for n in templates:
        good = [r for r in rows if r["template"] == n and "text" in r]
        if len(good) < 3:
            print("few", n, len(good))


if __name__ == "__main__":
    main(*sys.argv[1:])
