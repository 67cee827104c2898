import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import type { Backend, PrepareOptions } from "../backends/backend.ts";
import { type DeviceName, deviceNames, registerDevice } from "../backends/devices.ts";
import { createReferenceBackend } from "../backends/reference/index.ts";
import { AutoModelForCausalLM } from "./auto-model.ts";

const folder = join(import.meta.dirname, "../../test/fixtures/models/llama");
const prompt = { inputIds: [[5, 6, 7]], maxNewTokens: 4, doSample: false };
const toy = "toy" as DeviceName;
let forget = () => {};
afterEach(() => forget());

/** Registers the reference backend under another name, with abilities of its own. */
function register(abilities: Partial<Backend>): PrepareOptions[] {
  const prepared: PrepareOptions[] = [];
  const reference = createReferenceBackend();
  forget = registerDevice("toy", async () => ({
    ...reference,
    name: "toy",
    ...abilities,
    prepare(model, source, limits, options = {}) {
      prepared.push(options);
      return reference.prepare(model, source, limits, options);
    },
  }));
  return prepared;
}

test("a registered backend is a device that a model loads on, with its threads", async () => {
  const prepared = register({ usesThreads: true });
  expect(deviceNames()).toEqual(["cpu", "reference", "toy"]);
  const model = await AutoModelForCausalLM.fromPretrained(folder, { device: toy, threads: 3 });
  const expected = await AutoModelForCausalLM.fromPretrained(folder, { device: "reference" });
  expect([model.device, prepared[0]?.threads]).toEqual(["toy", 3]);
  expect((await model.generate(prompt)).sequences).toEqual((await expected.generate(prompt)).sequences);
  await Promise.all([model.dispose(), expected.dispose()]);
});

test("what a backend keeps decides whether hidden states can be read, not its name", async () => {
  for (const keepsOutputs of [true, false]) {
    register({ keepsOutputs });
    const model = await AutoModelForCausalLM.fromPretrained(folder, { device: toy });
    const asked = model.generate({ ...prompt, outputHiddenStates: true, returnDictInGenerate: true });
    if (keepsOutputs) expect((await asked).hiddenStates).toHaveLength(4);
    else await expect(asked).rejects.toMatchObject({ code: "unsupported_option" });
    await model.dispose();
    forget();
  }
});

test("threads are refused where a backend has no use for them, and a name that is gone is unknown again", async () => {
  register({});
  const load = () => AutoModelForCausalLM.fromPretrained(folder, { device: toy, threads: 2 });
  await expect(load()).rejects.toThrow('Options `device: "toy"` and `threads` cannot be used together');
  forget();
  await expect(load()).rejects.toThrow('Option `device` must be one of "auto", "cpu", "reference". Given: "toy".');
});

test("auto runs without the addon, with one line about it; cpu does not", async () => {
  vi.stubEnv("TSUMUGI_ADDON_PATH", "/nowhere/tsumugi.node");
  vi.resetModules(); // the addon is loaded once per module
  try {
    const { AutoModelForCausalLM: fresh } = await import("./auto-model.ts");
    const { setWarningHandler } = await import("../util/warnings.ts");
    const warnings: string[] = [];
    setWarningHandler((message) => warnings.push(message));
    for (const device of ["auto", undefined] as const) {
      const model = await fresh.fromPretrained(folder, { device });
      expect(model.device).toBe("reference");
      await model.dispose();
    }
    expect(warnings).toEqual([
      expect.stringMatching(/^running on device "reference", which is slow: .*TSUMUGI_ADDON_PATH.*\.$/),
    ]);
    await (await fresh.fromPretrained(folder, { threads: 2 })).dispose();
    expect(warnings.slice(1)).toEqual(["`threads` has no effect: the reference device runs on one thread."]);
    await expect(fresh.fromPretrained(folder, { device: "cpu" })).rejects.toMatchObject({ code: "native_addon_missing" });
  } finally {
    vi.unstubAllEnvs();
    vi.resetModules();
  }
});

test("two devices cannot share a name", () => {
  for (const name of ["auto", "cpu"]) {
    expect(() => registerDevice(name, async () => createReferenceBackend())).toThrow("is there already");
    const refused = expect.objectContaining({ code: "invalid_option" });
    expect(() => registerDevice(name, async () => createReferenceBackend())).toThrow(refused);
  }
});
