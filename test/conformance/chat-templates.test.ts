/** Chat templates against what transformers renders (test/fixtures/chat, made by tools/golden/make_chat_fixtures.py and make_published_chat_fixtures.py). */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { applyChatTemplate } from "../../src/chat/index.ts";
import { type ChatMessage, type ChatTemplateOptions, createTokenizer } from "../../src/tokenizer/index.ts";

interface Golden {
  special: Record<string, string>;
  templates: Record<string, string>;
  conversations: Record<string, ChatMessage[]>;
  tools: Record<string, unknown>[];
  documents: Record<string, unknown>[];
  rows: { template: string; conversation: string; kwargs: Record<string, unknown>; text?: string; error?: true }[];
}

const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
const fixtures = ["golden", "published"].map((name) => read(`../fixtures/chat/${name}.json`) as Golden);
const tokenizer = createTokenizer(
  {
    tokenizerJson: read("../fixtures/tokenizers/byte-level/tokenizer.json"),
    tokenizerConfig: read("../fixtures/tokenizers/byte-level/tokenizer_config.json"),
  },
  { applyChatTemplate },
);
tokenizer.bosToken = fixtures[0]?.special.bos_token;

/** Where tsumugi is known to differ: "<template> <conversation> <kwargs>". A line that does not differ any more fails too. */
const knownDifferences: string[] = [];

function render(golden: Golden, row: Golden["rows"][number]): string | undefined {
  const { tools, documents, add_generation_prompt, continue_final_message, ...chatTemplateKwargs } = row.kwargs;
  const options: ChatTemplateOptions & { tokenize: false } = {
    tokenize: false,
    chatTemplate: golden.templates[row.template] ?? "",
    addGenerationPrompt: add_generation_prompt === true,
    continueFinalMessage: continue_final_message === true,
    chatTemplateKwargs,
    ...(tools ? { tools: golden.tools } : {}),
    ...(documents ? { documents: golden.documents } : {}),
  };
  try {
    return tokenizer.applyChatTemplate(golden.conversations[row.conversation] ?? [], options);
  } catch (error) {
    if (row.text !== undefined) return String(error);
    return undefined;
  }
}

for (const [golden, template] of fixtures.flatMap((each) => Object.keys(each.templates).map((name) => [each, name] as const))) {
  describe(`template ${template}`, () => {
    test("renders as transformers does, and raises where it raises", () => {
      const rows = golden.rows.filter((row) => row.template === template);
      expect(rows.length).toBeGreaterThan(10);
      const different = rows.filter((row) => render(golden, row) !== row.text);
      const shown = different.slice(0, 2).map((row) => ({ ...row, got: render(golden, row) }));
      const found = different.map((row) => `${row.template} ${row.conversation} ${JSON.stringify(row.kwargs)}`);
      const known = knownDifferences.filter((line) => line.startsWith(`${template} `));
      expect(found, JSON.stringify(shown, null, 1)).toEqual(known);
    });
  });
}
