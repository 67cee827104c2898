import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nativeAddon } from "../../src/backends/cpu/addon.ts";
import { instructionSetsBelow } from "../helpers/instruction-sets.ts";
import { isLong } from "../helpers/seed-count.ts";

// The addon chooses its instruction set once per process: the others run the kernel tests in child processes.
const files = ["kernels", "attention", "code-blocks", "code-layouts", "sampling-property"].map(
  (name) => `test/backend/${name}.test.ts`,
);

const bytes = "test/backend/int8.test.ts";

describe("kernels at the instruction sets below the best", () => {
  it("begin with the plain one", () => expect(nativeAddon().isas[0]).toBe("scalar"));

  const ofFloats = new Set(instructionSetsBelow("floats"));
  it.each(instructionSetsBelow("all"))("%s", { timeout: 120_000 }, async (isa) => {
    const root = join(import.meta.dirname, "../..");
    const command = [
      join(root, "node_modules/vitest/vitest.mjs"),
      "run",
      "--project",
      "backend",
      bytes,
      ...(ofFloats.has(isa) ? files : []),
    ];
    const child = spawn(process.execPath, command, {
      cwd: root,
      env: {
        ...process.env,
        TSUMUGI_ISA: isa,
        ...(isLong ? {} : { TSUMUGI_TESTS_IN: "instruction-sets" }),
        NO_COLOR: "1",
        FORCE_COLOR: "0",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
    expect(code, output).toBe(0);
    expect(output).toMatch(/Tests +\d+ passed/);
  });

  it("refuses to load under an unknown name", async () => {
    const script = `require(${JSON.stringify(join(import.meta.dirname, "../../native/build/Release/tsumugi.node"))})`;
    const child = spawn(process.execPath, ["-e", script], {
      env: { ...process.env, TSUMUGI_ISA: "avx3" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let output = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    expect(code).not.toBe(0);
    expect(output).toContain("avx3");
  });
});
