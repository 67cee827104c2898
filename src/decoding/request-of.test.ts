import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeSession, fakeLimits, fakeModel } from "../../test/helpers/fake-session.ts";
import { Engine } from "../engine/engine.ts";
import { torchStream } from "../sampling/index.ts";
import { requestOf } from "./request-of.ts";
import type { RequestOptions } from "./request-options.ts";
import type { RequestPrompt } from "./request-prompt.ts";
import { resolveSettings } from "./resolve-settings.ts";

const vocabularySize = 61;
const model = fakeModel({ vocabularySize });
let engine: Engine;
beforeEach(() => {
  const limits = fakeLimits(model, 64, { maxSequences: 8, maxTokens: 32 });
  engine = new Engine({ model, session: new FakeSession(model, limits), limits });
});
afterEach(() => engine.dispose());

const tokens = [3, 4, 5];
const settingsOf = (options: object = {}) => resolveSettings(options, {}, {});

/** The rows of a request for a prompt, and the request itself. */
async function rowsOf(options: object, given: Partial<RequestOptions> = {}, prompt: RequestPrompt = { tokens }) {
  const request = requestOf(settingsOf(options), prompt, { model, maxNewTokens: 6, ...given });
  const rows = request.rows(await engine.submit(request).result);
  return { request, rows };
}

const sampling = { doSample: true, topK: 0 };

describe("a request that stands alone", () => {
  test("is greedy by default, and ends at the limit or with an end token", async () => {
    const { request, rows } = await rowsOf({});
    expect(rows).toEqual([{ newTokens: expect.any(Array), finishReason: "length" }]);
    const [{ newTokens }] = rows as [(typeof rows)[0]];
    expect(newTokens).toHaveLength(6);
    expect(request.steps()).toBe(6);
    const end = newTokens[2]!;
    const ended = await rowsOf({ eosTokenId: end });
    const length = newTokens.indexOf(end) + 1;
    expect(ended.rows).toEqual([{ newTokens: newTokens.slice(0, length), finishReason: "eos" }]);
    expect(ended.request.steps()).toBe(length);
  });

  test("gives as many rows as numReturnSequences says, and tells their tokens as they come", async () => {
    const told: number[][] = [[], [], []];
    const { rows } = await rowsOf(
      { ...sampling, numReturnSequences: 3 },
      { stream: torchStream(7), onToken: (row, token) => told[row]!.push(token) },
    );
    expect(rows.map(({ newTokens }) => newTokens)).toEqual(told);
    expect(new Set(told.map(String)).size).toBe(3);
  });

  test("stops at stop strings, whose bytes it is given", async () => {
    const plain = await rowsOf({});
    const [first, second] = plain.rows[0]!.newTokens as [number, number];
    const tokenBytes = (token: number) => new TextEncoder().encode(`<${token}>`);
    const { rows } = await rowsOf({ stopStrings: `<${first}><${second}>` }, { tokenBytes });
    expect(rows).toEqual([{ newTokens: [first, second], finishReason: "stop" }]);
    expect(() => requestOf(settingsOf({ stopStrings: "." }), { tokens }, { model, maxNewTokens: 1 })).toThrow(
      "bytes of tokens",
    );
  });

  test("needs random numbers to sample", () => {
    expect(() => requestOf(settingsOf(sampling), { tokens }, { model, maxNewTokens: 1 })).toThrow("no random stream");
  });

  test("has all its rows although it was aborted before they were forked", async () => {
    const { rows, request } = await rowsOf(
      { ...sampling, numReturnSequences: 2 },
      { stream: torchStream(7), signal: AbortSignal.abort() },
    );
    const aborted = { newTokens: [], finishReason: "abort" };
    expect(rows).toEqual([aborted, aborted]);
    expect(request.steps()).toBe(0);
  });
});

describe("the place of a request in a batch", () => {
  test("decides the random numbers: rows draw the same in one request and in several", async () => {
    const options = { ...sampling, numReturnSequences: 2 };
    const stream = torchStream(7);
    const whole = await rowsOf(options, { stream });
    const place = (firstRow: number) => ({ prompt: 0, prompts: 1, firstRow, rows: 2 });
    const apart = await Promise.all([0, 1].map((row) => rowsOf(options, { stream, copies: 1, place: place(row) })));
    expect(apart.flatMap(({ rows }) => rows)).toEqual(whole.rows);
  });

  test("numbers the rows that tokens are told of", async () => {
    const told: number[] = [];
    await rowsOf({}, { place: { prompt: 2, prompts: 4, firstRow: 2, rows: 4 }, onToken: (row) => told.push(row) });
    expect(told).toEqual(new Array(6).fill(2));
  });
});

test("processors and criteria see pads, the model does not", async () => {
  const seen: (readonly number[])[] = [];
  const padded = [0, 0, ...tokens];
  const stoppingCriteria = [(ids: readonly number[]) => seen.push(ids) > 1];
  const { request, rows } = await rowsOf({}, { stoppingCriteria }, { tokens, padded });
  expect(request.sequences).toMatchObject([{ tokens, padding: 2 }]);
  const { newTokens } = rows[0]!;
  expect(seen).toEqual([
    [...padded, newTokens[0]],
    [...padded, ...newTokens],
  ]);
  expect(rows[0]!.finishReason).toBe("stop");
  const alone = await rowsOf({});
  expect(alone.rows[0]!.newTokens.slice(0, 2)).toEqual(newTokens);
});

test("guidance brings its negative prompt along: the prompt's last token by default", () => {
  const make = (prompt: RequestPrompt) =>
    requestOf(settingsOf({ guidanceScale: 2 }), prompt, { model, maxNewTokens: 6, copies: 1 });
  const named = make({ tokens, negative: [8, 9, 10, 11] });
  expect(named.sequences.map((sequence) => sequence.tokens)).toEqual([tokens, [8, 9, 10, 11]]);
  expect(named).toMatchObject({ gangSize: 2, maxLength: 10 });
  expect(make({ tokens }).sequences[1]!.tokens).toEqual([5]);
});

describe("a search over beams", () => {
  test("gives its best rows with their scores, best first", async () => {
    const { rows, request } = await rowsOf({ numBeams: 4, numReturnSequences: 3 });
    expect(request).toMatchObject({ gangSize: 4, forgetDropped: true });
    expect(rows).toHaveLength(3);
    const scores = rows.map(({ score }) => score as number);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(rows.map(({ newTokens }) => newTokens.length)).toEqual([6, 6, 6]);
    expect(request.steps()).toBe(6);
  });

  test("counts beams over the whole batch", async () => {
    const options = { numBeams: 2 };
    const { rows } = await rowsOf(options, { place: { prompt: 3, prompts: 4, firstRow: 3, rows: 4 } });
    const alone = await rowsOf(options);
    expect(rows[0]!.beamIndices).toEqual(alone.rows[0]!.beamIndices!.map((beam) => beam + 6));
  });

  test.each([{ numBeams: 2 }, { numBeams: 2, numBeamGroups: 2, diversityPenalty: 1 }])(
    "has all its rows although it was aborted at once: %j",
    async (options) => {
      const { rows } = await rowsOf({ ...options, numReturnSequences: 2 }, { signal: AbortSignal.abort() });
      expect(rows.map(({ newTokens, finishReason }) => [newTokens, finishReason])).toEqual([
        [[], "abort"],
        [[], "abort"],
      ]);
    },
  );
});
