/**
 * Tokenizers against what Python answers (made by tools/golden/make_tokenizer_fixtures.py and, for `docs-…`,
 * make_trained_fixtures.py).
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { TextStreamer } from "../../src/generate/text-streamer.ts";
import { createTokenizer, type EncodeOptions, IncrementalDecoder, type Tokenizer } from "../../src/tokenizer/index.ts";
import { camelCase } from "../../src/util/letter-case.ts";

interface Encoded {
  text: string;
  ids: number[];
  ids_no_special: number[];
  tokens: string[];
  /** Where `tokenize` gives others than the names of the ids. */
  tokenized?: string[];
  decoded: string;
  decoded_skip: string;
}
interface Golden {
  encode: Encoded[];
  decode: { ids: number[]; decoded: string; decoded_skip: string }[];
  call: { texts: string[]; kwargs: Record<string, unknown>; input_ids: number[][]; attention_mask: number[][] }[];
  stream: { prompt: number[]; ids: number[]; skip_prompt: boolean; skip_special: boolean; pieces: [string, boolean][] }[];
}

const fixtures = fileURLToPath(new URL("../fixtures/tokenizers", import.meta.url));
const read = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

/** Where tsumugi is known to differ: "<tokenizer> <what> <text>". A line that does not differ any more fails too. */
const knownDifferences: string[] = [];

function load(folder: string, name: string): Tokenizer {
  return createTokenizer({
    tokenizerJson: read(`${folder}/${name}/tokenizer.json`),
    tokenizerConfig: read(`${folder}/${name}/tokenizer_config.json`),
  });
}

function camel(kwargs: Record<string, unknown>): EncodeOptions {
  return Object.fromEntries(Object.entries(kwargs).map(([key, value]) => [camelCase(key), value]));
}

/** Every comparison is made, then the differences are held against the list of known ones. */
function compare(name: string, checks: [what: string, text: string, got: unknown, want: unknown][]): void {
  const differing = checks.filter(([, , got, want]) => JSON.stringify(got) !== JSON.stringify(want));
  const found = differing.map(([what, text]) => `${name} ${what} ${JSON.stringify(text)}`);
  const kinds = new Set(checks.map(([what]) => what));
  const known = knownDifferences.filter((line) => {
    const [tokenizer = "", what = ""] = line.split(" ");
    return tokenizer === name && kinds.has(what);
  });
  expect(found, JSON.stringify(differing.slice(0, 3))).toEqual(known);
}

function encodes(tokenizer: Tokenizer, rows: Encoded[]): [string, string, unknown, unknown][] {
  return rows.flatMap((row): [string, string, unknown, unknown][] => [
    ["ids", row.text, tokenizer(row.text).inputIds, row.ids],
    ["ids_no_special", row.text, tokenizer.encode(row.text, { addSpecialTokens: false }), row.ids_no_special],
    ["tokens", row.text, tokenizer.tokenize(row.text, { addSpecialTokens: true }), row.tokenized ?? row.tokens],
    ["id_tokens", row.text, tokenizer.convertIdsToTokens(row.ids), row.tokens],
    ["decoded", row.text, tokenizer.decode(row.ids), row.decoded],
    ["decoded_skip", row.text, tokenizer.decode(row.ids, { skipSpecialTokens: true }), row.decoded_skip],
  ]);
}

function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function streamed(tokenizer: Tokenizer, ids: number[]): string {
  const decoder = new IncrementalDecoder(tokenizer);
  return ids.map((id) => decoder.push(id)).join("") + decoder.end();
}

/** Pieces of random id sequences, and of texts, join to the full decode; texts give no replacement character. */
function streams(tokenizer: Tokenizer, texts: string[]): void {
  const random = randomNumbers(1);
  const sequences = texts.map((text) => tokenizer.encode(text));
  for (let i = 0; i < 300; i++)
    sequences.push(Array.from({ length: 1 + Math.floor(random() * 40) }, () => Math.floor(random() * tokenizer.length)));
  // Byte tokens close to each other make many broken and whole characters.
  for (let i = 0; i < 300; i++)
    sequences.push(Array.from({ length: 1 + Math.floor(random() * 20) }, () => Math.floor(random() * 300)));
  for (const [index, all] of sequences.entries()) {
    for (const skipSpecialTokens of [false, true]) {
      const ids = all.filter((id) => tokenizer.decoding.tokenOf(id) !== undefined);
      const want = tokenizer.decode(ids, { skipSpecialTokens });
      const decoder = new IncrementalDecoder(tokenizer, { skipSpecialTokens });
      const pieces: string[] = [];
      for (let at = 0; at < ids.length; ) {
        const step = 1 + Math.floor(random() * 2);
        pieces.push(decoder.push(ids.slice(at, at + step)));
        at += step;
      }
      pieces.push(decoder.end());
      expect(pieces.join("")).toBe(want);
      if (index < texts.length && !texts[index]?.includes("\ufffd") && !want.includes("\ufffd"))
        for (const piece of pieces) expect(piece).not.toContain("\ufffd");
      for (const piece of pieces) expect(piece).not.toMatch(/\p{Surrogate}/u);

      const cut = Math.floor(random() * ids.length);
      const continued = new IncrementalDecoder(tokenizer, { skipSpecialTokens, promptIds: ids.slice(0, cut) });
      const rest = ids.slice(cut).map((id) => continued.push(id));
      rest.push(continued.end());
      expect(want.endsWith(rest.join(""))).toBe(true);
    }
  }
}

for (const name of readdirSync(fixtures)) {
  describe(`fixture ${name}`, () => {
    const golden = read(`${fixtures}/${name}/golden.json`) as Golden;
    const tokenizer = load(fixtures, name);

    test("encodes and decodes as transformers does", () => {
      expect(golden.encode.length).toBeGreaterThan(40);
      compare(name, encodes(tokenizer, golden.encode));
    });

    test("decodes random ids as transformers does", () => {
      compare(
        name,
        golden.decode.flatMap((row): [string, string, unknown, unknown][] => [
          ["random", row.ids.join(), tokenizer.decode(row.ids), row.decoded],
          ["random_stream", row.ids.join(), streamed(tokenizer, row.ids), row.decoded],
          ["random_skip", row.ids.join(), tokenizer.decode(row.ids, { skipSpecialTokens: true }), row.decoded_skip],
        ]),
      );
    });

    test("pads and truncates as transformers does", () => {
      const padded = load(fixtures, name);
      padded.padToken ??= padded.eosToken;
      for (const { texts, kwargs, input_ids, attention_mask } of golden.call)
        expect(padded(texts, camel(kwargs)), JSON.stringify(kwargs)).toEqual({
          inputIds: input_ids,
          attentionMask: attention_mask,
        });
    });

    test("streams pieces as transformers' TextStreamer does", () => {
      class Recorder extends TextStreamer {
        pieces: [string, boolean][] = [];
        protected override onFinalizedText(text: string, streamEnd: boolean): void {
          this.pieces.push([text, streamEnd]);
        }
      }
      for (const row of golden.stream) {
        const streamer = new Recorder(tokenizer, { skipPrompt: row.skip_prompt, skipSpecialTokens: row.skip_special });
        streamer.put([row.prompt]);
        for (const id of row.ids) streamer.put([id]);
        streamer.end();
        expect(streamer.pieces).toEqual(row.pieces);
      }
    });

    test("pieces of a stream join to the full decode", () => {
      streams(
        tokenizer,
        golden.encode.map((row) => row.text),
      );
    });
  });
}
