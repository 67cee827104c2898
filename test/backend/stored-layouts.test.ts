import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { WeightSource } from "../../src/backends/backend.ts";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import { holdAsStored, plainHolding } from "../../src/backends/weight-holding.ts";
import {
  openQuantisation,
  quantisationReads,
  type StoredTensor,
  type TensorLookup,
} from "../../src/formats/quantised/index.ts";
import { decodeStorage, storageCodes, storageTensors } from "../../src/tensor/storage.ts";
import type { TensorInfo } from "../../src/tensor/tensor-info.ts";
import { ProgramBuilder, runSteps, tokenIds } from "./support/programs.ts";

interface Case {
  config: Record<string, unknown>;
  tensors: Record<string, { dtype: TensorInfo["dtype"]; shape: number[]; bytes: string }>;
  sha256: string;
  first: number[];
}

const cases = JSON.parse(readFileSync("test/fixtures/quantised.json", "utf8")) as Record<string, Case>;
const cpu = createCpuBackend();
const [rows, columns] = [32, 96];

/** The tensors of a case, some changed: another dtype or shape, or undefined where it lacks one. */
function lookupOf({ tensors, config }: Case, changed: Record<string, Partial<TensorInfo> | undefined> = {}) {
  const bytes = new Map(
    Object.entries(tensors).map(([name, { bytes: text }]) => [name, new Uint8Array(Buffer.from(text, "base64"))]),
  );
  const names = Object.keys(tensors).filter((name) => !(name in changed) || changed[name] !== undefined);
  const info = (name: string): TensorInfo => {
    const { dtype, shape } = tensors[name]!;
    return { name, dtype, shape, bytes: bytes.get(name)!.length, ...changed[name] };
  };
  const lookup: TensorLookup = {
    find: (tensor) => names.find((name) => name === tensor),
    info,
    bytes: (name) => (quantisationReads(config)(name) ? bytes.get(name)! : new Uint8Array()),
    isInputsFirst: () => false,
  };
  return { lookup, bytes, infos: names.map(info) };
}

function storedIn(given: Case): StoredTensor {
  const stored = openQuantisation(given.config)("m.weight", lookupOf(given).lookup);
  if (!stored || "missing" in stored) throw new Error(`not stored: ${stored?.missing}`);
  return stored;
}

describe.each(Object.entries(cases))("%s", (name, given) => {
  const { storage } = storedIn(given);
  const { bytes, infos } = lookupOf(given);
  const parts = Object.fromEntries(storageTensors(storage).map(({ role, tensor }) => [role, bytes.get(tensor)!]));

  it("stands for the values that it was made of", () => {
    const values = decodeStorage(storage, parts).map((value) => value + 0);
    expect([...values.subarray(0, 8)]).toEqual(given.first);
    expect(createHash("sha256").update(new Uint8Array(values.buffer)).digest("hex")).toBe(given.sha256);
    // every tensor of the module counts as read
    const read = storageTensors(storage).map(({ tensor }) => tensor);
    expect(read.sort()).toEqual(Object.keys(given.tensors).sort());
  });

  it("has these rows natively, in codes and as plain numbers", async () => {
    expect(storageCodes(storage) === undefined).toBe(name.includes("any size"));
    const values = decodeStorage(storage, parts);
    const builder = new ProgramBuilder();
    const weight = builder.weight([rows, columns], ["gather"], values);
    const { model, source } = builder.model(builder.op("embed", [], ["T", columns], {}, [weight]));
    const locate = (tensor: string) => bytes.get(tensor) ?? (source.locate(tensor) as Uint8Array);
    const own: WeightSource = {
      tensors: () => [...source.tensors(), ...infos],
      locate,
      read: async (tensor) => locate(tensor),
    };
    // rows that begin inside a block of 16, and inside words
    const weights = model.weights.map((w, at) => {
      const slices = [
        [0, 13],
        [13, rows],
      ].map(([start, end]) => ({ tensor: "m", storage, slice: { axis: 0, start: start!, end: end! } }));
      const isPermuted = storageCodes(storage)?.permuted;
      return at === weight ? { ...w, from: isPermuted ? [{ tensor: "m", storage }] : slices } : w;
    });
    const program = { model: { ...model, weights }, source: own };
    const ids = tokenIds(40).map((id) => id % rows);
    const expected = Float32Array.from(ids.flatMap((id) => [...values.subarray(id * columns, (id + 1) * columns)]));
    for (const holding of [(w: (typeof weights)[number]) => holdAsStored(w, "float32"), () => plainHolding("float32")]) {
      const [got] = await runSteps(cpu, program, [[{ sequence: 0, from: 0, tokens: ids }]], { weights: weights.map(holding) });
      expect(got!.findIndex((value, at) => value !== expected[at])).toBe(-1);
    }
  });

  it("is refused where a tensor has another type or shape, and missed where there is none", () => {
    const find = openQuantisation(given.config);
    for (const tensor of Object.keys(given.tensors)) {
      if (/g_idx$|input_scale$/.test(tensor) && name.startsWith("fp8")) continue;
      const lacks = find("m.weight", lookupOf(given, { [tensor]: undefined }).lookup);
      const isOwn = tensor === "m.weight" || tensor === "m.qweight" || tensor === "m.weight_packed";
      const isSpare = tensor === "m.g_idx" && given.config.desc_act !== true;
      if (isOwn) expect(lacks).toBeUndefined();
      else if (!isSpare) expect(lacks).toMatchObject({ missing: [expect.stringMatching(/^m\./)] });
      const wrong = lookupOf(given, { [tensor]: { shape: [3, 5, 7] } }).lookup;
      expect(() => find("m.weight", wrong)).toThrow(expect.objectContaining({ code: "weight_shape" }));
    }
  });
});
