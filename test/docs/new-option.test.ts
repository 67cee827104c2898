import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const model = join(root, "test/fixtures/models/llama");

/** What is added: the new file, and the line that names it. */
interface Added {
  file: string;
  source: string;
  list: string;
  line: string;
}

const processor: Added = {
  file: "src/sampling/processors/skew.ts",
  source: `import { number } from "../../util/schemas.ts";
import { constant, defineProcessor } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Added to the score of token 7. */
    skew?: number | null;
  }
}

export const skew = defineProcessor({
  name: "skew",
  order: 4.4,
  sampling: false,
  schema: number("a number of at least 0", { minimum: 0 }),
  default: null,
  description: "Added to the score of token 7.",
  flag: { value: "s" },
  off: (value) => value === 0,
  create: (value) => constant({ kind: "edit", how: "add", tokens: Int32Array.of(7), values: Float32Array.of(value) }),
});
`,
  list: "src/sampling/processors/index.ts",
  line: 'export { skew } from "./skew.ts";\n',
};

const field: Added = {
  file: "src/decoding/fields/echo.ts",
  source: `import { whole } from "../../util/schemas.ts";
import { defineField } from "../define-field.ts";

declare module "../options.ts" {
  interface GenerationFields {
    /** How often it is said again. Default 2. */
    echoCount?: number | null;
  }
}

export const echoCount = defineField({
  name: "echoCount",
  family: "Output",
  schema: whole(1),
  default: 2,
  required: true,
  description: "How often it is said again.",
  flag: { value: "n" },
});
`,
  list: "src/decoding/fields/index.ts",
  line: 'export * from "./echo.ts";\n',
};

const callOption: Added = {
  file: "src/generate/call-options/label.ts",
  source: `import { z } from "zod";
import { expects } from "../../util/schemas.ts";
import { defineCallOption } from "../define-call-option.ts";

declare module "../options.ts" {
  interface CallOptions {
    /** A name for the call. */
    callLabel?: string;
  }
}

export const callLabel = defineCallOption({
  name: "callLabel",
  schema: expects("a text", z.string()),
  default: null,
  description: "A name for the call.",
  flag: { value: "text" },
});
`,
  list: "src/generate/call-options/index.ts",
  line: 'export * from "./label.ts";\n',
};

const caller = `import { type CausalLM, type GenerateOptions, type GenerationConfig } from "../src/index.ts";
import type { GenerationSettings } from "../src/decoding/generation-settings.ts";

export const call = (model: CausalLM) => model.generate({ inputIds: [[1]], skew: 1, echoCount: 3, callLabel: "x" });
export const config: GenerationConfig = { skew: null, echoCount: null };
export const decided = ({ skew, echoCount }: GenerationSettings): [number | null, number] => [skew, echoCount];
// @ts-expect-error: not a text
export const wrong: GenerateOptions = { skew: "1" };
// @ts-expect-error: not a number
export const label: GenerateOptions = { callLabel: 1 };
`;

/** A copy of the project, which has the three options more. */
const scratch = mkdtempSync(join(tmpdir(), "new-option-"));
const run = (...command: string[]) =>
  execFileSync(process.execPath, command, { cwd: scratch, encoding: "utf8", stdio: "pipe" });
const tsc = join(root, "node_modules/typescript/bin/tsc");
const load = (path: string) => import(pathToFileURL(join(scratch, "dist", path)).href);

beforeAll(() => {
  for (const path of ["src", "scripts", "docs", "package.json", "tsconfig.json", "tsconfig.build.json"]) {
    cpSync(join(root, path), join(scratch, path), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(scratch, "node_modules"));
  for (const { file, source, list, line } of [processor, field, callOption]) {
    expect(existsSync(join(scratch, file)), file).toBe(false);
    writeFileSync(join(scratch, file), source);
    appendFileSync(join(scratch, list), line);
  }
  mkdirSync(join(scratch, "test"));
  writeFileSync(join(scratch, "test/caller.ts"), caller);
  for (const file of ["src", "test"].flatMap((folder) => testsIn(folder))) rmSync(join(scratch, file));
  run(tsc, "-p", "tsconfig.build.json");
}, 300_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The copy has no fixtures: its own tests are left out. */
function testsIn(folder: string): string[] {
  const listing = execFileSync("find", [folder, "-name", "*.test.ts"], { cwd: scratch, encoding: "utf8" });
  return listing.split("\n").filter(Boolean);
}

describe("a processor, a field and an option of a call, each one file and one line", () => {
  it("type-check for callers of generate and in the settings", () => {
    writeFileSync(
      join(scratch, "tsconfig.caller.json"),
      JSON.stringify({ extends: "./tsconfig.json", include: ["src", "test"] }),
    );
    expect(run(tsc, "--noEmit", "-p", "tsconfig.caller.json")).toBe("");
  }, 120_000);

  it("have a flag on the command line, with its help", () => {
    const help = run("dist/cli/main.js", "generate", "--help");
    expect(help).toMatch(/--skew <s>\s+added to the score of token 7/);
    expect(help).toMatch(/--echo-count <n>\s+how often it is said again/);
    expect(help).toMatch(/--call-label <text>\s+a name for the call/);
    expect(() => run("dist/cli/main.js", "generate", "x", "--skew", "-1")).toThrow("It must be a number of at least 0.");
  });

  it("have a row in the documentation", () => {
    run("scripts/docs-options.mjs");
    const document = readFileSync(join(scratch, "docs/generation.md"), "utf8");
    expect(document).toContain("| 4.4 | `skew` | | Added to the score of token 7. |");
    expect(document).toContain("| `echoCount` | `2` | How often it is said again. |");
    expect(document).toContain("| `callLabel` | A name for the call. |");
  });

  it("have an entry in the JSON schema of the wire", async () => {
    const { wireSchema } = await load("decoding/wire-schema.js");
    const { properties } = wireSchema();
    expect(properties.skew).toMatchObject({ anyOf: [{ type: "number", minimum: 0 }, { type: "null" }] });
    expect(properties.echo_count).toMatchObject({ anyOf: [{ type: "integer", minimum: 1 }, { type: "null" }], default: 2 });
  });

  it("work", async () => {
    const { AutoModelForCausalLM } = await load("index.js");
    const { resolveSettings } = await load("decoding/resolve-settings.js");
    expect(resolveSettings({}, {}, {})).toMatchObject({ skew: null, echoCount: 2 });
    expect(resolveSettings({ skew: 1, echoCount: null }, {}, { echoCount: 5 })).toMatchObject({ skew: 1, echoCount: 2 });
    const llama = await AutoModelForCausalLM.fromPretrained(model, { device: "reference" });
    const options = { inputIds: [[1, 2, 3]], maxNewTokens: 4, eosTokenId: null };
    const { sequences } = await llama.generate({ ...options, skew: 10_000, callLabel: "mine" });
    expect(sequences[0].slice(3)).toEqual([7, 7, 7, 7]);
    await expect(llama.generate({ ...options, skew: -1 })).rejects.toThrow("`skew` must be a number of at least 0. Given: -1.");
    await expect(llama.generate({ ...options, echoCount: 0 })).rejects.toThrow(
      "`echoCount` must be a whole number of at least 1",
    );
    await expect(llama.generate({ ...options, callLabel: 3 })).rejects.toThrow("`callLabel` must be a text. Given: 3.");
    await llama.dispose();
  }, 60_000);
});
