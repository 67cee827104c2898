import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createTokenizer, type TokenizerFiles } from "../tokenizer/index.ts";
import { applyChatTemplate, renderChatTemplate } from "./index.ts";
import { strftime } from "./strftime.ts";

const read = (file: string) =>
  JSON.parse(readFileSync(new URL(`../../test/fixtures/tokenizers/byte-level/${file}`, import.meta.url), "utf8"));

function load(files: Partial<TokenizerFiles> = {}, chatTemplate?: unknown) {
  const tokenizerConfig = { ...read("tokenizer_config.json"), chat_template: chatTemplate };
  return createTokenizer({ tokenizerJson: read("tokenizer.json"), tokenizerConfig, ...files }, { applyChatTemplate });
}

const chatml =
  "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
const user = [{ role: "user", content: "Hi" }];
const text = { tokenize: false } as const;

test("applyChatTemplate gives text, ids, encodings, and takes several conversations", () => {
  const tokenizer = load({}, chatml);
  const rendered = tokenizer.applyChatTemplate(user, { tokenize: false, addGenerationPrompt: true });
  expect(rendered).toBe("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  const ids = tokenizer.encode(rendered, { addSpecialTokens: false });
  expect(tokenizer.applyChatTemplate(user, { returnDict: false, addGenerationPrompt: true })).toEqual(ids);
  expect(tokenizer.applyChatTemplate(user, { addGenerationPrompt: true })).toEqual({
    inputIds: ids,
    attentionMask: ids.map(() => 1),
  });
  const long = [{ role: "user", content: "Hello there" }];
  const batch = tokenizer.applyChatTemplate([user, long], { padding: true });
  expect(batch.attentionMask[0]?.[0]).toBe(0);
  expect(tokenizer.applyChatTemplate([user, long], { tokenize: false })).toHaveLength(2);
});

test("applyChatTemplate chooses the template by name, tools and default", () => {
  const named = [
    { name: "default", template: "D" },
    { name: "tool_use", template: "T" },
  ];
  expect(load({}, named).applyChatTemplate(user, text)).toBe("D");
  expect(load({}, named).applyChatTemplate(user, { ...text, tools: [] })).toBe("T");
  expect(load({}, named).applyChatTemplate(user, { ...text, tools: null } as never)).toBe("D");
  expect(load({}, named).applyChatTemplate(user, { ...text, chatTemplate: "tool_use" })).toBe("T");
  expect(load({}, named).applyChatTemplate(user, { ...text, chatTemplate: "{{ 1 }}" })).toBe("1");
  expect(load({ chatTemplateJinja: "J" }, named).applyChatTemplate(user, text)).toBe("J");
  const extra = load({ chatTemplateJinja: "J", additionalChatTemplates: { rag: "R" } }, named);
  expect(extra.applyChatTemplate(user, { ...text, chatTemplate: "rag" })).toBe("R");
  expect(extra.applyChatTemplate(user, { ...text, tools: [] })).toBe("J");
  expect(() => load({}, [{ name: "rag", template: "R" }]).applyChatTemplate(user, text)).toThrow(/rag/);
  expect(() => load().applyChatTemplate(user, text)).toThrow(/no `chatTemplate`/);
});

test("a message without content is named", () => {
  const said = (content: object, template = "{% for m in messages %}{{ m.role + m.content.strip() }}{% endfor %}") => {
    try {
      return renderChatTemplate(template, [...user, { role: "assistant", ...content }] as typeof user);
    } catch (error) {
      return (error as Error).message;
    }
  };
  const name = 'Message 1 of the conversation (`role: "assistant"`) must be one';
  expect(said({})).toBe(`${name} with \`content\`. Given: none.`);
  expect(said({ content: undefined })).toBe(`${name} with \`content\`. Given: none.`);
  expect(said({ tool_calls: [] })).toBe(
    `${name} whose \`content\` is a text (or a list of parts): the chat template reads it. Given: no \`content\`.`,
  );
  expect(said({ content: null })).toContain("Given: `content: null`.");
  expect(said({ content: 3 })).toContain("Given: `content: 3`.");
  // what a template does with it, and what it says by itself, stays
  expect(said({ content: null }, "{% for m in messages %}{{ m.content }};{% endfor %}")).toBe("Hi;None;");
  expect(said({ tool_calls: [] }, "{{ raise_exception('no content') }}")).toBe("The chat template failed: no content");
  // a template that fails at something else says at what
  expect(said({ content: null }, "{{ messages[0].content | shout }}")).toContain("No filter named 'shout'");
  expect(said({ content: null }, "{{ messages[0].content.encode() }}")).toContain("str.encode() is not there");
});

test("applyChatTemplate refuses what is wrong", () => {
  const tokenizer = load({}, chatml);
  const codes = (messages: unknown, options: object) => {
    try {
      applyChatTemplate(tokenizer, messages as typeof user, options);
    } catch (error) {
      return (error as { code: string }).code;
    }
    return "nothing";
  };
  expect(codes([], {})).toBe("invalid_input");
  expect(codes([[]], {})).toBe("invalid_input");
  expect(codes([{ content: "x" }], {})).toBe("invalid_input");
  expect(codes([...user, { role: "user" }], {})).toBe("invalid_input");
  expect(codes(user, { addGenerationPrompt: true, continueFinalMessage: true })).toBe("conflicting_options");
  expect(codes(user, { continueFinalMessage: "reasoning" })).toBe("invalid_input");
  expect(codes(user, { add_generation_prompt: true })).toBe("unknown_option");
  expect(codes(user, { enableThinking: true })).toBe("unknown_option");
  expect(codes(user, { chatTemplateKwargs: { messages: [] } })).toBe("unsupported_option");
  expect(codes(user, { tools: [() => 1] })).toBe("invalid_option");
  expect(codes(user, { chatTemplate: "{% for %}" })).toBe("chat_template_failed");
  expect(codes(user, { chatTemplate: "{{ raise_exception('no') }}" })).toBe("chat_template_failed");
  expect(codes(user, { chatTemplate: "{{ range(3000000) }}" })).toBe("chat_template_failed");
});

test("the last message can be left open, and is not changed", () => {
  const messages = [...user, { role: "assistant", content: "Sure, " }];
  const tokenizer = load({}, chatml);
  expect(tokenizer.applyChatTemplate(messages, { ...text, continueFinalMessage: true })).toMatch(/assistant\nSure, $/);
  expect(messages[1]?.content).toBe("Sure, ");
  const thinking = "{{ messages[-1].thinking }}|{{ messages[-1].content }}";
  const options = { continueFinalMessage: "thinking" };
  expect(renderChatTemplate(thinking, [{ role: "assistant", thinking: "hm", content: "x" }], options)).toBe("hm");
});

test("only a text can be left open, and values that cannot be copied are refused by their place", () => {
  const template = "{{ messages[-1].content[0].text }}!";
  const reason = (content: unknown) => {
    try {
      return renderChatTemplate(template, [{ role: "user", content } as never], { continueFinalMessage: true });
    } catch (error) {
      return `${(error as { code: string }).code}: ${(error as Error).message}`;
    }
  };
  for (const content of [5, { a: 1 }, true, [{ type: "text", text: 5 }]])
    expect(reason(content)).toMatch(/^invalid_input: .*Given: the `content` of its last message is no text\.$/);
  expect(reason([{ type: "text", text: "a" }, { type: "image" }])).toBe("a");
  expect(reason([{ type: "text", text: "a", at: () => {} }])).toMatch(/content\[0\]\.at`.*Given: a function/);
});

test("a length cuts a conversation only with `truncation`", () => {
  const tokenizer = load({}, chatml);
  const cut = (options: object) => tokenizer.applyChatTemplate(user, { ...options, returnDict: false }) as number[];
  expect(cut({ truncation: true, maxLength: 3 })).toEqual(cut({}).slice(0, 3));
  expect(() => cut({ maxLength: 3 })).toThrow(expect.objectContaining({ code: "conflicting_options" }));
});

test("dates have Python's format and English names", () => {
  const date = new Date(2026, 1, 3, 15, 4, 5);
  expect(strftime(date, "%d %b %Y, %B %A %a %-d %H:%M:%S %I %p %j %y %% %Q")).toBe(
    "03 Feb 2026, February Tuesday Tue 3 15:04:05 03 PM 034 26 % %Q",
  );
  expect(renderChatTemplate("{{ strftime_now('%Y') }}", user)).toMatch(/^\d{4}$/);
  const fixed = { variables: { strftime_now: () => "today" } };
  expect(renderChatTemplate("{{ strftime_now('%Y') }}", user, fixed)).toBe("today");
});

test.each([
  [{ chatTemplateKwargs: 5 }, "`chatTemplateKwargs` must be an object"],
  [{ chatTemplateKwargs: new Map([["a", 1]]) }, "`chatTemplateKwargs` must be an object"],
  [{ continueFinalMessage: 5 }, "`continueFinalMessage` must be true or false"],
  [{ chatTemplate: 5 }, "`chatTemplate` must be a text"],
  [{ tokenize: "no" }, "`tokenize` must be true or false"],
  [{ tokenize: false, padding: true }, "`padding` and `tokenize: false` cannot be used together"],
  [{ tokenize: false, maxLength: 3 }, "`maxLength` and `tokenize: false` cannot be used together"],
])("options %j are refused", (options, message) => {
  expect(() => load({}, chatml).applyChatTemplate(user, options as object)).toThrow(message);
});

test.each([
  "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
  "{% for i in range(99999) %}{% for j in range(99999) %}{% for k in range(99999) %}x{% endfor %}{% endfor %}{% endfor %}",
  "{% set ns = namespace(s='ab') %}{% for i in range(99999) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
  "{% set ns = namespace(s='ab') %}{% for i in range(99999) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
  "{% set ns = namespace(l=[1]) %}{% for i in range(99999) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
  "{% for i in range(99999) %}{% set x = range(99999) | list %}{% endfor %}",
  "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
  "{% macro f(n) %}{% for i in range(10) %}{{ f(n + 1) if n < 30 }}{% endfor %}{% endmacro %}{{ f(0) }}",
])("a template that does not end is stopped: %s", (template) => {
  expect(() => renderChatTemplate(template, user)).toThrow(expect.objectContaining({ code: "chat_template_failed" }));
});

test("values that JSON cannot hold are refused by their place", () => {
  const refused = (content: unknown) => {
    try {
      return renderChatTemplate("{{ messages }}", [{ role: "user", content: content as string }]);
    } catch (error) {
      return `${(error as { code: string }).code}: ${(error as Error).message}`;
    }
  };
  const what = "invalid_input: `messages[0].content";
  expect(refused(new Date(0))).toContain(`${what}\` of a chat template must be what JSON can hold`);
  expect(refused([{ at: new Map() }])).toMatch(/content\[0\]\.at`.*Given: a Map/);
  expect(refused([3n])).toMatch(/content\[0\]`.*Given: a BigInt/);
  const circle: unknown[] = [];
  circle.push(circle);
  expect(refused(circle)).toContain("nested at most 500 deep");
  expect(refused([undefined, { a: undefined, b: 1 }])).toBe("[{'role': 'user', 'content': [None, {'b': 1}]}]");
});

test("a message of many spaces is trimmed in linear time", () => {
  const spaces = `a${" ".repeat(1_000_000)}b`;
  const template = "{{ messages[0].content | trim }}{{ messages[0].content.rstrip() }}";
  expect(renderChatTemplate(template, [{ role: "user", content: spaces }])).toBe(spaces + spaces);
});

test("a thousand messages are within the limit", () => {
  const long = Array.from({ length: 1000 }, () => ({ role: "user", content: "x".repeat(5000) }));
  expect(renderChatTemplate(chatml, long).length).toBeGreaterThan(5_000_000);
});

const syntax = "(TemplateSyntaxError, line 1 of the template)";
const looking = (tags: string, block: string) =>
  `Unexpected end of template. Jinja was looking for the following tags: ${tags}. The innermost block that needs to be closed is '${block}'. ${syntax}`;
test.each([
  ["{% for m in messages %}x", looking("'endfor' or 'else'", "for")],
  ["{% if true %}x{% else %}", looking("'endif'", "if")],
  ["{% macro f() %}x", looking("'endmacro'", "macro")],
  ["{% break %}", "`break` outside of a loop (SyntaxError, line 1 of the template)"],
  ["{% macro f() %}{% continue %}{% endmacro %}", "`continue` outside of a loop (SyntaxError, line 1 of the template)"],
  ["{{ made_up() }}", "'made_up' is undefined (UndefinedError, line 1 of the template)"],
])("a template that cannot be rendered says why, in plain words: %s", (template, reason) => {
  const failed = { code: "chat_template_failed", message: `The chat template failed: ${reason}` };
  expect(() => renderChatTemplate(template, user)).toThrow(expect.objectContaining(failed));
});
