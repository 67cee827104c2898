/** 5,000 lines of mixed text against transformers (hashes made by tools/golden/make_mixed_fixtures.py). */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { AutoTokenizer } from "../../src/generate/auto-tokenizer.ts";
import { mixedLines, shortHash } from "./mixed-text.ts";

interface Golden {
  /** Two characters for each line: a hash of ids and decoded text, and one of the offsets. */
  ids: string;
  offsets: string;
}

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const names = readdirSync(`${fixtures}tokenizers-mixed`).map((file) => file.replace(/\.json$/, ""));
const lines = mixedLines(5000);

function folderOf(name: string): string {
  if (name.startsWith("checkpoint-")) return `${fixtures}tokenizers-checkpoints/${name.slice(11)}`;
  return `${fixtures}tokenizers/${name}`;
}

for (const name of names.filter((file) => file !== "parts")) {
  const folder = folderOf(name);
  test(`${name} gives the ids, offsets and decoded text of transformers for 5,000 lines`, async () => {
    const golden = JSON.parse(readFileSync(`${fixtures}tokenizers-mixed/${name}.json`, "utf8")) as Golden;
    expect(golden.ids).toHaveLength(2 * lines.length);
    expect(golden.offsets).toHaveLength(2 * lines.length);
    const tokenizer = await AutoTokenizer.fromPretrained(folder);
    const different = lines.flatMap((line, index) => {
      const { inputIds, offsetMapping } = tokenizer(line, { returnOffsetsMapping: true });
      const [at, to] = [2 * index, 2 * index + 2];
      const ids = shortHash([inputIds, tokenizer.decode(inputIds)]) === golden.ids.slice(at, to);
      const plain = JSON.stringify(tokenizer.encode(line)) === JSON.stringify(inputIds);
      const offsets = shortHash(offsetMapping) === golden.offsets.slice(at, to);
      return ids && plain && offsets ? [] : [{ line, ids, plain, offsets }];
    });
    expect(different.length, JSON.stringify(different.slice(0, 3))).toBe(0);
  });
}
