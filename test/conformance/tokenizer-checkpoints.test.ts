/** Checkpoints without tokenizer.json against transformers (made by tools/golden/make_checkpoint_fixtures.py). */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { AutoTokenizer } from "../../src/generate/auto-tokenizer.ts";

interface Golden {
  encode: {
    text: string;
    ids: number[];
    ids_no_special: number[];
    tokens: string[];
    tokenized?: string[];
    decoded: string;
    decoded_skip: string;
  }[];
  decode: { ids: number[]; decoded: string; decoded_skip: string }[];
  special: Record<string, string>;
  length: number;
  padding_side: string;
  pair: number[];
}

const folder = fileURLToPath(new URL("../fixtures/tokenizers-checkpoints", import.meta.url));
const skip = { skipSpecialTokens: true };

describe.each(readdirSync(folder))("%s", (name) => {
  const golden = JSON.parse(readFileSync(`${folder}/${name}/golden.json`, "utf8")) as Golden;

  test("encodes and decodes as transformers does", async () => {
    const tokenizer = await AutoTokenizer.fromPretrained(`${folder}/${name}`);
    expect(tokenizer.specialTokensMap).toEqual(golden.special);
    expect([tokenizer.length, tokenizer.paddingSide]).toEqual([golden.length, golden.padding_side]);
    expect(tokenizer("a b", { textPair: "c d" }).inputIds).toEqual(golden.pair);
    expect(golden.encode.length).toBeGreaterThan(50);
    const different: unknown[] = [];
    const check = (what: string, text: unknown, got: unknown, want: unknown) => {
      if (JSON.stringify(got) !== JSON.stringify(want)) different.push({ what, text, got, want });
    };
    for (const row of golden.encode) {
      check("ids", row.text, tokenizer.encode(row.text), row.ids);
      check("plain ids", row.text, tokenizer.encode(row.text, { addSpecialTokens: false }), row.ids_no_special);
      check("tokens", row.text, tokenizer.tokenize(row.text, { addSpecialTokens: true }), row.tokenized ?? row.tokens);
      check("decoded", row.text, tokenizer.decode(row.ids), row.decoded);
      check("skipped", row.text, tokenizer.decode(row.ids, skip), row.decoded_skip);
    }
    for (const row of golden.decode) {
      check("random", row.ids, tokenizer.decode(row.ids), row.decoded);
      check("random skipped", row.ids, tokenizer.decode(row.ids, skip), row.decoded_skip);
    }
    expect(different).toEqual([]);
  });
});
