import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

test("20,000 mutated files, templates and calls end with an answer or a coded error", () => {
  const script = fileURLToPath(new URL("../fuzz/run.mjs", import.meta.url));
  const seed = String(Date.now() % 1_000_000);
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, "--cases", "20000", "--seed", seed], {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  expect(status, `seed ${seed}\n${stdout}\n${stderr}`).toBe(0);
});
