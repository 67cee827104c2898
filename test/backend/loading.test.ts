import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { TensorInfo, WeightSource } from "../../src/backends/backend.ts";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import type { Model, WeightOrigin, WeightUse } from "../../src/ops/program.ts";
import { toFloat32 } from "../../src/tensor/convert.ts";
import { elementCount } from "../../src/tensor/dtype.ts";
import { applyLowRank } from "../../src/tensor/low-rank.ts";
import { limits, makeBatch, noise, ProgramBuilder, runStep } from "./support/programs.ts";

const cpu = createCpuBackend();
const folder = mkdtempSync(join(tmpdir(), "tsumugi-loading-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Stored {
  name: string;
  shape: number[];
  values: Float32Array | Float64Array;
}

/** Tensors in one file, each at an odd offset as safetensors may have it. */
function fileSource(name: string, tensors: readonly Stored[], cut = 0): WeightSource {
  const file = join(folder, name);
  const parts: Buffer[] = [Buffer.from("header!")];
  const places = new Map<string, { info: TensorInfo; offset: number }>();
  let offset = 7;
  for (const { name: tensor, shape, values } of tensors) {
    const dtype = values instanceof Float64Array ? "float64" : "float32";
    places.set(tensor, { info: { name: tensor, dtype, shape, bytes: values.byteLength }, offset });
    parts.push(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
    offset += values.byteLength;
  }
  const whole = Buffer.concat(parts);
  writeFileSync(file, whole.subarray(0, whole.length - cut));
  return {
    tensors: () => [...places.values()].map(({ info }) => info),
    locate: (tensor) => ({ file, offset: places.get(tensor)!.offset, bytes: places.get(tensor)!.info.bytes }),
  };
}

/** Rows of a matrix as the cpu backend loaded it: x = one-hot rows times it. */
async function loadedMatrix(shape: [number, number], from: WeightOrigin[], source: WeightSource, uses: WeightUse[]) {
  const [rows, columns] = shape;
  const builder = new ProgramBuilder();
  const weight = builder.weight([rows, columns], uses, new Float32Array());
  let out: number;
  if (uses.includes("gather")) {
    out = builder.op("embed", [], ["T", columns], {}, [weight]);
  } else {
    const identity = Float32Array.from({ length: columns * columns }, (_, i) => (i % (columns + 1) === 0 ? 1 : 0));
    const x = builder.op("embed", [], ["T", columns], {}, [builder.weight([columns, columns], ["gather"], identity)]);
    out = builder.op("linear", [x], ["T", rows], {}, [weight, -1]);
  }
  const { model, source: others } = builder.model(out, Math.max(rows, columns));
  const both = joinSources(source, others);
  const changed: Model = {
    ...model,
    weights: model.weights.map((w, index) => (index === weight ? { ...w, from, join: "concat" } : w)),
  };
  const session = await cpu.prepare(changed, both, limits, { threads: 2 });
  const tokens = Array.from({ length: uses.includes("gather") ? rows : columns }, (_, index) => index);
  const values = await runStep(session, makeBatch([{ sequence: 0, from: 0, tokens }], 0, 32, 8));
  await session.dispose();
  if (uses.includes("gather")) return values;
  return Float32Array.from({ length: rows * columns }, (_, i) => values[(i % columns) * rows + Math.floor(i / columns)]!);
}

function joinSources(first: WeightSource, second: WeightSource): WeightSource {
  const own = new Set(first.tensors().map(({ name }) => name));
  return {
    tensors: () => [...first.tensors(), ...second.tensors().filter(({ name }) => !own.has(name))],
    locate: (tensor) => (own.has(tensor) ? first : second).locate(tensor),
  };
}

describe("a weight from a file", () => {
  const [rows, columns] = [50, 37];
  const a: Stored = { name: "a", shape: [rows, columns], values: noise(rows * columns, 1) };
  const b: Stored = { name: "b", shape: [23, columns], values: Float64Array.from(noise(23 * columns, 2)) };
  const at = (stored: Stored, r: number, c: number) => stored.values[r * stored.shape[1]! + c]!;
  const matrix = (n: number, k: number, value: (r: number, c: number) => number) =>
    Float32Array.from({ length: n * k }, (_, i) => value(Math.floor(i / k), i % k));

  const cases: [string, [number, number], WeightOrigin[], Float32Array][] = [
    ["as it is", [rows, columns], [{ tensor: "a" }], matrix(rows, columns, (r, c) => at(a, r, c))],
    [
      "sliced by rows",
      [19, columns],
      [{ tensor: "a", slice: { axis: 0, start: 5, end: 24 } }],
      matrix(19, columns, (r, c) => at(a, r + 5, c)),
    ],
    [
      "sliced by columns",
      [rows, 9],
      [{ tensor: "a", slice: { axis: 1, start: 20, end: 29 } }],
      matrix(rows, 9, (r, c) => at(a, r, c + 20)),
    ],
    ["transposed", [columns, rows], [{ tensor: "a", transpose: true }], matrix(columns, rows, (r, c) => at(a, c, r))],
    [
      "sliced by columns and transposed",
      [17, rows],
      [{ tensor: "a", slice: { axis: 1, start: 3, end: 20 }, transpose: true }],
      matrix(17, rows, (r, c) => at(a, c, r + 3)),
    ],
    [
      "joined of three at odd rows",
      [rows + 23 + 7, columns],
      [{ tensor: "a" }, { tensor: "b" }, { tensor: "a", slice: { axis: 0, start: 1, end: 8 } }],
      matrix(rows + 30, columns, (r, c) =>
        r < rows ? at(a, r, c) : r < rows + 23 ? at(b, r - rows, c) : at(a, r - rows - 22, c),
      ),
    ],
  ];

  describe.each([["matmul"], ["gather"], ["matmul", "gather"]] as WeightUse[][])("for %s %s", (...uses) => {
    it.each(cases)("%s", async (_, shape, from, expected) => {
      expect(await loadedMatrix(shape, from, fileSource("tensors.bin", [a, b]), uses)).toEqual(expected);
    });
  });

  it("is read in slices: several megabytes, progress, and the right values", async () => {
    const wide: Stored = { name: "wide", shape: [64, 40_000], values: noise(64 * 40_000, 3) };
    const builder = new ProgramBuilder();
    const x = builder.input(40_000, 5);
    const { model, source } = builder.model(x);
    model.weights[0]!.from = [{ tensor: "wide" }];
    const seen: number[] = [];
    const files = joinSources(fileSource("wide.bin", [wide]), source);
    const options = { onProgress: ({ loadedBytes }: { loadedBytes: number }) => void seen.push(loadedBytes) };
    const session = await cpu.prepare(model, files, { ...limits, maxTokens: 8, maxLogitRows: 8 }, options);
    const values = await runStep(session, makeBatch([{ sequence: 0, from: 0, tokens: [63, 0] }], 0, 32, 8));
    await session.dispose();
    expect(values.subarray(0, 40_000)).toEqual(wide.values.subarray(63 * 40_000));
    expect(seen.at(-1)).toBe(wide.values.byteLength);
  });

  describe("with a low-rank change", () => {
    const [outputs, inputs, rank] = [40, 40_000, 3]; // more than one slice of the loader
    const numbers = (name: string, shape: number[], seed: number): Stored => ({
      name,
      shape,
      values: noise(elementCount(shape), seed),
    });
    const down = numbers("down", [rank, inputs], 5);
    const up = { ...numbers("up", [outputs, rank], 6), values: Float64Array.from(noise(outputs * rank, 6)) };
    const magnitude = numbers("magnitude", [outputs], 7);
    const plain = numbers("plain", [outputs, inputs], 4);
    const turned = numbers("turned", [inputs, outputs], 8);
    const change = { down: "down", up: "up", scale: 0.75 };
    const source = fileSource("changed.bin", [plain, turned, down, up, magnitude]);
    const changed = (stored: Stored, exchanged: boolean, lengths: boolean): Stored => {
      const values = Float32Array.from(stored.values);
      const numbersOf = { down: Float32Array.from(down.values), up: Float32Array.from(up.values), rank, scale: change.scale };
      const last = lengths ? { magnitude: Float32Array.from(magnitude.values) } : {};
      applyLowRank(values, { ...numbersOf, exchanged, ...last });
      return { ...stored, values };
    };
    const near = (given: Float32Array, expected: Float32Array) => {
      expect(given.length).toBe(expected.length);
      let worst = 0;
      for (let i = 0; i < given.length; i++) worst = Math.max(worst, Math.abs(given[i]! - expected[i]!));
      expect(worst).toBeLessThan(1e-5);
    };
    const part = { axis: 0, start: 7, end: 40 };
    const some = { axis: 1, start: 100, end: 139 };

    it.each<[string, [number, number], WeightOrigin, Stored, (r: number, c: number) => [number, number]]>([
      ["of a matrix", [outputs, inputs], { tensor: "plain", change }, changed(plain, false, false), (r, c) => [r, c]],
      [
        "of some rows of a matrix",
        [33, inputs],
        { tensor: "plain", change, slice: part },
        changed(plain, false, false),
        (r, c) => [r + 7, c],
      ],
      [
        "of a matrix that is stored with inputs first",
        [outputs, inputs],
        { tensor: "turned", change: { ...change, exchanged: true }, transpose: true },
        changed(turned, true, false),
        (r, c) => [c, r],
      ],
      [
        "of some columns of a matrix that are read as rows",
        [39, outputs],
        { tensor: "plain", change, slice: some, transpose: true },
        changed(plain, false, false),
        (r, c) => [c, r + 100],
      ],
      [
        "of lengths, too",
        [outputs, inputs],
        { tensor: "plain", change: { ...change, magnitude: "magnitude" } },
        changed(plain, false, true),
        (r, c) => [r, c],
      ],
      [
        "of lengths, with inputs first",
        [outputs, inputs],
        { tensor: "turned", change: { ...change, exchanged: true, magnitude: "magnitude" }, transpose: true },
        changed(turned, true, true),
        (r, c) => [c, r],
      ],
    ])("%s", async (_, [n, k], origin, expected, place) => {
      const values = matrix(n, k, (r, c) => at(expected, ...place(r, c)));
      near(await loadedMatrix([n, k], [origin], source, ["gather"]), values);
    });
  });

  it("of 8-bit floats has their values", async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    for (const dtype of ["float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"] as const) {
      const info = { name: "small", dtype, shape: [16, 16], bytes: 256 };
      const source: WeightSource = { tensors: () => [info], locate: () => bytes };
      const given = await loadedMatrix([16, 16], [{ tensor: "small" }], source, ["gather"]);
      expect(given).toEqual(toFloat32(bytes, dtype));
    }
  });

  it("that is too short, or missing, is refused by name", async () => {
    const load = (source: WeightSource) => loadedMatrix([rows, columns], [{ tensor: "a" }], source, ["matmul"]);
    await expect(load(fileSource("short.bin", [a], 100))).rejects.toMatchObject({
      code: "weights_unreadable",
      message: expect.stringContaining("short.bin"),
    });
    const source = fileSource("gone.bin", [a]);
    rmSync(join(folder, "gone.bin"));
    await expect(load(source)).rejects.toMatchObject({
      code: "weights_unreadable",
      message: expect.stringContaining("gone.bin"),
    });
  });

  it("of another shape is refused before anything is read", async () => {
    const load = loadedMatrix([rows, columns + 1], [{ tensor: "a" }], fileSource("shape.bin", [a]), ["matmul"]);
    await expect(load).rejects.toMatchObject({ code: "weight_shape" });
    const absent = loadedMatrix([rows, columns], [{ tensor: "z" }], fileSource("absent.bin", [a]), ["matmul"]);
    await expect(absent).rejects.toMatchObject({ code: "tensor_missing" });
  });

  it("passes on what the progress callback throws", async () => {
    const { model, source } = bigModel();
    const onProgress = () => {
      throw new RangeError("mine");
    };
    await expect(cpu.prepare(model, source, limits, { onProgress })).rejects.toThrow("mine");
  });

  it("stops at an abort signal", async () => {
    const { model, source } = bigModel();
    const before = new AbortController();
    before.abort();
    await expect(cpu.prepare(model, source, limits, { signal: before.signal })).rejects.toMatchObject({ code: "aborted" });
    const during = new AbortController();
    const pending = cpu.prepare(model, source, limits, { signal: during.signal });
    during.abort();
    await expect(pending).rejects.toMatchObject({ code: "aborted" });
  });
});

/** A model of one table of 128 MB, so that loading takes many slices. */
function bigModel() {
  const builder = new ProgramBuilder();
  return builder.model(builder.input(65_536, 1, false, 512));
}
