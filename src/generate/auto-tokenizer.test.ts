import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AutoTokenizer } from "./auto-tokenizer.ts";

const fixture = fileURLToPath(new URL("../../test/fixtures/tokenizers/byte-level", import.meta.url));
const messages = [{ role: "user", content: "Hi" }];
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsumugi-tokenizer-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("a folder gives its tokenizer with its chat templates", async () => {
  const directory = join(folder, "full");
  await cp(fixture, directory, { recursive: true });
  await mkdir(join(directory, "additional_chat_templates"));
  await writeFile(join(directory, "chat_template.jinja"), "{{ messages[0].content }}{{ eos_token }}");
  await writeFile(join(directory, "additional_chat_templates", "rag.jinja"), "RAG");
  const tokenizer = await AutoTokenizer.fromPretrained(directory, { paddingSide: "right", localFilesOnly: true });
  expect(tokenizer.paddingSide).toBe("right");
  expect(tokenizer.applyChatTemplate(messages, { tokenize: false })).toBe("Hi<|im_end|>");
  expect(tokenizer.applyChatTemplate(messages, { tokenize: false, chatTemplate: "rag" })).toBe("RAG");
});

test("a folder without a tokenizer says so, and a broken SentencePiece model is named", async () => {
  const directory = join(folder, "sentencepiece");
  await mkdir(directory);
  await writeFile(join(directory, "config.json"), "{}");
  await expect(AutoTokenizer.fromPretrained(directory)).rejects.toMatchObject({ code: "tokenizer_not_found" });
  await writeFile(join(directory, "tokenizer.model"), "");
  await expect(AutoTokenizer.fromPretrained(directory)).rejects.toMatchObject({
    code: "invalid_tokenizer_file",
    message: expect.stringContaining("tokenizer.model"),
  });
  await expect(AutoTokenizer.fromPretrained(fixture, { use_fast: true } as object)).rejects.toMatchObject({
    code: "unknown_option",
  });
});

test.each([
  [{ paddingSide: "up" }, '`paddingSide` must be one of "left", "right". Given: "up".'],
  [{ truncationSide: 5 }, '`truncationSide` must be one of "left", "right". Given: 5.'],
  [{ addBosToken: 5 }, "`addBosToken` must be true or false"],
  [{ revision: 5 }, "`revision` must be a text"],
  [null, "The options must be an object"],
])("options %j are refused", async (options, message) => {
  await expect(AutoTokenizer.fromPretrained(fixture, options as object)).rejects.toThrow(message);
});
