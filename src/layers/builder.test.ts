import { describe, expect, it } from "vitest";
import { linear, ProgramBuilder, rowsOf } from "./index.ts";

const input = (program: ProgramBuilder) => {
  const table = program.weight({ name: "embed.weight", shape: [8, 4], use: "gather" });
  return program.value("embed", { module: "embed", weights: [table] });
};

describe("ProgramBuilder.layers", () => {
  it("marks the ops of each layer, and none before, between or behind", () => {
    const program = new ProgramBuilder();
    let x = input(program);
    for (const layer of program.layers(2)) x = linear(program, x, { module: `layers.${layer}`, width: 4 });
    for (const layer of program.layers(2)) {
      x = linear(program, x, { module: `others.${layer}`, width: 4 });
      if (layer === 0) break;
    }
    x = linear(program, x, { module: "head", width: 4 });
    const { ops } = program.program({ logits: x, hidden: x });
    expect(ops.map(({ module, layer }) => [module, layer])).toEqual([
      ["embed", undefined],
      ["layers.0", 0],
      ["layers.1", 1],
      ["others.0", 0],
      ["head", undefined],
    ]);
  });
});

describe("ProgramBuilder.emit", () => {
  it("refuses a matrix that is not of the op's module", () => {
    const program = new ProgramBuilder();
    const x = input(program);
    const matrix = program.weight({ name: "a.weight", shape: [4, 4], use: "matmul" });
    const emit = (module: string) => program.emit("linear", { module, inputs: [x], weights: [matrix, undefined] });
    expect(() => emit("b")).toThrow("the matrix a.weight of linear is not of its module b");
    expect(emit("a")).toHaveLength(1);
  });

  it("refuses a part whose rows are not those of the matrix", () => {
    const program = new ProgramBuilder();
    const x = input(program);
    const options = rowsOf("qkv", "query", [[0, 4]]);
    expect(linear(program, x, options).shape).toEqual(["T", 4]);
    const shifted = { ...rowsOf("qkv", "key", [[4, 8]]), part: { name: "key", rows: [[4, 7]] as const } };
    expect(() => linear(program, x, shifted)).toThrow("not of its module qkv");
    const whole = { ...rowsOf("qkv", "value", [[8, 12]]), weightFrom: [{ tensor: "qkv.weight" }] };
    expect(() => linear(program, x, whole)).toThrow("not of its module qkv");
  });
});
