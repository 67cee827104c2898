import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const compiler = join(root, "node_modules/typescript/bin/tsc");
/** What `npm init -y` writes of modules. */
const newPackage = { name: "app", version: "1.0.0", main: "index.js", type: "commonjs" };

/** A folder of a user's, with the packed package in its node_modules. */
let app: string;

beforeAll(() => {
  app = mkdtempSync(join(tmpdir(), "tsumugi-app-"));
  const modules = join(app, "node_modules");
  mkdirSync(join(modules, "@types"), { recursive: true });
  // dist/ is built already: no scripts
  execFileSync("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", app], {
    cwd: root,
    shell: process.platform === "win32",
  });
  const tarball = readdirSync(app).find((file) => file.endsWith(".tgz"))!;
  execFileSync("tar", ["-xzf", tarball], { cwd: app });
  renameSync(join(app, "package"), join(modules, "tsumugi"));
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  for (const name of [...Object.keys(dependencies), "@types/node", "undici-types"]) {
    if (name.includes("/")) mkdirSync(join(modules, name, ".."), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(modules, name), "junction");
  }
  writeFileSync(join(app, "package.json"), JSON.stringify(newPackage));
}, 120_000);
afterAll(() => rmSync(app, { recursive: true, force: true }));

function run(file: string, code: string): string {
  writeFileSync(join(app, file), code);
  const addon = join(root, "native/build/Release/tsumugi.node");
  const env = { ...process.env, HF_HUB_OFFLINE: "1", TSUMUGI_ADDON_PATH: addon };
  return execFileSync(process.execPath, ["--no-warnings", file], { cwd: app, encoding: "utf8", env });
}

const ask = `
  const pipe = await pipeline("text-generation", { model: "tsumugi-mini" });
  const [out] = await pipe("A list of colors: red, blue", { maxNewTokens: 8, doSample: false });
  console.log(out.generatedText);
  await pipe.dispose();
`;

describe("the packed package, in a project that npm init made", () => {
  it("is imported by .mjs", () => {
    expect(run("story.mjs", `import { pipeline } from "tsumugi";${ask}`)).toMatch(/^A list of colors: red, blue, \w+/);
  });

  it("is required by CommonJS", () => {
    const code = `const { pipeline } = require("tsumugi");\n(async () => {${ask}})();`;
    expect(run("story.js", code)).toMatch(/^A list of colors: red, blue, \w+/);
  });

  it("has all that its scripts import", () => {
    const scripts = join(app, "node_modules/tsumugi/scripts");
    const packed = readdirSync(scripts);
    expect(packed).toContain("build-native.mjs");
    for (const script of packed) {
      const imported = [...readFileSync(join(scripts, script), "utf8").matchAll(/ from "\.\/(.+)"/g)].map((match) => match[1]);
      expect(packed).toEqual(expect.arrayContaining(imported));
    }
  });
});

/** What `tsc --init` of TypeScript 5.9 and 7 writes, and libraries are checked too. */
const initial = {
  module: "nodenext",
  target: "esnext",
  types: [] as string[],
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  strict: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  noUncheckedSideEffectImports: true,
  moduleDetection: "force",
  skipLibCheck: false,
  noEmit: true,
};

/** Every name that may be left out, as undefined. */
const unset = `
type Unset<Options> = { [Name in keyof Options as object extends Pick<Options, Name> ? Name : never]: undefined };
type Optional<Options> = Pick<Options, keyof Unset<Options>>;
declare function unset<Options>(): Unset<Options>;
`;

const optionTypes = [
  "GenerationConfig",
  "GenerateOptions",
  "StreamOptions",
  "FromPretrainedOptions",
  "ModelOptions",
  "PromptOptions",
  "TextGenerationOptions",
  "Text2TextOptions",
  "TextModelOptions",
  "TextModelCallOptions",
  "TokenizerLoadOptions",
  "EncodeOptions",
  "DecodeOptions",
  "ChatTemplateOptions",
  "IncrementalDecoderOptions",
  "TextStreamerOptions",
  "TextIteratorStreamerOptions",
  "WatermarkDetectorOptions",
  "FewShotPromptOptions",
];

/** What the compiler says of files in the user's folder. */
function compile(files: { [name: string]: string }, options: object): string {
  const folder = join(app, "types");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ ...newPackage, type: "module" }));
  for (const [name, code] of Object.entries(files)) writeFileSync(join(folder, name), code);
  const settings = { compilerOptions: { ...initial, ...options }, include: ["*.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings));
  return spawnSync(process.execPath, [compiler, "-p", folder], { encoding: "utf8" }).stdout;
}

describe("its declarations, with what tsc --init writes", { timeout: 180_000 }, () => {
  const snippets = Object.fromEntries(
    ["README.md", "README.ja.md"].flatMap((readme) => {
      const found = readFileSync(join(root, readme), "utf8").matchAll(/^```ts\n([\s\S]*?)^```$/gm);
      return [...found].map((match, index) => [`${readme.replaceAll(".", "-")}-${index}.ts`, match[1]!]);
    }),
  );

  it.each([
    ["nodenext", { module: "nodenext" }],
    ["bundler", { module: "preserve", moduleResolution: "bundler" }],
  ])("compile under the READMEs' snippets: %s", (_, options) => {
    expect(Object.keys(snippets).length).toBeGreaterThan(10);
    expect(compile(snippets, { ...options, types: ["node"] })).toBe("");
  });

  it("need no types of Node or of browsers, and nothing newer than ES2022", () => {
    const code = `import { pipeline } from "tsumugi";
      const pipe = await pipeline("text-generation", { model: "tsumugi-mini", dtype: undefined, maxNewTokens: undefined });
      export const said: string = (await pipe([{ role: "user", content: "hello" }]))[0].generatedText.at(-1).content;`;
    const browser = `import { fetchFiles, loadFromFiles } from "tsumugi/browser";
      export const model = await loadFromFiles(fetchFiles("/models", { headers: undefined }));`;
    expect(compile({ "node.ts": code, "browser.ts": browser }, { lib: ["es2022"] })).toBe("");
  });

  it("take undefined for every option that may be left out", () => {
    const lines = optionTypes.map((name) => `export const of${name}: Optional<tsumugi.${name}> = unset<tsumugi.${name}>();`);
    const code = `import type * as tsumugi from "tsumugi";\n${unset}${lines.join("\n")}`;
    expect(compile({ "unset.ts": code }, { types: ["node"] })).toBe("");
  });
});
