import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AutoModelForCausalLM } from "../../src/generate/auto-model.ts";
import { setWarningHandler } from "../../src/generate/warnings.ts";

/**
 * Greedy tokens under teacher forcing, against transformers in bfloat16 (tools/golden/bfloat16.py). transformers rounds every
 * activation and the logits; we round weights, the KV cache and, on cpu, what goes into a product (with every instruction
 * set the same). So tokens differ where two are nearly equal: there transformers differs from itself in float32 as well.
 */
interface Golden {
  inputIds: number[][];
  /** [row][position] transformers' four best in bfloat16, and their logits. */
  tokens: number[][][];
  logits: number[][][];
  /** [row][position] */
  greatest: number[][];
  float32Tokens: number[][];
}

const fixtures = join(import.meta.dirname, "../fixtures");
const golden: Record<string, Golden> = JSON.parse(readFileSync(join(fixtures, "decoding/bfloat16.json"), "utf8"));
const names = Object.keys(golden);
/** How near to a tie every disagreement is, in units of the last place of a bfloat16 as large as the greatest logit. */
const nearlyEqual = 8;

beforeAll(() => setWarningHandler(() => {}));
afterAll(() => setWarningHandler());

/** Logits at every position of a sequence. */
async function forced(name: string, device: "reference" | "cpu", rows: number[][]): Promise<Float32Array[][]> {
  const model = await AutoModelForCausalLM.fromPretrained(join(fixtures, "models", name), { device, dtype: "bfloat16" });
  try {
    const answers = rows.map(async (ids) => {
      const { logits } = await model.generate({
        inputIds: [[ids[0]!]],
        attentionMask: [[1]],
        maxNewTokens: ids.length,
        eosTokenId: null,
        prefixAllowedTokensFn: (_row: number, given: readonly number[]) => [ids[given.length] ?? 0],
        outputLogits: true,
      });
      return logits!.map((step) => step[0]!);
    });
    return await Promise.all(answers);
  } finally {
    await model.dispose();
  }
}

describe.each(["reference", "cpu"] as const)("bfloat16 on %s", (device) => {
  const counts = { positions: 0, agree: 0, orEqual: 0, theyAgree: 0, nearer: 0 };

  test.each(names)("%s: every disagreement is within rounding of a tie", async (name) => {
    const { inputIds, tokens, logits, greatest, float32Tokens } = golden[name]!;
    const steps = await forced(name, device, inputIds);
    for (const [row, positions] of steps.entries()) {
      for (const [at, ours] of positions.entries()) {
        const choice = ours.indexOf(Math.max(...ours));
        const theirs = tokens[row]![at]!;
        const values = logits[row]![at]!;
        const place = theirs.indexOf(choice);
        counts.positions++;
        if (place === 0) counts.agree++;
        if (place >= 0 && values[place] === values[0]) counts.orEqual++;
        if (theirs[0] === float32Tokens[row]![at]) counts.theyAgree++;
        if (choice === float32Tokens[row]![at]) counts.nearer++;
        if (place === 0) continue;
        const unit = 2 ** (Math.floor(Math.log2(greatest[row]![at]!)) - 7);
        expect(place, `${name}, position ${at}: our choice is among their best four`).toBeGreaterThan(0);
        expect((values[0]! - values[place]!) / unit, `${name}, position ${at}: their logits`).toBeLessThanOrEqual(nearlyEqual);
        expect((ours[choice]! - ours[theirs[0]!]!) / unit, `${name}, position ${at}: ours`).toBeLessThanOrEqual(nearlyEqual);
      }
    }
  });

  test("the tokens agree, and are as near to float32 on the same weights as transformers' own", () => {
    const { positions, agree, orEqual, theyAgree, nearer } = counts;
    expect(positions).toBe(names.length * 400);
    expect(agree / positions).toBeGreaterThan(0.97);
    expect(orEqual / positions).toBeGreaterThan(0.98);
    expect(nearer).toBeGreaterThanOrEqual(theyAgree);
  });
});
