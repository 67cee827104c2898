import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nativeAddon } from "../../src/backends/cpu/addon.ts";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import { instructionSetsBelow } from "../helpers/instruction-sets.ts";
import { fixtureNames, logitsCases } from "../helpers/logits-cases.ts";

// The addon chooses its instruction set once per process, so every other set is tested by this same file in a child
// process, which finds the name of its set in this variable.
const child = process.env.TSUMUGI_TEST_CHILD_ISA;
const best = nativeAddon().isa();

describe.each(fixtureNames)(`%s on the cpu backend (${best})`, (name) => {
  logitsCases(createCpuBackend, name, () => best);
});

if (child !== undefined) {
  it("uses the instruction set it was told to", () => expect(best).toBe(child));
} else {
  describe("instruction sets below the best", () => {
    it.each(instructionSetsBelow("floats"))("give transformers' logits: %s", async (isa) => {
      const { code, output } = await runThisFile(isa);
      if (process.env.TSUMUGI_SHOW_ERRORS) console.log(output);
      expect(output).toMatch(new RegExp(`${fixtureNames.length * 3 + 1} passed`));
      expect(code, output).toBe(0);
    });
  });
}

/** Runs this file with vitest in a child process that is capped at an instruction set. */
async function runThisFile(isa: string): Promise<{ code: number | null; output: string }> {
  const root = join(import.meta.dirname, "../..");
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const runs = spawn(process.execPath, [vitest, "run", "--project", "conformance", "test/conformance/cpu-logits.test.ts"], {
    cwd: root,
    env: { ...process.env, TSUMUGI_ISA: isa, TSUMUGI_TEST_CHILD_ISA: isa, NO_COLOR: "1", FORCE_COLOR: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [runs.stdout, runs.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const code = await new Promise<number | null>((resolve, reject) => runs.on("error", reject).on("close", resolve));
  return { code, output };
}
