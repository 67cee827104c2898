import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Worker } from "node:worker_threads";
import { describe, expect, it, vi } from "vitest";
import type { Batch, Session } from "../../src/backends/backend.ts";
import { nativeAddon } from "../../src/backends/cpu/addon.ts";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import { ops } from "../../src/ops/registry.ts";
import type { SamplingGroup } from "../../src/sampling/group.ts";
import { layerModel } from "./support/attention.ts";
import { limits, makeBatch, noise, ProgramBuilder, runStep, tokenIds } from "./support/programs.ts";

const root = join(import.meta.dirname, "../..");
const cpu = createCpuBackend();

async function withSession<Result>(use: (session: Session) => Promise<Result>, given = {}): Promise<Result> {
  const { model, source } = layerModel();
  const session = await cpu.prepare(model, source, { ...limits, ...given }, { threads: 2 });
  try {
    return await use(session);
  } finally {
    await session.dispose();
  }
}

const good = () => makeBatch([{ sequence: 0, from: 0, tokens: tokenIds(5) }], 1, 32, 8);
const greedy = (rows: number[]): SamplingGroup => ({ rows, steps: rows.map(() => []), pick: "argmax", count: 1 });

describe("picking and reading", () => {
  it("picks natively what the TypeScript chain picks, across rows and groups", async () => {
    await withSession(async (session) => {
      const batch = good();
      const step = session.run(batch);
      const apply = () => {};
      const groups: SamplingGroup[] = [greedy([0]), greedy([4]), greedy([1, 2, 3])];
      const called = groups.map((group) => ({ ...group, steps: group.rows.map(() => [{ kind: "call" as const, apply }]) }));
      const [native, chain] = await Promise.all([session.sample(step, groups), session.sample(step, called)]);
      expect(native).toEqual(chain);
      session.release(step);
    });
  });

  it("gives scores of targets and log probabilities beside native picks, and guides rows that others read too", async () => {
    await withSession(async (session) => {
      const step = session.run(good());
      const steps: SamplingGroup["steps"][number] = [{ kind: "normalise" }, { kind: "guide", scale: 1.5 }];
      const groups: SamplingGroup[] = [
        greedy([0]),
        { rows: [0, 1], steps: [[], []], pick: "score", count: 2, target: [3, 5], logprobs: 2 },
        { rows: [1], steps: [steps], guides: [0], pick: "top", count: 2, logprobs: 0 },
      ];
      const [plain, scored, guided] = await session.sample(step, groups);
      const [one, two] = await Promise.all([0, 1].map((row) => session.read(step, "logits", [row])));
      session.release(step);
      expect(plain!.tokens[0]).toBe(scored!.logprobs!.tokens[0]);
      const logSoftmax = (row: Float32Array) => {
        const total = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
        return Array.from(row, (value) => value - total);
      };
      const [first, second] = [logSoftmax(one!), logSoftmax(two!)];
      expect(scored!.scores[0]).toBeCloseTo(first[3]!, 4);
      expect(scored!.scores[1]).toBeCloseTo(second[5]!, 4);
      expect(scored!.logprobs!.values[0]).toBeCloseTo(Math.max(...first), 4);
      const led = second.map((value, token) => first[token]! + 1.5 * (value - first[token]!));
      expect(guided!.scores[0]).toBeCloseTo(Math.max(...led), 4);
      expect(guided!.tokens[0]).toBe(led.indexOf(Math.max(...led)));
      expect(guided!.logprobs!.picked[0]).toBeCloseTo(second[guided!.tokens[0]!]!, 4);
    });
  });

  it("takes the first of equals, and NaN above all", async () => {
    const pick = async (row: number[]) => {
      const builder = new ProgramBuilder();
      const table = builder.weight(
        [64, row.length],
        ["gather"],
        Float32Array.from({ length: 64 * row.length }, (_, i) => row[i % row.length]!),
      );
      const x = builder.op("embed", [], ["T", row.length], {}, [table]);
      const { model, source } = builder.model(x);
      const session = await cpu.prepare(model, source, limits);
      const step = session.run(makeBatch([{ sequence: 0, from: 0, tokens: [1] }], 0, 32, 8));
      const [picks] = await session.sample(step, [greedy([0])]);
      await session.dispose();
      return picks!.tokens[0];
    };
    const row = Array.from({ length: 53 }, (_, index) => -index);
    expect(await pick(row)).toBe(0);
    expect(await pick(row.map((value, index) => (index === 20 || index === 51 ? 7 : value)))).toBe(20);
    expect(await pick(row.map((value, index) => (index === 52 ? Number.NaN : value)))).toBe(52);
    expect(await pick(row.map(() => Number.NEGATIVE_INFINITY))).toBe(0);
  });

  it("queues steps before the first is read, and keeps each one's logits", async () => {
    await withSession(async (session) => {
      const batches = [0, 1, 2].map((sequence) =>
        makeBatch([{ sequence, from: 0, tokens: tokenIds(9, sequence + 1) }], 1, 32, 8),
      );
      const rows = Array.from({ length: 9 }, (_, row) => row);
      const steps = batches.map((batch) => session.run(batch));
      const together = await Promise.all(steps.map((step) => session.read(step, "logits", rows)));
      for (const step of steps) session.release(step);
      for (const [index, batch] of batches.entries()) expect(await runStep(session, batch)).toEqual(together[index]);
    });
  });

  it("reads taps by name, and refuses other outputs and rows", async () => {
    await withSession(
      async (session) => {
        const step = session.run(good());
        expect((await session.read(step, "hidden", [4, 0])).length).toBe(128);
        await expect(session.read(step, "nothing", [0])).rejects.toMatchObject({ code: "invalid_input" });
        await expect(session.read(step, "logits", [5])).rejects.toMatchObject({ code: "invalid_input" });
        await expect(session.sample(step, [greedy([-1])])).rejects.toMatchObject({ code: "invalid_input" });
        session.release(step);
        await expect(session.read(step, "logits", [0])).rejects.toMatchObject({ code: "internal" });
      },
      { taps: ["hidden"] },
    );
  });
});

describe("malformed batches", () => {
  const broken: [string, (batch: Batch) => Batch][] = [
    ["a token outside the vocabulary", (batch) => ({ ...batch, tokenIds: Int32Array.of(1, 2, 3, 4, 64) })],
    ["a negative token", (batch) => ({ ...batch, tokenIds: Int32Array.of(1, 2, 3, 4, -1) })],
    ["positions with a gap", (batch) => ({ ...batch, positions: Int32Array.of(0, 1, 2, 3, 5) })],
    ["too few positions", (batch) => ({ ...batch, positions: Int32Array.of(0, 1) })],
    ["a logit row beyond the end", (batch) => ({ ...batch, logitRows: Int32Array.of(5) })],
    ["a block outside the cache", (batch) => withTable(batch, [64])],
    ["a freed block that is needed", (batch) => withTable(batch, [-1])],
    ["no block", (batch) => withTable(batch, [])],
    ["a copy outside the cache", (batch) => ({ ...batch, copies: [{ state: 0, from: 0, to: 64 }] })],
    ["more tokens than the limit", () => makeBatch([{ sequence: 0, from: 0, tokens: tokenIds(513) }], 1, 32, 8)],
  ];
  it.each(broken)("%s", async (_, change) => {
    await withSession(async (session) => {
      const step = session.run(change(good()));
      await expect(session.sample(step, [greedy([0])])).rejects.toMatchObject({ code: "batch_invalid" });
      await expect(session.read(step, "logits", [0])).rejects.toMatchObject({ code: "batch_invalid" });
      session.release(step);
      // the session still works
      expect((await runStep(session, good())).length).toBe(5 * 64);
    });
  });

  function withTable(batch: Batch, table: number[]): Batch {
    return {
      ...batch,
      states: [{ ...batch.states[0]!, table: Int32Array.from(table), tableStart: Int32Array.of(0, table.length) }],
    };
  }
});

describe("plan and prepare", () => {
  it("plan names what it takes, and prepare's session agrees", async () => {
    const { model, source } = layerModel();
    const memory = cpu.plan(model, source, limits);
    expect(memory.total).toBe(memory.weights + memory.cache + memory.workspace);
    // 64 blocks of 32 tokens, 2 heads of 16 + 16 float32 values, and a line behind each block
    expect(memory.cache).toBe(64 * (32 * 2 * 32 * 4 + 64));
    await withSession(async (session) => expect(session.memory().planned).toEqual(memory));
  });

  it("takes memory of the cache as it is needed, tells the peak, and gives it back", async () => {
    await withSession(async (session) => {
      expect(session.memory()).toMatchObject({ cache: 0 });
      await runStep(session, makeBatch([{ sequence: 0, from: 0, tokens: [1, 2, 3] }], 1, 32, 8));
      const { cache, peak, total, planned } = session.memory();
      expect(cache).toBeGreaterThan(0);
      expect(cache).toBeLessThanOrEqual(planned.cache);
      expect(peak).toBe(total);
      session.trim!();
      await session.sample(session.run(makeBatch([{ sequence: 0, from: 0, tokens: [1] }], 1, 32, 8)), []);
      expect(session.memory().peak).toBeGreaterThanOrEqual(peak);
    });
  });

  it("refuses an op that has no kernel", () => {
    const { model, source } = layerModel();
    model.programs.decode.ops[1]!.op = "colour";
    expect(() => cpu.plan(model, source, limits)).toThrow(expect.objectContaining({ code: "op_unsupported" }));
  });

  it("refuses an attribute that an op does not know", () => {
    const { model, source } = layerModel();
    model.programs.decode.ops[1]!.attributes = { epsilon: 1e-6, colour: 3 };
    const message = "[rms_norm] attribute `colour`: expected one of epsilon, ";
    expect(() => cpu.plan(model, source, limits)).toThrow(expect.objectContaining({ code: "op_invalid" }));
    expect(() => cpu.plan(model, source, limits)).toThrow(message);
  });

  it("has one kernel for every op, and none besides", () => {
    expect(nativeAddon().kernels).toEqual([...ops.keys()].sort());
  });

  it.each([{ maxTokens: 0 }, { blocks: {} }, { weights: "int8" }, { cache: "float16" }, { taps: ["attentions"] }])(
    "refuses limits %o",
    (given) => {
      const { model, source } = layerModel();
      const wrong = { ...limits, ...given } as typeof limits;
      expect(() => cpu.plan(model, source, wrong)).toThrow(expect.objectContaining({ code: "limits_invalid" }));
    },
  );

  it("says in one error how to get a missing addon", async () => {
    const { model, source } = layerModel();
    vi.stubEnv("TSUMUGI_ADDON_PATH", "/nowhere/tsumugi.node");
    vi.resetModules(); // the addon is loaded once per module
    try {
      const { createCpuBackend: fresh } = await import("../../src/backends/cpu/index.ts");
      const missing = {
        code: "native_addon_missing",
        message: expect.stringMatching(/\/nowhere\/tsumugi\.node.*node ".*build-native\.mjs".*`reference`/),
      };
      expect(() => fresh().plan(model, source, limits)).toThrow(expect.objectContaining(missing));
      await expect(fresh().prepare(model, source, limits)).rejects.toMatchObject(missing);
    } finally {
      vi.unstubAllEnvs();
      vi.resetModules();
    }
  });
});

it("refuses an unknown instruction set by its variable, not as a missing addon", async () => {
  const { model, source } = layerModel();
  vi.stubEnv("TSUMUGI_ISA", "avx3");
  vi.resetModules();
  try {
    const { createCpuBackend: fresh } = await import("../../src/backends/cpu/index.ts");
    const expected = { code: "invalid_option", message: expect.stringMatching(/`TSUMUGI_ISA` must be one of .*avx512.*avx3/) };
    expect(() => fresh().plan(model, source, limits)).toThrow(expect.objectContaining(expected));
  } finally {
    vi.unstubAllEnvs();
    vi.resetModules();
  }
});

describe("life", () => {
  it("dispose lets queued work finish; what comes after is refused", async () => {
    const { model, source } = layerModel();
    const session = await cpu.prepare(model, source, limits);
    const batch = makeBatch([{ sequence: 0, from: 0, tokens: tokenIds(200) }], 1, 32, 8);
    const step = session.run(batch);
    const picked = session.sample(step, [greedy([199])]);
    const disposed = session.dispose();
    expect((await picked)[0]!.tokens.length).toBe(1);
    await disposed;
    await session.dispose();
    expect(() => session.run(batch)).toThrow(expect.objectContaining({ code: "disposed" }));
    await expect(session.read(step, "logits", [0])).rejects.toMatchObject({ code: "disposed" });
    session.release(step);
  });

  it("several sessions take turns", async () => {
    const { model, source } = layerModel();
    const sessions = await Promise.all([1, 2, 3].map((threads) => cpu.prepare(model, source, limits, { threads })));
    const results = await Promise.all(sessions.flatMap((session) => [runStep(session, good()), runStep(session, good())]));
    for (const values of results) expect(values).toEqual(results[0]);
    await Promise.all(sessions.map((session) => session.dispose()));
  });

  it("does not block the event loop while a step runs", async () => {
    const builder = new ProgramBuilder();
    let x = builder.input(1024, 1);
    const weight = builder.weight(
      [1024, 1024],
      ["matmul"],
      noise(1024 * 1024, 2).map((value) => value / 32),
    );
    for (let i = 0; i < 60; i++) x = builder.op("linear", [x], ["T", 1024], {}, [weight, -1]);
    const { model, source } = builder.model(x);
    const session = await cpu.prepare(model, source, limits, { threads: 1 });
    const batch = makeBatch([{ sequence: 0, from: 0, tokens: tokenIds(512) }], 0, 32, 8);
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const start = performance.now();
    const step = session.run({ ...batch, logitRows: Int32Array.of(511) });
    const queued = performance.now() - start;
    await session.sample(step, [greedy([0])]);
    const took = performance.now() - start;
    delay.disable();
    await session.dispose();
    // 64 GFLOP on one thread take well over 100 ms everywhere; the loop must hardly notice
    expect(took).toBeGreaterThan(100);
    expect(queued).toBeLessThan(took / 4);
    expect(delay.max / 1e6).toBeLessThan(took / 2);
  });

  // weights of a linear op: there, or not, which fails the step, so that a rejection is on its way as the thread ends
  it.each(["[0, -1]", "[]"])("works in a worker thread that ends in the middle of a step (weights %s)", async (weights) => {
    const addon = join(root, "native/build/Release/tsumugi.node");
    const script = `
      const { Session } = require(${JSON.stringify(addon)});
      const n = 512, value = (kept) => ({ kind: 1, rows: 0, width: n, offset: 0, kept });
      const session = new Session({ workers: 2, maxTokens: 512, maxSequences: 1, maxLogitRows: 512, workspaceBytes: 512 * n * 4,
        keptFloats: [512 * n], encodeFrom: 200, values: [value(-1), value(0)], parts: [],
        weights: [{ kind: 0, storage: "float32", arithmetic: "float32", groups: 1, rows: n, columns: n }],
        ops: Array.from({ length: 200 }, () => ({ name: "linear", inputs: [0], outputs: [1], weights: ${weights}, parts: [], attributes: { roundProduct: false } })) });
      const ids = new Int32Array(512);
      const step = session.run({ tokenIds: ids, positions: ids, sequenceStart: Int32Array.of(0, 512), promptLength: Int32Array.of(512),
        logitRows: ids, states: [], copies: [] });
      session.sample(step, Int32Array.of(1, 0, 1, -1, 0, 0, 1, 0, -1, 0), Float64Array.of(0), new Int32Array(4));
      require("node:worker_threads").parentPort.postMessage("queued");
      process.exit(0);`;
    for (let round = 0; round < 5; round++) {
      const worker = new Worker(script, { eval: true });
      const code = await new Promise<number>((resolve, reject) => worker.on("exit", resolve).on("error", reject));
      expect(code).toBe(0);
    }
    await withSession(async (session) => expect((await runStep(session, good())).length).toBe(5 * 64));
  });

  it("idle sessions, disposed or not, do not keep the process alive, and it ends well", () => {
    const addon = join(root, "native/build/Release/tsumugi.node");
    const script = `
      const { Session } = require(${JSON.stringify(addon)});
      const open = () => new Session({ workers: 1, maxTokens: 1, maxSequences: 1, maxLogitRows: 1, workspaceBytes: 64, encodeFrom: 0,
        keptFloats: [], values: [], parts: [], weights: [], ops: [] });
      globalThis.sessions = [open(), open(), open()];
      sessions[0].dispose();
      sessions[1].dispose().then(() => sessions.push(open()));`;
    const { status, signal, stderr } = spawnSync(process.execPath, ["-e", script], { timeout: 20_000, encoding: "utf8" });
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
  });
});
