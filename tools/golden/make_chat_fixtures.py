"""Writes test/fixtures/chat/golden.json: what transformers renders.

    python tools/golden/make_chat_fixtures.py test/fixtures/tokenizers/byte-level test/fixtures/chat/golden.json

{templates: {name: text}, conversations: {name: messages}, tools, documents,
 rows: [{template, conversation, kwargs, text | error}]}   kwargs are Python's names; error is true where Python raised.
The templates are written for this file, in publicly documented formats.
Needs: transformers 5.
"""

import json
import os
import sys

from transformers import AutoTokenizer

TEMPLATES = {
    "chatml": "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    "llama2": """{%- if messages[0]['role'] == 'system' -%}
    {%- set system = '<<SYS>>\\n' + messages[0]['content'] | trim + '\\n<</SYS>>\\n\\n' -%}
    {%- set turns = messages[1:] -%}
{%- else -%}
    {%- set system = '' -%}
    {%- set turns = messages -%}
{%- endif -%}
{%- for message in turns -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{- raise_exception('Roles must alternate user/assistant/user/assistant') -}}
    {%- endif -%}
    {%- if message['role'] == 'user' -%}
        {{- bos_token + '[INST] ' + (system if loop.first else '') + message['content'].strip() + ' [/INST]' -}}
    {%- else -%}
        {{- ' ' + message['content'] | trim + ' ' + eos_token -}}
    {%- endif -%}
{%- endfor -%}
""",
    "llama3": """{{- bos_token }}
{%- if messages[0].role == 'system' %}
    {%- set system_message = messages[0].content|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = '' %}
{%- endif %}
{{- '<|start_header_id|>system<|end_header_id|>\\n\\n' }}
{%- if tools is not none %}
    {{- 'Environment: ipython\\n' }}
{%- endif %}
{{- 'Today Date: ' ~ (date_string if date_string is defined else '26 Jul 2024') ~ '\\n\\n' }}
{{- system_message + '<|eot_id|>' }}
{%- for message in messages %}
    {%- if message.tool_calls is defined and message.tool_calls %}
        {%- if message.tool_calls | length != 1 %}
            {{- raise_exception('This model only supports single tool-calls at once!') }}
        {%- endif %}
        {%- set call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
        {{- '{"name": "' + call.name + '", "parameters": ' + (call.arguments | tojson) + '}<|eot_id|>' }}
    {%- elif message.role in ['tool', 'ipython'] %}
        {{- '<|start_header_id|>ipython<|end_header_id|>\\n\\n' + (message.content | tojson) + '<|eot_id|>' }}
    {%- else %}
        {{- '<|start_header_id|>' + message.role + '<|end_header_id|>\\n\\n' + message.content | trim + '<|eot_id|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
""",
    "mistral": """{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}""",
    "gemma": """{{ bos_token }}
{%- for message in messages %}
    {%- if message['role'] == 'system' %}
        {{- raise_exception('System role not supported') }}
    {%- endif %}
    {%- set role = 'model' if message['role'] == 'assistant' else message['role'] %}
    {{- '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}
""",
    "zephyr": """{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>\\n'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}
""",
    "phi3": """{% for message in messages %}{% if message['content'] %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}""",
    "hermes_tools": """{%- set ns = namespace(multi=false, last=-1) %}
{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}{{- messages[0].content + '\\n\\n' }}{%- endif %}
    {{- '# Tools\\n\\n<tools>' }}
    {%- for tool in tools %}
        {{- '\\n' }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- '\\n</tools><|im_end|>\\n' }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if message.role == 'user' and ns.last < 0 %}{%- set ns.last = index %}{%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}{%- set content = message.content %}{%- else %}{%- set content = '' %}{%- endif %}
    {%- if message.role == 'user' or (message.role == 'system' and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == 'assistant' %}
        {%- set reasoning = message.reasoning_content if message.reasoning_content is string else '' %}
        {%- if '</think>' in content %}
            {%- set reasoning = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {{- '<|im_start|>assistant\\n' }}
        {%- if reasoning and loop.index0 > ns.last %}{{- '<think>\\n' + reasoning.strip('\\n') + '\\n</think>\\n\\n' }}{%- endif %}
        {{- content }}
        {%- if message.tool_calls %}
            {%- for tool_call in message.tool_calls %}
                {%- if (loop.first and content) or (not loop.first) %}{{- '\\n' }}{%- endif %}
                {%- set function = tool_call.function if tool_call.function else tool_call %}
                {{- '<tool_call>\\n{"name": "' + function.name + '", "arguments": ' }}
                {%- if function.arguments is string %}{{- function.arguments }}{%- else %}{{- function.arguments | tojson }}{%- endif %}
                {{- '}\\n</tool_call>' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == 'tool' %}
        {%- if loop.first or messages[loop.index0 - 1].role != 'tool' %}{{- '<|im_start|>user' }}{%- endif %}
        {{- '\\n<tool_response>\\n' + content + '\\n</tool_response>' }}
        {%- if loop.last or messages[loop.index0 + 1].role != 'tool' %}{{- '<|im_end|>\\n' }}{%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
{%- endif %}
""",
    "rag": """{% macro item(document, number) -%}
Document: {{ number }}
{{ document.title }}: {{ document['text'] }}
{%- endmacro %}
{% if documents %}
<results>
{% for document in documents %}
{{ item(document, loop.index0) }}
{% endfor %}
</results>
{% endif %}
{% for message in messages %}
{{ message.role | upper }}: {{ message.content }}
{% endfor %}
{% if add_generation_prompt %}CHATBOT:{% endif %}
""",
    "parts": """{% for message in messages %}<{{ message.role }}>{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}{% if part.type == 'text' %}{{ part.text }}{% else %}[{{ part.type }}]{% endif %}{% endfor %}{% endif %}</{{ message.role }}>
{% endfor %}""",
    "python_text": """{% for message in messages %}{{ message.content | string | trim }}|{{ message.tool_calls }}|{{ message.get('name') }}|{{ message.role == 'user' }}|{{ missing | trim }}|{% for c in message.role %}{{ c }}.{% endfor %}{% for c in missing %}x{% endfor %}
{% endfor %}{{ messages | map(attribute='role') | join(',') }} {{ messages | selectattr('role', 'equalto', 'user') | list | length }} {{ messages | rejectattr('role', 'eq', 'user') | map(attribute='role') | list }} {{ [1, none, 'a', ''] | reject('none') | list }} {{ [0, 1, 2, ''] | select | list }} {{ ['a', 'b'] | map('upper') | join }} {{ {'a': [1, true, none, "it's"]} }} {{ 'x' ~ none ~ true ~ 1.5 }} {{ '😀a' | length }} {{ range(2, 8, 3) | list }} {{ [3, 1, 2] | sum }} {{ none }}{{ missing }} {{ strftime_now('%') | length }} {{ 'abc' | first }}{{ 'abc' | last }}""",
    "generation": """{% for message in messages %}{% if message.role == 'assistant' %}A: {% generation %}{{ message.content }}{% endgeneration %}{% else %}U: {{ message.content }}{% endif %}
{% endfor %}""",
}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {
            "type": "function",
            "function": {"name": "get_weather", "arguments": {"city": "東京", "days": 3, "exact": True, "note": None}},
        }
    ],
}
CONVERSATIONS = {
    "one": [{"role": "user", "content": "Hello, who are you?"}],
    "system": [{"role": "system", "content": "You are a cat. "}, {"role": "user", "content": "こんにちは😀"}],
    "turns": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": " Hello!\nHow can I help? "},
        {"role": "user", "content": " <b>1 & 2</b> \"q\" 'x' "},
    ],
    "prefill": [{"role": "user", "content": "Count"}, {"role": "assistant", "content": "1, 2,"}],
    "prefill_space": [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "Count"},
        {"role": "assistant", "content": "1, 2, "},
    ],
    "think": [
        {"role": "user", "content": "Q"},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\nA"},
        {"role": "user", "content": "Q2"},
    ],
    "tool": [
        {"role": "user", "content": "Weather?"},
        CALL,
        {"role": "tool", "name": "get_weather", "content": '{"temp": 21}'},
        {"role": "tool", "name": "get_weather", "content": "rain"},
    ],
    "parts": [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "A cat"}]},
    ],
}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Weather of a <city> & more, 天気",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "It's the city"},
                    "days": {"type": "integer", "default": 1},
                },
                "required": ["city"],
            },
        },
    }
]
DOCUMENTS = [{"title": "Cats", "text": "They sleep."}, {"title": "犬", "text": "走る。"}]
KWARGS = [
    {},
    {"add_generation_prompt": True},
    {"continue_final_message": True},
    {"tools": True},
    {"tools": True, "add_generation_prompt": True},
    {"documents": True, "add_generation_prompt": True},
    {"enable_thinking": False, "add_generation_prompt": True},
    {"date_string": "1 Jan 2026"},
    {"add_generation_prompt": True, "continue_final_message": True},
]


def main(tokenizer, out):
    t = AutoTokenizer.from_pretrained(tokenizer)
    t.bos_token = "<|im_start|>"
    rows = []
    for template, text in TEMPLATES.items():
        for name, conversation in CONVERSATIONS.items():
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
                except Exception:
                    row["error"] = True
                rows.append(row)
    os.makedirs(os.path.dirname(out), exist_ok=True)
    head = {
        "special": {"bos_token": t.bos_token, "eos_token": t.eos_token},
        "templates": TEMPLATES,
        "conversations": CONVERSATIONS,
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
    print(len(rows), "rows,", sum("error" in r for r in rows), "raise")


if __name__ == "__main__":
    main(*sys.argv[1:])
