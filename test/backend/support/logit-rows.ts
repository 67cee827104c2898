import { createCpuBackend } from "../../../src/backends/cpu/index.ts";
import { sampleGroup } from "../../../src/sampling/chain.ts";
import type { SamplingGroup, SamplingPicks } from "../../../src/sampling/group.ts";
import { limits, makeBatch, ProgramBuilder } from "./programs.ts";

const cpu = createCpuBackend();

/** What the addon picks from a step whose logits are these rows: an embedding that is the model's output. */
export async function sampleNatively(
  rows: readonly Float32Array[],
  groups: readonly SamplingGroup[],
): Promise<SamplingPicks[]> {
  const width = rows[0]!.length;
  const builder = new ProgramBuilder();
  const values = new Float32Array(rows.length * width);
  rows.forEach((row, index) => {
    values.set(row, index * width);
  });
  const table = builder.weight([rows.length, width], ["gather"], values);
  const { model, source } = builder.model(builder.op("embed", [], ["T", width], {}, [table]), width);
  const session = await cpu.prepare(model, source, { ...limits, maxTokens: 16, maxLogitRows: 16 });
  try {
    const step = session.run(makeBatch([{ sequence: 0, from: 0, tokens: [...rows.keys()] }], 0, 32, 8));
    return await session.sample(step, groups);
  } finally {
    await session.dispose();
  }
}

/** What the chain picks from the same. */
export function sampleByChain(rows: readonly Float32Array[], groups: readonly SamplingGroup[]): SamplingPicks[] {
  const copies = (places: readonly number[]) => places.map((row) => rows[row]!.slice());
  return groups.map((group) => sampleGroup(copies(group.rows), group, group.guides && copies(group.guides)));
}
