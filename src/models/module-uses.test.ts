import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { TensorInfo } from "../formats/checkpoint.ts";
import { openCheckpoint } from "../formats/file-reader.ts";
import { originTensors } from "../ops/origin.ts";
import type { Model, ProgramOp, WeightOrigin } from "../ops/program.ts";
import * as architectures from "./arch/index.ts";
import { loadModel, supportedModelTypes } from "./load.ts";
import { type ModuleUse, moduleUses } from "./module-uses.ts";
import { tensorFinder } from "./tensor-names.ts";

const fixtures = join(import.meta.dirname, "../../test/fixtures");
const folders = ["models", "encoder-decoder", "multimodal"].flatMap((kind) =>
  readdirSync(join(fixtures, kind), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(kind, name)),
);

async function open(folder: string): Promise<{ model: Model; tensors: Map<string, TensorInfo> }> {
  const checkpoint = await openCheckpoint(join(fixtures, folder));
  const config = JSON.parse(await readFile(join(fixtures, folder, "config.json"), "utf8"));
  const model = await loadModel(config, checkpoint);
  const tensors = new Map(checkpoint.tensors().map((tensor) => [tensor.name, tensor]));
  await checkpoint.close();
  return { model, tensors };
}

const opOf = ({ programs }: Model, { program, op }: ModuleUse): ProgramOp => programs[program]!.ops[op]!;

const originOf = (model: Model, use: ModuleUse): WeightOrigin =>
  model.weights[opOf(model, use).weights[use.weight]!]!.from.find(({ tensor }) => tensor === use.tensor)!;

/** Rows of the matrix of a tensor that a use has rows of. */
function rowCount(model: Model, use: ModuleUse, tensors: ReadonlyMap<string, TensorInfo>): number {
  const origin = originOf(model, use);
  const shape = origin.storage?.shape ?? tensors.get(use.tensor)!.shape;
  const matrix = use.isStacked ? shape.slice(1) : shape;
  const axis = origin.slice?.axis ?? (origin.transpose ? 1 : 0);
  return matrix[axis]!;
}

describe.each(folders)("%s", (folder) => {
  it("has a tensor in the checkpoint for the module of every op with a matrix", async () => {
    const { model, tensors } = await open(folder);
    const architecture = Object.values(architectures).find(({ modelType }) => modelType === model.modelType)!;
    const find = tensorFinder(architecture, tensors);
    const uses = moduleUses(model);
    expect(uses.length).toBeGreaterThan(0);
    for (const use of uses) {
      const { module, part } = opOf(model, use);
      const isTied = module === architecture.tie.head && find(`${module}.weight`) === undefined;
      if (part && "experts" in part) {
        for (const tensor of originTensors(originOf(model, use))) expect(tensors.has(tensor), tensor).toBe(true);
      } else {
        const tensor = find(`${isTied ? architecture.tie.embedding : module}.weight`);
        // transformers 5 has other names for a router than older files
        if (tensor === undefined) expect(module).toMatch(/\.(gate|router\.layer)$/);
        else expect([tensor, find(`${architecture.tie.embedding}.weight`)]).toContain(use.tensor);
      }
    }
  });

  it("covers the rows of every module exactly once by the parts of its ops", async () => {
    const { model, tensors } = await open(folder);
    const byMatrix = new Map<string, ModuleUse[]>();
    for (const use of moduleUses(model)) {
      const matrix = `${use.tensor} ${use.isStacked ? use.expert : ""}`;
      byMatrix.set(matrix, [...(byMatrix.get(matrix) ?? []), use]);
    }
    for (const [matrix, uses] of byMatrix) {
      // Gemma 3n calls this module before a layer and behind it
      if (matrix.includes(".altup.modality_router.")) expect(uses.splice(1)).toHaveLength(1);
      const runs = uses.flatMap(({ rows }) => rows).toSorted(([a], [b]) => a - b);
      const starts = runs.map(([start]) => start);
      const ends = runs.map(([, end]) => end);
      const count = rowCount(model, uses[0]!, tensors);
      expect([...starts, count], matrix).toEqual([0, ...ends]);
    }
  });
});

it("the checkpoints above are of every architecture", async () => {
  const types = await Promise.all(folders.map(async (folder) => (await open(folder)).model.modelType));
  expect([...new Set(types)].toSorted()).toEqual(supportedModelTypes);
});

describe("moduleUses", () => {
  const ofModule = async (folder: string, module: string) => {
    const { model } = await open(folder);
    return moduleUses(model)
      .filter((use) => opOf(model, use).module === module)
      .map((use) => ({ ...use, part: opOf(model, use).part }));
  };

  it("names the rows of a fused projection (Phi 3)", async () => {
    const uses = await ofModule("models/phi3", "model.layers.1.self_attn.qkv_proj");
    expect(uses.map(({ tensor }) => tensor)).toEqual(Array(3).fill("model.layers.1.self_attn.qkv_proj.weight"));
    expect(uses.map(({ part }) => part && "name" in part && part.name)).toEqual(["query", "key", "value"]);
    expect(uses.map(({ rows }) => rows)).toEqual([[[0, 32]], [[32, 48]], [[48, 64]]]);
  });

  it("names the columns of a projection that is stored [in, out] (GPT-2)", async () => {
    const uses = await ofModule("models/gpt2", "transformer.h.0.attn.c_attn");
    const width = uses[0]!.rows[0]![1];
    expect(uses.map(({ rows }) => rows)).toEqual([0, 1, 2].map((i) => [[i * width, (i + 1) * width]]));
  });

  it("names the modules of experts one by one, or the entries of their stack (Mixtral, gpt-oss)", async () => {
    const own = await ofModule("models/mixtral", "model.layers.0.block_sparse_moe.experts");
    expect(own.slice(0, 3)).toMatchObject([
      { tensor: "model.layers.0.block_sparse_moe.experts.0.w1.weight", expert: 0, weight: 0 },
      { tensor: "model.layers.0.block_sparse_moe.experts.0.w3.weight", expert: 0, weight: 0 },
      { tensor: "model.layers.0.block_sparse_moe.experts.1.w1.weight", expert: 1, weight: 0 },
    ]);
    expect(own[0]!.part).toMatchObject({ stacked: "model.layers.0.mlp.experts" });
    const stacked = await ofModule("models/gpt_oss", "model.layers.0.mlp.experts");
    expect(stacked[1]).toMatchObject({ tensor: "model.layers.0.mlp.experts.gate_up_proj", expert: 1, isStacked: true });
  });
});
