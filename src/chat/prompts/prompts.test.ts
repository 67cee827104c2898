import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { renderChatTemplate } from "../render-chat-template.ts";
import { fewShotMessages, fewShotPrompt, instructionTemplate, personaPrompt, withPersona } from "./index.ts";

/** The chat format of the model in the box. */
const mini = JSON.parse(readFileSync(new URL("../../../models/tsumugi-mini/tokenizer_config.json", import.meta.url), "utf8"));
const render = (messages: Parameters<typeof renderChatTemplate>[1]) =>
  renderChatTemplate(mini.chat_template, messages, { addGenerationPrompt: true });

const invalidInput = expect.objectContaining({ code: "invalid_input" });
const translate = instructionTemplate("Translate to {language}:\nEnglish: {text}\n{language}:");
const examples = [
  { fields: { language: "Japanese", text: "How are you?" }, answer: "お元気ですか？" },
  { fields: { language: "Japanese", text: "Good night." }, answer: "おやすみなさい。" },
];
const question = { language: "Japanese", text: "Thank you." };

describe("instructionTemplate", () => {
  test("fills fields, as often as they appear, and takes values as they are", () => {
    expect(translate.fields).toEqual(["language", "text"]);
    expect(translate({ language: "日本語", text: "{text} $& {{x}}" })).toBe(
      "Translate to 日本語:\nEnglish: {text} $& {{x}}\n日本語:",
    );
    expect(instructionTemplate("{n} words")({ n: 3 })).toBe("3 words");
    expect(instructionTemplate('{{"k": "{v}"}}')({ v: "x" })).toBe('{"k": "x"}');
    expect(instructionTemplate("no fields")({})).toBe("no fields");
  });

  test("refuses missing and unknown fields, wrong values and stray braces, by name", () => {
    const loose = translate as unknown as (fields: object) => string;
    expect(() => loose({ language: "x" })).toThrow(/`text`/);
    expect(() => loose({ language: "x", text: "y", tone: "z" })).toThrow(/`tone`.*`language`, `text`/);
    expect(() => loose({ language: "x", text: null })).toThrow(expect.objectContaining({ code: "invalid_option" }));
    expect(() => loose(Object.create({ language: "x", text: "y" }))).toThrow(/`language`/);
    for (const template of ["{", "a } b", "{}", "{a{b}", "{x:>10}", "{x.y}", "{x[0]}", "{x!r}"])
      expect(() => instructionTemplate(template)).toThrow(invalidInput);
  });

  test("knows the names of its fields by type", () => {
    // @ts-expect-error a field is missing
    expect(() => translate({ language: "x" })).toThrow();
    // @ts-expect-error there is no such field
    expect(() => translate({ language: "x", text: "y", tone: "z" })).toThrow();
  });
});

describe("few-shot prompts", () => {
  test("are one text with the question left open", () => {
    expect(fewShotPrompt(translate, examples.slice(0, 1), question)).toBe(
      "Translate to Japanese:\nEnglish: How are you?\nJapanese: お元気ですか？\n\nTranslate to Japanese:\nEnglish: Thank you.\nJapanese:",
    );
    expect(fewShotPrompt(translate, [], question)).toBe(translate(question));
    const options = { separator: "\n", answerSeparator: "", introduction: "Task" };
    expect(fewShotPrompt(instructionTemplate("Q{q}="), [{ fields: { q: 1 }, answer: "2" }], { q: 2 }, options)).toBe(
      "Task\nQ1=2\nQ2=",
    );
  });

  test("are a conversation in the chat format of the model in the box", () => {
    const capital = instructionTemplate("Capital of {country}?");
    const shots = [{ fields: { country: "Japan" }, answer: "Tokyo" }];
    expect(render(fewShotMessages(capital, shots, { country: "France" }, { system: "One word." }))).toBe(
      [
        "<|im_start|>system\nOne word.<|im_end|>\n",
        "<|im_start|>user\nCapital of Japan?<|im_end|>\n<|im_start|>assistant\nTokyo<|im_end|>\n",
        "<|im_start|>user\nCapital of France?<|im_end|>\n<|im_start|>assistant\n",
      ].join(""),
    );
    expect(fewShotMessages(capital, [], { country: "France" })).toEqual([{ role: "user", content: "Capital of France?" }]);
  });

  test("need an answer in each example", () => {
    const broken = [{ fields: question } as unknown as (typeof examples)[number]];
    expect(() => fewShotPrompt(translate, broken, question)).toThrow(/Example 1/);
    expect(() => fewShotMessages(translate, broken, question)).toThrow(invalidInput);
  });
});

describe("what is not known is refused", () => {
  const loose = <Result>(call: (...given: never[]) => Result) => call as unknown as (...given: unknown[]) => Result;
  const unknown = expect.objectContaining({ code: "unknown_option" });

  test.each<[string, () => unknown, unknown]>([
    ["an option of fewShotPrompt", () => loose(fewShotPrompt)(translate, [], question, { seperator: "x" }), unknown],
    ["an option of fewShotMessages", () => loose(fewShotMessages)(translate, [], question, { persona: "x" }), unknown],
    ["a field of an example", () => loose(fewShotPrompt)(translate, [{ ...examples[0], note: 1 }], question), unknown],
    ["a field of a persona", () => loose(personaPrompt)({ description: "x", rule: ["y"] }), unknown],
    ["a field of withPersona", () => loose(withPersona)({ description: "x", style: "y" }, []), unknown],
    ["an instruction that is text", () => loose(fewShotPrompt)("Say {a}", [], { a: 1 }), invalidInput],
    ["examples that are text", () => loose(fewShotMessages)(translate, "x", question), invalidInput],
    ["rules that are text", () => loose(personaPrompt)({ description: "x", rules: "y" }), invalidInput],
    ["examples of a persona", () => loose(withPersona)({ description: "x", examples: [{ user: "y" }] }, []), invalidInput],
    ["a conversation that is text", () => loose(withPersona)({ description: "x" }, "hello"), invalidInput],
  ])("%s", (_, call, error) => {
    expect(call).toThrow(error as Error);
  });
});

describe("personas", () => {
  const cat = { description: "あなたは猫です。", rules: ["語尾に「にゃ」を付ける", "短く話す"] };

  test("come first, before what the system message says, with their examples", () => {
    expect(personaPrompt(cat)).toBe("あなたは猫です。\n- 語尾に「にゃ」を付ける\n- 短く話す");
    const messages = [{ role: "user", content: "こんにちは" }];
    const before = structuredClone(messages);
    expect(render(withPersona({ description: "S" }, messages))).toBe(
      "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nこんにちは<|im_end|>\n<|im_start|>assistant\n",
    );
    expect(messages).toEqual(before);
    const guided = withPersona({ ...cat, examples: [{ user: "誰？", assistant: "猫だにゃ" }] }, [
      { role: "system", content: "観光案内" },
      ...messages,
    ]);
    expect(guided.map((message) => message.role)).toEqual(["system", "user", "assistant", "user"]);
    expect(guided[0]?.content).toBe(`${personaPrompt(cat)}\n\n観光案内`);
  });

  test("are refused without a description, or before a system message that is not text", () => {
    expect(() => personaPrompt({ description: "" })).toThrow(invalidInput);
    expect(() => withPersona(cat, [{ role: "system", content: [{ type: "text", text: "x" }] }])).toThrow(invalidInput);
  });
});
