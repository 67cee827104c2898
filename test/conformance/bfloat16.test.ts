import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import { createReferenceBackend } from "../../src/backends/reference/index.ts";
import { AutoModelForCausalLM } from "../../src/generate/auto-model.ts";
import { setWarningHandler } from "../../src/util/warnings.ts";
import { chunkedLogits, fixtures, runFixture } from "../helpers/run-model.ts";

/**
 * Greedy tokens under teacher forcing, against transformers in bfloat16 (tools/golden/bfloat16.py): values are rounded where
 * transformers' operations round them. What still differs is the order of float32 sums, which now and then turns one
 * rounding over.
 */
interface Golden {
  inputIds: number[];
  /** [position] transformers' four best in bfloat16. */
  tokens: number[][];
  /** [position] how far the logits of the last three lie below the first's, in units of the last place of the greatest logit. */
  gaps: number[][];
  /** [position] transformers' choice in float32. */
  float32Tokens: number[];
}

const golden: Record<string, Golden> = JSON.parse(
  readFileSync(join(import.meta.dirname, "../fixtures/decoding/bfloat16.json"), "utf8"),
);
const names = Object.keys(golden);
/**
 * Models that do not compute as transformers does step by step, so that roundings fall elsewhere and an expert may be chosen
 * otherwise: latent attention with absorbed projections, a recurrence token by token. Their tokens count, without the second bar.
 */
const approximate = new Set(["deepseek_v2", "deepseek_v2_groups", "deepseek_v3", "qwen3_next"]);
/** How near to a tie a disagreement is, in those units. */
const nearlyEqual = 8;

beforeAll(() => setWarningHandler(() => {}));
afterAll(() => setWarningHandler());

const backends = { reference: createReferenceBackend, cpu: createCpuBackend };

describe.each(["reference", "cpu"] as const)("bfloat16 on %s", (device) => {
  const counts = { positions: 0, agree: 0, theyAgree: 0, nearer: 0 };

  test.each(names)("%s: disagreements are within rounding of a tie", async (name) => {
    const { inputIds, tokens, gaps, float32Tokens } = golden[name]!;
    const running = await runFixture(backends[device](), name, { tokens: inputIds.length, dtype: "bfloat16" });
    const steps = await chunkedLogits(running, inputIds, [inputIds.length]).finally(() => running.dispose());
    let agree = 0;
    for (const [at, ours] of steps.entries()) {
      const choice = ours.indexOf(Math.max(...ours));
      const place = tokens[at]!.indexOf(choice);
      counts.positions++;
      if (place === 0) agree++;
      if (tokens[at]![0] === float32Tokens[at]) counts.theyAgree++;
      if (choice === float32Tokens[at]) counts.nearer++;
      if (place === 0 || approximate.has(name)) continue;
      expect(place, `${name}, position ${at}: our choice is among their best four`).toBeGreaterThan(0);
      expect(gaps[at]![place - 1], `${name}, position ${at}: their logits`).toBeLessThanOrEqual(nearlyEqual);
    }
    counts.agree += agree;
    if (process.env.TSUMUGI_SHOW_ERRORS) console.log(`${device} ${name}: ${agree} of ${steps.length} tokens agree`);
  });

  test("at least 99 % of the tokens agree, and they are as near to float32 as transformers' own", () => {
    const { positions, agree, theyAgree, nearer } = counts;
    expect(positions).toBe(names.length * 200);
    expect(agree / positions).toBeGreaterThanOrEqual(0.99);
    expect(nearer / positions).toBeGreaterThanOrEqual(theyAgree / positions - 0.002);
  });

  test("is what dtype bfloat16 means; activationDtype float32 gives values that are not rounded", async () => {
    const { inputIds } = golden.llama!;
    const logitsOf = async (activationDtype?: "float32") => {
      const options = { device, dtype: "bfloat16" as const, ...(activationDtype && { activationDtype }) };
      const model = await AutoModelForCausalLM.fromPretrained(join(fixtures, "llama"), options);
      const { logits } = await model.generate({ inputIds: [inputIds], maxNewTokens: 1, outputLogits: true });
      await model.dispose();
      return logits![0]![0]!;
    };
    const running = await runFixture(backends[device](), "llama", { tokens: inputIds.length, dtype: "bfloat16" });
    const steps = await chunkedLogits(running, inputIds, [inputIds.length]).finally(() => running.dispose());
    const rounded = await logitsOf();
    expect(rounded).toEqual(steps.at(-1));
    const isBfloat16 = (value: number) => (new Uint32Array(Float32Array.of(value).buffer)[0]! & 0xffff) === 0;
    expect(rounded.every(isBfloat16)).toBe(true);
    expect((await logitsOf("float32")).every(isBfloat16)).toBe(false);
  });
});
