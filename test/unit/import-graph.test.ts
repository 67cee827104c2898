import { describe, expect, it } from "vitest";

type Graph = Map<string, { specifier: string; kind: "file"; target: string }[]>;
const module = new URL("../../scripts/import-graph.mjs", import.meta.url).href;
const {
  findCircles,
  findWaysToNode,
}: {
  findCircles(graph: Graph): string[][];
  findWaysToNode(graph: ReadonlyMap<string, readonly object[]>, entry: string): string[][];
} = await import(module);

/** A graph of files from "a: b c" lines. */
function graphOf(...lines: string[]): Graph {
  const entries = lines.map((line): [string, { specifier: string; kind: "file"; target: string }[]] => {
    const [file = "", targets = ""] = line.split(":");
    const imports = targets
      .split(" ")
      .filter(Boolean)
      .map((target) => ({ specifier: target, kind: "file" as const, target }));
    return [file, imports];
  });
  return new Map(entries);
}

describe("findCircles", () => {
  it("finds no circle where files only share what they import", () => {
    expect(findCircles(graphOf("a: b c", "b: d", "c: d", "d:"))).toEqual([]);
  });

  it("gives each group of files that reach each other, sorted", () => {
    expect(findCircles(graphOf("a: b", "b: c", "c: a d", "d: e", "e: f", "f: e", "g: a"))).toEqual([
      ["e", "f"],
      ["a", "b", "c"],
    ]);
  });

  it("joins circles that share a file", () => {
    expect(findCircles(graphOf("a: b", "b: a c", "c: b"))).toEqual([["a", "b", "c"]]);
  });

  it("takes no import of a package, and none of itself, for a circle", () => {
    expect(findCircles(graphOf("a: zod a", "b: a"))).toEqual([]);
  });
});

describe("findWaysToNode", () => {
  const toFile = (target: string) => ({ kind: "file", target });
  const fs = { kind: "node", target: "node:fs" };

  it("gives the files between an entry and a module of Node", () => {
    const graph = new Map([
      ["a", [toFile("b"), toFile("c")]],
      ["b", [toFile("a")]],
      ["c", [fs]],
      ["d", [fs]],
    ]);
    expect(findWaysToNode(graph, "a")).toEqual([["a", "c", "node:fs"]]);
    expect(findWaysToNode(graph, "b")).toEqual([["b", "a", "c", "node:fs"]]);
  });

  it("leaves out imports of types, which are gone when the code runs", () => {
    const graph = new Map([
      ["a", [{ ...toFile("b"), isTypeOnly: true }]],
      ["b", [fs]],
    ]);
    expect(findWaysToNode(graph, "a")).toEqual([]);
  });
});
