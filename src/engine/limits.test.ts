import { describe, expect, it } from "vitest";
import { fakeModel } from "../../test/helpers/fake-session.ts";
import { plainHolding } from "../backends/weight-holding.ts";
import { engineLimits } from "./limits.ts";

describe("engineLimits", () => {
  const model = fakeModel({ windows: [undefined, 10] });

  it("makes room for every sequence at full context; a window needs its tokens and the chunk's", () => {
    const limits = engineLimits(model, { blockTokens: 4, weights: "bfloat16", contextTokens: 50, maxTokens: 16 });
    expect(limits).toMatchObject({ maxSequences: 8, maxLogitRows: 40, cache: "bfloat16", blocks: { state0: 104, state1: 56 } });
  });

  it("takes the types of cache and activations from the weights' unless they are said, and holds each weight as asked", () => {
    const typesOf = (options: Partial<Parameters<typeof engineLimits>[1]>) => {
      const { cache, activation } = engineLimits(model, { blockTokens: 4, weights: "bfloat16", ...options });
      return [cache, activation];
    };
    expect(typesOf({})).toEqual(["bfloat16", "bfloat16"]);
    expect(typesOf({ weights: "float16" })).toEqual(["float32", "float32"]);
    expect(typesOf({ cache: "float32" })).toEqual(["float32", "bfloat16"]);
    expect(typesOf({ activation: "float32" })).toEqual(["bfloat16", "float32"]);
    expect(typesOf({ weights: "float32", cache: "bfloat16" })).toEqual(["bfloat16", "float32"]);
    const weights = ["a", "b"].map((name) => ({ name, shape: [2, 2], from: [{ tensor: name }], uses: ["matmul" as const] }));
    const limits = engineLimits(
      { ...model, weights },
      { blockTokens: 4, weights: "float32", holdAs: ({ name }, dtype) => plainHolding(name === "a" ? "float16" : dtype) },
    );
    expect(limits.weights).toEqual([plainHolding("float16"), plainHolding("float32")]);
  });

  it("keeps to a budget of bytes, and refuses one that holds no sequence", () => {
    const options = { blockTokens: 4, weights: "float32", contextTokens: 50, maxTokens: 16 } as const;
    const bytes = (13 + 7) * 16;
    expect(engineLimits(model, { ...options, cacheBytes: 2 * bytes }).blocks).toEqual({ state0: 26, state1: 14 });
    expect(() => engineLimits(model, { ...options, cacheBytes: bytes - 1 })).toThrow(`at least ${bytes}`);
    expect(() => engineLimits(model, { ...options, maxTokens: 4 })).toThrow("at least maxSequences (8)");
  });

  it("names the option that asks for more blocks than a cache can have", () => {
    const options = { blockTokens: 4, weights: "float32" } as const;
    const most = 4 * 2 ** 27;
    expect(engineLimits(model, { ...options, contextTokens: most }).blocks.state0).toBe(2 ** 30);
    const long =
      "`contextTokens` must be at most 536870912, with 8 sequences at once: a cache has no more than 1073741824 blocks";
    expect(() => engineLimits(model, { ...options, contextTokens: 1e12 })).toThrow(`${long}. Given: 1000000000000`);
    expect(() => engineLimits(model, { ...options, contextTokens: most + 1 })).toThrow(long);
    expect(() => engineLimits(model, { ...options, maxSequences: 2 ** 31 })).toThrow("`maxSequences` must be at most");
  });
});
