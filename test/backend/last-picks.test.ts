import { describe, expect, it } from "vitest";
import type { Backend, Batch, Session } from "../../src/backends/backend.ts";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import { createReferenceBackend } from "../../src/backends/reference/index.ts";
import type { SamplingGroup } from "../../src/sampling/group.ts";
import { layerModel } from "./support/attention.ts";
import { limits, makeBatch, runStep, tokenIds } from "./support/programs.ts";

const backends: Backend[] = [createReferenceBackend(), createCpuBackend()];
const argmax = (row: number): SamplingGroup => ({ rows: [row], steps: [[]], pick: "argmax", count: 1 });
const top = (row: number, count: number): SamplingGroup => ({ rows: [row], steps: [[]], pick: "top", count });
const part = (from: number, tokens: readonly number[], sequence = 0) => ({ sequence, from, tokens: [...tokens] });
const batchOf = (blockTokens: number, ...parts: ReturnType<typeof part>[]): Batch => makeBatch(parts, 1, blockTokens, 8);

describe.each(backends.map((backend) => ({ name: backend.name, backend })))("a session on $name", ({ backend }) => {
  const { blockTokens } = backend;
  async function withSession(use: (session: Session) => Promise<void>): Promise<void> {
    const { model, source } = layerModel();
    const session = await backend.prepare(model, source, limits, { threads: 2 });
    try {
      await use(session);
    } finally {
      await session.dispose();
    }
  }

  it("takes picks of the step before by their numbers, across groups, and runs later steps behind it", async () => {
    await withSession(async (session) => {
      const prompt = tokenIds(5);
      const first = session.run(batchOf(blockTokens, part(0, prompt)));
      const picks = session.sample(first, [argmax(4), top(3, 2), top(4, 3)]);
      // Pick 5 is the third likeliest token behind the prompt; pick 1 the likeliest behind its fourth.
      const second = session.run(batchOf(blockTokens, part(5, [-6, -2])));
      const third = session.run(batchOf(blockTokens, part(7, [9])));
      const pending = [second, third].map((step) => session.read(step, "logits", [0]));
      const [, four, five] = await picks;
      const read = await Promise.all(pending);
      for (const step of [first, second, third]) session.release(step);
      const known = [...prompt, five!.tokens[2]!, four!.tokens[0]!, 9];
      const whole = await runStep(session, batchOf(blockTokens, part(0, known, 1)));
      for (const [index, row] of [5, 7].entries()) {
        const want = whole.subarray(row * 64, (row + 1) * 64);
        read[index]!.forEach((value, token) => {
          expect(value).toBeCloseTo(want[token]!, 4);
        });
      }
    });
  });

  it("refuses numbers of picks that were not made", async () => {
    await withSession(async (session) => {
      const first = session.run(batchOf(blockTokens, part(0, [1, 2])));
      const early = session.run(batchOf(blockTokens, part(2, [-1])));
      await expect(session.sample(early, [argmax(0)])).rejects.toMatchObject({ code: "batch_invalid" });
      const second = session.run(batchOf(blockTokens, part(2, [3])));
      await session.sample(second, [argmax(0)]);
      const beyond = session.run(batchOf(blockTokens, part(3, [-2])));
      await expect(session.sample(beyond, [argmax(0)])).rejects.toMatchObject({ code: "batch_invalid" });
      for (const step of [first, early, second, beyond]) session.release(step);
      expect(await runStep(session, batchOf(blockTokens, part(3, [4])))).toHaveLength(64);
    });
  });

  it("fails a step whose picks could not be made, and takes it again with known tokens", async () => {
    await withSession(async (session) => {
      const first = session.run(batchOf(blockTokens, part(0, [1, 2])));
      const apply = () => {
        throw new Error("mine");
      };
      const picks = session.sample(first, [{ ...argmax(1), steps: [[{ kind: "call", apply }]] }]);
      const second = session.run(batchOf(blockTokens, part(2, [-1])));
      await expect(picks).rejects.toThrow("mine");
      await expect(session.sample(second, [argmax(0)])).rejects.toThrow("mine");
      session.release(second);
      const again = session.run(batchOf(blockTokens, part(2, [7])));
      const [pick] = await session.sample(again, [argmax(0)]);
      expect(pick!.tokens).toHaveLength(1);
      for (const step of [first, again]) session.release(step);
    });
  });

  it("lets a step that waits for picks finish before it is disposed of", async () => {
    await withSession(async (session) => {
      const first = session.run(batchOf(blockTokens, part(0, [1, 2])));
      session.sample(first, [top(1, 1)]).catch(() => {});
      session.run(batchOf(blockTokens, part(2, [-1])));
      await session.dispose();
      expect(() => session.run(batchOf(blockTokens, part(0, [1])))).toThrow(expect.objectContaining({ code: "disposed" }));
    });
  });

  it("waits for the step when nothing is picked", async () => {
    await withSession(async (session) => {
      const order: string[] = [];
      const step = session.run(batchOf(blockTokens, part(0, tokenIds(200).slice(0, 8 * blockTokens))));
      const waited = session.sample(step, []).then(() => order.push("step"));
      // A step takes longer than a promise that is settled already.
      for (let turn = 0; turn < 20; turn += 1) await undefined;
      order.push("microtasks");
      await waited;
      session.release(step);
      expect(order).toEqual(["microtasks", "step"]);
    });
  });

  it("refuses adapters, in batches too", async () => {
    await withSession(async (session) => {
      const source = { tensors: () => [], locate: () => new Uint8Array(0) };
      await expect(session.loadAdapter({ source, changes: [] })).rejects.toMatchObject({ code: "unsupported_option" });
      const step = session.run({ ...batchOf(blockTokens, part(0, [1])), adapter: Int32Array.of(0) });
      await expect(session.sample(step, [argmax(0)])).rejects.toMatchObject({ code: "batch_invalid" });
      session.release(step);
      const none = { ...batchOf(blockTokens, part(0, [1])), adapter: Int32Array.of(-1) };
      expect(await runStep(session, none)).toHaveLength(64);
    });
  });
});
