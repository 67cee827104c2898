import { describe, expect, it } from "vitest";

type Graph = Map<string, { specifier: string; kind: "file"; target: string }[]>;
const module = new URL("../../scripts/import-graph.mjs", import.meta.url).href;
const { findCircles }: { findCircles(graph: Graph): string[][] } = await import(module);

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
