/** Random templates against Python's Jinja2. Needs a Python with transformers and jinja2: TSUMUGI_PYTHON names it (default: python3). */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { differencesOf, type JinjaGolden } from "../helpers/jinja-golden.ts";

test("20,000 random templates give Jinja2's text, or a coded error where Jinja2 raises", () => {
  const folder = mkdtempSync(join(tmpdir(), "tsumugi-jinja-"));
  try {
    const out = join(folder, "golden.json");
    const script = fileURLToPath(new URL("../../tools/golden/jinja.py", import.meta.url));
    const seed = String(Date.now() % 1_000_000);
    execFileSync(process.env.TSUMUGI_PYTHON ?? "python3", [script, out, "--seed", seed, "--count", "20000"]);
    const differences = differencesOf(JSON.parse(readFileSync(out, "utf8")) as JinjaGolden);
    expect(differences.slice(0, 10), `seed ${seed}`).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
